package service

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// RescanImages reconciles the catalogue with registries, one after the other.
// Errors: not_found when a registry is named that is not registered; what
// happens to each registry is in the result.
func (s *RegistryService) RescanImages(ctx context.Context, a actions.RescanImagesAction) (actions.RescanImagesResult, error) {
	return admin(ctx, s.door, a, s.rescanImages)
}

func (s *RegistryService) rescanImages(ctx context.Context, db repository.Admin, a actions.RescanImagesAction) (actions.RescanImagesResult, error) {
	if a.Background {
		a.Background = false
		id, err := s.tasks.background(ctx, db, a)
		return actions.RescanImagesResult{TaskID: id, Registries: []actions.RegistryScan{}}, err
	}
	rows, err := s.registriesNamed(ctx, db, a.Registry, a.Project)
	if err != nil {
		return actions.RescanImagesResult{}, err
	}
	res := actions.RescanImagesResult{Registries: make([]actions.RegistryScan, len(rows))}
	m := newMeter(ctx)
	for i, row := range rows {
		res.Registries[i] = s.rescan(ctx, db, row, m)
	}
	return res, ctx.Err()
}

// registriesNamed returns the rows that a user means: all, one id, or a host
// with or without a project.
func (s *RegistryService) registriesNamed(ctx context.Context, db repository.Admin, name string, project *string) ([]domain.Registry, error) {
	read := db.Read()
	var rows []domain.Registry
	var err error
	switch {
	case name == "":
		rows, err = allRegistries(ctx, read)
	case domain.IsID(name):
		var row domain.Registry
		row, err = read.Registries.Get(ctx, domain.RegistryID(name))
		rows = []domain.Registry{row}
	default:
		rows, err = read.Registries.Named(ctx, name, project)
		if err == nil && len(rows) == 0 {
			err = domain.NotFound("registry", name)
		}
	}
	return rows, err
}

func allRegistries(ctx context.Context, read repository.AdminView) (all []domain.Registry, err error) {
	p := domain.Page{Limit: domain.MaxPageSize}
	for {
		list, info, err := read.Registries.List(ctx, domain.Filter{}, p)
		if err != nil {
			return nil, err
		}
		if all = append(all, list...); info.Next == "" {
			return all, nil
		}
		p.After = info.Next
	}
}

// rescan reconciles one registry row; whatever fails is in the account.
func (s *RegistryService) rescan(ctx context.Context, db repository.Admin, row domain.Registry, m *meter) actions.RegistryScan {
	scan := &scan{db: db, row: row, fleet: s.fleet, meter: m, slots: make(chan struct{}, s.fleet.Requests)}
	scan.account.RegistryID, scan.account.Registry, scan.account.Errors = row.ID, row.String(), []actions.ScanError{}
	scan.account.Complete = true
	err := safely(func() (err error) {
		if scan.reg, err = s.clients.registry(ctx, row); err != nil {
			return err
		}
		return scan.run(ctx)
	})
	if err != nil {
		scan.incomplete(row.String(), err)
	}
	if err = cmp.Or(err, scan.listing); err != nil {
		m.task.plan(1)
		m.task.commit(ctx, domain.TaskItem{Key: row.String(), State: domain.ItemFailed, Problem: domain.ProblemOf(err)})
	}
	slices.SortStableFunc(scan.account.Errors, func(a, b actions.ScanError) int { return cmp.Compare(a.On, b.On) })
	return scan.account
}

// run lists the registry and scans its repositories as they are found. What
// the catalogue has in repositories that a complete listing does not name is
// gone.
func (sc *scan) run(ctx context.Context) error {
	rivals, err := sc.db.Read().Registries.Named(ctx, sc.row.Name, nil)
	if err != nil {
		return err
	}
	known, err := sc.known(ctx)
	if err != nil {
		return err
	}
	var repos []string
	listed := map[string]bool{}
	var listing error
	for repo, err := range sc.reg.Repositories(ctx) {
		if err != nil {
			listing = err
			break
		}
		if listed[repo] {
			continue // pages shift while others push
		}
		listed[repo] = true
		if r, ok := domain.RegistryFor(rivals, sc.row.Name, repo); ok && r.ID != sc.row.ID {
			continue // a registration with a longer project has it
		}
		if domain.ValidateRepositoryPath(repo) != nil {
			sc.skip(domain.JoinPath(sc.row.Name, domain.Quote(repo)), domain.Invalid("repository_invalid", repo, "not a repository name"))
			continue
		}
		repos = append(repos, repo)
	}
	if listing != nil {
		sc.incomplete(sc.row.String(), listing)
		sc.listing = listing
	} else {
		sc.unlisted(ctx, known, listed)
	}
	repos = slices.DeleteFunc(repos, func(repo string) bool { return !sc.meter.task.pending(sc.key(repo)) })
	sc.meter.task.plan(len(repos))
	for i, err := range fan(sc.fleet.Repositories, len(repos), func(i int) error { return sc.item(ctx, repos[i]) }) {
		if err != nil {
			sc.incomplete(domain.JoinPath(sc.row.Name, repos[i]), err)
		}
	}
	return nil
}

// known is what the catalogue has before the registry is asked, by repository:
// what comes in meanwhile is not for this listing to judge. The rows hold what
// tells them apart and no more.
func (sc *scan) known(ctx context.Context) (map[string][]domain.Image, error) {
	repos, err := sc.db.Read().Images.Repositories(ctx, sc.row.ID)
	if err != nil {
		return nil, err
	}
	known := make(map[string][]domain.Image, len(repos))
	for _, repo := range repos {
		rows, err := sc.db.Read().Images.OfRepository(ctx, sc.row.ID, repo)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			known[repo] = append(known[repo], domain.Image{ID: r.ID, Tag: r.Tag, Architecture: r.Architecture, Revision: r.Revision})
		}
	}
	return known, nil
}

// key names a repository within a task.
func (sc *scan) key(repo string) string { return sc.row.String() + " " + repo }

// item scans one repository, and commits it as one item when this is a task.
func (sc *scan) item(ctx context.Context, repo string) error {
	_, over := sc.meter.task.begin(sc.key(repo))
	did, err := sc.repository(ctx, repo)
	over()
	sc.mu.Lock()
	sc.account.Seen += did.Seen
	sc.account.Added += did.Added
	sc.account.Updated += did.Updated
	sc.account.Unchanged += did.Unchanged
	sc.account.Skipped += did.Skipped
	sc.account.Failed += did.Failed
	sc.account.Gone += did.Gone
	sc.mu.Unlock()

	item := domain.TaskItem{Key: sc.key(repo), State: domain.ItemUnchanged, Problem: domain.ProblemOf(err), Message: summary(did)}
	switch {
	case err != nil || did.Failed > 0:
		item.State = domain.ItemFailed
	case did.Added+did.Updated+did.Gone > 0:
		item.State = domain.ItemDone
	}
	if item.Problem == nil && len(did.Errors) > 0 {
		item.Problem = &did.Errors[0].Problem
	}
	sc.meter.task.commit(ctx, item)
	return err
}

func summary(s actions.RegistryScan) string {
	return fmt.Sprintf("seen %d: added %d, updated %d, unchanged %d, skipped %d, failed %d; gone %d", s.Seen, s.Added, s.Updated, s.Unchanged, s.Skipped, s.Failed, s.Gone)
}

// unlisted marks the images of repositories that a complete listing did not
// name.
func (sc *scan) unlisted(ctx context.Context, known map[string][]domain.Image, listed map[string]bool) {
	for _, repo := range slices.Sorted(maps.Keys(known)) {
		if listed[repo] {
			continue
		}
		if err := sc.gone(ctx, known[repo]); err != nil {
			sc.incomplete(domain.JoinPath(sc.row.Name, repo), err)
		}
	}
}
