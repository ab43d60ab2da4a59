package porttest

import (
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/wharf-project/wharf/domain"
)

// openedRegistry is a [Registry] behind its port.
type openedRegistry struct {
	r       *Registry
	project string
}

// Repositories implements port.Registry; the names come sorted.
func (o *openedRegistry) Repositories(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if err := o.r.enter(ctx, OpRepositories, ""); err != nil {
			yield("", err)
			return
		}
		o.r.mu.Lock()
		names := slices.Sorted(maps.Keys(o.r.repos))
		o.r.mu.Unlock()
		for _, name := range names {
			if _, outside := (domain.Reference{Path: name}).Within(o.project); outside != nil {
				continue
			}
			if err := o.r.step(ctx, OpRepositories, name); err != nil {
				yield("", err)
				return
			}
			if !yield(name, nil) {
				return
			}
		}
	}
}

// Tags implements port.Registry; the tags come sorted.
func (o *openedRegistry) Tags(ctx context.Context, repo string) iter.Seq2[domain.TagRow, error] {
	return func(yield func(domain.TagRow, error) bool) {
		if err := o.r.enter(ctx, OpTags, repo); err != nil {
			yield(domain.TagRow{}, err)
			return
		}
		o.r.mu.Lock()
		stored, known := o.r.repos[repo]
		var tags []domain.TagRow
		if known {
			for _, tag := range slices.Sorted(maps.Keys(stored.tags)) {
				tags = append(tags, domain.TagRow{Tag: tag, Digest: stored.tags[tag]})
			}
		}
		o.r.mu.Unlock()
		if !known {
			yield(domain.TagRow{}, noRepository(repo))
			return
		}
		for _, row := range tags {
			if err := o.r.step(ctx, OpTags, repo+":"+row.Tag); err != nil {
				yield(domain.TagRow{}, err)
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// Describe implements port.Registry.
func (o *openedRegistry) Describe(ctx context.Context, ref domain.Reference, known domain.Digest) (domain.Description, error) {
	if ref.Digest == "" {
		if err := domain.ValidateTag(ref.Tag); err != nil {
			return domain.Description{}, err
		}
	} else {
		ref.Tag = ""
	}
	if err := o.r.enter(ctx, OpDescribe, ref.Short()); err != nil {
		return domain.Description{}, err
	}
	o.r.mu.Lock()
	defer o.r.mu.Unlock()
	stored := o.r.repos[ref.Path]
	if stored == nil {
		return domain.Description{}, noRepository(ref.Path)
	}
	digest := ref.Digest
	if digest == "" {
		digest = stored.tags[ref.Tag]
	}
	d, found := stored.manifests[digest]
	switch {
	case !found:
		return domain.Description{}, domain.Errorf(domain.CodeNotFound, "tag_not_found", ref.Short(), "no such image in the registry: %s", ref.Short())
	case known == digest:
		o.r.requests = append(o.r.requests, "HEAD "+ref.Short())
		return domain.Description{Digest: digest, Unchanged: true}, nil
	}
	o.r.requests = append(o.r.requests, "GET "+ref.Short())
	return cloneDescription(d), nil
}

// DeleteTag implements port.TagDeleter.
func (o *openedRegistry) DeleteTag(ctx context.Context, ref domain.Reference) error {
	if err := domain.ValidateTag(ref.Tag); err != nil {
		return err
	}
	if err := o.r.enter(ctx, OpDeleteTag, ref.Path+":"+ref.Tag); err != nil {
		return err
	}
	if o.r.NoTagDelete {
		return domain.Errorf(domain.CodePrecondition, "tag_delete_unsupported", ref.Short(), "the registry cannot delete a tag without its image")
	}
	o.r.Remove(ref.Path, ref.Tag)
	return nil
}

// DeleteDigest implements port.DigestDeleter.
func (o *openedRegistry) DeleteDigest(ctx context.Context, repo string, d domain.Digest) error {
	if _, err := domain.ParseDigest(d.String()); err != nil {
		return err
	}
	if err := o.r.enter(ctx, OpDeleteDigest, repo+"@"+d.String()); err != nil {
		return err
	}
	if o.r.NoDigestDelete {
		return domain.Errorf(domain.CodePrecondition, "delete_disabled", repo, "deletion is turned off in the registry")
	}
	o.r.mu.Lock()
	defer o.r.mu.Unlock()
	if stored := o.r.repos[repo]; stored != nil {
		delete(stored.manifests, d)
		maps.DeleteFunc(stored.tags, func(_ string, to domain.Digest) bool { return to == d })
	}
	return nil
}

func noRepository(repo string) error {
	return domain.Errorf(domain.CodeNotFound, "repository_not_found", repo, "no such repository: %s", repo)
}
