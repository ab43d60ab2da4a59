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
	i = i.complete()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.images[h] = i
}

// complete makes up what is missing, and normalises the architecture.
func (i Shelved) complete() Shelved {
	h, _ := heldAs(i.Canonical, i.Architecture)
	i.Architecture = cmp.Or(h.architecture, i.Architecture)
	i.Manifest = cmp.Or(i.Manifest, DigestOf("manifest", h.String()))
	i.Config = cmp.Or(i.Config, DigestOf("config", h.String(), i.Manifest.String()))
	i.SizeBytes = cmp.Or(i.SizeBytes, 1<<20)
	return i
}

// behind returns what a reference stands for, by architecture; nothing when it
// is not there. want is what a nil shelf has.
func (s *Shelf) behind(canonical string, want domain.Digest) []Shelved {
	if s == nil {
		return []Shelved{Shelved{Canonical: canonical, Architecture: domain.HostArchitecture(), Manifest: want}.complete()}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []Shelved
	for h, i := range s.images {
		if h.canonical == canonical {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, func(a, b Shelved) int { return cmp.Compare(a.Architecture, b.Architecture) })
	return found
}

// receive makes a reference stand for the images, and tells whether it did
// before, and how many bytes the shelf did not have.
func (s *Shelf) receive(canonical string, images []Shelved) (unchanged bool, sent int64) {
	if s == nil {
		return false, 0
	}
	if slices.Equal(digests(s.behind(canonical, "")), digests(images)) {
		return true, 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	had := map[domain.Digest]bool{}
	for h, i := range s.images {
		had[i.Config] = true
		if h.canonical == canonical {
			delete(s.images, h)
		}
	}
	for _, i := range images {
		if i.Canonical = canonical; !had[i.Config] {
			sent += i.SizeBytes
		}
		s.images[held{canonical, i.Architecture}] = i
	}
	return false, sent
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
