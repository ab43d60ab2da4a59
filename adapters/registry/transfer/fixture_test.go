package transfer_test

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/registry/oci"
	"github.com/wharf-project/wharf/adapters/registry/transfer"
	"github.com/wharf-project/wharf/adapters/registry/transfer/transfertest"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// recorder is a registry that remembers what it was asked, and may be disturbed.
type recorder struct {
	http.Handler
	host    string
	disturb func(w http.ResponseWriter, r *http.Request) bool // true: answered

	mu       sync.Mutex
	lines    []string
	received atomic.Int64 // bytes of blobs
	given    atomic.Int64
}

func record(tb testing.TB) *recorder {
	tb.Helper()
	r := &recorder{Handler: memory()}
	r.host = serve(tb, http.HandlerFunc(r.serve))
	return r
}

func (r *recorder) serve(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	r.lines = append(r.lines, q.Method+" "+q.URL.RequestURI())
	disturb := r.disturb
	r.mu.Unlock()
	if strings.Contains(q.URL.Path, "/blobs/") {
		if q.Body != nil {
			q.Body = &counting{q.Body, &r.received}
		}
		w = &countingWriter{w, &r.given}
	}
	if disturb == nil || !disturb(w, q) {
		r.ServeHTTP(w, q)
	}
}

func (r *recorder) disturbBy(f func(w http.ResponseWriter, r *http.Request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.disturb = f
}

// count counts the requests whose line has all the parts.
func (r *recorder) count(parts ...string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, line := range r.lines {
		has := true
		for _, p := range parts {
			has = has && strings.Contains(line, p)
		}
		if has {
			n++
		}
	}
	return n
}

type counting struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	return n, err
}

type countingWriter struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.n.Add(int64(n))
	return n, err
}

// big is an image of layers of so many bytes that nobody can make smaller.
func big(tb testing.TB, layers int, size int64) v1.Image {
	tb.Helper()
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for range layers {
		l, err := random.Layer(size, types.OCILayer)
		require.NoError(tb, err)
		img, err = mutate.AppendLayers(img, l)
		require.NoError(tb, err)
	}
	return img
}

// sizeOf is what a transfer of all of it moves.
func sizeOf(tb testing.TB, img v1.Image) (size int64) {
	tb.Helper()
	m, err := img.Manifest()
	require.NoError(tb, err)
	for _, l := range m.Layers {
		size += l.Size
	}
	return size + m.Config.Size
}

func digestOf(tb testing.TB, img transfertest.Content) domain.Digest {
	tb.Helper()
	d, err := img.Digest()
	require.NoError(tb, err)
	return domain.Digest(d.String())
}

// layoutWith is a layout with an image called app:1, and the store on it.
func layoutWith(tb testing.TB, img transfertest.Content) (port.Local, string) {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "layout")
	transfertest.PutLayout(tb, dir, "app:1", img)
	return open(tb, "oci:"+dir, transfer.Options{}), dir
}

func open(tb testing.TB, address string, o transfer.Options) port.Local {
	tb.Helper()
	if o.Registry.BackoffMin == 0 {
		o.Registry.BackoffMin, o.Registry.BackoffMax = time.Millisecond, time.Millisecond
	}
	l, err := transfer.Open(tb.Context(), address, o)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, l.(io.Closer).Close()) })
	return l
}

var once = transfer.Options{Registry: oci.Options{Attempts: 1}}

func (r *recorder) ref(path, tag string) domain.Reference {
	return domain.Reference{Registry: r.host, Path: path, Tag: tag}
}

func (r *recorder) push(tag string) domain.PushRequest {
	return domain.PushRequest{Local: "app:1", Remote: r.ref("team/app", tag), Registry: transfertest.Row(r.host)}
}

func (r *recorder) fetch(tag, local string) domain.FetchRequest {
	return domain.FetchRequest{Remote: r.ref("team/app", tag), Registry: transfertest.Row(r.host), Local: local}
}

func requireCode(tb testing.TB, err error, code domain.Code, reason string) {
	tb.Helper()
	require.Error(tb, err)
	require.Equal(tb, string(code)+"/"+reason, string(domain.CodeOf(err))+"/"+domain.ReasonOf(err), "%v", err)
}
