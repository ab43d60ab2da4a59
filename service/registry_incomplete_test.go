package service_test

import (
	"context"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// fleetFault is what an adapter says of a registry that answers with nonsense.
func fleetFault(on string) error {
	return domain.Errorf(domain.CodeUnavailable, "registry_failed", on, "the registry answered 500 for %s", on)
}

// fleetFailAt makes a registry fail at one step of one operation.
func fleetFailAt(op, key string, err error) porttest.RegistryHook {
	return func(_ context.Context, o, k string) error {
		if o == op && k == key {
			return err
		}
		return nil
	}
}

func TestAnIncompleteListingOfRepositoriesMarksNoOtherRepository(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	first, second, unlisted := f.image("a:1")[0], f.image("b:1")[0], f.image("c:1")[0]
	hub := f.registries[fleetHost]
	hub.Remove("a", "1")
	hub.Remove("b", "1")
	hub.Remove("c", "")
	hub.SetHook(fleetFailAt(porttest.OpRepositories, "b", fleetFault(fleetHost))) // the second page

	scan := f.rescan()[0]
	require.Equal(t, "complete=false seen=0 added=0 updated=0 unchanged=0 skipped=0 failed=0 gone=1", fleetAccount(scan))
	require.Equal(t, []actions.ScanError{{On: fleetHost, Problem: domain.Problem{
		Code: domain.CodeUnavailable, Reason: "registry_failed", On: fleetHost, Message: "the registry answered 500 for " + fleetHost,
	}}}, scan.Errors)
	f.requireStatus(first.ID, domain.ImageMissing) // its own listing was complete
	f.requireStatus(second.ID, domain.ImageAlive)
	f.requireStatus(unlisted.ID, domain.ImageAlive)

	hub.SetHook(nil)
	require.Equal(t, 2, f.rescan()[0].Gone)
}

func TestAnIncompleteListingOfTagsMarksNoTagThatItDidNotGetTo(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	before, behind := f.image("a:1")[0], f.image("a:3")[0]
	shrunk := f.image("a:2", "amd64", "arm64")
	hub := f.registries[fleetHost]
	hub.Remove("a", "1")
	hub.Remove("a", "3")
	f.push("a:2", "amd64")
	f.push("a:4")
	hub.SetHook(fleetFailAt(porttest.OpTags, "a:4", fleetFault("a")))

	scan := f.rescan()[0]
	require.Equal(t, "complete=false seen=1 added=0 updated=1 unchanged=0 skipped=0 failed=0 gone=1", fleetAccount(scan))
	require.Equal(t, fleetHost+"/a", scan.Errors[0].On)
	f.requireStatus(before.ID, domain.ImageAlive)
	f.requireStatus(behind.ID, domain.ImageAlive)
	for _, row := range shrunk { // that tag was read in full
		f.requireStatus(row.ID, map[string]domain.ImageStatus{"x86_64": domain.ImageAlive, "aarch64": domain.ImageMissing}[row.Architecture])
	}
}

func TestATagThatCannotBeReadKeepsItsRows(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]error{
		"500":            fleetFault("a:1"),
		"429":            &domain.Error{Code: domain.CodeRateLimited, Reason: "registry_rate_limited", On: "a:1", Message: "wait"},
		"401":            domain.Errorf(domain.CodePrecondition, "registry_credentials", "a:1", "refused"),
		"malformed":      domain.Errorf(domain.CodeUnavailable, "registry_malformed", "a:1", "nonsense"),
		"404":            domain.Errorf(domain.CodeNotFound, "tag_not_found", "a:1", "no such tag"), // the listing says otherwise
		"canceled":       context.Canceled,
		"without a code": context.DeadlineExceeded,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			img := f.image("a:1")[0]
			f.push("a:1", "arm64")
			f.push("a:2")
			f.registries[fleetHost].SetHook(fleetFailAt(porttest.OpDescribe, "a:1", fault))
			scan := f.rescan()[0]
			require.Equal(t, "complete=true seen=2 added=1 updated=0 unchanged=0 skipped=0 failed=1 gone=0", fleetAccount(scan))
			require.Equal(t, fleetHost+"/a:1", scan.Errors[0].On)
			require.Equal(t, domain.CodeOf(fault), scan.Errors[0].Problem.Code)
			require.NotEmpty(t, scan.Errors[0].Problem.Message)
			require.Equal(t, img, f.stored(img.ID).Image)
		})
	}
}

func TestOneRegistryThatFailsStopsNoOther(t *testing.T) {
	t.Parallel()
	hosts := []string{"a.example.org", "b.example.org", "c.example.org", "d.example.org"}
	panics := func(next port.OpenRegistry) port.OpenRegistry {
		return func(ctx context.Context, row domain.Registry) (port.Registry, error) {
			r, err := next(ctx, row)
			if row.Name == "c.example.org" {
				return fleetPanics{r}, err
			}
			return r, err
		}
	}
	f := newFleet(t, func(c *service.Config) { c.Registries[domain.RegistryOCI] = panics(c.Registries[domain.RegistryOCI]) })
	for _, host := range hosts {
		f.register(host, "")
		f.registries[host].Push(fleetContent("app:1", "", "amd64"))
	}
	f.registries["a.example.org"].SetHook(fleetFailAt(porttest.OpRepositories, "", fleetFault("a.example.org")))
	delete(f.registries, "b.example.org") // it cannot be opened

	scans := f.rescan()
	require.Len(t, scans, 4)
	for i, want := range []domain.Code{domain.CodeUnavailable, domain.CodeUnavailable, domain.CodeInternal} {
		require.False(t, scans[i].Complete)
		require.Equal(t, hosts[i], scans[i].Errors[0].On)
		require.Equal(t, want, scans[i].Errors[0].Problem.Code)
		require.NotContains(t, scans[i].Errors[0].Problem.Message, "nil pointer", "operator detail stays inside")
	}
	require.Equal(t, "complete=true seen=1 added=1 updated=0 unchanged=0 skipped=0 failed=0 gone=0", fleetAccount(scans[3]))
}

// fleetPanics is an adapter with a defect.
type fleetPanics struct{ port.Registry }

func (fleetPanics) Repositories(context.Context) iter.Seq2[string, error] { panic("nil pointer") }

func TestADefectOfAnAdapterIsOfItsTagAlone(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("a:1")[0]
	f.push("a:2")
	f.push("b:1")
	f.registries[fleetHost].SetHook(func(_ context.Context, op, key string) error {
		if op == porttest.OpDescribe && key == "a:1" || op == porttest.OpTags && key == "b" {
			panic("defect")
		}
		return nil
	})
	scan := f.rescan()[0]
	require.Equal(t, "complete=false seen=2 added=1 updated=0 unchanged=0 skipped=0 failed=1 gone=0", fleetAccount(scan))
	require.Equal(t, []string{fleetHost + "/a:1", fleetHost + "/b"}, fleetSorted(scan.Errors, func(e actions.ScanError) string { return e.On }))
	f.requireStatus(img.ID, domain.ImageAlive)
}

// fleetTwice lists everything twice, as registries do whose pages shift while
// somebody pushes.
type fleetTwice struct{ port.Registry }

func (r fleetTwice) Repositories(ctx context.Context) iter.Seq2[string, error] {
	return fleetDoubled(r.Registry.Repositories(ctx))
}

func (r fleetTwice) Tags(ctx context.Context, repo string) iter.Seq2[domain.TagRow, error] {
	return fleetDoubled(r.Registry.Tags(ctx, repo))
}

func fleetDoubled[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for range 2 {
			for v, err := range seq {
				if !yield(v, err) {
					return
				}
			}
		}
	}
}

func TestWhatAListingNamesTwiceCountsOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t, func(c *service.Config) {
		open := c.Registries[domain.RegistryOCI]
		c.Registries[domain.RegistryOCI] = func(ctx context.Context, row domain.Registry) (port.Registry, error) {
			r, err := open(ctx, row)
			return fleetTwice{r}, err
		}
	})
	f.register(fleetHost, "")
	f.push("a:1", "amd64", "arm64")
	f.push("a:2")
	require.Equal(t, "complete=true seen=3 added=3 updated=0 unchanged=0 skipped=0 failed=0 gone=0", f.scanned())
	f.registries[fleetHost].Push(fleetContent("a:2", "moved", "amd64"))
	require.Equal(t, "complete=true seen=3 added=0 updated=1 unchanged=2 skipped=0 failed=0 gone=0", f.scanned())
	require.Len(t, f.registries[fleetHost].Calls(porttest.OpDescribe), 4)
}
