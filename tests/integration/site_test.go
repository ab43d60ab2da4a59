package integration_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository/bunstore"
	"github.com/wharf-project/wharf/tests/containers"
	"github.com/wharf-project/wharf/tests/kernels"
)

func TestMain(m *testing.M) { os.Exit(containers.Main(m)) }

// site is one installation: a service on Postgres, a registry in a container
// that stands for some hosts, and nodes on disk.
type site struct {
	*app.App
	root context.Context // as superadmin
	host string          // where the registry is
	dir  string
}

func migrate(ctx context.Context, dsn string) error {
	s, err := bunstore.OpenPostgres(ctx, dsn)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Migrate(ctx)
}

func newSite(t *testing.T, version containers.RegistryVersion) *site {
	t.Helper()
	dir := t.TempDir()
	a, err := app.Open(t.Context(), app.Config{DatabaseURL: containers.PostgresTemplate(t, "wharf", migrate), Dir: dir})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	return &site{
		App: a, dir: dir, host: containers.Registry(t, containers.RegistryOptions{Version: version, Delete: true}),
		root: domain.WithActor(t.Context(), domain.Actor{ID: "admin", Role: domain.RoleSuperadmin}),
	}
}

// register makes a host of image names stand for the registry.
func (s *site) register(t *testing.T, name string) domain.Registry {
	t.Helper()
	res, err := s.CreateRegistry(s.root, actions.CreateRegistryAction{Name: name, URL: "http://" + s.host})
	require.NoError(t, err)
	return res.Registry
}

func (s *site) agent(t *testing.T, id domain.AgentID) string {
	t.Helper()
	dir := filepath.Join(s.dir, string(id))
	_, err := s.RegisterAgent(s.root, actions.RegisterAgentAction{
		AgentID: id, Kind: domain.AgentOCILayout, Address: dir, ScalingGroup: "default", Architecture: "x86_64",
	})
	require.NoError(t, err)
	return dir
}

func (s *site) push(t *testing.T, images ...kernels.Image) {
	t.Helper()
	require.NoError(t, kernels.Push(t.Context(), s.host, images))
}

// get returns an image by any name, whatever its status.
func (s *site) get(t *testing.T, reference string) domain.ImageDetail {
	t.Helper()
	res, err := s.GetImage(s.root, actions.GetImageAction{Reference: reference, Architecture: "x86_64", Statuses: domain.ImageStatuses()})
	require.NoError(t, err)
	return res.Image
}
