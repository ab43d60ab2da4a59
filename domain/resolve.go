package domain

import (
	"slices"
	"strings"
)

// Lookup says what a name could mean, in the order in which it is tried: an id,
// a canonical name (or a digest in a repository), an alias. Empty parts are not
// tried.
type Lookup struct {
	ID         ImageID
	Canonical  string // registry/repository:tag
	Repository string // registry/repository, with Digest
	Digest     Digest // of the tag, the manifest or the config
	Alias      string
}

// NewLookup reads a name with a parser; a name that no parser takes can still
// be an alias, but for an image: URI, whose fault would else be told as an
// alias that does not exist. Errors: invalid when it can be nothing.
func NewLookup(p ReferenceParser, name string) (Lookup, error) {
	name = strings.TrimSpace(name)
	if IsID(name) {
		return Lookup{ID: ImageID(name)}, nil
	}
	var l Lookup
	ref, err := p.Parse(name)
	switch {
	case err != nil && p.isURI(name):
		return Lookup{}, err
	case err != nil:
	case ref.Digest != "":
		l.Repository, l.Digest = ref.Repository(), ref.Digest
	default:
		l.Canonical = ref.Canonical()
	}
	alias, aliasErr := ParseAlias(name)
	if aliasErr == nil {
		l.Alias = alias
	}
	if err != nil && aliasErr != nil {
		return Lookup{}, err
	}
	return l, nil
}

// Via says by which name a candidate was found.
type Via uint8

// The ways to find an image, best first.
const (
	ViaID Via = iota
	ViaCanonical
	ViaAlias
)

// Candidate is one image that a lookup found.
type Candidate struct {
	Image   Image
	Via     Via
	InReach bool // of the scope that looked
}

// Resolution is how to choose among candidates.
type Resolution struct {
	// Architecture asked for; "" when none was.
	Architecture string
	// Default is taken for reads when none was asked for; "" makes several
	// architectures an error, as writes want it.
	Default string
	// Statuses that count; empty: alive.
	Statuses []ImageStatus
}

// Choose picks the image that a name means. Names win over aliases. Errors:
// not_found; forbidden when the image can be seen but not reached; invalid,
// reason architecture_ambiguous, naming the candidates.
func (r Resolution) Choose(name string, found []Candidate) (Image, error) {
	statuses := r.Statuses
	if len(statuses) == 0 {
		statuses = []ImageStatus{ImageAlive}
	}
	if len(found) == 0 {
		return Image{}, NotFound("image", ImageKey{name, r.Architecture}.String())
	}
	// First what the name means: forgetting an image must not turn its name into
	// somebody's alias.
	best := slices.MinFunc(found, func(a, b Candidate) int { return int(a.Via) - int(b.Via) }).Via
	found = slices.DeleteFunc(slices.Clone(found), func(c Candidate) bool {
		return c.Via != best || !slices.Contains(statuses, c.Image.Status) || r.Architecture != "" && c.Image.Architecture != r.Architecture
	})
	if len(found) == 0 {
		return Image{}, NotFound("image", ImageKey{name, r.Architecture}.String())
	}
	if len(found) > 1 && r.Default != "" {
		if i := slices.IndexFunc(found, func(c Candidate) bool { return c.Image.Architecture == r.Default }); i >= 0 {
			found = found[i : i+1]
		} else {
			found = found[:1] // the order of architectures: stable
		}
	}
	if len(found) > 1 {
		return Image{}, ambiguous(name, found)
	}
	if !found[0].InReach {
		return Image{}, Errorf(CodeForbidden, "image_out_of_reach", name, "you may see %s but not do this to it", Quote(name))
	}
	return found[0].Image, nil
}

func ambiguous(name string, found []Candidate) error {
	names := make([]string, 0, len(found))
	for _, c := range found {
		names = append(names, c.Image.Canonical()+" ("+c.Image.Architecture+")")
	}
	return Invalid("architecture_ambiguous", name, "%s means several images, name the architecture: %s", Quote(name), strings.Join(names, ", "))
}
