package transfer

import (
	"strings"

	"github.com/wharf-project/wharf/domain"
)

// The annotations that name an entry of index.json, and one that tells which
// repository of a registry has the content.
const (
	refName        = "org.opencontainers.image.ref.name"
	containerdName = "io.containerd.image.name"
	sourcePrefix   = "containerd.io/distribution.source."
)

// normal is the whole reference that a name stands for, "" when it is none.
func normal(name string) string {
	r, err := domain.ParseReference(name)
	if err != nil || r.Digest != "" {
		return ""
	}
	return r.Canonical()
}

// whole is the name of an entry that leaves nothing to guess, "" when it has
// only a tag or nothing.
func (e entry) whole() string {
	if name := e.desc.Annotations[containerdName]; name != "" {
		return normal(name)
	}
	if name := e.desc.Annotations[refName]; strings.ContainsAny(name, "/:") {
		return normal(name)
	}
	return ""
}

// named reports whether a fetch under name replaces the entry.
func (e entry) named(name string) bool {
	if w := e.whole(); w != "" {
		return w == normal(name)
	}
	return name != "" && e.desc.Annotations[refName] == name
}

// find returns what a name stands for; "" is the only image. arch picks one of
// several architectures under the name, unless it is "".
func (c *content) find(name, arch string) (descriptor, error) {
	var found []descriptor
	for _, match := range []func(entry) bool{
		func(e entry) bool { return name == "" || name == e.desc.Digest.String() },
		func(e entry) bool { return e.whole() != "" && e.whole() == normal(name) },
		func(e entry) bool { return e.desc.Annotations[refName] == name },
	} {
		for _, e := range c.entries {
			if e.desc.Digest != "" && match(e) && !has(found, e.desc.Digest) {
				found = append(found, e.desc)
			}
		}
		if len(found) > 0 {
			break
		}
	}
	if len(found) > 1 && arch != "" {
		var of []descriptor
		for _, d := range found {
			if d.architecture() == arch {
				of = append(of, d)
			}
		}
		found = of
	}
	switch len(found) {
	case 0:
		return descriptor{}, noImage(name)
	case 1:
		return found[0], nil
	}
	return descriptor{}, domain.Invalid(reasonAmbiguous, domain.JoinPath(name, ""), "the store has %d images that this may mean: %s", len(found), domain.Quote(name))
}

func has(list []descriptor, d domain.Digest) bool {
	for _, l := range list {
		if l.Digest == d {
			return true
		}
	}
	return false
}

// annotate gives a descriptor its name, and notes where the content came from.
func annotate(d descriptor, name string, from domain.Reference) (descriptor, error) {
	r, err := domain.ParseReference(name)
	if err != nil || r.Digest != "" {
		return d, domain.Invalid(reasonReference, "local", "not a name for an image: %s", domain.Quote(name))
	}
	d.Annotations = map[string]string{containerdName: r.Canonical(), refName: r.Tag}
	if from.Registry != "" {
		d.Annotations[sourcePrefix+from.Registry] = from.Path
	}
	return d, nil
}

// sourceOf returns the repository of a registry that may have the content of an
// entry: it was fetched from there, or has its name. "" for none.
func sourceOf(d descriptor, registry string) string {
	if from, _, _ := strings.Cut(d.Annotations[sourcePrefix+registry], ","); from != "" && domain.ValidateRepositoryPath(from) == nil {
		return from
	}
	name := entry{desc: d}.whole()
	if r, err := domain.ParseReference(name); err == nil && name != "" && r.Registry == registry {
		return r.Path
	}
	return ""
}
