package integration_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/docker"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
	"github.com/wharf-project/wharf/tests/containers"
	"github.com/wharf-project/wharf/tests/kernels"
)

// realEngine is an engine and a registry that it can pull from.
type realEngine struct {
	address string
	api     *client.Client
	host    string
	auth    *containers.BasicAuth
	podman  bool
}

// newRealEngine is the machine's engine, which has a life of its own.
func newRealEngine(t *testing.T, o containers.RegistryOptions) *realEngine {
	t.Helper()
	o.Delete = true
	e := engineAt(t, containers.Docker(t), containers.Registry(t, o))
	e.auth = o.Auth
	t.Cleanup(func() { e.sweep(t) })
	return e
}

func engineAt(t *testing.T, address, registry string) *realEngine {
	t.Helper()
	e := &realEngine{address: address, host: registry}
	var err error
	e.api, err = client.New(client.WithHost(e.address))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.api.Close()) })
	return e
}

// clear removes everything from an engine that is the test's own.
func (e *realEngine) clear(tb testing.TB) {
	tb.Helper()
	used, err := e.api.ContainerList(tb.Context(), client.ContainerListOptions{All: true})
	require.NoError(tb, err)
	for _, c := range used.Items {
		_, err := e.api.ContainerRemove(tb.Context(), c.ID, client.ContainerRemoveOptions{Force: true})
		require.NoError(tb, err)
	}
	list, err := e.api.ImageList(tb.Context(), client.ImageListOptions{})
	require.NoError(tb, err)
	for _, i := range list.Items {
		_, err := e.api.ImageRemove(tb.Context(), i.ID, client.ImageRemoveOptions{Force: true, PruneChildren: true})
		require.NoError(tb, err)
	}
}

// sweep removes every image of the test's registry, those included that lost
// their tag.
func (e *realEngine) sweep(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	list, err := e.api.ImageList(ctx, client.ImageListOptions{All: true})
	require.NoError(t, err)
	for _, i := range list.Items {
		for _, n := range append(i.RepoTags, i.RepoDigests...) {
			if strings.HasPrefix(n, e.host+"/") || strings.Contains(n, "wharf-renamed.example") {
				_, _ = e.api.ImageRemove(ctx, i.ID, client.ImageRemoveOptions{Force: true, PruneChildren: true})
				break
			}
		}
	}
}

func (e *realEngine) open(tb testing.TB) port.Agent {
	tb.Helper()
	return openAgent(tb, docker.Options{}, e.address)
}

// openAgent opens an agent that is closed when the test ends.
func openAgent(tb testing.TB, o docker.Options, address string) port.Agent {
	tb.Helper()
	a, err := docker.Opener(o)(tb.Context(), domain.Agent{ID: "node1", Kind: domain.AgentDocker, Address: address})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, a.(io.Closer).Close()) })
	return a
}

func (e *realEngine) row() domain.Registry {
	r := domain.Registry{Name: e.host, URL: "http://" + e.host, Type: domain.RegistryOCI}
	if e.auth != nil {
		r.Username, r.Password = e.auth.Username, domain.Secret(e.auth.Password)
	}
	return r
}

// push publishes an image of real layers: one that all share and one of its own.
func (e *realEngine) push(tb testing.TB, i porttest.AgentImage) []porttest.PushedImage {
	tb.Helper()
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	var images []v1.Image
	var pushed []porttest.PushedImage
	for _, arch := range i.Architectures {
		oci, variant := domain.OCIPlatform(arch)
		var layers []v1.Layer
		for _, content := range []string{"shared", i.Repository + i.Content + arch} {
			layer, err := kernels.Layer("etc/content", content)
			require.NoError(tb, err)
			layers = append(layers, layer)
		}
		img, err := mutate.AppendLayers(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), layers...)
		require.NoError(tb, err)
		cf, err := img.ConfigFile()
		require.NoError(tb, err)
		cf = cf.DeepCopy()
		cf.OS, cf.Architecture, cf.Variant = "linux", oci, variant
		cf.Config.Cmd = []string{"/none"}
		img, err = mutate.ConfigFile(img, cf)
		require.NoError(tb, err)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: oci, Variant: variant}},
		})
		manifest, err := img.Digest()
		require.NoError(tb, err)
		config, err := img.ConfigName()
		require.NoError(tb, err)
		images = append(images, img)
		pushed = append(pushed, porttest.PushedImage{
			Config: domain.Digest(config.String()),
			Request: domain.PullRequest{
				Reference:    domain.Reference{Registry: e.host, Path: i.Repository, Tag: i.Tag},
				Architecture: arch, Manifest: domain.Digest(manifest.String()), Registry: e.row(),
			},
		})
	}
	ref, err := name.ParseReference(e.host+"/"+i.Repository+":"+i.Tag, name.Insecure)
	require.NoError(tb, err)
	if len(images) == 1 {
		require.NoError(tb, remote.Write(ref, images[0], remote.WithContext(tb.Context()), remote.WithAuth(e.login())))
	} else {
		require.NoError(tb, remote.WriteIndex(ref, index, remote.WithContext(tb.Context()), remote.WithAuth(e.login())))
	}
	return pushed
}

// use makes a container of an image; it never ran.
func (e *realEngine) use(tb testing.TB, _ port.Agent, i domain.InventoryImage) string {
	tb.Helper()
	name := fmt.Sprintf("wharf-test-uses-%d", time.Now().UnixNano())
	made, err := e.api.ContainerCreate(tb.Context(), client.ContainerCreateOptions{Name: name, Config: &container.Config{Image: i.Canonical}})
	require.NoError(tb, err)
	tb.Cleanup(func() {
		_, _ = e.api.ContainerRemove(context.WithoutCancel(tb.Context()), made.ID, client.ContainerRemoveOptions{Force: true}) // the test may have done so
	})
	return name
}

func TestARealEngineKeepsTheContract(t *testing.T) {
	e := newRealEngine(t, containers.RegistryOptions{})
	porttest.RunAgent(t, porttest.AgentHarness{
		New: e.open, Push: e.push, Use: e.use, Shared: true, OneArchitecture: true,
	})
}

// An engine of the test's own holds exactly what the suite put there.
func TestASecondEngineKeepsTheContract(t *testing.T) {
	t.Parallel()
	host := containers.Registry(t, containers.RegistryOptions{Delete: true})
	engineAt(t, containers.SecondEngine(t, nil).Address, host).keepsTheContract(t)
}

func TestPodmanKeepsTheContract(t *testing.T) {
	t.Parallel()
	host := containers.Registry(t, containers.RegistryOptions{Delete: true})
	e := engineAt(t, containers.Podman(t, host).Address, host)
	e.podman = true
	e.keepsTheContract(t)
}

func (e *realEngine) keepsTheContract(t *testing.T) {
	t.Helper()
	push := e.push
	if e.podman { // it tells no variants: all that is 32-bit ARM is the usual one to it
		push = func(tb testing.TB, i porttest.AgentImage) []porttest.PushedImage {
			pushed := e.push(tb, i)
			for n := range pushed {
				if pushed[n].Request.Architecture == "arm/v6" {
					pushed[n].Request.Architecture = "arm/v7"
				}
			}
			return pushed
		}
	}
	porttest.RunAgent(t, porttest.AgentHarness{
		New:  func(tb testing.TB) port.Agent { e.clear(tb); return e.open(tb) },
		Push: push, Use: e.use, OneArchitecture: true,
	})
}

func (e *realEngine) login() authn.Authenticator {
	if e.auth == nil {
		return authn.Anonymous
	}
	return authn.FromConfig(authn.AuthConfig{Username: e.auth.Username, Password: e.auth.Password})
}
