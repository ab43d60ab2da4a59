package ocilayout_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/ocilayout"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

func TestAgent(t *testing.T) {
	h := newHub(t)
	dirs := map[port.Agent]string{}
	porttest.RunAgent(t, porttest.AgentHarness{
		New: func(tb testing.TB) port.Agent {
			dir := tb.TempDir()
			a := open(tb, dir, ocilayout.Options{})
			dirs[a] = dir
			return a
		},
		Push: h.push,
		Use: func(tb testing.TB, a port.Agent, i domain.InventoryImage) string {
			require.NoError(tb, ocilayout.Run(tb.Context(), dirs[a], "c1", i.Canonical, i.Architecture))
			return "c1"
		},
	})
}

func TestRemoveFreesWhatNobodyNeeds(t *testing.T) {
	h, dir := newHub(t), t.TempDir()
	a := open(t, dir, ocilayout.Options{})
	one, sibling, other := h.one(t, "1", "a"), h.one(t, "sibling", "a"), h.one(t, "2", "b")
	for _, p := range []porttest.PushedImage{one, sibling, other} {
		pull(t, a, p)
	}
	before := blobBytes(t, dir)
	out, err := a.Remove(t.Context(), one.Removal())
	require.NoError(t, err)
	require.Zero(t, out.FreedBytes, "another tag has the same digest")
	require.Equal(t, before, blobBytes(t, dir))

	out, err = a.Remove(t.Context(), sibling.Removal())
	require.NoError(t, err)
	require.Greater(t, out.FreedBytes, int64(1<<19))
	require.Equal(t, before-out.FreedBytes, blobBytes(t, dir), "freed is what is gone from the disk")
	sound(t, dir)
	require.Len(t, inventory(t, a), 1, "the layer that both images share stays")

	kept := other.Removal()
	kept.NoPrune = true
	before = blobBytes(t, dir)
	out, err = a.Remove(t.Context(), kept)
	require.NoError(t, err)
	require.Zero(t, out.FreedBytes)
	require.Equal(t, before, blobBytes(t, dir))

	h.set(nil)
	pull(t, a, other)
	asked, _ := h.asked()
	require.Empty(t, asked, "what was kept is not fetched again")
	_, err = a.Remove(t.Context(), kept)
	require.NoError(t, err)
	pull(t, a, one)
	out, err = a.Remove(t.Context(), one.Removal())
	require.NoError(t, err)
	require.Greater(t, out.FreedBytes, 2*int64(1<<19), "the next removal sweeps what was kept")
	require.Zero(t, blobBytes(t, dir))
}

func TestContainers(t *testing.T) {
	h, dir := newHub(t), t.TempDir()
	a := open(t, dir, ocilayout.Options{})
	p := h.one(t, "1", "a")
	canonical := p.Image().Canonical
	fails(t, ocilayout.Run(t.Context(), dir, "c1", canonical, "amd64"), domain.CodeNotFound, "image_not_found")
	pull(t, a, p)
	for _, name := range []string{"", "../x", "a/b", ".hidden"} {
		fails(t, ocilayout.Run(t.Context(), dir, name, canonical, "amd64"), domain.CodeInvalid, "container_invalid")
	}
	fails(t, ocilayout.Run(t.Context(), dir, "c1", canonical, "aarch64"), domain.CodeNotFound, "image_not_found")
	require.NoError(t, ocilayout.Run(t.Context(), dir, "web.2", canonical, "amd64"))
	require.NoError(t, ocilayout.Run(t.Context(), dir, "c1", canonical, "x86_64"))
	require.Equal(t, []string{"c1", "web.2"}, inventory(t, a)[0].Containers)

	_, err := a.Remove(t.Context(), p.Removal())
	fails(t, err, domain.CodeConflict, "image_in_use")
	require.Contains(t, domain.MessageOf(err), "c1, web.2")

	require.NoError(t, ocilayout.Stop(t.Context(), dir, "web.2"))
	fails(t, ocilayout.Stop(t.Context(), dir, "web.2"), domain.CodeNotFound, "container_not_found")
	require.NoError(t, ocilayout.Stop(t.Context(), dir, "c1"))
	_, err = a.Remove(t.Context(), p.Removal())
	require.NoError(t, err)
}

func TestUnreadableNoteProtectsImages(t *testing.T) {
	h, dir := newHub(t), t.TempDir()
	a := open(t, dir, ocilayout.Options{})
	p := h.one(t, "1", "a")
	pull(t, a, p)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "containers", "c1.json"), []byte("{"), 0o644))
	_, err := a.Inventory(t.Context())
	fails(t, err, domain.CodeUnavailable, "agent_storage")
	_, err = a.Remove(t.Context(), p.Removal())
	fails(t, err, domain.CodeUnavailable, "agent_storage")
	require.NoError(t, ocilayout.Stop(t.Context(), dir, "c1"))
	require.Len(t, inventory(t, a), 1)
}

func blobBytes(tb testing.TB, dir string) (sum int64) {
	tb.Helper()
	blobs, err := os.ReadDir(filepath.Join(dir, "blobs", "sha256"))
	require.NoError(tb, err)
	for _, b := range blobs {
		info, err := b.Info()
		require.NoError(tb, err)
		sum += info.Size()
	}
	return sum
}
