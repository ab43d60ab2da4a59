package integration_test

import (
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
	"github.com/wharf-project/wharf/tests/containers"
)

// slowBody comes in pieces, and breaks after so many bytes unless that is 0.
type slowBody struct {
	io.ReadCloser
	left int64
}

func (s *slowBody) Read(p []byte) (int, error) {
	<-time.After(20 * time.Millisecond)
	n, err := s.ReadCloser.Read(p[:min(len(p), 64<<10)])
	if s.left -= int64(n); s.left < 0 && s.left+int64(n) > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// A download breaks halfway, and the engine fetches the rest.
func TestARealEngineReportsWhatArrives(t *testing.T) {
	t.Parallel()
	registry := containers.Registry(t, containers.RegistryOptions{Delete: true})
	var broke, resumed atomic.Bool
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: registry}) },
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Method == http.MethodGet && r.ContentLength > 1<<20 {
				slow := &slowBody{ReadCloser: r.Body}
				if broke.Swap(true) {
					resumed.Store(true)
				} else {
					slow.left = r.ContentLength / 2
				}
				r.Body = slow
			}
			return nil
		},
		FlushInterval: -1,
	})
	t.Cleanup(server.Close)
	e := engineAt(t, containers.SecondEngine(t, nil).Address, registry)
	content := make([]byte, 4<<20)
	_, _ = rand.Read(content)
	p := e.push(t, porttest.AgentImage{Repository: "team/big", Tag: "1", Architectures: []string{"x86_64"}, Content: string(content)})[0]
	host := strings.TrimPrefix(server.URL, "http://")
	p.Request.Registry.URL = server.URL
	p.Request.Reference.Registry, p.Request.Registry.Name = host, host
	var before, after []domain.ProgressStep
	out, err := e.open(t).Pull(t.Context(), p.Request, func(s domain.ProgressStep) {
		switch {
		case s.Current == 0 || s.Current >= s.Total/2: // all has arrived, which is one half
		case resumed.Load():
			after = append(after, s)
		default:
			before = append(before, s)
		}
	})
	require.NoError(t, err)
	require.False(t, out.Unchanged)
	require.Greater(t, len(before), 3)
	require.Less(t, before[len(before)-1].Current, before[0].Total/3, "half of it arrived, which is a quarter")
	require.Greater(t, len(after), 3, "what came after the break")
}
