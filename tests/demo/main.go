package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/domain"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	dir, err := os.MkdirTemp("", "wharf-demo-*")
	if err == nil {
		err = run(ctx, dir, os.Stdout)
		_ = os.RemoveAll(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo failed:", err)
		os.Exit(1) //nolint:gocritic // nothing that is deferred matters now
	}
}

// run tells the whole story in dir. The first step that does not come out as it
// should ends it with an error.
func run(ctx context.Context, dir string, out io.Writer) error {
	start := time.Now()
	host, shut, err := startRegistry()
	if err != nil {
		return err
	}
	defer shut()
	a, err := app.Open(ctx, app.Config{Dir: dir})
	if err != nil {
		return err
	}
	defer a.Close()

	s := &story{
		app: a, out: out, host: host, dir: dir,
		root: domain.WithActor(ctx, domain.Actor{ID: "root", Role: domain.RoleSuperadmin}),
		alice: domain.WithActor(ctx, domain.Actor{
			ID: "alice", Role: domain.RoleUser, Domain: "default", Projects: []string{"vision"},
		}),
		watch: domain.WithActor(ctx, domain.Actor{ID: "grafana", Role: domain.RoleMonitor}),
	}
	for _, chapter := range []func(*story) error{
		(*story).setUp, (*story).scan, (*story).list, (*story).names, (*story).limits,
		(*story).preload, (*story).purge, (*story).lifecycle, (*story).untag, (*story).users, (*story).trail,
	} {
		if err := chapter(s); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "\n%d steps, each checked, in %s\n", s.steps, time.Since(start).Round(10*time.Millisecond))
	return nil
}

// startRegistry serves an OCI registry in this process.
func startRegistry() (host string, shut func(), err error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	srv := &http.Server{Handler: registry.New(registry.Logger(log.New(io.Discard, "", 0))), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = srv.Serve(l) }()
	return l.Addr().String(), func() { _ = srv.Close() }, nil
}

func (s *story) nodeDir(id domain.AgentID) string { return filepath.Join(s.dir, string(id)) }
