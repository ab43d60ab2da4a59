package docker

import (
	"context"
	"slices"
	"strings"

	"github.com/wharf-project/wharf/domain"
)

// Remove implements port.Agent. The engine refuses to untag an image in use only
// when it is the last tag, so the containers are looked at here.
func (a *agent) Remove(ctx context.Context, r domain.RemoveRequest) (domain.RemoveOutcome, error) {
	if err := a.engine.begin(ctx, "remove"); err != nil {
		return domain.RemoveOutcome{}, err
	}
	arch, err := domain.NormalizeArchitecture(r.Architecture)
	if err != nil {
		return domain.RemoveOutcome{}, err
	}
	unlock, err := a.names.lock(ctx, r.Canonical)
	if err != nil {
		return domain.RemoveOutcome{}, err
	}
	defer unlock()
	absent := domain.NotFound("image", r.Canonical+" ("+arch+")")
	tag, names, err := a.find(ctx, r.Canonical)
	if err != nil {
		return domain.RemoveOutcome{}, err
	}
	if tag == "" {
		return domain.RemoveOutcome{}, absent
	}
	is, there, err := a.engine.inspect(ctx, tag)
	if err != nil {
		return domain.RemoveOutcome{}, err
	}
	if !there || !is.fits(arch) {
		return domain.RemoveOutcome{}, absent
	}
	if !r.Force {
		if err := a.unused(ctx, is, r.Canonical, names); err != nil {
			return domain.RemoveOutcome{}, err
		}
	}
	deleted, err := a.engine.remove(ctx, tag, r.Force, !r.NoPrune)
	if err != nil {
		return domain.RemoveOutcome{}, err
	}
	if slices.Contains(deleted, is.id) {
		return domain.RemoveOutcome{FreedBytes: is.size}, nil
	}
	return domain.RemoveOutcome{}, nil
}

// find returns the tag that a canonical name is to the engine, as the engine
// spells it, and all names of its image; "" when there is none.
func (a *agent) find(ctx context.Context, canonical string) (tag string, names []string, err error) {
	list, err := a.engine.images(ctx)
	if err != nil {
		return "", nil, err
	}
	for _, s := range list {
		for _, tag := range s.RepoTags {
			if name, ok := canonicalOf(tag); ok && name == canonical {
				return tag, canonicals(s), nil
			}
		}
	}
	return "", nil, nil
}

func (a *agent) unused(ctx context.Context, s stored, canonical string, names []string) error {
	used, err := a.usage(ctx)
	if err != nil {
		return err
	}
	if using := used.of(s.id, canonical, names); len(using) > 0 {
		return domain.Errorf(domain.CodeConflict, reasonInUse, canonical, "containers use the image: %s", strings.Join(using, ", "))
	}
	return nil
}
