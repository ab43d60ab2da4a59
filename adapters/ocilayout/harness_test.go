package ocilayout_test

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/wharf-project/wharf/adapters/ocilayout"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hub is a registry in this process whose answers a test may spoil.
type hub struct {
	host      string
	transport *http.Transport

	mu    sync.Mutex
	spoil func(w http.ResponseWriter, r *http.Request) (done bool)
	blobs []string // digests that were asked for
	calls int
}

func newHub(tb testing.TB) *hub {
	h := &hub{transport: &http.Transport{}}
	next := registry.New(registry.Logger(discardLog()))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		spoil := h.spoil
		h.calls++
		if _, digest, ok := strings.Cut(r.URL.Path, "/blobs/"); ok && r.Method == http.MethodGet {
			h.blobs = append(h.blobs, digest)
		}
		h.mu.Unlock()
		if spoil == nil || !spoil(w, r) {
			next.ServeHTTP(w, r)
		}
	}))
	server.Config.ErrorLog = discardLog()
	h.host = server.Listener.Addr().String()
	tb.Cleanup(func() { h.transport.CloseIdleConnections(); server.Close() })
	return h
}

// set installs a spoiler, nil takes it away, and forgets what was asked for.
func (h *hub) set(spoil func(w http.ResponseWriter, r *http.Request) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.spoil, h.blobs, h.calls = spoil, nil, 0
}

// asked returns what was asked for since the last set: blobs, and all requests.
func (h *hub) asked() ([]string, int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string{}, h.blobs...), h.calls
}

func (h *hub) row() domain.Registry {
	return domain.Registry{Name: h.host, URL: "http://" + h.host, Type: domain.RegistryOCI}
}

// imageOf has three layers: one that all images share, one of the content, one
// of content and architecture, the last one large enough for many packets.
func imageOf(tb testing.TB, content, arch string) v1.Image {
	tb.Helper()
	oci, variant := domain.OCIPlatform(arch)
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.ConfigFile(img, &v1.ConfigFile{OS: "linux", Architecture: oci, Variant: variant, RootFS: v1.RootFS{Type: "layers"}})
	require.NoError(tb, err)
	for _, l := range []string{"base", "content " + content, strings.Repeat(content+arch, 1<<20/len(content+arch))} {
		img, err = mutate.AppendLayers(img, static.NewLayer([]byte(l), types.OCILayer))
		require.NoError(tb, err)
	}
	return img
}

// push publishes an image as a contract suite describes it.
func (h *hub) push(tb testing.TB, i porttest.AgentImage) []porttest.PushedImage {
	tb.Helper()
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	var images []v1.Image
	for _, arch := range i.Architectures {
		img := imageOf(tb, i.Content, arch)
		oci, variant := domain.OCIPlatform(arch)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: oci, Variant: variant}},
		})
		images = append(images, img)
	}
	if len(images) == 1 {
		h.write(tb, i.Repository+":"+i.Tag, images[0], nil)
	} else {
		h.write(tb, i.Repository+":"+i.Tag, nil, index)
	}
	var pushed []porttest.PushedImage
	for n, img := range images {
		pushed = append(pushed, h.pushed(tb, i.Repository, i.Tag, i.Architectures[n], img))
	}
	return pushed
}

func (h *hub) pushed(tb testing.TB, repo, tag, arch string, img v1.Image) porttest.PushedImage {
	tb.Helper()
	manifest, err := img.Digest()
	require.NoError(tb, err)
	config, err := img.ConfigName()
	require.NoError(tb, err)
	return porttest.PushedImage{
		Config: domain.Digest(config.String()),
		Request: domain.PullRequest{
			Reference:    domain.Reference{Registry: h.host, Path: repo, Tag: tag},
			Architecture: arch, Manifest: domain.Digest(manifest.String()), Registry: h.row(),
		},
	}
}

func (h *hub) write(tb testing.TB, path string, img v1.Image, index v1.ImageIndex) {
	tb.Helper()
	ref, err := name.ParseReference(h.host+"/"+path, name.Insecure)
	require.NoError(tb, err)
	if img != nil {
		require.NoError(tb, remote.Write(ref, img, remote.WithTransport(h.transport)))
		return
	}
	require.NoError(tb, remote.WriteIndex(ref, index, remote.WithTransport(h.transport)))
}

// one pushes a single image of one architecture.
func (h *hub) one(tb testing.TB, tag, content string) porttest.PushedImage {
	return h.push(tb, porttest.AgentImage{Repository: "stable/app", Tag: tag, Architectures: []string{"x86_64"}, Content: content})[0]
}

// open opens an agent on dir.
func open(tb testing.TB, dir string, o ocilayout.Options) port.Agent {
	tb.Helper()
	a, err := ocilayout.Opener(o)(tb.Context(), domain.Agent{ID: "node1", Kind: domain.AgentOCILayout, Address: dir})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, a.(io.Closer).Close()) })
	return a
}

func pull(tb testing.TB, a port.Agent, p porttest.PushedImage) domain.PullOutcome {
	tb.Helper()
	out, err := a.Pull(tb.Context(), p.Request, nil)
	require.NoError(tb, err)
	return out
}

func inventory(tb testing.TB, a port.Agent) []domain.InventoryImage {
	tb.Helper()
	i, err := a.Inventory(tb.Context())
	require.NoError(tb, err)
	return i.Images
}

// fails checks code and reason.
func fails(tb testing.TB, err error, code domain.Code, reason string) {
	tb.Helper()
	require.Error(tb, err)
	require.Equal(tb, []string{string(code), reason}, []string{string(domain.CodeOf(err)), domain.ReasonOf(err)}, "%v", err)
}

// sound checks that another implementation reads the layout, that every image in
// it is whole, and that nothing half-written lies about.
func sound(tb testing.TB, dir string) {
	tb.Helper()
	p, err := layout.FromPath(dir)
	require.NoError(tb, err)
	index, err := p.ImageIndex()
	require.NoError(tb, err)
	manifest, err := index.IndexManifest()
	require.NoError(tb, err)
	for _, d := range manifest.Manifests {
		if d.MediaType.IsImage() {
			img, err := index.Image(d.Digest)
			require.NoError(tb, err)
			require.NoError(tb, validate.Image(img, validate.Fast))
		}
	}
	pulls, err := os.ReadDir(dir + "/.wharf/pulls")
	require.NoError(tb, err)
	require.Empty(tb, pulls)
	blobs, err := os.ReadDir(dir + "/blobs/sha256")
	if !os.IsNotExist(err) {
		require.NoError(tb, err)
	}
	for _, b := range blobs {
		raw, err := os.ReadFile(dir + "/blobs/sha256/" + b.Name())
		require.NoError(tb, err)
		if len(b.Name()) == 64 {
			h, _, err := v1.SHA256(bytes.NewReader(raw))
			require.NoError(tb, err)
			require.Equal(tb, b.Name(), h.Hex)
		}
	}
}

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }
