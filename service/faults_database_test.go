package service_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository/bunstore"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/porttest"
)

// fleetWorld is what the actions of the table act on.
type fleetWorld struct {
	*fleet
	svc      *service.ImageService // over the flaky store
	store    *fleetFlaky
	reg      domain.Registry
	images   []domain.Image // app:1, app:2, app:3 (forgotten), app:4
	multi    []domain.Image // of one tag
	moved    bool
	registry domain.RegistryID // without images
}

// fleetWorldTemplate is the bytes of a database with a world in it. The first
// test that needs one makes it.
var fleetWorldTemplate struct {
	sync.Once
	data []byte
}

func newFleetWorld(t *testing.T) *fleetWorld {
	t.Helper()
	fleetWorldTemplate.Do(func() { fleetWorldTemplate.data = fleetWorldData(t) })
	require.NotEmpty(t, fleetWorldTemplate.data)
	w := &fleetWorld{fleet: newFleetOn(t, fleetStore(t, fleetWorldTemplate.data))}
	w.registries[fleetHost], w.registries["empty.example.org"] = porttest.NewRegistry(), porttest.NewRegistry()
	for _, name := range []string{"app:1", "app:2", "app:3", "app:4", "other:1"} {
		w.push(name)
	}
	w.push("multi:1", "amd64", "arm64")
	for _, row := range w.rows() {
		w.shelf.Put(porttest.ShelvedOf(row.Image))
		switch row.Name {
		case "app":
			w.images = append(w.images, row.Image)
		case "multi":
			w.multi = append(w.multi, row.Image)
		}
	}
	require.Len(t, w.images, 4)
	var held []domain.InventoryImage
	for _, i := range w.images[:2] {
		held = append(held, domain.InventoryImage{Canonical: i.Canonical(), Architecture: i.Architecture, Digest: i.ConfigDigest, SizeBytes: i.SizeBytes})
	}
	w.agents["a"], w.agents["b"] = porttest.NewAgent(w.shelf, held...), porttest.NewAgent(w.shelf, held...)
	list, err := w.ListRegistries(w.root, actions.ListRegistriesAction{})
	require.NoError(t, err)
	w.reg, w.registry = list.Registries[0], list.Registries[1].ID
	w.store = &fleetFlaky{Store: w.fleet.store}
	w.svc = w.again(func(c *service.Config) { c.Store = w.store }, withAuthorizer(reaching(domain.ReachAny)))
	return w
}

// fleetWorldData builds the world by actions and returns its database.
func fleetWorldData(t *testing.T) []byte {
	t.Helper()
	data, err := fleetTemplate()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "world.db")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	st, err := bunstore.OpenSQLite(t.Context(), path)
	require.NoError(t, err)
	f := newFleetOn(t, st)
	f.register(fleetHost, "")
	f.register("empty.example.org", "")
	images := f.images(4)
	f.image("multi:1", "amd64", "arm64")
	f.image("other:1")
	f.inStatus(images[2], domain.ImageForgotten)
	f.alias("app", images[0].Canonical())
	f.node("a", "x86_64", images[:2]...)
	f.node("b", "x86_64", images[:2]...)
	f.ImageService = f.again(withAuthorizer(reaching(domain.ReachAny)))
	_, err = f.CreateRole(f.root, actions.CreateRoleAction{Name: "ops", Rules: []domain.RoleRule{{Permission: "image.*", Reach: domain.ReachVisible}}})
	require.NoError(t, err)
	_, err = f.BindRole(f.root, actions.BindRoleAction{Binding: domain.Binding{User: "alice", Role: "ops"}})
	require.NoError(t, err)
	_, err = f.CreateKey(f.root, actions.CreateKeyAction{Name: "ci"})
	require.NoError(t, err)
	require.NoError(t, st.Close()) // all of it is in the file now
	data, err = os.ReadFile(path)
	require.NoError(t, err)
	return data
}

// told is everything that the catalogue knows, by the names that users give.
func (w *fleetWorld) told() []string {
	w.tb.Helper()
	var lines []string
	for _, r := range w.rows() {
		lines = append(lines, fmt.Sprintf("image %s %s %s type=%s local=%t operator=%v limits=%v aliases=%v used=%t held=%d digest=%s",
			r.Canonical(), r.Architecture, r.Status, r.Type, r.IsLocal, r.OperatorLabels, r.CustomLimits, r.Aliases, !r.LastUsedAt.IsZero(), r.InstalledCount, r.TagDigest))
	}
	regs, err := w.ListRegistries(w.root, actions.ListRegistriesAction{})
	require.NoError(w.tb, err)
	for _, r := range regs.Registries {
		lines = append(lines, fmt.Sprintf("registry %s %s %t %v %v", r.String(), r.URL, r.IsGlobal, r.Domains, r.Projects))
	}
	agents, err := w.ListAgents(w.root, actions.ListAgentsAction{})
	require.NoError(w.tb, err)
	for _, a := range agents.Agents {
		lines = append(lines, fmt.Sprintf("agent %s %s %s %v", a.ID, a.ScalingGroup, a.Status, w.known(a.ID)))
	}
	groups, err := w.ListScalingGroups(w.root, actions.ListScalingGroupsAction{})
	require.NoError(w.tb, err)
	for _, g := range groups.ScalingGroups {
		lines = append(lines, fmt.Sprintf("group %v", g))
	}
	rows, err := w.fleet.store.PolicyRows(w.tb.Context())
	require.NoError(w.tb, err)
	for _, r := range rows.Roles {
		lines = append(lines, fmt.Sprintf("role %s %v %v", r.Name, r.Rules, r.Inherits))
	}
	for _, b := range rows.Bindings {
		lines = append(lines, fmt.Sprintf("binding %v", b.Binding))
	}
	keys, err := w.ListKeys(w.root, actions.ListKeysAction{})
	require.NoError(w.tb, err)
	for _, k := range keys.Keys {
		lines = append(lines, fmt.Sprintf("key %s %v revoked=%t", k.Name, k.Actor, !k.RevokedAt.IsZero()))
	}
	slices.Sort(lines)
	return lines
}

// exact is told with ids, revisions and times.
func (w *fleetWorld) exact() string {
	w.tb.Helper()
	regs, err := w.ListRegistries(w.root, actions.ListRegistriesAction{})
	require.NoError(w.tb, err)
	agents, err := w.ListAgents(w.root, actions.ListAgentsAction{})
	require.NoError(w.tb, err)
	return fleetJSON(w.tb, []any{w.rows(), regs, agents, w.told()})
}

// requireNothingGone: no row is missing that the registry still has.
func (w *fleetWorld) requireNothingGone() {
	w.tb.Helper()
	for _, r := range w.rows() {
		if w.moved && r.Repository() == "multi" {
			continue // one of its architectures is gone in truth
		}
		if r.Status == domain.ImageMissing {
			tags := []string{}
			if slices.Contains([]string{"app", "multi"}, r.Repository()) {
				tags = w.tags(r.Repository())
			}
			require.NotContains(w.tb, tags, r.Tag, "%s is in the registry and marked as missing", r.Canonical())
		}
	}
}

// TestTheDatabaseRefusesTheNthCall runs every write with every call refused once.
// A write in one transaction leaves nothing behind; one with steps outside of the
// database leaves what its next run completes. Neither tells the trail of a
// success that was none.
func TestTheDatabaseRefusesTheNthCall(t *testing.T) {
	t.Parallel()
	for _, c := range fleetWrites() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newFleetWorld(t)
			w.store.arm(0)
			require.NoError(t, c.do(w))
			calls, goal := w.store.made(), w.told()
			require.NotEmpty(t, calls)
			w = newFleetWorld(t)
			for n := 1; n <= len(calls); n++ {
				t.Logf("call %d: %s", n, calls[n-1])
				if err := c.refused(t, w, n); err != nil && !c.steps {
					continue // nothing happened, so the world can be used again
				}
				again := c.do(w)
				if again != nil {
					require.Contains(t, c.doneAlready, domain.ReasonOf(again), "%v", again)
				}
				require.Equal(t, goal, w.told(), "the next run completes it")
				w = newFleetWorld(t)
			}
		})
	}
}

// refused runs the write with the n-th call refused and looks at what is left.
func (c fleetWrite) refused(t *testing.T, w *fleetWorld, n int) error {
	t.Helper()
	before, trail := "", w.audit(c.action)
	if !c.steps {
		before = w.exact()
	}
	w.store.arm(n)
	err := c.do(w)
	made := w.store.made()
	w.store.arm(0)
	switch {
	case err != nil:
		require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err), "%v", err)
		require.Equal(t, "database_unavailable", domain.ReasonOf(err))
		require.NotEmpty(t, domain.OnOf(err))
		require.NotEmpty(t, domain.MessageOf(err))
	case len(made) >= n: // else it needed fewer calls this time, for some run at the same time
		// Notes of what nodes hold, and the end of an entry, may be lost: the work is done.
		require.Contains(t, c.mayLose, made[n-1], "the refusal was swallowed")
	}
	if err != nil && !c.steps {
		require.Equal(t, before, w.exact(), "all or nothing")
	}
	w.requireNothingGone()
	if err != nil && !c.bulk {
		for _, e := range w.audit(c.action)[len(trail):] {
			require.NotEqual(t, domain.AuditOK, e.Status, "the trail tells of a success")
		}
	}
	return err
}

// fleetWrite is one row of the table.
type fleetWrite struct {
	name, action string
	do           func(w *fleetWorld) error
	steps        bool     // it works outside of the database too
	bulk         bool     // the refusal is in the outcome of one item
	mayLose      []string // calls whose refusal harms nobody
	doneAlready  []string // what a second run may say
}

// fleetFirst is the first problem of outcomes.
func fleetFirst[T any](list []T, problem func(T) *domain.Problem, err error) error {
	if err != nil {
		return err
	}
	for _, o := range list {
		if p := problem(o); p != nil {
			return p
		}
	}
	return nil
}

func (w *fleetWorld) ids(n int) []domain.ImageID {
	var ids []domain.ImageID
	for _, i := range w.images[:n] {
		ids = append(ids, i.ID)
	}
	return ids
}

// change moves a tag, takes one and a repository away, and adds one.
func (w *fleetWorld) change() {
	if w.moved {
		return
	}
	w.moved = true
	hub := w.registries[fleetHost]
	hub.Push(fleetContent("app:1", "newer", "amd64"))
	hub.Remove("app", "2")
	hub.Remove("other", "")
	hub.Push(fleetContent("app:5", "", "amd64"))
	hub.Push(fleetContent("multi:1", "", "arm64"))
}

func TestTheFlakyStoreCountsEveryKindOfCall(t *testing.T) {
	t.Parallel()
	w := newFleetWorld(t)
	w.store.arm(0)
	_, err := w.svc.UntagImageFromRegistry(w.root, actions.UntagImageFromRegistryAction{ImageID: w.images[0].ID})
	require.NoError(t, err)
	require.Equal(t, "audit.record images.get images.siblings registries.get begin images.mark_missing commit images.get audit.record", strings.Join(w.store.made(), " "))
}
