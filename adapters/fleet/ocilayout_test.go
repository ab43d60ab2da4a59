package fleet_test

import (
	"io"
	"log"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/fleet"
	"github.com/wharf-project/wharf/adapters/ocilayout"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// The whole contract once more, with a node that pulls from a registry to a disk.
func TestAgentWithImagesOnDisk(t *testing.T) {
	b, hub := newBroker(t), newHub(t)
	dirs := map[port.Agent]string{}
	porttest.RunAgent(t, porttest.AgentHarness{
		New: func(tb testing.TB) port.Agent {
			dir, id := tb.TempDir(), domain.AgentID("disk"+strconv.Itoa(len(dirs)))
			node, err := ocilayout.Opener(ocilayout.Options{})(tb.Context(), domain.Agent{ID: id, Kind: domain.AgentOCILayout, Address: dir})
			require.NoError(tb, err)
			tb.Cleanup(func() { require.NoError(tb, node.(io.Closer).Close()) })
			serveAs(tb, b, id, node)
			a := open(tb, b.connect(tb), fleet.Options{}, id)
			dirs[a] = dir
			return a
		},
		Push: hub.push,
		Use: func(tb testing.TB, a port.Agent, i domain.InventoryImage) string {
			require.NoError(tb, ocilayout.Run(tb.Context(), dirs[a], "c1", i.Canonical, i.Architecture))
			return "c1"
		},
	})
}

// hub is a registry in this process.
type hub struct{ host string }

func newHub(tb testing.TB) hub {
	s := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	tb.Cleanup(s.Close)
	return hub{s.Listener.Addr().String()}
}

func (h hub) push(tb testing.TB, i porttest.AgentImage) (pushed []porttest.PushedImage) {
	tb.Helper()
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	ref, err := name.ParseReference(h.host+"/"+i.Repository+":"+i.Tag, name.Insecure)
	require.NoError(tb, err)
	var img v1.Image
	for _, arch := range i.Architectures {
		oci, variant := domain.OCIPlatform(arch)
		img = mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
		img, err = mutate.ConfigFile(img, &v1.ConfigFile{OS: "linux", Architecture: oci, Variant: variant})
		require.NoError(tb, err)
		img, err = mutate.AppendLayers(img, static.NewLayer([]byte(strings.Repeat(i.Content+arch, 1000)), types.OCILayer))
		require.NoError(tb, err)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: oci, Variant: variant}},
		})
		manifest, err := img.Digest()
		require.NoError(tb, err)
		config, err := img.ConfigName()
		require.NoError(tb, err)
		pushed = append(pushed, porttest.PushedImage{
			Config: domain.Digest(config.String()),
			Request: domain.PullRequest{
				Reference:    domain.Reference{Registry: h.host, Path: i.Repository, Tag: i.Tag},
				Architecture: arch, Manifest: domain.Digest(manifest.String()),
				Registry: domain.Registry{Name: h.host, URL: "http://" + h.host, Type: domain.RegistryOCI},
			},
		})
	}
	if len(i.Architectures) == 1 {
		require.NoError(tb, remote.Write(ref, img))
	} else {
		require.NoError(tb, remote.WriteIndex(ref, index))
	}
	return pushed
}
