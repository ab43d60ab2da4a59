package service_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/porttest"
)

// meanwhile runs do once, at one step of a registry's listing, which has its
// names already.
func (f *fleet) meanwhile(op, key string, do func()) {
	var once sync.Once
	f.registries[fleetHost].SetHook(func(_ context.Context, o, k string) error {
		if o == op && k == key {
			once.Do(do)
		}
		return nil
	})
}

func TestAnImageThatIsScannedDuringARescanStaysAlive(t *testing.T) {
	t.Parallel()
	t.Run("a new tag of a repository whose tags are listed", func(t *testing.T) {
		t.Parallel()
		f := newFleet(t)
		f.image("a:1")
		var fresh domain.Image
		f.meanwhile(porttest.OpTags, "a:1", func() { fresh = f.image("a:2")[0] })
		require.Equal(t, "complete=true seen=1 added=0 updated=0 unchanged=1 skipped=0 failed=0 gone=0", f.scanned())
		f.requireStatus(fresh.ID, domain.ImageAlive)
	})
	t.Run("a new repository", func(t *testing.T) {
		t.Parallel()
		f := newFleet(t)
		f.image("b:1")
		var fresh domain.Image
		f.meanwhile(porttest.OpRepositories, "b", func() { fresh = f.image("a:1")[0] })
		require.Zero(t, f.rescan()[0].Gone)
		f.requireStatus(fresh.ID, domain.ImageAlive)
	})
	t.Run("a new tag of a repository that was gone and came back", func(t *testing.T) {
		t.Parallel()
		f := newFleet(t)
		old := f.image("a:1")[0]
		f.image("b:1")
		f.registries[fleetHost].Remove("a", "")
		var fresh domain.Image
		f.meanwhile(porttest.OpRepositories, "b", func() { fresh = f.image("a:2")[0] })
		require.Equal(t, 1, f.rescan()[0].Gone)
		f.requireStatus(old.ID, domain.ImageMissing)
		f.requireStatus(fresh.ID, domain.ImageAlive)
	})
	t.Run("a tag that moved since it was listed as gone", func(t *testing.T) {
		t.Parallel()
		f := newFleet(t)
		img := f.image("a:1")[0]
		f.image("a:2")
		f.registries[fleetHost].Remove("a", "1")
		f.meanwhile(porttest.OpTags, "a:2", func() {
			f.registries[fleetHost].Push(fleetContent("a:1", "again", "amd64"))
			f.scan(img.Canonical())
		})
		require.Zero(t, f.rescan()[0].Gone)
		f.requireStatus(img.ID, domain.ImageAlive)
	})
}

func TestWhatAnOperatorDidDuringARescanStays(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	forgotten, limited, purged := f.image("a:1")[0], f.image("a:2")[0], f.image("a:3")[0]
	for _, tag := range []string{"1", "2", "3"} {
		f.registries[fleetHost].Push(fleetContent("a:"+tag, "newer", "amd64"))
	}
	f.meanwhile(porttest.OpDescribe, "a:3", func() {
		_, err := f.ForgetImageByID(f.root, actions.ForgetImageByIDAction{ImageID: forgotten.ID})
		require.NoError(t, err)
		_, err = f.SetImageResourceLimitByID(f.root, actions.SetImageResourceLimitByIDAction{ImageID: limited.ID, Slot: "cpu", Min: "4"})
		require.NoError(t, err)
		_, err = f.PurgeImageByID(f.root, actions.PurgeImageByIDAction{ImageID: purged.ID})
		require.NoError(t, err)
	})
	require.Equal(t, "complete=true seen=3 added=1 updated=2 unchanged=0 skipped=0 failed=0 gone=0", f.scanned())
	f.requireStatus(forgotten.ID, domain.ImageForgotten)
	require.Equal(t, domain.Limits{"cpu": {Min: "4"}}, f.stored(limited.ID).CustomLimits)
	require.Equal(t, "alive", f.statusNow(purged.Canonical()), "the registry still has it, so it is a new row")
}

func TestRescansOfOneRegistryAtTheSameTimeAgree(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.register(fleetHost, "")
	const repos, tags, rescans = 5, 8, 4
	for r := range repos {
		for n := range tags {
			f.push(fmt.Sprintf("repo%d:%d", r, n), "amd64", "arm64")
		}
	}
	results := make([]actions.RescanImagesResult, rescans)
	errs := make([]error, rescans)
	var wg sync.WaitGroup
	for i := range rescans {
		wg.Go(func() { results[i], errs[i] = f.RescanImages(f.root, actions.RescanImagesAction{}) })
	}
	wg.Wait()
	added := 0
	for i, res := range results {
		require.NoError(t, errs[i])
		fleetAddsUp(t, res.Registries...)
		require.True(t, res.Registries[0].Complete)
		require.Equal(t, repos*tags*2, res.Registries[0].Seen)
		require.Zero(t, res.Registries[0].Gone)
		added += res.Registries[0].Added
	}
	require.Equal(t, repos*tags*2, added, "each row is new once")
	require.Len(t, f.rows(), repos*tags*2)
}

// fleetProgress keeps what was reported and checks each step.
type fleetProgress struct {
	tb    testing.TB
	steps []domain.ProgressStep
}

func (p *fleetProgress) report(s domain.ProgressStep) {
	if n := len(p.steps); n > 0 {
		require.GreaterOrEqual(p.tb, s.Current, p.steps[n-1].Current, "progress goes down")
		require.GreaterOrEqual(p.tb, s.Total, p.steps[n-1].Total, "the total goes down")
	}
	require.LessOrEqual(p.tb, s.Current, s.Total, "more than all")
	p.steps = append(p.steps, s)
}

func (p *fleetProgress) last() [2]int64 {
	s := p.steps[len(p.steps)-1]
	return [2]int64{s.Current, s.Total}
}

func TestTheProgressOfARescanNeverGoesBackAndEndsWithAll(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.register(fleetHost, "")
	f.register("other.example.org", "")
	for r := range 4 {
		for n := range 10 {
			f.push(fmt.Sprintf("repo%d:%d", r, n), "amd64", "arm64")
			f.registries["other.example.org"].Push(fleetContent(fmt.Sprintf("repo%d:%d", r, n), "", "amd64"))
		}
	}
	f.registries[fleetHost].SetHook(fleetFailAt(porttest.OpDescribe, "repo1:3", fleetFault("repo1:3")))
	p := &fleetProgress{tb: t}
	_, err := f.RescanImages(domain.WithProgress(f.root, p.report), actions.RescanImagesAction{})
	require.NoError(t, err)
	require.Equal(t, [2]int64{80, 80}, p.last())
	named := 0
	for _, s := range p.steps {
		if strings.HasPrefix(s.Message, "repo") {
			named++
		}
	}
	require.Equal(t, 80, named, "each step names its tag")
}

func TestACanceledRescanMarksNothingAndKeepsWhatItRead(t *testing.T) {
	t.Parallel()
	f := newFleet(t, func(c *service.Config) { c.Fleet = service.Fleet{Repositories: 1, Requests: 1} })
	kept, gone := f.image("a:1")[0], f.image("a:2")[0]
	f.image("b:1")
	f.registries[fleetHost].Remove("a", "2")
	f.registries[fleetHost].Remove("b", "1")
	f.push("c:1")
	ctx, cancel := context.WithCancel(f.root)
	f.meanwhile(porttest.OpDescribe, "a:1", cancel)
	before := f.rows()

	_, err := f.RescanImages(ctx, actions.RescanImagesAction{})
	fleetError(t, err, domain.CodeCanceled, "canceled")
	for _, row := range before {
		require.Equal(t, row, f.stored(row.ID))
	}
	f.requireStatus(gone.ID, domain.ImageAlive)
	entries := f.audit("registry.rescan")
	require.Equal(t, domain.AuditFailed, entries[0].Status)
	require.Equal(t, domain.CodeCanceled, entries[0].Code)

	require.Equal(t, "complete=true seen=2 added=1 updated=0 unchanged=1 skipped=0 failed=0 gone=2", f.scanned(), "the next one does what is left")
	f.requireStatus(kept.ID, domain.ImageAlive)
}
