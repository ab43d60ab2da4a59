package ocilayout_test

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/ocilayout"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

func write(tb testing.TB, content string, elem ...string) {
	tb.Helper()
	path := filepath.Join(elem...)
	require.NoError(tb, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(tb, os.WriteFile(path, []byte(content), 0o644))
}

func TestOpenerRefusesOtherDirectories(t *testing.T) {
	dir := t.TempDir()
	write(t, "x", dir, "a file")
	write(t, "x", dir, "home", "notes.txt")
	write(t, "{}", dir, "web", "index.json")
	write(t, `{"imageLayoutVersion":"2.0.0"}`, dir, "newer", "oci-layout")
	write(t, "not JSON", dir, "odd", "oci-layout")
	for _, address := range []string{"", "relative/path", "file://" + dir, dir + "/a file", dir + "/home", dir + "/web", dir + "/newer", dir + "/odd"} {
		_, err := ocilayout.Opener(ocilayout.Options{})(t.Context(), domain.Agent{ID: "node1", Address: address})
		fails(t, err, domain.CodeInvalid, "agent_invalid")
	}
	entries, err := os.ReadDir(dir + "/home")
	require.NoError(t, err)
	require.Len(t, entries, 1, "what is refused is left alone")
}

func TestOpenerCreates(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	require.Empty(t, inventory(t, open(t, dir, ocilayout.Options{})))
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o755), info.Mode().Perm())
	sound(t, dir)

	require.NoError(t, os.Remove(filepath.Join(dir, "oci-layout"))) // as if the creation had been cut off
	open(t, dir, ocilayout.Options{})
	sound(t, dir)

	fresh := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(fresh, "lost+found"), 0o700))
	open(t, fresh, ocilayout.Options{})
}

func TestLostIndexIsDamage(t *testing.T) {
	h, dir := newHub(t), t.TempDir()
	pull(t, open(t, dir, ocilayout.Options{}), h.one(t, "1", "a"))
	require.NoError(t, os.Remove(filepath.Join(dir, "index.json")))
	_, err := ocilayout.Opener(ocilayout.Options{})(t.Context(), domain.Agent{Address: dir})
	fails(t, err, domain.CodeUnavailable, "agent_storage")
	require.NoError(t, os.Remove(filepath.Join(dir, "oci-layout")))
	_, err = ocilayout.Opener(ocilayout.Options{})(t.Context(), domain.Agent{Address: dir})
	fails(t, err, domain.CodeUnavailable, "agent_storage")
}

func TestStorageThatFails(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, dir string){
		"directory is gone": func(t *testing.T, dir string) { require.NoError(t, os.RemoveAll(dir)) },
		"directory is empty": func(t *testing.T, dir string) {
			require.NoError(t, os.RemoveAll(dir))
			require.NoError(t, os.Mkdir(dir, 0o755))
		},
		"index is gone":     func(t *testing.T, dir string) { require.NoError(t, os.Remove(dir+"/index.json")) },
		"index is not JSON": func(t *testing.T, dir string) { write(t, "{", dir, "index.json") },
		"index has no list": func(t *testing.T, dir string) { write(t, "{}", dir, "index.json") },
		"index is a folder": func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(dir+"/index.json"))
			write(t, "", dir, "index.json", "x")
		},
		"blobs are gone":      func(t *testing.T, dir string) { require.NoError(t, os.RemoveAll(dir+"/blobs")) },
		"containers are gone": func(t *testing.T, dir string) { require.NoError(t, os.RemoveAll(dir+"/containers")) },
	} {
		t.Run(name, func(t *testing.T) {
			h, dir := newHub(t), filepath.Join(t.TempDir(), "agent")
			a := open(t, dir, ocilayout.Options{})
			p := h.one(t, "1", "a")
			pull(t, a, p)
			damage(t, dir)
			before, _ := os.ReadDir(dir)

			i, err := a.Inventory(t.Context())
			fails(t, err, domain.CodeUnavailable, "agent_storage")
			require.Nil(t, i.Images)
			_, err = a.Remove(t.Context(), p.Removal())
			fails(t, err, domain.CodeUnavailable, "agent_storage")
			if name != "containers are gone" {
				_, err = a.Pull(t.Context(), h.one(t, "2", "b").Request, nil)
				fails(t, err, domain.CodeUnavailable, "agent_storage")
			}
			after, _ := os.ReadDir(dir)
			require.Equal(t, len(before), len(after), "nothing is made anew where a disk is missing")
		})
	}
}

func TestTwoOpenersOfOneDirectory(t *testing.T) {
	h, dir := newHub(t), filepath.Join(t.TempDir(), "agent")
	agents := make([]port.Agent, 4)
	var wg sync.WaitGroup
	for i := range agents { // also to create it
		wg.Go(func() {
			a, err := ocilayout.Opener(ocilayout.Options{})(t.Context(), domain.Agent{ID: "node1", Address: dir})
			if err != nil {
				t.Errorf("open %d: %v", i, err)
			}
			agents[i] = a
		})
	}
	wg.Wait()
	var images []porttest.PushedImage
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		images = append(images, h.one(t, name, name))
	}
	for n, a := range agents {
		t.Cleanup(func() { require.NoError(t, a.(io.Closer).Close()) })
		for i, p := range images {
			wg.Go(func() {
				if _, err := a.Pull(t.Context(), p.Request, nil); err != nil {
					t.Errorf("pull: %v", err)
				}
				if _, err := a.Inventory(t.Context()); err != nil {
					t.Errorf("inventory: %v", err)
				}
				if i >= 3 && n == 0 { // the others pull what this one removes
					if _, err := a.Remove(t.Context(), p.Removal()); err != nil {
						t.Errorf("remove: %v", err)
					}
				}
			})
		}
	}
	wg.Wait()
	names := map[string]bool{}
	for _, i := range inventory(t, agents[2]) {
		names[i.Canonical] = true
	}
	for _, p := range images[:3] {
		require.Contains(t, names, p.Image().Canonical, "no writer undoes what another one wrote")
	}
	for _, p := range images {
		pull(t, agents[1], p)
	}
	sound(t, dir)
	require.Len(t, inventory(t, agents[0]), len(images))
	require.Equal(t, inventory(t, agents[0]), inventory(t, agents[3]))
}

func TestForeignContentSurvives(t *testing.T) {
	h, dir := newHub(t), t.TempDir()
	a := open(t, dir, ocilayout.Options{})
	p := h.one(t, "1", "a")
	pull(t, a, p)

	leaf, lone := "a layer of another tool", "opaque"
	leafDigest, loneDigest := sum(leaf), sum(lone)
	artifact := `{"schemaVersion":2,"config":{"mediaType":"x/y","digest":"` + loneDigest + `","size":6},"layers":[{"mediaType":"x/z","digest":"` + leafDigest + `","size":23}]}`
	index := `{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"` + sum(artifact) + `","size":` + size(artifact) + `}]}`
	for _, content := range []string{leaf, lone, artifact, index} {
		write(t, content, dir, "blobs", strings.ReplaceAll(sum(content), ":", "/"))
	}
	write(t, "for docker load", dir, "manifest.json")
	write(t, "x", dir, "blobs", "README")
	write(t, "x", dir, "blobs", "sha256", "notes")
	entry := `{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"` + sum(index) + `","size":` + size(index) + `,"artifactType":"x/w","annotations":{"org.opencontainers.image.ref.name":"latest"}}`
	edit(t, dir, func(fields map[string]any) {
		var e any
		require.NoError(t, json.Unmarshal([]byte(entry), &e))
		fields["manifests"] = append(fields["manifests"].([]any), e)
		fields["annotations"] = map[string]any{"com.example": "kept"}
	})

	require.Len(t, inventory(t, a), 1, "entries without a canonical name are not ours")
	pull(t, a, h.one(t, "2", "b"))
	write(t, "orphan", dir, "blobs", strings.ReplaceAll(sum("orphan"), ":", "/"))
	_, err := a.Remove(t.Context(), p.Removal())
	require.NoError(t, err)
	require.NoFileExists(t, filepath.Join(dir, "blobs", strings.ReplaceAll(sum("orphan"), ":", "/")))
	for _, content := range []string{leaf, lone, artifact, index} {
		require.FileExists(t, filepath.Join(dir, "blobs", strings.ReplaceAll(sum(content), ":", "/")), content)
	}
	for _, name := range []string{"manifest.json", "blobs/README", "blobs/sha256/notes"} {
		require.FileExists(t, filepath.Join(dir, name))
	}
	edit(t, dir, func(fields map[string]any) {
		require.Equal(t, map[string]any{"com.example": "kept"}, fields["annotations"])
		require.True(t, slices.ContainsFunc(fields["manifests"].([]any), func(e any) bool { return e.(map[string]any)["artifactType"] == "x/w" }))
		// Of an entry like this nobody knows what it needs.
		fields["manifests"] = append(fields["manifests"].([]any), map[string]any{"digest": 7})
	})
	write(t, "orphan", dir, "blobs", strings.ReplaceAll(sum("orphan"), ":", "/"))
	require.Len(t, inventory(t, a), 1, "an entry that makes no sense hides no other")
	second := domain.RemoveRequest{Canonical: inventory(t, a)[0].Canonical, Architecture: "x86_64"}
	out, err := a.Remove(t.Context(), second)
	require.NoError(t, err)
	require.Zero(t, out.FreedBytes)
	require.FileExists(t, filepath.Join(dir, "blobs", strings.ReplaceAll(sum("orphan"), ":", "/")))
	require.Empty(t, inventory(t, a))
}

// edit changes index.json as another tool would.
func edit(tb testing.TB, dir string, fn func(fields map[string]any)) {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "index.json"))
	require.NoError(tb, err)
	var fields map[string]any
	require.NoError(tb, json.Unmarshal(raw, &fields))
	fn(fields)
	raw, err = json.Marshal(fields)
	require.NoError(tb, err)
	write(tb, string(raw), dir, "index.json")
}
