package service

import (
	"cmp"
	"context"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// resolver turns names into what agents call images, asking the catalogue once
// per name however many agents there are.
type resolver struct {
	names names
	db    repository.Admin
	exact bool // see resolved.exact; else every agent takes its own architecture
	found map[string]resolved
}

type resolved struct {
	candidates []domain.Candidate
	exact      bool             // the name, an id or an alias, means one image and so its architecture
	ref        domain.Reference // what the name says by itself
	err        error
}

func (s *AgentService) newResolver(db repository.Admin, exact bool) *resolver {
	return &resolver{names: s.names, db: db, exact: exact, found: map[string]resolved{}}
}

// items makes the items of one agent. A name that means nothing is the item's
// error; only the database's errors stop everything.
func (r *resolver) items(ctx context.Context, agent domain.Agent, refs []actions.ImageRef) ([]item, error) {
	var items []item
	seen := map[[2]string]bool{}
	for _, ref := range refs {
		known, err := r.resolve(ctx, ref.Name)
		if err != nil {
			return nil, err
		}
		it := known.on(agent, ref)
		key := [2]string{cmp.Or(it.canonical, it.name), it.architecture}
		if seen[key] {
			continue
		}
		seen[key] = true
		it.outcome = actions.AgentOutcome{AgentID: agent.ID, Image: it.canonical, Architecture: it.architecture}
		if it.canonical == "" {
			it.outcome.Image = it.name
		}
		items = append(items, it)
	}
	return items, nil
}

func (r *resolver) resolve(ctx context.Context, name string) (resolved, error) {
	if known, ok := r.found[name]; ok {
		return known, nil
	}
	var known resolved
	var l domain.Lookup
	if l, known.err = domain.NewLookup(r.names.parser, name); known.err == nil {
		var err error
		if known.candidates, err = r.db.Read().Images.Find(ctx, l); err != nil {
			return known, err
		}
		known.exact = r.exact && meansOne(l, known.candidates)
		if len(known.candidates) == 0 {
			if known.ref, known.err = r.names.parser.Parse(name); known.err == nil && known.ref.Digest != "" || domain.IsID(name) {
				known.err = domain.NotFound("image", name)
			}
		}
	}
	r.found[name] = known
	return known, nil
}

// meansOne tells a name of one image (an id, an alias, the digest of a manifest)
// from that of a tag.
func meansOne(l domain.Lookup, found []domain.Candidate) bool {
	return len(found) > 0 && (found[0].Via != domain.ViaCanonical || l.Digest != "" && len(found) == 1)
}

// on picks the row that a name means on one agent: the architecture asked for,
// else that of an exact name, else the agent's own. What the catalogue does not
// know keeps the name that it says by itself.
func (k resolved) on(agent domain.Agent, ref actions.ImageRef) item {
	it := item{name: ref.Name, architecture: agent.Architecture, err: k.err}
	if k.err != nil {
		return it
	}
	switch {
	case ref.Architecture != "":
		it.architecture, it.err = domain.NormalizeArchitecture(ref.Architecture)
		if it.err != nil {
			return it
		}
	case k.exact:
		it.architecture = k.candidates[0].Image.Architecture
	}
	if len(k.candidates) == 0 {
		it.canonical = k.ref.Canonical()
		return it
	}
	it.canonical = k.candidates[0].Image.Canonical()
	pick := domain.Resolution{Architecture: it.architecture, Statuses: domain.ImageStatuses()}
	if img, err := pick.Choose(ref.Name, k.candidates); err == nil {
		it.image, it.canonical = &img, img.Canonical()
	}
	return it
}
