package domain

import "strings"

// Reference names an image in a registry: registry host, repository path, and a
// tag, a digest, or both. References from [ReferenceParser.Parse] are complete
// (registry and path are set, and a tag unless there is a digest) and
// normalised, so two of them name the same thing when they are equal.
type Reference struct {
	Registry string // host with optional port: "cr.example.org", "[::1]:5000"
	Path     string // repository path: "library/python", "stable/ngc/pytorch"
	Tag      string // "" only when Digest is set
	Digest   Digest // "" unless the reference pins content
}

// Canonical returns the whole reference with nothing left out: registry/path:tag,
// registry/path@digest, or registry/path:tag@digest. A parser with [HostAny]
// reads it back as the same Reference.
func (r Reference) Canonical() string { return r.Repository() + r.suffix() }

// Short returns the reference without the registry: path:tag or path@digest.
func (r Reference) Short() string { return r.Path + r.suffix() }

// String is [Reference.Canonical].
func (r Reference) String() string { return r.Canonical() }

// Repository returns registry/path, without tag and digest.
func (r Reference) Repository() string { return JoinPath(r.Registry, r.Path) }

// WithTag returns r with another tag. The digest is dropped: it pinned what the
// old tag pointed to. The error is that of [ValidateTag].
func (r Reference) WithTag(tag string) (Reference, error) {
	if err := ValidateTag(tag); err != nil {
		return Reference{}, err
	}
	r.Tag, r.Digest = tag, ""
	return r, nil
}

// Within returns the name of the image inside project: the path without the
// leading "project/". An empty project holds every path and gives it whole; a
// path that is the project itself gives "", as GitLab's root repositories do.
// Only whole components count: stablex/python is not in stable. Outside, the
// error is invalid with reason project_mismatch.
func (r Reference) Within(project string) (name string, err error) {
	if project == "" {
		return r.Path, nil
	}
	if r.Path == project {
		return "", nil
	}
	if name, inside := strings.CutPrefix(r.Path, project+"/"); inside {
		return name, nil
	}
	return "", Invalid("project_mismatch", excerpt(r.Canonical()), "the image is not in project %s", Quote(project))
}

func (r Reference) suffix() string {
	s := ""
	if r.Tag != "" {
		s = ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + r.Digest.String()
	}
	return s
}

// JoinPath joins a project and a name to a repository path; either may be
// empty. It undoes [Reference.Within]: JoinPath(project, name) is the path again.
func JoinPath(project, name string) string {
	if project == "" {
		return name
	}
	if name == "" {
		return project
	}
	return project + "/" + name
}
