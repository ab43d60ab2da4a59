package repositorytest_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var faults = map[string]fault{
	"places are not counted": {"reservations: the last place is given once, however many ask at once", ofSaves(func(b *brokenSaves) {
		b.reserve = func(r *repository.Reservation) { r.Quota = 0 }
	})},
	"reservations end at once": {"reservations: a tag is reserved once, until it is released or its time is over", ofSaves(func(b *brokenSaves) {
		b.reserve = func(r *repository.Reservation) { r.Until = r.Now }
	})},
	"reservations stay": {"reservations: a reservation is its owner's to release", ofSaves(func(b *brokenSaves) {
		b.release = func(string) string { return "" }
	})},
	"later tries are others": {"reservations: a later try of the same save takes its place over", ofSaves(func(b *brokenSaves) {
		b.reserve = func(r *repository.Reservation) { r.Holder = r.ID }
	})},
	"nothing is recorded": {"reservations: a recorded image is the actor's, alive, and in the place of its reservation", ofSaves(func(b *brokenSaves) {
		b.record = func([]domain.Image) []domain.Image { return nil }
	})},
	"everybody reaches everything": {"scopes: an image that the actor may not know of does not exist", ofUnit(func(u *repository.Unit) { u.Scope.Reach = domain.ReachAny })},
	"own is visible": {"scopes: an image that the actor sees but does not reach is forbidden", ofUnit(func(u *repository.Unit) {
		if u.Scope.Reach == domain.ReachOwn {
			u.Scope.Reach = domain.ReachVisible
		}
	})},
	"lists ignore the owner": {"scopes: an image that the actor may not know of is left out of lists", ofView(func(st repository.Store, v *repository.View) {
		v.Images = listsOf{v.Images, whole(st).Images}
	})},
	"lookups ignore the owner": {"scopes: an image that the actor may not know of is not found by any name", ofView(func(st repository.Store, v *repository.View) {
		v.Images = findsOf{v.Images, whole(st).Images}
	})},
	"hidden is forbidden": {"scopes: an image that the actor may not know of does not exist", ofView(func(_ repository.Store, v *repository.View) {
		v.Images = gets{v.Images, func(i domain.Image, err error) (domain.Image, error) {
			return i, recodes(domain.CodeNotFound, domain.CodeForbidden, err)
		}}
	})},
	"the domain filter is ignored": {"visibility: a random world is seen as the rules say, seed 1", ofQuery(func(q *domain.ImageQuery, _ *domain.Page) { q.Domain = nil })},
	"the group filter is ignored":  {"visibility: a random world is seen as the rules say, seed 1", ofQuery(func(q *domain.ImageQuery, _ *domain.Page) { q.Group = nil })},
	"the scaling group filter is ignored": {"visibility: a random world is seen as the rules say, seed 1", ofQuery(func(q *domain.ImageQuery, _ *domain.Page) {
		q.ScalingGroup = nil
	})},
	"statuses are ignored": {"lookup: images of every status are found", ofQuery(func(q *domain.ImageQuery, _ *domain.Page) { q.Statuses = domain.ImageStatuses() })},
	"candidates come as they like": {"lookup: candidates come by id", ofView(func(_ repository.Store, v *repository.View) {
		v.Images = reverses{v.Images}
	})},
	"reads are shared": {"save: what was read is a copy", func(st repository.Store) repository.Store {
		var cache sync.Map
		return ofView(func(_ repository.Store, v *repository.View) {
			v.Images = gets{v.Images, func(i domain.Image, err error) (domain.Image, error) {
				if err != nil {
					return i, err
				}
				same, _ := cache.LoadOrStore(i.ID, i)
				return same.(domain.Image), nil
			}}
		})(st)
	}},
	"the revision is ignored": {"save: a change raises the revision", ofView(func(_ repository.Store, v *repository.View) { v.Images = lastWins{v.Images} })},
	"times lose digits":       {"save: every field of an image comes back", ofUnit(func(u *repository.Unit) { u.Now = u.Now.Truncate(time.Second) })},
	"a scan revives forgotten images": {"sync: a scan makes a missing image alive and leaves a forgotten one forgotten", ofAdmin(func(v *repository.AdminView) {
		v.Images = syncs{v.Images, func(i *domain.Image) { i.Status = domain.ImageAlive }}
	})},
	"a scan forgets what operators said": {"sync: a scan keeps what operators and use have said", ofAdmin(func(v *repository.AdminView) {
		v.Images = syncs{v.Images, func(i *domain.Image) { i.OperatorLabels = nil }}
	})},
	"a taken alias tells of its image": {"aliases: the refusal of a taken alias does not tell", ofView(func(st repository.Store, v *repository.View) {
		v.Aliases = tellingAliases{v.Aliases, whole(st).Images}
	})},
	"cursors skip equal keys": {"lists: images: pages of any size make up the whole list", ofQuery(func(_ *domain.ImageQuery, p *domain.Page) {
		if c, err := domain.ParseCursor(p.After, p.Sort, p.Desc); err == nil && !p.Desc {
			c.ID = "~" // after every id
			p.After = c.String()
		}
	})},
	"filters fold case":           {"filters: images: every field compares", ofQuery(func(q *domain.ImageQuery, _ *domain.Page) { q.Where = leaves(q.Where, folded) })},
	"wildcards are wild":          {"filters: images: every field compares", ofQuery(func(q *domain.ImageQuery, _ *domain.Page) { q.Where = leaves(q.Where, wild) })},
	"an error does not roll back": {"transactions: an error takes back everything", func(st repository.Store) repository.Store { return broken{Store: st, inTx: commitsAnyway} }},
	"a panic does not roll back":  {"transactions: a panic takes back everything", func(st repository.Store) repository.Store { return broken{Store: st, inTx: commitsPanics} }},
	"transactions have no mark":   {"transactions: what fn does is stored", func(st repository.Store) repository.Store { return broken{Store: st, inTx: unmarked} }},
	"reads go past transactions":  {"transactions: reads that go past an open transaction", func(st repository.Store) repository.Store { return broken{Store: st, inTx: unmarked} }},
	"there is no audit":           {"audit: an entry is written with the change", ofUnit(func(u *repository.Unit) { u.Audit = nil })},
	"audit is not of the transaction": {"transactions: an error takes back everything", func(st repository.Store) repository.Store {
		return broken{Store: st, unit: func(u repository.Unit) repository.Unit {
			if u.Audit != nil {
				_ = st.Record(context.Background(), *u.Audit)
			}
			return u
		}}
	}},
	"repeats are not counted": {"audit: repeats of an entry are counted in one", func(st repository.Store) repository.Store {
		return broken{Store: st, record: func(e domain.AuditEntry) domain.AuditEntry {
			e.Count = 0
			return e
		}}
	}},
	"an empty inventory is skipped": {"agents: an empty inventory empties", ofAdmin(func(v *repository.AdminView) {
		v.Agents = inventories{v.Agents, func(inv domain.Inventory, err error) (bool, error) { return len(inv.Images) == 0, err }}
	})},
	"an old inventory is taken in silence": {"agents: an inventory that is older", ofAdmin(func(v *repository.AdminView) {
		v.Agents = inventories{v.Agents, func(_ domain.Inventory, err error) (bool, error) {
			if domain.ReasonOf(err) == "inventory_outdated" {
				err = nil
			}
			return false, err
		}}
	})},
	"projects are prefixes of text": {"registries: a repository belongs to the longest project", ofAdmin(func(v *repository.AdminView) {
		v.Registries = prefixes{v.Registries}
	})},
	"busy keys are given away": {"idempotency: a key whose call is under way is busy", func(st repository.Store) repository.Store {
		return broken{Store: st, claim: func(result []byte, done bool, err error) ([]byte, bool, error) {
			if domain.ReasonOf(err) == "idempotency_busy" {
				err = nil
			}
			return result, done, err
		}}
	}},
	"settled results are forgotten": {"idempotency: a key is claimed once", func(st repository.Store) repository.Store {
		return broken{Store: st, claim: func(_ []byte, _ bool, err error) ([]byte, bool, error) { return nil, false, err }}
	}},
	"canceled is internal": {"endings: a caller that gave up", ofView(func(_ repository.Store, v *repository.View) {
		v.Images = gets{v.Images, func(i domain.Image, err error) (domain.Image, error) {
			return i, recodes(domain.CodeCanceled, domain.CodeInternal, err)
		}}
	})},
	"filters of builds match everything": {"builds: lists hold what their filter says and nothing else", ofView(func(_ repository.Store, v *repository.View) {
		v.Builds = allBuilds{v.Builds}
	})},
	"the builds of others are there": {"builds: an actor sees and deletes what its scope reaches, and nothing else exists", ofView(func(st repository.Store, v *repository.View) {
		v.Builds = foreignBuilds{v.Builds, whole(st).Builds}
	})},
	"the revision of a built image is ignored": {"builds: an image changes only from the revision that was read, by one of many", ofView(func(_ repository.Store, v *repository.View) {
		v.Builds = lastBuildWins{v.Builds}
	})},
}

type listsOf struct {
	repository.ImageRepository
	of repository.ImageRepository
}

func (l listsOf) List(ctx context.Context, q domain.ImageQuery, p domain.Page) ([]domain.ImageDetail, domain.PageInfo, error) {
	return l.of.List(ctx, q, p)
}

type findsOf struct {
	repository.ImageRepository
	of repository.ImageRepository
}

func (f findsOf) Find(ctx context.Context, l domain.Lookup) ([]domain.Candidate, error) {
	return f.of.Find(ctx, l)
}

type gets struct {
	repository.ImageRepository
	edit func(domain.Image, error) (domain.Image, error)
}

func (g gets) Get(ctx context.Context, id domain.ImageID) (domain.Image, error) {
	return g.edit(g.ImageRepository.Get(ctx, id))
}

type reverses struct{ repository.ImageRepository }

func (r reverses) Find(ctx context.Context, l domain.Lookup) ([]domain.Candidate, error) {
	found, err := r.ImageRepository.Find(ctx, l)
	slices.Reverse(found)
	return found, err
}

type lastWins struct{ repository.ImageRepository }

func (l lastWins) Save(ctx context.Context, img domain.Image) (domain.Image, error) {
	if now, err := l.Get(ctx, img.ID); err == nil {
		img.Revision = now.Revision
	}
	return l.ImageRepository.Save(ctx, img)
}

type syncs struct {
	repository.AdminImageRepository
	edit func(*domain.Image)
}

func (s syncs) Sync(ctx context.Context, seen []domain.Image) ([]repository.SyncedImage, error) {
	out, err := s.AdminImageRepository.Sync(ctx, seen)
	for i := range out {
		s.edit(&out[i].Image)
		if _, err := s.Save(ctx, out[i].Image); err != nil {
			return nil, err
		}
	}
	return out, err
}

type tellingAliases struct {
	repository.AliasRepository
	images repository.ImageRepository
}

func (a tellingAliases) Create(ctx context.Context, alias string, id domain.ImageID) (domain.Alias, error) {
	made, err := a.AliasRepository.Create(ctx, alias, id)
	if domain.ReasonOf(err) == "alias_taken" {
		found, _ := a.images.Find(context.Background(), domain.Lookup{Alias: alias})
		err = domain.Errorf(domain.CodeConflict, "alias_taken", alias, "the alias %s is that of %s", alias, found[0].Image.Canonical())
	}
	return made, err
}

type inventories struct {
	repository.AdminAgentRepository
	edit func(domain.Inventory, error) (skip bool, err error)
}

func (i inventories) Replace(ctx context.Context, id domain.AgentID, inv domain.Inventory) (domain.InventoryChange, error) {
	if skip, _ := i.edit(inv, nil); skip {
		return domain.InventoryChange{}, nil
	}
	c, err := i.AdminAgentRepository.Replace(ctx, id, inv)
	_, err = i.edit(inv, err)
	return c, err
}

type prefixes struct {
	repository.AdminRegistryRepository
}

func (p prefixes) Find(ctx context.Context, host, repo string) (domain.Registry, error) {
	rows, err := p.Named(ctx, host, nil)
	if err != nil {
		return domain.Registry{}, err
	}
	for _, r := range slices.Backward(rows) {
		if strings.HasPrefix(repo, r.Project) {
			return r, nil
		}
	}
	return domain.Registry{}, domain.NotFound("registry", host)
}
