package bench_test

import (
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/adapters/registry/oci"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
)

// concurrency of the scan and of the bare client it is compared with.
const concurrency = 16

// recorder remembers the requests that go through it.
type recorder struct {
	next http.RoundTripper
	mu   sync.Mutex
	seen []*http.Request
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	r.seen = append(r.seen, req)
	r.mu.Unlock()
	return r.next.RoundTrip(req)
}

func bareTransport() *http.Transport {
	return &http.Transport{MaxIdleConnsPerHost: concurrency, MaxConnsPerHost: concurrency}
}

// scan makes a first scan of the registry into an empty catalogue, and returns
// its account, its requests and how long it took.
func scan(tb testing.TB, host string) (actions.RegistryScan, []*http.Request, time.Duration) {
	tb.Helper()
	rec := &recorder{next: bareTransport()}
	a, err := app.Open(tb.Context(), app.Config{
		Dir: tb.TempDir(), DatabaseURL: "sqlite:" + filepath.Join(tb.TempDir(), "wharf.db"),
		Service: service.Config{
			Registries: map[domain.RegistryType]port.OpenRegistry{domain.RegistryOCI: oci.Opener(oci.Options{Transport: rec})},
			Fleet:      service.Fleet{Repositories: concurrency, Requests: concurrency},
		},
	})
	require.NoError(tb, err)
	defer a.Close()
	root := domain.WithActor(tb.Context(), domain.Actor{ID: "root", Role: domain.RoleSuperadmin})
	_, err = a.CreateRegistry(root, actions.CreateRegistryAction{Name: host, URL: "http://" + host})
	require.NoError(tb, err)
	start := time.Now()
	res, err := a.RescanImages(root, actions.RescanImagesAction{})
	took := time.Since(start)
	require.NoError(tb, err)
	return res.Registries[0], rec.seen, took
}

// replay issues the same requests with nothing around them.
func replay(tb testing.TB, requests []*http.Request) time.Duration {
	tb.Helper()
	client := &http.Client{Transport: bareTransport()}
	var g errgroup.Group
	g.SetLimit(concurrency)
	start := time.Now()
	for _, r := range requests {
		g.Go(func() error {
			req, err := http.NewRequestWithContext(tb.Context(), r.Method, r.URL.String(), nil)
			if err != nil {
				return err
			}
			req.Header = r.Header.Clone()
			res, err := client.Do(req)
			if err != nil {
				return err
			}
			defer res.Body.Close()
			_, err = io.Copy(io.Discard, res.Body)
			return err
		})
	}
	require.NoError(tb, g.Wait())
	return time.Since(start)
}

func TestAScanStaysWithinItsRequestBudget(t *testing.T) {
	t.Parallel()
	const repositories, tags = 30, 4
	host := startDistribution(t)
	push(t, host, sample(repositories, tags))
	account, requests, _ := scan(t, host)
	require.True(t, account.Complete, "%+v", account)
	require.Equal(t, 2*repositories*tags, account.Added)

	kinds := map[string]int{}
	for _, r := range requests {
		require.Equal(t, http.MethodGet, r.Method)
		switch path := r.URL.Path; {
		case strings.HasSuffix(path, "/tags/list"):
			kinds["tags"]++
		case strings.HasSuffix(path, "/_catalog"):
			kinds["catalog"]++
		case strings.Contains(path, "/manifests/"), strings.Contains(path, "/blobs/"):
			kinds["content"]++
		default:
			kinds["other"]++
		}
	}
	require.Equal(t, 5*repositories*tags, kinds["content"], "an index, two manifests, two configs per tag")
	require.Equal(t, repositories, kinds["tags"], "one page per repository")
	require.LessOrEqual(t, kinds["catalog"], 2)
	require.LessOrEqual(t, kinds["other"], 2, "pings and tokens")
}

// BenchmarkFirstScan compares a first scan with a bare HTTP client that issues
// the same requests: the median ratio of five alternated pairs.
func BenchmarkFirstScan(b *testing.B) {
	const repositories, tags = 200, 4
	host := startDistribution(b)
	push(b, host, sample(repositories, tags))
	for b.Loop() {
		var ratios []float64
		var rate float64
		for range 5 {
			account, requests, took := scan(b, host)
			require.Equal(b, 2*repositories*tags, account.Added)
			bare := replay(b, requests)
			ratios = append(ratios, bare.Seconds()/took.Seconds())
			rate = float64(len(requests)) / took.Seconds()
			b.Logf("%d requests: scan %s, bare %s, ratio %.2f", len(requests), took.Round(time.Millisecond), bare.Round(time.Millisecond), ratios[len(ratios)-1])
		}
		slices.Sort(ratios)
		b.ReportMetric(ratios[2], "of-bare")
		b.ReportMetric(rate, "req/s")
	}
}
