package porttest

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// The operations that a [RegistryHook] is told and that [Registry.Calls] counts.
const (
	OpRepositories = "repositories"
	OpTags         = "tags"
	OpDescribe     = "describe"
	OpDeleteTag    = "delete_tag"
	OpDeleteDigest = "delete_digest"
)

// RegistryHook runs before each step of a [Registry], outside its lock: once at
// the start of an operation and, in listings, before each name. It may block
// until ctx ends, or return the error that the operation or the rest of the
// listing is to fail with.
//
// key is the repository, repository:tag or repository@digest. At the start of a
// listing it is "" (of repositories) or the repository (of tags).
type RegistryHook func(ctx context.Context, op, key string) error

// Registry is a registry in memory, without HTTP. [Registry.Open] gives the port.
type Registry struct {
	NoTagDelete    bool // it cannot delete one tag
	NoDigestDelete bool // deletion is turned off

	mu       sync.Mutex
	repos    map[string]*storedRepository
	hook     RegistryHook
	calls    map[string][]string
	requests []string
}

type storedRepository struct {
	tags      map[string]domain.Digest
	manifests map[domain.Digest]domain.Description
}

// NewRegistry returns an empty registry.
func NewRegistry() *Registry {
	return &Registry{repos: map[string]*storedRepository{}, calls: map[string][]string{}}
}

// OpenRegistries opens the registries of a map by the host of their row; one
// that is not there is unavailable.
func OpenRegistries(registries map[string]*Registry) port.OpenRegistry {
	return func(_ context.Context, row domain.Registry) (port.Registry, error) {
		if r := registries[row.Name]; r != nil {
			return r.Open(row.Project), nil
		}
		return nil, domain.Errorf(domain.CodeUnavailable, "registry_failed", row.String(), "the registry %s cannot be reached", row.Name)
	}
}

// Push stores the content, moves the tags to it, and returns what
// [port.Registry] is to say of it.
func (r *Registry) Push(c RegistryContent) domain.Description {
	r.mu.Lock()
	defer r.mu.Unlock()
	repo := r.repos[c.Repository]
	if repo == nil {
		repo = &storedRepository{tags: map[string]domain.Digest{}, manifests: map[domain.Digest]domain.Description{}}
		r.repos[c.Repository] = repo
	}
	d := c.made()
	repo.manifests[d.Digest] = d
	for _, tag := range c.Tags {
		repo.tags[tag] = d.Digest
	}
	return cloneDescription(d)
}

// Remove takes a tag away behind the port's back, as another client would; with
// tag "" the repository.
func (r *Registry) Remove(repo, tag string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if tag == "" {
		delete(r.repos, repo)
	} else if stored := r.repos[repo]; stored != nil {
		delete(stored.tags, tag)
	}
}

// SetHook installs a hook; nil takes it away.
func (r *Registry) SetHook(h RegistryHook) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hook = h
}

// Calls returns the keys of the calls of an operation so far, in their order.
func (r *Registry) Calls(op string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls[op])
}

// Requests returns what the tests for an unchanged tag count: one HEAD each, and
// a GET for every other description.
func (r *Registry) Requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// Open returns the registry as a row with that project sees it. It implements
// [port.TagDeleter] and [port.DigestDeleter]; see [PlainRegistry].
func (r *Registry) Open(project string) port.Registry { return &openedRegistry{r, project} }

// PlainRegistry hides the optional abilities of a registry.
func PlainRegistry(r port.Registry) port.Registry { return struct{ port.Registry }{r} }

// enter counts a call and runs the hook.
func (r *Registry) enter(ctx context.Context, op, key string) error {
	r.mu.Lock()
	r.calls[op] = append(r.calls[op], key)
	r.mu.Unlock()
	if err := domain.RefuseInTx(ctx, "porttest: registry "+op); err != nil {
		return err
	}
	return r.step(ctx, op, key)
}

func (r *Registry) step(ctx context.Context, op, key string) error {
	r.mu.Lock()
	hook := r.hook
	r.mu.Unlock()
	var err error
	if hook != nil {
		err = hook(ctx, op, key)
	}
	if err == nil {
		err = ctx.Err()
	}
	return domain.Wrap("porttest: registry "+op, err)
}

func cloneDescription(d domain.Description) domain.Description {
	d.Images, d.Skipped = slices.Clone(d.Images), slices.Clone(d.Skipped)
	for n := range d.Images {
		d.Images[n].Labels = maps.Clone(d.Images[n].Labels)
	}
	return d
}
