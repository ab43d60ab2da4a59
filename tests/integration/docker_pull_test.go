package integration_test

import (
	"strings"
	"testing"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
	"github.com/wharf-project/wharf/tests/containers"
)

func requireReason(t *testing.T, err error, code domain.Code, reason string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, string(code)+" "+reason, string(domain.CodeOf(err))+" "+domain.ReasonOf(err), "%v", err)
}

var onlyRobot = &containers.BasicAuth{Username: "robot$puller", Password: "s3cret:with colon"}

func TestARealEnginePullsWithTheRowsCredentials(t *testing.T) {
	pullWithCredentials(t, newRealEngine(t, containers.RegistryOptions{Auth: onlyRobot}))
}

func TestPodmanPullsLikeDocker(t *testing.T) {
	t.Parallel()
	free, locked := containers.Registry(t, containers.RegistryOptions{Delete: true}), containers.Registry(t, containers.RegistryOptions{Auth: onlyRobot})
	address := containers.Podman(t, free, locked).Address
	for name, test := range map[string]func(*testing.T, *realEngine){
		"with the row's credentials":           pullWithCredentials,
		"under the row's name":                 pullUnderAnotherName,
		"tags of one image at the same time":   pullTagsOfOneImage,
		"and tells what a registry lacks":      tellWhatARegistryLacks,
		"and frees an image with its last tag": freeAnImage,
	} {
		t.Run(name, func(t *testing.T) {
			e := engineAt(t, address, free)
			if e.podman = true; name == "with the row's credentials" {
				e.host, e.auth = locked, onlyRobot
			}
			e.clear(t)
			test(t, e)
		})
	}
}

func pullWithCredentials(t *testing.T, e *realEngine) {
	t.Helper()
	a := e.open(t)
	p := e.push(t, porttest.AgentImage{Repository: "team/private", Tag: "1", Architectures: []string{"x86_64"}, Content: "a"})[0]
	byTag := p.Request
	byTag.Manifest = ""
	for _, r := range []domain.PullRequest{p.Request, byTag} {
		wrong, none := r, r
		wrong.Registry.Password = "guess"
		none.Registry.Username, none.Registry.Password = "", ""
		for _, refused := range []domain.PullRequest{wrong, none} {
			_, err := a.Pull(t.Context(), refused, nil)
			requireReason(t, err, domain.CodePrecondition, "registry_credentials")
			require.NotContains(t, err.Error(), "s3cret")
		}
	}
	out, err := a.Pull(t.Context(), byTag, nil)
	require.NoError(t, err)
	require.Equal(t, p.Config, out.Digest)
}

func TestARealEnginePullsUnderTheRowsName(t *testing.T) {
	pullUnderAnotherName(t, newRealEngine(t, containers.RegistryOptions{}))
}

func pullUnderAnotherName(t *testing.T, e *realEngine) {
	t.Helper()
	a := e.open(t)
	const host = "cr.wharf-renamed.example"
	p := e.push(t, porttest.AgentImage{Repository: "team/tool", Tag: "1", Architectures: []string{"x86_64", "aarch64"}, Content: "a"})[0]
	p.Request.Reference.Registry, p.Request.Registry.Name = host, host // the URL stays
	out, err := a.Pull(t.Context(), p.Request, nil)
	require.NoError(t, err)
	require.False(t, out.Unchanged)
	is, err := e.api.ImageInspect(t.Context(), host+"/team/tool:1")
	require.NoError(t, err)
	require.Equal(t, []string{host + "/team/tool:1"}, is.RepoTags)
	require.NotContains(t, strings.Join(is.RepoDigests, " "), e.host, "no name of the other host is left")
	out, err = a.Pull(t.Context(), p.Request, nil)
	require.NoError(t, err)
	require.True(t, out.Unchanged)

	freed, err := a.Remove(t.Context(), p.Removal())
	require.NoError(t, err)
	require.Equal(t, out.SizeBytes, freed.FreedBytes, "nothing else held it")
	_, err = e.api.ImageInspect(t.Context(), is.ID)
	require.Error(t, err, "the image itself is gone")
}

// All of them share one manifest, and so one name by digest that comes and goes.
func TestARealEnginePullsTagsOfOneImageAtTheSameTime(t *testing.T) {
	pullTagsOfOneImage(t, newRealEngine(t, containers.RegistryOptions{}))
}

func pullTagsOfOneImage(t *testing.T, e *realEngine) {
	t.Helper()
	a := e.open(t)
	const host = "same.wharf-renamed.example"
	var pushed []porttest.PushedImage
	for _, tag := range []string{"1", "2", "3", "4", "5", "6"} {
		p := e.push(t, porttest.AgentImage{Repository: "team/tool", Tag: tag, Architectures: []string{"x86_64"}, Content: "a"})[0]
		p.Request.Reference.Registry, p.Request.Registry.Name = host, host
		pushed = append(pushed, p)
	}
	var group errgroup.Group
	for _, p := range pushed {
		group.Go(func() error { _, err := a.Pull(t.Context(), p.Request, nil); return err })
	}
	require.NoError(t, group.Wait())
	is, err := e.api.ImageInspect(t.Context(), string(pushed[0].Config))
	require.NoError(t, err)
	require.Len(t, is.RepoTags, len(pushed))
	require.NotContains(t, strings.Join(is.RepoDigests, " "), e.host)
}

func TestARealEngineTellsWhatARegistryLacks(t *testing.T) {
	for name, version := range versions() {
		t.Run(name, func(t *testing.T) {
			tellWhatARegistryLacks(t, newRealEngine(t, containers.RegistryOptions{Version: version}))
		})
	}
}

func tellWhatARegistryLacks(t *testing.T, e *realEngine) {
	t.Helper()
	a := e.open(t)
	p := e.push(t, porttest.AgentImage{Repository: "team/tool", Tag: "1", Architectures: []string{"x86_64", "aarch64"}, Content: "a"})[0]
	for _, manifest := range []domain.Digest{"", porttest.DigestOf("gone")} {
		r := p.Request
		r.Manifest, r.Reference.Tag = manifest, "none"
		_, err := a.Pull(t.Context(), r, nil)
		if e.podman && manifest != "" {
			requireReason(t, err, domain.CodePrecondition, "digest_mismatch") // it cannot look a tag up
		} else {
			requireReason(t, err, domain.CodeNotFound, "tag_not_found")
			r.Reference.Tag, r.Reference.Path = "1", "team/none"
			_, err = a.Pull(t.Context(), r, nil)
			requireReason(t, err, domain.CodeNotFound, domain.ReasonOf(err))
			require.Contains(t, []string{"tag_not_found", "repository_not_found"}, domain.ReasonOf(err))
		}
		if e.podman && manifest != "" {
			continue // it tries for three seconds
		}
		r.Registry.URL = "http://127.0.0.1:1"
		_, err = a.Pull(t.Context(), r, nil)
		requireReason(t, err, domain.CodeUnavailable, "registry_failed")
	}
	r := p.Request
	r.Manifest, r.Architecture = "", "riscv64"
	_, err := a.Pull(t.Context(), r, nil)
	requireReason(t, err, domain.CodeNotFound, "architecture_not_found")
	r.Manifest = p.Request.Manifest // of another architecture than asked for
	_, err = a.Pull(t.Context(), r, nil)
	requireReason(t, err, domain.CodePrecondition, "platform_mismatch")
	_, err = e.api.ImageInspect(t.Context(), string(p.Config))
	require.Error(t, err, "what did not fit is taken back")
}

func TestARealEngineFreesAnImageWithItsLastTag(t *testing.T) {
	freeAnImage(t, newRealEngine(t, containers.RegistryOptions{}))
}

func freeAnImage(t *testing.T, e *realEngine) {
	t.Helper()
	a := e.open(t)
	image := porttest.AgentImage{Repository: "team/tool", Tag: "1", Architectures: []string{"x86_64"}, Content: "a"}
	one := e.push(t, image)[0]
	image.Tag = "2"
	two := e.push(t, image)[0]
	for _, p := range []porttest.PushedImage{one, two} {
		_, err := a.Pull(t.Context(), p.Request, nil)
		require.NoError(t, err)
	}
	freed, err := a.Remove(t.Context(), one.Removal())
	require.NoError(t, err)
	require.Zero(t, freed.FreedBytes, "the other tag keeps it")

	// A container that was made of the id uses whatever tag there is.
	byID := two.Image()
	byID.Canonical = string(two.Config)
	container := e.use(t, a, byID)
	_, err = a.Remove(t.Context(), two.Removal())
	requireReason(t, err, domain.CodeConflict, "image_in_use")
	require.Contains(t, domain.MessageOf(err), container)
	_, err = e.api.ContainerRemove(t.Context(), container, client.ContainerRemoveOptions{})
	require.NoError(t, err)
	freed, err = a.Remove(t.Context(), two.Removal())
	require.NoError(t, err)
	require.Positive(t, freed.FreedBytes)
}
