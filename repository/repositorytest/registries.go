package repositorytest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var registries = []sentence{
	{"every field of a registry comes back as it was saved", registryRoundTrip},
	{"a host and a project are registered once", registryTaken},
	{"of two that register one host and project at once exactly one does", registriesRace},
	{"a change raises the revision, and one of an older revision is refused", registryOfOldRevision},
	{"a repository belongs to the longest project that it lies in", registryByLongestProject},
	{"rows are named by host, and by project when asked", registriesNamed},
	{"a registry that has images stays, an empty one goes", registryDeleted},
	{"registries that are not there are not found", registryUnknown},
}

// tryRegistries is one call on registries in a transaction of its own.
func tryRegistries(t *testing.T, st repository.Store, fn func(ctx context.Context, registries repository.AdminRegistryRepository) error) error {
	t.Helper()
	return tryRegistriesAt(t, st, Now, fn)
}

func tryRegistriesAt(t *testing.T, st repository.Store, now time.Time, fn func(ctx context.Context, registries repository.AdminRegistryRepository) error) error {
	t.Helper()
	return inTx(t, rootAt(st, now), func(ctx context.Context, tx repository.AdminView) error { return fn(ctx, tx.Registries) })
}

func saveRegistry(t *testing.T, st repository.Store, now time.Time, r domain.Registry) (saved domain.Registry, err error) {
	t.Helper()
	err = tryRegistriesAt(t, st, now, func(ctx context.Context, registries repository.AdminRegistryRepository) (err error) {
		saved, err = registries.Save(ctx, r)
		return err
	})
	return saved, err
}

func registryNow(t *testing.T, st repository.Store, id domain.RegistryID) domain.Registry {
	t.Helper()
	return must(root(st).Read().Registries.Get(t.Context(), id))(t)
}

func registryRoundTrip(t *testing.T, st repository.Store) {
	want := domain.Registry{
		ID: domain.NewID[domain.RegistryID](), Name: "[::1]:5000", Project: "a_b/c-d", URL: "http://[::1]:5000/v2?it's=100%", Type: "harbor",
		Username: `robot$it's`, Password: "sealed:\\'\"%é", IsGlobal: true, TLSSkipVerify: true, TokenRealms: []string{"a.example.org", "b.example.org"},
		PrivateNetwork: true,
	}
	err := tryRegistries(t, st, func(ctx context.Context, registries repository.AdminRegistryRepository) error {
		return registries.Create(ctx, want)
	})
	if err != nil {
		t.Fatal(err)
	}
	want.CreatedAt, want.UpdatedAt = Now, Now
	ignored := cmpopts.IgnoreFields(domain.Registry{}, "Revision")
	got := registryNow(t, st, want.ID)
	wantSame(t, "the created registry", got, want, ignored, cmpopts.EquateEmpty())
	if got.Password.Reveal() != want.Password.Reveal() {
		t.Errorf("the password is %q", got.Password.Reveal())
	}

	addLinks(t, st, want.ID, []string{"default", "Other"}, []string{"web", "ml"})
	changed := domain.Registry{
		ID: want.ID, Name: "cr.example.org", URL: "", Type: domain.RegistryOCI, Revision: registryNow(t, st, want.ID).Revision,
		Domains: []string{"stolen"}, Projects: []string{"stolen"}, // not Save's to change
	}
	later := Now.Add(time.Hour + time.Microsecond)
	saved := must(saveRegistry(t, st, later, changed))(t)
	changed.Domains, changed.Projects, changed.CreatedAt, changed.UpdatedAt = []string{"Other", "default"}, []string{"ml", "web"}, Now, later
	got = registryNow(t, st, want.ID)
	wantSame(t, "the saved registry", got, changed, ignored, cmpopts.EquateEmpty())
	if saved.Revision != got.Revision || saved.Revision <= changed.Revision || got.CreatedAt.Location() != time.UTC || got.UpdatedAt.Location() != time.UTC {
		t.Errorf("Save answers revision %d, stored is %d of %s", saved.Revision, got.Revision, got.UpdatedAt)
	}
	list, _, err := whole(st).Read().Registries.List(t.Context(), domain.Filter{}, page)
	if err != nil || len(list) != 1 {
		t.Fatalf("List = %d registries, %v", len(list), err)
	}
	wantSame(t, "the listed registry", list[0], got)
}

func registryTaken(t *testing.T, st repository.Store) {
	first := AddRegistry(t, st, Registry{Project: "stable"})
	second := AddRegistry(t, st, Registry{}) // no project is a project of its own, once
	for _, r := range []Registry{{Project: "stable"}, {}} {
		err := tryRegistries(t, st, func(ctx context.Context, registries repository.AdminRegistryRepository) error {
			return registries.Create(ctx, newRegistry(r))
		})
		wantError(t, "Create of project "+r.Project, err, domain.CodeConflict, "registry_exists")
	}
	moved := second
	moved.Project = "stable"
	_, err := saveRegistry(t, st, Now, moved)
	wantError(t, "Save", err, domain.CodeConflict, "registry_exists")
	wantSame(t, "the registry", registryNow(t, st, second.ID), second)
	wantSame(t, "the other", registryNow(t, st, first.ID), first)
	AddRegistry(t, st, Registry{Project: "Stable"})
	AddRegistry(t, st, Registry{Name: "cr2.example.org", Project: "stable"})
}

func registriesRace(t *testing.T, st repository.Store) {
	for _, project := range []string{"", "a", "b"} {
		won := 0
		errs := atOnce(4, func(int) error {
			return tryRegistries(t, st, func(ctx context.Context, registries repository.AdminRegistryRepository) error {
				return registries.Create(ctx, newRegistry(Registry{Project: project}))
			})
		})
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			wantError(t, "the loser", err, domain.CodeConflict, "registry_exists")
		}
		if won != 1 {
			t.Errorf("project %q was registered %d times", project, won)
		}
	}
}

func registryOfOldRevision(t *testing.T, st repository.Store) {
	r := AddRegistry(t, st, Registry{})
	first := must(saveRegistry(t, st, Now, r))(t)
	old := r
	old.URL = "http://other.example.org"
	_, err := saveRegistry(t, st, Now, old)
	wantError(t, "Save of the older revision", err, domain.CodeConflict, "revision_changed")
	if got := registryNow(t, st, r.ID); got.URL != "" || got.Revision != first.Revision {
		t.Errorf("the registry is %+v", got)
	}
}

func registryByLongestProject(t *testing.T, st repository.Store) {
	ids := map[domain.RegistryID]string{}
	for _, project := range []string{"stable", "stable/ngc", "st_ble/x", "Stable/x"} {
		ids[AddRegistry(t, st, Registry{Name: "one", Project: project, Global: true}).ID] = "one " + project
	}
	for _, project := range []string{"", "stable"} {
		ids[AddRegistry(t, st, Registry{Name: "two:5000", Project: project, Global: true}).ID] = "two " + project
	}
	for _, c := range []struct{ host, repo, want string }{
		{"one", "stable/python", "one stable"}, {"one", "stable/ngc/torch", "one stable/ngc"}, {"one", "stable/ngc", "one stable/ngc"},
		{"one", "stable", "one stable"}, {"one", "stable/ngcx/torch", "one stable"}, {"one", "stablex/python", ""}, {"one", "stabl", ""},
		{"one", "python", ""}, {"one", "", ""}, {"one", "stable/x/y", "one stable"}, {"one", "st_ble/x/y", "one st_ble/x"}, {"one", "Stable/x/y", "one Stable/x"},
		{"two:5000", "python", "two "}, {"two:5000", "stable/python", "two stable"}, {"two:5000", "stablex/python", "two "}, {"two:5000", "stable", "two stable"},
		{"two", "python", ""}, {"two:5001", "python", ""}, {"TWO:5000", "python", ""}, {"", "python", ""}, {"%", "python", ""}, {"o_e", "stable/x", ""},
	} {
		for name, view := range map[string]repository.RegistryRepository{"any": root(st).Read().Registries, "visible": as(st, domain.ReachVisible, alice).Read().Registries} {
			got, err := view.Find(t.Context(), c.host, c.repo)
			if c.want == "" {
				wantError(t, "reach "+name+", Find of "+c.host+" "+c.repo, err, domain.CodeNotFound, "registry_not_found")
				continue
			}
			if err != nil || ids[got.ID] != c.want {
				t.Errorf("reach %s, Find of %s %s = %s, %v; want %s", name, c.host, c.repo, got, err, c.want)
			}
		}
	}
}

func registriesNamed(t *testing.T, st repository.Store) {
	for _, project := range []string{"b", "", "a/x", "B", "a-x"} {
		AddRegistry(t, st, Registry{Project: project})
	}
	AddRegistry(t, st, Registry{Name: "CR.example.org"})
	text := func(s string) *string { return &s }
	for _, c := range []struct {
		host    string
		project *string
		want    []string
	}{
		{"cr.example.org", nil, []string{"", "B", "a-x", "a/x", "b"}}, {"cr.example.org", text(""), []string{""}}, {"cr.example.org", text("b"), []string{"b"}},
		{"cr.example.org", text("c"), []string{}}, {"cr.example", nil, []string{}}, {"%", nil, []string{}},
	} {
		list := must(root(st).Read().Registries.Named(t.Context(), c.host, c.project))(t)
		got := make([]string, len(list))
		for i, r := range list {
			got[i] = r.Project
		}
		wantSame(t, "Named "+c.host, got, c.want)
		if list == nil {
			t.Errorf("Named %s is nil", c.host)
		}
	}
}

func registryDeleted(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Projects: []string{"ml"}})
	other := AddRegistry(t, st, Registry{Project: "other"})
	remove := func(id domain.RegistryID) error {
		return tryRegistries(t, st, func(ctx context.Context, registries repository.AdminRegistryRepository) error {
			return registries.Delete(ctx, id)
		})
	}
	for _, status := range domain.ImageStatuses() { // what is forgotten is still there
		img := AddImage(t, st, reg, domain.Image{Status: status})
		wantError(t, "Delete with a "+string(status)+" image", remove(reg.ID), domain.CodePrecondition, "registry_in_use")
		wantSame(t, "the image", stored(t, st, img.ID), img)
		wantSame(t, "the registry", registryNow(t, st, reg.ID), reg)
		tryDelete(t, whole(st), img.ID)
	}
	if err := remove(reg.ID); err != nil {
		t.Fatal(err)
	}
	wantError(t, "Delete again", remove(reg.ID), domain.CodeNotFound, "registry_not_found")
	wantSame(t, "another", registryNow(t, st, other.ID), other)
	AddRegistry(t, st, Registry{Domains: []string{}}) // the place is free
}

func registryUnknown(t *testing.T, st repository.Store) {
	id := domain.NewID[domain.RegistryID]()
	yes := func(_ bool, err error) error { return err }
	for name, call := range map[string]func(ctx context.Context, registries repository.AdminRegistryRepository) error{
		"Get": func(ctx context.Context, registries repository.AdminRegistryRepository) error {
			_, err := registries.Get(ctx, id)
			return err
		},
		"Save": func(ctx context.Context, registries repository.AdminRegistryRepository) error {
			_, err := registries.Save(ctx, newRegistry(Registry{}))
			return err
		},
		"Delete": func(ctx context.Context, registries repository.AdminRegistryRepository) error {
			return registries.Delete(ctx, id)
		},
		"Allow": func(ctx context.Context, registries repository.AdminRegistryRepository) error {
			return yes(registries.Allow(ctx, id, "default"))
		},
		"Associate": func(ctx context.Context, registries repository.AdminRegistryRepository) error {
			return yes(registries.Associate(ctx, id, "ml"))
		},
	} {
		wantError(t, name, tryRegistries(t, st, call), domain.CodeNotFound, "registry_not_found")
	}
}
