package integration_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/registry/transfer/transfertest"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
	"github.com/wharf-project/wharf/tests/containers"
)

// suiteNames begins every name that the suite of stores gives.
const suiteNames = "localhost/wharf-local/"

func TestALocalEngineKeepsTheContractOfStores(t *testing.T) {
	e := newLocalEngine(t)
	e.prefix = suiteNames
	before := e.names(t)
	front := newFront(t, containers.Registry(t, containers.RegistryOptions{Delete: true}))
	pulled := &realEngine{api: e.api, host: front.host} // what lost its name on the way
	h := transfertest.Harness(front.host, "oci")
	h.Shared, h.OneArchitecture, h.ByConfig, h.Uncounted = true, true, true, true
	h.New = func(tb testing.TB) port.Local {
		tb.Cleanup(func() { e.sweep(tb); pulled.sweep(t) })
		return e.store
	}
	h.Put = func(tb testing.TB, _ port.Local, as string, i porttest.LocalImage) porttest.LocalContent {
		tb.Helper()
		made, want := transfertest.Make(tb, i)
		e.load(tb, as, made.(v1.Image))
		want.Digest = "" // an engine makes the manifest when it pushes
		return want
	}
	h.Names = func(tb testing.TB, _ port.Local) map[string]domain.Digest {
		tb.Helper()
		names := map[string]domain.Digest{}
		for _, n := range e.names(tb) {
			names[n], _ = e.find(tb, n)
		}
		return names
	}
	h.Denied = func(_ testing.TB, r domain.Reference) (domain.Reference, domain.Registry) {
		r.Registry = front.closed
		return r, transfertest.Row(front.closed)
	}
	h.Spoil = func(_ testing.TB, r domain.Reference) { front.spoiled.Store(r.Path) }
	porttest.RunLocal(t, h)
	require.Equal(t, before, e.names(t), "no name of the suite is left")
	s := shore{e, pulled}
	require.Empty(t, s.left(t), "no name of the registry is left")
}

// load gives the engine an image as "docker load" does.
func (e *localEngine) load(tb testing.TB, as string, img v1.Image) {
	tb.Helper()
	tag, err := name.NewTag(as)
	require.NoError(tb, err)
	var b bytes.Buffer
	require.NoError(tb, tarball.Write(tag, img, &b))
	loaded, err := e.api.ImageLoad(tb.Context(), &b, client.ImageLoadWithQuiet(true))
	require.NoError(tb, err)
	defer loaded.Close()
	_, err = new(bytes.Buffer).ReadFrom(loaded)
	require.NoError(tb, err)
}

// front stands before a real registry: host gives wrong bytes for the blobs of
// the spoiled repository, and closed takes nothing.
type front struct {
	host, closed string
	spoiled      atomic.Value
}

func newFront(t *testing.T, registry string) *front {
	t.Helper()
	f := &front{}
	pass := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: registry})
			r.Out.Host = r.In.Host // the registry says where to go on
		},
		ModifyResponse: func(r *http.Response) error {
			repo, _ := f.spoiled.Load().(string)
			if repo == "" || r.Request.Method != http.MethodGet || !strings.HasPrefix(r.Request.URL.Path, "/v2/"+repo+"/blobs/") {
				return nil
			}
			r.Body = &spoiledBody{r.Body}
			return nil
		},
	}
	serve := func(h http.Handler) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return strings.TrimPrefix(s.URL, "http://")
	}
	f.host = serve(pass)
	f.closed = serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			pass.ServeHTTP(w, r)
			return
		}
		// With the usual message, an engine would try for a minute.
		http.Error(w, `{"errors":[{"code":"DENIED","message":"read only"}]}`, http.StatusForbidden)
	}))
	return f
}

// spoiledBody changes the first byte of every read.
type spoiledBody struct{ io.ReadCloser }

func (b *spoiledBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		p[0] ^= 1
	}
	return n, err
}
