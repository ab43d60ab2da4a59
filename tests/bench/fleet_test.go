package bench_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/fleet"
	"github.com/wharf-project/wharf/adapters/jetstream"
	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/repository/bunstore"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// The fleet of the measurement.
const (
	nodes       = 1000
	away        = nodes * 5 / 100 // of them not there
	failing     = nodes * 2 / 100 // of them fail every pull
	loaded      = 20              // images
	perPull     = 20 * time.Millisecond
	inFlight    = 40
	idealFleet  = nodes * loaded * perPull / inFlight
	natsAddress = "NATS at "
)

// asNodes makes this program the NATS server and the nodes, so that neither is
// part of what is measured.
const asNodes = "WHARF_BENCH_NODES"

// nodesInstead runs the nodes, when this process is to be them.
func nodesInstead() (ran bool) {
	if os.Getenv(asNodes) == "" {
		return false
	}
	if err := simulate(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

func nodeID(i int) domain.AgentID { return domain.AgentID(fmt.Sprintf("node-%04d", i)) }

// simulated is a node that takes its time for a pull and holds what it pulled.
type simulated struct {
	fails bool

	mu   sync.Mutex
	held []domain.InventoryImage
}

func (s *simulated) Inventory(context.Context) (domain.Inventory, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return domain.Inventory{Images: append([]domain.InventoryImage{}, s.held...)}, nil
}

func (s *simulated) Pull(ctx context.Context, r domain.PullRequest, p domain.Progress) (domain.PullOutcome, error) {
	select {
	case <-time.After(perPull):
	case <-ctx.Done():
		return domain.PullOutcome{}, ctx.Err()
	}
	if s.fails {
		return domain.PullOutcome{}, domain.Errorf(domain.CodeForbidden, "registry_forbidden", r.Reference.Canonical(), "the registry refuses the credentials")
	}
	out := domain.PullOutcome{Digest: porttest.DigestOf(r.Reference.Canonical()), SizeBytes: 1 << 20}
	p.Report(out.SizeBytes, out.SizeBytes, "")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = append(s.held, domain.InventoryImage{Canonical: r.Reference.Canonical(), Architecture: r.Architecture, Digest: out.Digest, SizeBytes: out.SizeBytes})
	return out, nil
}

func (s *simulated) Remove(context.Context, domain.RemoveRequest) (domain.RemoveOutcome, error) {
	return domain.RemoveOutcome{}, domain.NotFound("image", "any")
}

// simulate runs the server and the nodes that are there until standard input
// ends.
func simulate() error {
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, JetStream: true, StoreDir: os.TempDir(), JetStreamMaxMemory: 1 << 28})
	if err != nil {
		return err
	}
	go srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		return nats.ErrTimeout
	}
	ctx, stop := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	for i := range nodes - away {
		conn, err := nats.Connect(srv.ClientURL(), nats.Timeout(30*time.Second))
		if err != nil {
			stop()
			return err
		}
		serving.Go(func() {
			defer conn.Close()
			_ = fleet.Serve(ctx, conn, fleet.Node{ID: nodeID(i), Agent: &simulated{fails: i < failing}})
		})
	}
	for srv.NumSubscriptions() < uint32(nodes-away) {
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Println(natsAddress + srv.ClientURL())
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	stop()
	serving.Wait()
	srv.Shutdown()
	return nil
}

// startNodes runs the nodes in a process of their own and returns the URL.
func startNodes(tb testing.TB) string {
	tb.Helper()
	self, err := os.Executable()
	require.NoError(tb, err)
	cmd := exec.CommandContext(tb.Context(), self)
	cmd.Env = append(os.Environ(), asNodes+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(tb, err)
	out, err := cmd.StdoutPipe()
	require.NoError(tb, err)
	require.NoError(tb, cmd.Start())
	tb.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), natsAddress); ok {
			return url
		}
	}
	tb.Fatal("the nodes did not start")
	return ""
}

// manager is a service whose agents are reached over NATS, with its rows.
func manager(tb testing.TB, url string) (*service.ImageService, context.Context, []actions.ImageRef) {
	tb.Helper()
	store, err := bunstore.Open(tb.Context(), "sqlite:"+filepath.Join(tb.TempDir(), "wharf.db"))
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = store.Close() })
	require.NoError(tb, store.Migrate(tb.Context()))
	authorizer, err := rbac.Default(service.Permissions())
	require.NoError(tb, err)
	conn, err := nats.Connect(url)
	require.NoError(tb, err)
	tb.Cleanup(conn.Close)
	svc, err := service.New(service.Config{
		Store: store, Authorizer: authorizer, Tasks: jetstream.New(conn, jetstream.Options{}),
		Agents:     map[domain.AgentKind]port.OpenAgent{domain.AgentFleet: fleet.Opener(conn, fleet.Options{})},
		Registries: map[domain.RegistryType]port.OpenRegistry{domain.RegistryOCI: porttest.OpenRegistries(nil)},
		Fleet:      service.Fleet{RegistryPulls: inFlight},
		Limiter:    service.NewLimiter(nil, nil),
	})
	require.NoError(tb, err)
	root := domain.WithActor(tb.Context(), domain.Actor{ID: "root", Role: domain.RoleSuperadmin})
	reg, err := svc.CreateRegistry(root, actions.CreateRegistryAction{Name: "cr.example.org"})
	require.NoError(tb, err)
	var refs []actions.ImageRef
	var rows []domain.Image
	for i := range loaded {
		img := domain.Image{RegistryID: reg.Registry.ID, Registry: "cr.example.org", Name: "app", Tag: fmt.Sprint(i), Architecture: "x86_64"}
		img.TagDigest, img.ManifestDigest, img.ConfigDigest = porttest.DigestOf("m", img.Tag), porttest.DigestOf("m", img.Tag), porttest.DigestOf(img.Canonical())
		rows, refs = append(rows, img), append(refs, actions.ImageRef{Name: img.Canonical()})
	}
	require.NoError(tb, store.Admin(repository.Unit{Now: time.Now()}).InTx(tb.Context(), func(ctx context.Context, tx repository.AdminView) error {
		_, err := tx.Images.Sync(ctx, rows)
		return err
	}))
	for i := range nodes {
		_, err := svc.RegisterAgent(root, actions.RegisterAgentAction{AgentID: nodeID(i), Kind: domain.AgentFleet, ScalingGroup: "default", Architecture: "x86_64"})
		require.NoError(tb, err)
		// Those that are away are so without anybody knowing.
		_, err = svc.ModifyAgent(root, actions.ModifyAgentAction{AgentID: nodeID(i), Status: domain.Set(domain.AgentOnline)})
		require.NoError(tb, err)
	}
	return svc, root, refs
}

// resident is the memory of this process that is in use, in bytes.
func resident(tb testing.TB) int64 {
	tb.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	require.NoError(tb, err)
	var size, pages int64
	_, err = fmt.Sscan(string(b), &size, &pages)
	require.NoError(tb, err)
	return pages * int64(os.Getpagesize())
}

// BenchmarkPreloadFleet loads 20 images onto 1,000 nodes over NATS as a task,
// and compares with nothing but the pulls, 40 at a time. Nodes that are away are
// deferred, those that fail fail.
func BenchmarkPreloadFleet(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skip("memory is read from /proc")
	}
	url := startNodes(b)
	for range b.N {
		svc, root, refs := manager(b, url)
		ctx, stop := context.WithCancel(b.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = service.NewRunner(svc).Run(ctx) }()
		debug.FreeOSMemory()

		start := time.Now()
		res, err := svc.PreloadImages(root, actions.PreloadImagesAction{Images: refs, TargetAgents: "*", Background: true})
		require.NoError(b, err)
		var first, peak int64
		var after int64
		for over := false; !over; {
			w, err := svc.WatchTask(root, actions.WatchTaskAction{TaskID: res.TaskID, AfterEvent: after, WaitMS: 20_000})
			require.NoError(b, err)
			for _, e := range w.Events {
				after = e.Seq
				if e.Current >= nodes && first == 0 {
					first = resident(b)
				}
			}
			peak, over = max(peak, resident(b)), w.Done
		}
		took := time.Since(start)
		got, err := svc.GetTask(root, actions.GetTaskAction{TaskID: res.TaskID})
		require.NoError(b, err)
		require.Equal(b, domain.TaskAccount{
			Seen: nodes * loaded, Done: (nodes - away - failing) * loaded, Failed: failing * loaded, Deferred: away * loaded,
		}, got.Task.Account)
		stop()
		<-done
		b.ReportMetric(took.Seconds()/idealFleet.Seconds(), "of-ideal")
		b.ReportMetric(float64(peak-first)/(1<<20), "MiB-grown")
		b.ReportMetric(float64(peak)/(1<<20), "MiB-resident")
	}
}
