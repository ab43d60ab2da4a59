package bench_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/wharf-project/wharf/adapters/app"
)

const (
	apiPage       = 50
	apiStatements = 6 // at most, for a page with everything
	apiPairs      = 5
	apiFew        = 4   // clients whose latency is measured
	apiMany       = 32  // clients whose throughput is
	apiReads      = 320 // of all clients together
)

// apiQuery asks for a page with all that hangs on its images.
func apiQuery(more string) string {
	return fmt.Sprintf(`{ images_page(first: %d) { edges { cursor node {
		id canonical humanized_name registry project name tag architecture digest size_bytes type status
		labels { key value } resource_limits { key min max } supported_accelerators
		aliases installed installed_count agents { agent_id digest stale }
	} } page_info { has_next_page end_cursor } %s } }`, apiPage, more)
}

// apiLoad is what some clients at once had.
type apiLoad struct {
	p95    time.Duration
	second float64 // reads in a second
}

// drive has clients read until all reads are made; each client has its own
// reader.
func drive(tb testing.TB, clients int, reader func(client int) func(context.Context) error) apiLoad {
	tb.Helper()
	took := make([][]time.Duration, clients)
	var g errgroup.Group
	start := time.Now()
	for i := range clients {
		read := reader(i)
		g.Go(func() error {
			for range apiReads / clients {
				begin := time.Now()
				if err := read(tb.Context()); err != nil {
					return err
				}
				took[i] = append(took[i], time.Since(begin))
			}
			return nil
		})
	}
	require.NoError(tb, g.Wait())
	all := slices.Sorted(slices.Values(slices.Concat(took...)))
	return apiLoad{p95: all[len(all)*95/100], second: float64(len(all)) / time.Since(start).Seconds()}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// BenchmarkAPIPage reads a page of images with all that hangs on them over
// GraphQL and HTTP from a whole server, and compares with the same statements
// issued by the bare driver: medians of alternated pairs.
func BenchmarkAPIPage(b *testing.B) {
	dsn := apiCatalogue(b)
	cfg := app.Config{Dir: b.TempDir(), DatabaseURL: dsn}
	a, err := app.Open(b.Context(), cfg)
	require.NoError(b, err)
	key := rootKey(b, a)
	require.NoError(b, a.Close())
	query := apiQuery("")
	texts := capture(b, cfg, key, query, apiQuery("total_count"))
	require.LessOrEqual(b, len(texts[1]), apiStatements, "%q", texts[1])
	statements := bareStatements(b, dsn, texts[0])
	var conns []*pgx.Conn
	for range apiMany {
		conns = append(conns, bareConn(b, dsn))
	}
	url := startServer(b, cfg) + "/graphql"
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: apiMany}}
	defer client.CloseIdleConnections()
	served := func(int) func(context.Context) error {
		return func(ctx context.Context) error { return ask(ctx, client, url, key, query) }
	}
	bare := func(i int) func(context.Context) error {
		return func(ctx context.Context) error { return bareRead(ctx, conns[i], statements) }
	}
	drive(b, apiMany, served) // connections, pools and plans are there
	drive(b, apiMany, bare)
	for b.Loop() {
		var p95, throughput, server, driver []float64
		for range apiPairs {
			few, fewBare := drive(b, apiFew, served), drive(b, apiFew, bare)
			many, manyBare := drive(b, apiMany, served), drive(b, apiMany, bare)
			p95 = append(p95, few.p95.Seconds()/fewBare.p95.Seconds())
			throughput = append(throughput, many.second/manyBare.second)
			server, driver = append(server, many.second), append(driver, manyBare.second)
			b.Logf("p95 at %d clients %s, bare %s; at %d clients %.0f pages/s, bare %.0f", apiFew, few.p95, fewBare.p95, apiMany, many.second, manyBare.second)
		}
		b.ReportMetric(median(p95), "p95-of-bare")
		b.ReportMetric(median(throughput), "throughput-of-bare")
		b.ReportMetric(median(server), "pages/s")
		b.ReportMetric(median(driver), "bare-pages/s")
		b.ReportMetric(float64(len(texts[1])), "statements")
	}
}

// TestAPageOverGraphQLCostsAFewStatementsOnPostgres counts them from the key to
// the answer.
func TestAPageOverGraphQLCostsAFewStatementsOnPostgres(t *testing.T) {
	t.Parallel()
	cfg := app.Config{Dir: t.TempDir(), DatabaseURL: apiCatalogue(t)}
	a, err := app.Open(t.Context(), cfg)
	require.NoError(t, err)
	key := rootKey(t, a)
	require.NoError(t, a.Close())
	texts := capture(t, cfg, key, apiQuery(""), apiQuery("total_count"))
	require.Len(t, texts[0], len(texts[1])-1, "a total is counted when it is asked for: %q", texts)
	require.LessOrEqual(t, len(texts[1]), apiStatements, "%q", texts[1])
}
