package docker_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

const createPath = "POST /images/create"

// pulls makes the engine pull with success: the image appears by its digest.
func (f *fake) pulls(lines ...string) {
	f.answer(createPath, func(w http.ResponseWriter, r *http.Request) {
		for _, l := range lines {
			_, _ = fmt.Fprintln(w, l)
		}
		f.add("config", nil, []string{r.FormValue("fromImage") + "@" + r.FormValue("tag")})
	})
}

func TestPullErrorsInTheStream(t *testing.T) {
	f := newFake(t)
	f.answer("GET /distribution/cr.example.org/team/tool:1/json", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]any{"Descriptor": map[string]any{"digest": porttest.DigestOf("moved")}})
	})
	a := f.open(t)
	for message, want := range map[string][2]string{
		"unauthorized: authentication required":                                             {"precondition", "registry_credentials"},
		`Get "https://cr.example.org/v2/": no basic auth credentials`:                       {"precondition", "registry_credentials"},
		"pull access denied for x, repository does not exist or may require 'docker login'": {"precondition", "registry_credentials"},
		"toomanyrequests: You have reached your pull rate limit":                            {"rate_limited", "registry_limited"},
		"toomanyrequests":                     {"rate_limited", "registry_limited"}, // a code with its usual message
		"unauthorized":                        {"precondition", "registry_credentials"},
		"errors:\ndenied\nmanifest unknown\n": {"precondition", "registry_credentials"},
		"manifest for cr.example.org/team/tool@sha256:0 not found: manifest unknown":        {"precondition", "digest_mismatch"}, // the tag is there
		"no matching manifest for linux/amd64 in the manifest list entries":                 {"not_found", "architecture_not_found"},
		"dial tcp 10.0.0.1:443: connect: connection refused":                                {"unavailable", "registry_failed"},
		"net/http: request canceled while waiting for connection (Client.Timeout exceeded)": {"unavailable", "registry_failed"},
		"received unexpected HTTP status: 503 Service Unavailable":                          {"unavailable", "registry_failed"},
		`error parsing HTTP 404 response body: invalid character '<': "<html>not found: x"`: {"unavailable", "registry_malformed"},
		"write /var/lib/docker/tmp/x: no space left on device":                              {"unavailable", "agent_storage"},
		"filesystem layer verification failed for digest sha256:0":                          {"precondition", "digest_mismatch"},
		`Encountered remote "application/x"(unknown) when fetching image or plugin`:         {"precondition", "not_an_image"},
		"something about cr.example.org/team/unauthorized:1":                                {"unavailable", "registry_failed"},
	} {
		f.answer(createPath, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"status":"Pulling from team/tool","id":"1"}`+"\n")
			raw, _ := json.Marshal(message)
			_, _ = fmt.Fprintf(w, `{"errorDetail":{"message":%s},"error":%s}`+"\n", raw, raw)
		})
		_, err := a.Pull(t.Context(), request(), nil)
		fails(t, err, domain.Code(want[0]), want[1])
		f.answer(createPath, func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusInternalServerError, message) })
		_, err = a.Pull(t.Context(), request(), nil)
		fails(t, err, domain.Code(want[0]), want[1])
	}
	for _, r := range f.requests() {
		require.NotEqual(t, http.MethodDelete, r.Method, "a pull that failed changes nothing")
	}
}

func TestSpoiledContentIsNamedByItsDigest(t *testing.T) {
	digest := string(porttest.DigestOf("layer"))
	for message, on := range map[string]string{
		"filesystem layer verification failed for digest " + digest:                                                       digest,
		"failed commit on ref \"layer-" + digest + "\": unexpected commit digest " + string(porttest.DigestOf("spoiled")): digest,
		"filesystem layer verification failed for digest sha256:0":                                                        "cr.example.org",
	} {
		f := newFake(t)
		f.answer(createPath, func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusInternalServerError, message) })
		_, err := f.open(t).Pull(t.Context(), request(), nil)
		fails(t, err, domain.CodePrecondition, "digest_mismatch")
		require.Equal(t, on, domain.OnOf(err), message)
	}
}

func TestEngineThatDiesInAPull(t *testing.T) {
	f := newFake(t)
	f.answer(createPath, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(w, `{"status":"Downloading","id":"a"}`)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	_, err := f.open(t).Pull(t.Context(), request(), nil)
	fails(t, err, domain.CodeUnavailable, "agent_unavailable")
}

func TestCredentialsGoToTheRegistryOfTheImageOnly(t *testing.T) {
	digest := porttest.DigestOf("manifest")
	for name, c := range map[string]struct{ registry, url, from string }{
		"the registry's own host": {"cr.example.org", "", "cr.example.org/team/tool"},
		"another host":            {"cr.example.org", "http://10.0.0.1:5000/", "10.0.0.1:5000/team/tool"},
		"the standard port":       {"cr.example.org", "https://cr.example.org:443", "cr.example.org/team/tool"},
		"Docker Hub":              {"docker.io", "https://registry-1.docker.io", "docker.io/team/tool"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.pulls()
			r := request()
			r.Reference.Registry, r.Registry.Name, r.Registry.URL = c.registry, c.registry, c.url
			out, err := f.open(t).Pull(t.Context(), r, nil)
			require.NoError(t, err)
			require.Equal(t, domain.PullOutcome{Digest: porttest.DigestOf("config"), SizeBytes: 100}, out)
			require.Equal(t, []string{r.Reference.Canonical()}, f.images[0]["RepoTags"])
			var removed []string
			for _, seen := range f.requests() {
				header := seen.Header.Get("X-Registry-Auth")
				if seen.Method == http.MethodDelete {
					removed = append(removed, seen.URL.Path)
				}
				if seen.URL.Path != "/v1.41/images/create" {
					require.Empty(t, header)
					continue
				}
				require.Equal(t, c.from, seen.URL.Query().Get("fromImage"))
				require.Equal(t, digest.String(), seen.URL.Query().Get("tag"))
				require.Equal(t, "linux/amd64", seen.URL.Query().Get("platform"))
				auth, err := authconfig.Decode(header)
				require.NoError(t, err)
				require.Equal(t, [2]string{"robot", "hunter2"}, [2]string{auth.Username, auth.Password})
			}
			if c.from == r.Reference.Repository() {
				require.Empty(t, removed)
			} else {
				require.Equal(t, []string{"/v1.41/images/" + c.from + "@" + digest.String()}, removed)
			}
		})
	}
}

func TestPullsThatAreRefusedAskNobody(t *testing.T) {
	f := newFake(t)
	for reason, change := range map[string]func(*domain.PullRequest){
		"registry_mismatch":    func(r *domain.PullRequest) { r.Reference.Registry = "evil.example.org" },
		"reference_invalid":    func(r *domain.PullRequest) { r.Reference.Digest = porttest.DigestOf("x") },
		"repository_invalid":   func(r *domain.PullRequest) { r.Reference.Path = "Team/../x" },
		"tag_invalid":          func(r *domain.PullRequest) { r.Reference.Tag = "a/b" },
		"digest_invalid":       func(r *domain.PullRequest) { r.Manifest = "sha256:0" },
		"architecture_invalid": func(r *domain.PullRequest) { r.Architecture = "" },
		"registry_invalid":     func(r *domain.PullRequest) { r.Registry.URL = "ftp://cr.example.org" },
	} {
		r := request()
		change(&r)
		_, err := f.open(t).Pull(t.Context(), r, nil)
		fails(t, err, domain.CodeInvalid, reason)
	}
	r := request()
	r.Reference.Registry, r.Registry.Name = "index.docker.io", "index.docker.io"
	_, err := f.open(t).Pull(t.Context(), r, nil)
	fails(t, err, domain.CodeInvalid, "reference_invalid")
	require.Empty(t, f.requests())
}

func TestPullOfWhatIsThereAsksNoRegistry(t *testing.T) {
	f := newFake(t)
	f.add("config", []string{"cr.example.org/team/tool:1"}, []string{"cr.example.org/team/tool@" + porttest.DigestOf("manifest").String()})
	out, err := f.open(t).Pull(t.Context(), request(), nil)
	require.NoError(t, err)
	require.True(t, out.Unchanged)
	for _, r := range f.requests() {
		require.Equal(t, http.MethodGet, r.Method)
		require.NotContains(t, r.URL.Path, "distribution")
	}
}

func TestPullTakesBackWhatDoesNotFit(t *testing.T) {
	f := newFake(t)
	f.pulls()
	r := request()
	r.Architecture = "aarch64"
	_, err := f.open(t).Pull(t.Context(), r, nil)
	fails(t, err, domain.CodePrecondition, "platform_mismatch")
	require.Empty(t, f.images[0]["RepoTags"])
	var removed int
	for _, seen := range f.requests() {
		if seen.Method == http.MethodDelete {
			removed++
		}
	}
	require.Equal(t, 1, removed)
}
