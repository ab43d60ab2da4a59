package transfer_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/registry/transfer"
	"github.com/wharf-project/wharf/adapters/registry/transfer/transfertest"
	"github.com/wharf-project/wharf/domain"
)

// cutOnce breaks the first answer with a large blob in its middle.
func cutOnce(r *recorder) {
	var cut atomic.Bool
	inner := r.Handler
	r.disturbBy(func(w http.ResponseWriter, q *http.Request) bool {
		if q.Method == http.MethodGet && strings.Contains(q.URL.Path, "/blobs/") {
			inner.ServeHTTP(&limited{ResponseWriter: w, left: 2 << 20, cut: &cut}, q)
			return true
		}
		return false
	})
}

type limited struct {
	http.ResponseWriter
	left int
	cut  *atomic.Bool
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 && l.cut.CompareAndSwap(false, true) {
		panic(http.ErrAbortHandler)
	}
	return l.ResponseWriter.Write(p)
}

func TestAFetchGoesOnWhereAConnectionWasLost(t *testing.T) {
	for _, kind := range []string{"oci:", "archive:"} {
		t.Run(kind, func(t *testing.T) {
			r := record(t)
			img := big(t, 2, 5<<20)
			transfertest.Publish(t, r.host, r.ref("team/app", "1"), img)
			cutOnce(r)
			l := open(t, kind+filepath.Join(t.TempDir(), "store"), transfer.Options{})
			out, err := l.Fetch(t.Context(), r.fetch("1", "app:1"), nil)
			require.NoError(t, err)
			require.Equal(t, sizeOf(t, img), out.SizeBytes)
			require.Less(t, r.given.Load(), out.SizeBytes+1<<20, "a layer goes on where it ended")
			r.disturbBy(nil)
			back := r.push("back")
			pushed, err := l.Push(t.Context(), back, nil)
			require.NoError(t, err)
			require.Equal(t, digestOf(t, img), pushed.Digest)
		})
	}
}

func TestAFetchThatWasCutOffUsesWhatIsThere(t *testing.T) {
	for _, kind := range []string{"oci:", "archive:"} {
		t.Run(kind, func(t *testing.T) {
			r := record(t)
			img := big(t, 4, 1<<20)
			transfertest.Publish(t, r.host, r.ref("team/app", "1"), img)
			address := kind + filepath.Join(t.TempDir(), "store")
			ctx, cancel := context.WithCancel(t.Context())
			_, err := open(t, address, transfer.Options{Jobs: 1}).Fetch(ctx, r.fetch("1", "app:1"), func(e domain.TransferEvent) {
				if e.Status == "pulled" && e.Total > 1<<19 {
					cancel()
				}
			})
			requireCode(t, err, domain.CodeCanceled, "canceled")
			l := open(t, address, transfer.Options{})
			_, err = l.Push(t.Context(), r.push("2"), nil)
			requireCode(t, err, domain.CodeNotFound, "image_not_found")
			out, err := l.Fetch(t.Context(), r.fetch("1", "app:1"), nil)
			require.NoError(t, err)
			require.Less(t, out.ReceivedBytes, out.SizeBytes-1<<19)
			require.Less(t, r.given.Load(), out.SizeBytes+1<<20, "whole blobs are not fetched again")
			_, err = l.Push(t.Context(), r.push("2"), nil)
			require.NoError(t, err)
		})
	}
}

func TestManyProcessesFetchIntoOneStore(t *testing.T) {
	for _, kind := range []string{"oci:", "archive:"} {
		t.Run(kind, func(t *testing.T) {
			r := record(t)
			address := kind + filepath.Join(t.TempDir(), "store")
			tags := []string{"a", "b", "c", "d"}
			for _, tag := range tags {
				transfertest.Publish(t, r.host, r.ref("team/app", tag), big(t, 2, 1000))
			}
			var all sync.WaitGroup
			for _, tag := range tags {
				l := open(t, address, transfer.Options{}) // locks belong to openings, as those of processes
				all.Go(func() {
					if _, err := l.Fetch(t.Context(), r.fetch(tag, "app:"+tag), nil); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			l := open(t, address, transfer.Options{})
			for _, tag := range tags {
				push := r.push("back-" + tag)
				push.Local = "app:" + tag
				_, err := l.Push(t.Context(), push, nil)
				require.NoError(t, err)
			}
		})
	}
}

func TestEntriesOfOtherToolsAreKept(t *testing.T) {
	r := record(t)
	transfertest.Publish(t, r.host, r.ref("team/app", "1"), big(t, 1, 1000))
	_, dir := layoutWith(t, big(t, 1, 1000))
	file := filepath.Join(dir, "index.json")
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	var idx map[string]any
	require.NoError(t, json.Unmarshal(raw, &idx))
	idx["custom"] = map[string]any{"kept": true}
	idx["manifests"] = append(idx["manifests"].([]any), map[string]any{"digest": "odd"})
	raw, err = json.Marshal(idx)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, raw, 0o644))
	_, err = open(t, "oci:"+dir, transfer.Options{}).Fetch(t.Context(), r.fetch("1", "new:1"), nil)
	require.NoError(t, err)
	raw, err = os.ReadFile(file)
	require.NoError(t, err)
	for _, want := range []string{`"kept": true`, `"odd"`, `"app:1"`, `"docker.io/library/new:1"`} {
		require.Contains(t, string(raw), want)
	}
}

func TestWhatAFetchWritesOthersRead(t *testing.T) {
	r := record(t)
	img := transfertest.Image(t, "x86_64", map[string]string{"a": "1"}, map[string]string{"b": "2"})
	transfertest.Publish(t, r.host, r.ref("team/app", "1"), img)
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "app.tar")
	for _, address := range []string{"oci:" + dir, "archive:" + file} {
		_, err := open(t, address, transfer.Options{}).Fetch(t.Context(), r.fetch("1", "app:1"), nil)
		require.NoError(t, err)
	}
	idx, err := layout.ImageIndexFromPath(dir)
	require.NoError(t, err)
	require.NoError(t, validate.Index(idx))
	saved, err := tarball.ImageFromPath(file, nil)
	require.NoError(t, err)
	require.NoError(t, validate.Image(saved))
	want, err := img.ConfigName()
	require.NoError(t, err)
	got, err := saved.ConfigName()
	require.NoError(t, err)
	require.Equal(t, want, got, "docker load finds the image")
	require.NoFileExists(t, file+".part")
	left, err := os.ReadDir(filepath.Join(dir, ".wharf"))
	require.NoError(t, err)
	for _, f := range left {
		require.Contains(t, f.Name(), ".lock", "nothing but locks stays")
	}
}

func TestADamagedLayoutIsRepaired(t *testing.T) {
	r := record(t)
	img := big(t, 2, 1000)
	transfertest.Publish(t, r.host, r.ref("team/app", "1"), img)
	dir := t.TempDir()
	l := open(t, "oci:"+dir, transfer.Options{})
	_, err := l.Fetch(t.Context(), r.fetch("1", "app:1"), nil)
	require.NoError(t, err)
	blobs, err := filepath.Glob(filepath.Join(dir, "blobs", "sha256", "*"))
	require.NoError(t, err)
	require.Len(t, blobs, 4)
	for _, b := range blobs {
		require.NoError(t, os.Truncate(b, 3))
		out, err := l.Fetch(t.Context(), r.fetch("1", "app:1"), nil)
		require.NoError(t, err)
		require.False(t, out.Unchanged)
	}
	idx, err := layout.ImageIndexFromPath(dir)
	require.NoError(t, err)
	require.NoError(t, validate.Index(idx))
}
