package service

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
)

// remembering gives reads a store that remembers what names mean, and everybody
// else one that makes it forget after a commit. Writes never decide by memory.
func remembering(cache port.Resolutions, c *Call, u repository.Unit, db repository.Scoped) repository.Scoped {
	switch {
	case cache == nil:
		return db
	case c.Spec.Effect == actions.Read:
		return recalled{db, cache, scopeKey(u.Scope)}
	}
	return forgetting[repository.View]{db, cache}
}

// scopeKey is the same for scopes that see the same.
func scopeKey(s domain.Scope) string {
	if s.Reach == domain.ReachAny {
		return "any"
	}
	b, _ := json.Marshal([]any{s.Reach, s.Actor.ID, s.Actor.Domain, s.Actor.Projects}) // texts: cannot fail
	return string(b)
}

type recalled struct {
	repository.DB[repository.View]
	cache port.Resolutions
	scope string
}

func (r recalled) Read() repository.View {
	v := r.DB.Read()
	v.Images = recalledImages{v.Images, r}
	return v
}

type recalledImages struct {
	repository.ImageRepository
	by recalled
}

func (r recalledImages) Find(ctx context.Context, l domain.Lookup) ([]domain.Candidate, error) {
	key, err := json.Marshal(l)
	if err != nil {
		return r.ImageRepository.Find(ctx, l)
	}
	found, err := r.by.cache.Load(ctx, r.by.scope+" "+string(key), func(ctx context.Context) ([]domain.Candidate, error) {
		return r.ImageRepository.Find(ctx, l)
	})
	list := slices.Clone(found)
	for i := range list { // what is handed out is the caller's own
		img := &list[i].Image
		img.Labels, img.OperatorLabels = maps.Clone(img.Labels), maps.Clone(img.OperatorLabels)
		img.CustomLimits, img.Accelerators = maps.Clone(img.CustomLimits), slices.Clone(img.Accelerators)
	}
	return list, err
}

// forgetting makes the memory forget when something was committed, whatever it
// was, and also when nobody knows whether it was.
type forgetting[V any] struct {
	repository.DB[V]
	cache port.Resolutions
}

func (f forgetting[V]) InTx(ctx context.Context, fn func(ctx context.Context, tx V) error) error {
	defer f.cache.Drop()
	return f.DB.InTx(ctx, fn)
}
