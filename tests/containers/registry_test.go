package containers_test

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/tests/containers"
)

// both runs a test on each registry.
func both(t *testing.T, test func(t *testing.T, version containers.RegistryVersion)) {
	t.Run("distribution v3", func(t *testing.T) {
		t.Parallel()
		test(t, containers.DistributionV3)
	})
	t.Run("docker-registry 2.8", func(t *testing.T) {
		t.Parallel()
		test(t, containers.DockerRegistry2)
	})
}

// push pushes one image under several tags, and returns its digest.
func push(t *testing.T, host string, auth authn.Authenticator, tags ...string) (digest string) {
	t.Helper()
	img, err := random.Image(256, 1)
	require.NoError(t, err)
	for _, tag := range tags {
		ref, err := name.ParseReference(host + "/cr/python:" + tag)
		require.NoError(t, err)
		require.NoError(t, remote.Write(ref, img, remote.WithAuth(auth)))
	}
	hash, err := img.Digest()
	require.NoError(t, err)
	return hash.String()
}

// call returns the status of a request, the code of the error in its answer, and the answer.
func call(t *testing.T, method, url string, login ...string) (status int, code, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	require.NoError(t, err)
	req.Header.Add("Accept", "application/vnd.docker.distribution.manifest.v2+json")
	req.Header.Add("Accept", "application/vnd.oci.image.manifest.v1+json")
	if login != nil {
		req.SetBasicAuth(login[0], login[1])
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	var body struct{ Errors []struct{ Code string } }
	if json.Unmarshal(b, &body) == nil && len(body.Errors) > 0 {
		code = body.Errors[0].Code
	}
	return res.StatusCode, code, string(b)
}

// The table in the comment of RegistryOptions, line by line.
func TestRegistryDelete(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version containers.RegistryVersion) {
		host := containers.Registry(t, containers.RegistryOptions{Version: version, Delete: true})
		repository := "http://" + host + "/v2/cr/python/"
		manifests := repository + "manifests/"
		digest := push(t, host, authn.Anonymous, "3.11", "3.12", "latest")
		expect := func(method, url string, wantStatus int, wantCode string) {
			t.Helper()
			status, code, _ := call(t, method, url)
			require.Equal(t, wantStatus, status, "%s %s", method, url)
			require.Equal(t, wantCode, code, "%s %s", method, url)
		}

		noTags := `"tags":[]`
		if version == containers.DistributionV3 {
			expect("DELETE", manifests+"latest", http.StatusAccepted, "")
			expect("GET", manifests+"latest", http.StatusNotFound, "MANIFEST_UNKNOWN")
			expect("DELETE", manifests+"nosuch", http.StatusNotFound, "MANIFEST_UNKNOWN")
		} else {
			expect("DELETE", manifests+"latest", http.StatusBadRequest, "DIGEST_INVALID")
			expect("GET", manifests+"latest", http.StatusOK, "")
			expect("DELETE", manifests+"nosuch", http.StatusBadRequest, "DIGEST_INVALID")
			noTags = `"tags":null`
		}
		expect("GET", manifests+"3.11", http.StatusOK, "")
		expect("GET", manifests+digest, http.StatusOK, "")

		expect("DELETE", manifests+digest, http.StatusAccepted, "")
		for _, ref := range []string{digest, "3.11", "3.12", "latest"} {
			expect("GET", manifests+ref, http.StatusNotFound, "MANIFEST_UNKNOWN")
		}
		expect("DELETE", manifests+digest, http.StatusNotFound, "MANIFEST_UNKNOWN")

		status, _, body := call(t, http.MethodGet, repository+"tags/list")
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, body, noTags)
		_, _, body = call(t, http.MethodGet, "http://"+host+"/v2/_catalog")
		require.Contains(t, body, `"cr/python"`)
	})
}

func TestRegistryWithoutDelete(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version containers.RegistryVersion) {
		host := containers.Registry(t, containers.RegistryOptions{Version: version})
		digest := push(t, host, authn.Anonymous, "latest")
		for _, ref := range []string{digest, "latest"} {
			status, code, _ := call(t, http.MethodDelete, "http://"+host+"/v2/cr/python/manifests/"+ref)
			require.Equal(t, http.StatusMethodNotAllowed, status, ref)
			require.Equal(t, "UNSUPPORTED", code, ref)
		}
	})
}

func TestRegistryAuth(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version containers.RegistryVersion) {
		auth := &containers.BasicAuth{Username: "robot$puller", Password: "s3cret:with colon"}
		host := containers.Registry(t, containers.RegistryOptions{Version: version, Delete: true, Auth: auth})
		for _, c := range []struct {
			login []string
			want  int
		}{
			{nil, http.StatusUnauthorized},
			{[]string{auth.Username, "wrong"}, http.StatusUnauthorized},
			{[]string{auth.Username, auth.Password}, http.StatusOK},
		} {
			status, _, _ := call(t, http.MethodGet, "http://"+host+"/v2/", c.login...)
			require.Equal(t, c.want, status, c.login)
		}
		push(t, host, authn.FromConfig(authn.AuthConfig{Username: auth.Username, Password: auth.Password}), "latest")
	})
}

func TestRegistryIsFresh(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version containers.RegistryVersion) {
		push(t, containers.Registry(t, containers.RegistryOptions{Version: version}), authn.Anonymous, "latest")
		host := containers.Registry(t, containers.RegistryOptions{Version: version})
		status, code, _ := call(t, http.MethodGet, "http://"+host+"/v2/cr/python/manifests/latest")
		require.Equal(t, http.StatusNotFound, status, code)
	})
}

func BenchmarkRegistry(b *testing.B) {
	for b.Loop() {
		containers.Registry(b, containers.RegistryOptions{Delete: true})
	}
}
