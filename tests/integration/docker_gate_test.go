package integration_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/tests/containers"
)

// gate is a registry that keeps back a blob when it is told to, so that a pull
// can be met halfway.
type gate struct {
	host    string
	arrived chan struct{} // one per request that is held

	mu   sync.Mutex
	held map[domain.Digest]chan struct{} // closed when it may go on
}

func newGate(t *testing.T) *gate {
	t.Helper()
	registry := containers.Registry(t, containers.RegistryOptions{Delete: true})
	g := &gate{arrived: make(chan struct{}, 100), held: map[domain.Digest]chan struct{}{}}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: registry}) },
		Transport:     &http.Transport{DisableKeepAlives: true}, // no goroutine stays
		ErrorLog:      log.New(io.Discard, "", 0),               // of pulls that end
		FlushInterval: -1,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, digest, _ := strings.Cut(r.URL.Path, "/blobs/")
		if opened := g.of(domain.Digest(digest)); opened != nil && r.Method == http.MethodGet {
			g.arrived <- struct{}{}
			select {
			case <-opened:
			case <-r.Context().Done():
				return
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	g.host = strings.TrimPrefix(server.URL, "http://")
	return g
}

func (g *gate) of(blob domain.Digest) chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.held[blob]
}

// hold keeps a blob back until it is released.
func (g *gate) hold(blob domain.Digest) (release func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	opened := make(chan struct{})
	g.held[blob] = opened
	return sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.held, blob)
		close(opened)
	})
}

// wait waits until so many engines are held.
func (g *gate) wait(t *testing.T, n int) {
	t.Helper()
	for range n {
		select {
		case <-g.arrived:
		case <-time.After(30 * time.Second):
			require.FailNow(t, "nothing is pulled")
		}
	}
}
