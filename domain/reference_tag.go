package domain

import "strings"

// HasTag reports whether text names a tag or a digest, so that Parse adds no
// tag of its own. It looks at the text alone, which may be no reference.
func (p ReferenceParser) HasTag(s string) bool {
	if p.isURI(s) {
		s = strings.TrimPrefix(s, uriScheme)
	}
	return strings.Contains(s, "@") || strings.LastIndexByte(s, ':') > strings.LastIndexByte(s, '/')
}

// Holds reports whether a repository of a registry row is of a project of the
// actor: the row's own project is named like it, or the first component below
// that is. Pushing for oneself, and deleting what was pushed so, asks this.
func (a Actor) Holds(r Registry, repo string) bool {
	name, err := Reference{Registry: r.Name, Path: repo}.Within(r.Project)
	if err != nil {
		return false
	}
	if first, _, below := strings.Cut(name, "/"); below && a.InProject(first) {
		return true
	}
	last := r.Project[strings.LastIndexByte(r.Project, '/')+1:]
	return last != "" && a.InProject(last)
}
