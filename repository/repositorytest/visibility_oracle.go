package repositorytest

import (
	"slices"

	"github.com/wharf-project/wharf/domain"
)

// world is a small catalogue in memory, and the naive oracle of who sees what
// in it: rule by rule, without a thought for speed.
type world struct {
	registries []domain.Registry
	images     []domain.Image
	agents     []domain.Agent
	installed  []domain.InstalledImage
	grants     []domain.ScalingGroupGrant
}

func (w *world) registry(id domain.RegistryID) domain.Registry {
	return w.registries[slices.IndexFunc(w.registries, func(r domain.Registry) bool { return r.ID == id })]
}

// isFor reports whether a registry is global or for one of the projects.
func isFor(r domain.Registry, projects ...string) bool {
	return r.IsGlobal || slices.ContainsFunc(r.Projects, func(p string) bool { return slices.Contains(projects, p) })
}

// isTheirs reports whether an image is a customized one of the actor. An owner
// without a name is nobody.
func isTheirs(img domain.Image, actor domain.Actor) bool {
	return img.Customized && img.Owner != "" && img.Owner == actor.ID
}

// sees is the rule "visible".
func (w *world) sees(s domain.Scope, img domain.Image) bool {
	if s.Reach == domain.ReachAny {
		return true
	}
	r := w.registry(img.RegistryID)
	return slices.Contains(r.Domains, s.Actor.Domain) && isFor(r, s.Actor.Projects...) && (!img.Customized || isTheirs(img, s.Actor))
}

// reaches narrows sees to the reach.
func (w *world) reaches(s domain.Scope, img domain.Image) bool {
	return w.sees(s, img) && (s.Reach != domain.ReachOwn || isTheirs(img, s.Actor))
}

// usable is the scaling groups that a domain and any of its projects may use.
func (w *world) usable(domainName string, projects ...string) []string {
	var groups []string
	for _, g := range w.grants {
		if g.Domain == domainName && (g.Project == "" || slices.Contains(projects, g.Project)) {
			groups = append(groups, g.ScalingGroup)
		}
	}
	return groups
}

// usableAnywhere is the scaling groups that a project of any domain may use.
func (w *world) usableAnywhere(project string) []string {
	var groups []string
	for _, g := range w.grants {
		if g.Project == project {
			groups = append(groups, g.ScalingGroup)
		}
	}
	return groups
}

// groupUsable is the scaling groups that the query's group may use.
func (w *world) groupUsable(s domain.Scope, q domain.ImageQuery) []string {
	switch {
	case s.Reach != domain.ReachAny:
		return w.usable(s.Actor.Domain, *q.Group)
	case q.Domain != nil:
		return w.usable(*q.Domain, *q.Group)
	}
	return w.usableAnywhere(*q.Group)
}

// refusals is every code that a query can be refused with; none: it is served.
func (w *world) refusals(s domain.Scope, q domain.ImageQuery) []domain.Code {
	var codes []domain.Code
	if q.Domain != nil && s.Reach != domain.ReachAny {
		codes = append(codes, domain.CodeForbidden)
	}
	if q.Group != nil && s.Reach != domain.ReachAny && !s.Actor.InProject(*q.Group) {
		codes = append(codes, domain.CodeNotFound)
	}
	if q.ScalingGroup == nil {
		return codes
	}
	switch {
	case q.Group != nil:
		if !slices.Contains(w.groupUsable(s, q), *q.ScalingGroup) {
			codes = append(codes, domain.CodeNotFound)
		}
	case s.Reach != domain.ReachAny:
		if !slices.Contains(w.usable(s.Actor.Domain, s.Actor.Projects...), *q.ScalingGroup) {
			codes = append(codes, domain.CodeNotFound)
		}
	}
	return codes
}

// counting is the agents that count as holding an image for a query.
func (w *world) counting(s domain.Scope, q domain.ImageQuery) []domain.AgentID {
	var ids []domain.AgentID
	for _, a := range w.agents {
		if q.Group != nil && !slices.Contains(w.groupUsable(s, q), a.ScalingGroup) {
			continue
		}
		if q.ScalingGroup != nil && *q.ScalingGroup != a.ScalingGroup {
			continue
		}
		ids = append(ids, a.ID)
	}
	return ids
}

// heldBy counts those of the agents that hold an image: by name and
// architecture, whatever the digest.
func (w *world) heldBy(img domain.Image, agents []domain.AgentID) int {
	n := 0
	for _, h := range w.installed {
		if h.Canonical == img.Canonical() && h.Architecture == img.Architecture && slices.Contains(agents, h.AgentID) {
			n++
		}
	}
	return n
}

// finds reports whether a query that is not refused finds an image.
func (w *world) finds(s domain.Scope, q domain.ImageQuery, img domain.Image) bool {
	statuses := q.Statuses
	if len(statuses) == 0 {
		statuses = []domain.ImageStatus{domain.ImageAlive}
	}
	held := w.heldBy(img, w.counting(s, q)) > 0
	switch {
	case !w.reaches(s, img), !slices.Contains(statuses, img.Status),
		q.IsOperation != nil && *q.IsOperation != img.Operation,
		q.IsInstalled != nil && *q.IsInstalled != held,
		(q.Group != nil || q.ScalingGroup != nil) && !held:
		return false
	}
	r := w.registry(img.RegistryID)
	if q.Domain != nil && !slices.Contains(r.Domains, *q.Domain) {
		return false
	}
	if q.Group != nil {
		return isFor(r, *q.Group)
	}
	return q.Domain == nil || isFor(r, r.Projects...)
}
