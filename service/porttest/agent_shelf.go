package porttest

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"

	"github.com/wharf-project/wharf/domain"
)

// Shelved is one architecture of an image that fake agents can pull.
type Shelved struct {
	Canonical    string
	Architecture string
	Manifest     domain.Digest
	Config       domain.Digest
	SizeBytes    int64
}

// Shelf is what fake agents pull from, in the place of registries. Several
// agents may share one. A nil Shelf has every image, with the manifest that is
// asked for.
type Shelf struct {
	mu     sync.Mutex
	images map[held]Shelved
}

// NewShelf returns a shelf with the images on it.
func NewShelf(images ...Shelved) *Shelf {
	s := &Shelf{images: map[held]Shelved{}}
	for _, i := range images {
		s.Put(i)
	}
	return s
}

// ShelvedOf is the image of a row of the catalogue.
func ShelvedOf(i domain.Image) Shelved {
	return Shelved{
		Canonical: i.Canonical(), Architecture: i.Architecture,
		Manifest: i.ManifestDigest, Config: i.ConfigDigest, SizeBytes: i.SizeBytes,
	}
}

// Put publishes an image: the tag points to it from now on. Digests and the size
// are made up where they are missing.
func (s *Shelf) Put(i Shelved) {
	h, _ := heldAs(i.Canonical, i.Architecture)
	i.Manifest = cmp.Or(i.Manifest, DigestOf("manifest", h.String()))
	i.Config = cmp.Or(i.Config, DigestOf("config", h.String(), i.Manifest.String()))
	i.SizeBytes = cmp.Or(i.SizeBytes, 1<<20)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.images[h] = i
}

// Drop takes an image away: pulls of it are not_found.
func (s *Shelf) Drop(canonical, architecture string) {
	h, _ := heldAs(canonical, architecture)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.images, h)
}

// take is what a pull finds. want may be empty.
func (s *Shelf) take(h held, want domain.Digest) (Shelved, error) {
	if s == nil {
		return Shelved{h.canonical, h.architecture, want, DigestOf("config", h.String(), want.String()), 1 << 20}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.images[h]
	if !ok {
		return Shelved{}, domain.Errorf(domain.CodeNotFound, "tag_not_found", h.String(), "the registry has no such image: %s", h)
	}
	if want != "" && want != i.Manifest {
		return Shelved{}, domain.Errorf(domain.CodePrecondition, "digest_mismatch", h.String(), "the registry now has %s, not %s", i.Manifest, want)
	}
	return i, nil
}

// DigestOf makes a digest out of words: the same words, the same digest.
func DigestOf(words ...string) domain.Digest {
	return domain.Digest(fmt.Sprintf("sha256:%x", sha256.Sum256(fmt.Appendf(nil, "%q", words))))
}

// SetHook installs a hook; nil takes it away.
func (a *Agent) SetHook(h AgentHook) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hook = h
}

// Use notes that a container uses an image, whether it is there or not.
func (a *Agent) Use(container, canonical, architecture string) {
	h, _ := heldAs(canonical, architecture)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.used[h] = append(a.used[h], container)
}

// Calls returns the keys of the calls of an operation so far, in their order.
func (a *Agent) Calls(op string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.calls[op])
}

// Peak returns how many calls of an operation ran at the same time at most; op
// "" counts all operations together. Hooks make calls last.
func (a *Agent) Peak(op string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.peak[op]
}
