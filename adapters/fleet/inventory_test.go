package fleet_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/fleet"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// images returns n images, in the order of a fake agent's inventory.
func images(n int) []domain.InventoryImage {
	list := make([]domain.InventoryImage, n)
	for i := range list {
		name := fmt.Sprintf("cr.example.org/stable/some-image-<&>-of-usual-length:%06d", i)
		list[i] = domain.InventoryImage{
			Canonical: name, Architecture: "x86_64", Digest: porttest.DigestOf(name), SizeBytes: int64(i),
			Containers: []string{"web-1", "web-2"}[:i%3],
		}
		if i%3 == 0 {
			list[i].Containers = nil
		}
	}
	return list
}

func TestLargeInventoriesArriveWhole(t *testing.T) {
	for name, c := range map[string]struct {
		images  int
		payload int32
	}{
		"as NATS is set up":       {10_000, 1 << 20},
		"with small messages":     {2000, 16 << 10},
		"with room for one image": {500, 2 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			want := images(c.images)
			b := newBroker(t, func(o *server.Options) { o.MaxPayload = c.payload })
			serveAs(t, b, "node1", porttest.NewAgent(nil, want...))
			a := open(t, b.connect(t), fleet.Options{}, "node1")
			inv, err := a.Inventory(t.Context())
			require.NoError(t, err)
			require.Equal(t, want, inv.Images)
		})
	}
}

func TestManyLargeInventoriesAtOnceArriveWhole(t *testing.T) {
	want := images(3000)
	b := newBroker(t)
	conn := b.connect(t)
	agents := make([]port.Agent, 12)
	for i := range agents {
		id := domain.AgentID(fmt.Sprint("node", i))
		serveAs(t, b, id, porttest.NewAgent(nil, want...))
		agents[i] = open(t, conn, fleet.Options{}, id)
	}
	done := make(chan error, len(agents))
	for _, a := range agents {
		go func() {
			inv, err := a.Inventory(t.Context())
			if err == nil && len(inv.Images) != len(want) {
				err = fmt.Errorf("%d images", len(inv.Images))
			}
			done <- err
		}()
	}
	for range agents {
		require.NoError(t, receive(t, done))
	}
}

func TestAnImageThatDoesNotFitIsSaidSo(t *testing.T) {
	for name, i := range map[string]domain.InventoryImage{
		"too many containers": {Canonical: "a", Architecture: "x86_64", Containers: slices.Repeat([]string{strings.Repeat("c", 64)}, 20_000)},
		"too long a name":     {Canonical: strings.Repeat("<", fleet.LongestFrame/6), Architecture: "x86_64"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBroker(t)
			serveAs(t, b, "node1", porttest.NewAgent(nil, append(images(10), i)...))
			_, err := open(t, b.connect(t), fleet.Options{}, "node1").Inventory(t.Context())
			fails(t, err, domain.CodePrecondition, "inventory_too_large")
		})
	}
}

// endless is an agent with more images than an answer can carry.
type endless struct{ *porttest.Agent }

func (endless) Inventory(context.Context) (domain.Inventory, error) {
	return domain.Inventory{Images: make([]domain.InventoryImage, fleet.MostImages+1)}, nil
}

func TestAnInventoryThatIsTooLargeIsSaidSo(t *testing.T) {
	long := make([]domain.InventoryImage, fleet.LongestAnswer/(64<<10))
	for i := range long {
		long[i] = domain.InventoryImage{Canonical: strings.Repeat("x", 64<<10) + strconv.Itoa(i), Architecture: "x86_64"}
	}
	for name, agent := range map[string]port.Agent{"too many images": endless{}, "too many bytes": porttest.NewAgent(nil, long...)} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, func(n *fleet.Node, _ *fleet.Options) { n.Agent = agent })
			_, err := p.Inventory(t.Context())
			fails(t, err, domain.CodePrecondition, "inventory_too_large")
		})
	}
}

func TestRevisionsTellInventoriesApart(t *testing.T) {
	list := func(change func(*domain.InventoryImage)) domain.Inventory {
		l := images(3)
		change(&l[2])
		return domain.Inventory{Images: l}
	}
	seen := map[string]string{}
	for name, inv := range map[string]domain.Inventory{
		"as it is":          list(func(*domain.InventoryImage) {}),
		"empty":             {},
		"one image":         {Images: images(1)},
		"another name":      list(func(i *domain.InventoryImage) { i.Canonical += "x" }),
		"a letter moved":    list(func(i *domain.InventoryImage) { i.Canonical, i.Architecture = i.Canonical+"x", i.Architecture[1:] }),
		"another machine":   list(func(i *domain.InventoryImage) { i.Architecture = "aarch64" }),
		"another digest":    list(func(i *domain.InventoryImage) { i.Digest = "" }),
		"another size":      list(func(i *domain.InventoryImage) { i.SizeBytes++ }),
		"without container": list(func(i *domain.InventoryImage) { i.Containers = nil }),
		"containers in one": list(func(i *domain.InventoryImage) { i.Containers = []string{"web-1web-2"} }),
	} {
		r := fleet.RevisionOf(inv)
		require.Len(t, r, 64)
		require.Empty(t, seen[r], "%s has the revision of", name)
		seen[r] = name
	}
	turned := images(3)
	slices.Reverse(turned)
	for _, i := range turned {
		slices.Reverse(i.Containers)
	}
	require.Equal(t, fleet.RevisionOf(domain.Inventory{Images: images(3)}), fleet.RevisionOf(domain.Inventory{Images: turned}), "order is no difference")
}
