package service_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// memory is a port.Resolutions that remembers for ever, and counts.
type memory struct {
	mu          sync.Mutex
	known       map[string][]domain.Candidate
	hits, drops int
}

func (m *memory) Load(ctx context.Context, key string, load func(context.Context) ([]domain.Candidate, error)) ([]domain.Candidate, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if found, ok := m.known[key]; ok {
		m.hits++
		return found, nil
	}
	found, err := load(ctx)
	if err == nil {
		if m.known == nil {
			m.known = map[string][]domain.Candidate{}
		}
		m.known[key] = found
	}
	return found, err
}

func (m *memory) Drop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known = nil
	m.drops++
}

func TestReadsRememberNamesUntilSomethingIsCommitted(t *testing.T) {
	t.Parallel()
	m := &memory{}
	f := newFleet(t, func(c *service.Config) { c.Resolutions = m })
	img := f.image("app:1")[0]
	get := func() domain.ImageDetail {
		t.Helper()
		res, err := f.GetImage(f.root, actions.GetImageAction{Reference: img.Canonical()})
		require.NoError(t, err)
		return res.Image
	}
	require.Equal(t, img.ID, get().ID)
	before := m.hits
	first := get()
	require.Equal(t, before+1, m.hits)
	if first.Labels == nil {
		first.Labels = map[string]string{}
	}
	first.Labels["mine"] = "x"
	require.NotContains(t, get().Labels, "mine", "what is handed out is the caller's own")

	drops := m.drops
	_, err := f.ModifyImage(f.root, actions.ModifyImageAction{Target: img.Canonical(), Modifier: actions.ImageModifier{Labels: domain.Set(map[string]string{"a": "b"})}})
	require.NoError(t, err)
	require.Greater(t, m.drops, drops)
	require.Equal(t, "b", get().OperatorLabels["a"], "a change is seen at once")

	hits := m.hits
	_, err = f.ForgetImage(f.root, actions.ForgetImageAction{Reference: img.Canonical()})
	require.NoError(t, err)
	require.Equal(t, hits, m.hits, "a write never decides by memory")
	_, err = f.GetImage(f.root, actions.GetImageAction{Reference: img.Canonical()})
	require.ErrorIs(t, err, domain.ErrNotFound)
}

func TestNobodyRemembersForSomebodyElse(t *testing.T) {
	t.Parallel()
	m := &memory{}
	f := newFleet(t, func(c *service.Config) { c.Resolutions = m })
	img := f.image("app:1")[0] // of a registry that is allowed for nobody
	_, err := f.GetImage(f.root, actions.GetImageAction{Reference: img.Canonical()})
	require.NoError(t, err)
	for _, a := range []domain.Actor{{ID: "ada", Role: domain.RoleUser, Domain: "lab"}, {ID: "ada", Role: domain.RoleUser, Domain: "other"}} {
		svc := f.again(func(c *service.Config) { c.Resolutions, c.Authorizer = m, reaching(domain.ReachVisible) })
		_, err = svc.GetImage(f.as(a), actions.GetImageAction{Reference: img.Canonical()})
		require.ErrorIs(t, err, domain.ErrNotFound)
		require.Equal(t, img.Canonical(), domain.OnOf(err), "as if there were none: not even its id is told")
		require.Zero(t, m.hits, "what another one was shown is not looked at")
	}
}
