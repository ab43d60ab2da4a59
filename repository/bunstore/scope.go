package bunstore

import (
	"context"
	"slices"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/wharf-project/wharf/domain"
)

// cond is a piece of SQL with its arguments.
type cond = schema.QueryWithArgs

func sqlf(query string, args ...any) cond { return bun.SafeQuery(query, args...) }

var always = sqlf("1 = 1")

// usableRegistries selects the ids of registries that a domain may use: allowed
// for it and, unless global, associated with one of the projects.
func usableRegistries(domainName string, projects []string) cond {
	return sqlf(`SELECT r.id FROM wharf_registries AS r JOIN wharf_registry_domains AS rd ON rd.registry_id = r.id
		WHERE rd.domain = ? AND (r.is_global OR r.id IN (SELECT rp.registry_id FROM wharf_registry_projects AS rp WHERE rp.project IN (?)))`,
		domainName, bun.List(projects))
}

// visibleImages is the rule "visible" over wharf_images AS i: a usable registry,
// and no other user's customized image. Everything is visible to reach any.
func (s *session) visibleImages() cond {
	if s.any() {
		return always
	}
	a := s.actor()
	return sqlf("(i.registry_id IN (?) AND (NOT i.customized OR ?))", usableRegistries(a.Domain, a.Projects), s.owned())
}

// owned holds for the actor's own images. A malformed owner label names nobody,
// and least of all an actor without a name.
func (s *session) owned() cond {
	return sqlf("(i.customized AND i.owner <> '' AND i.owner = ?)", string(s.actor().ID))
}

// reachableImages narrows visibleImages to the scope's reach.
func (s *session) reachableImages() cond {
	switch s.unit.Scope.Reach {
	case domain.ReachAny, domain.ReachVisible:
		return s.visibleImages()
	case domain.ReachOwn:
		return sqlf("(? AND ?)", s.visibleImages(), s.owned())
	}
	return sqlf("1 = 0")
}

// inReach is reachableImages for one visible image.
func (s *session) inReach(img domain.Image) bool {
	switch s.unit.Scope.Reach {
	case domain.ReachAny, domain.ReachVisible:
		return true
	case domain.ReachOwn:
		return img.Customized && img.Owner != "" && img.Owner == s.actor().ID
	}
	return false
}

// Judge applies the rules of visibleImages and reachableImages to one image.
func (m *images) Judge(img domain.Image) (seen, reached bool) {
	s := m.s()
	owned := img.Customized && img.Owner != "" && img.Owner == s.actor().ID
	seen = s.any() || !img.Customized || owned
	return seen, seen && s.inReach(img)
}

// Holds applies the reach to a repository.
func (g *registries) Holds(r domain.Registry, repo string) bool {
	switch s := g.s(); s.unit.Scope.Reach {
	case domain.ReachAny, domain.ReachVisible:
		return true
	case domain.ReachOwn:
		return s.actor().Holds(r, repo)
	}
	return false
}

// visibleRegistries is the rule over wharf_registries AS r.
func (s *session) visibleRegistries() cond {
	if s.any() {
		return always
	}
	a := s.actor()
	return sqlf(`(r.id IN (SELECT rd.registry_id FROM wharf_registry_domains AS rd WHERE rd.domain = ?)
		AND (r.is_global OR r.id IN (SELECT rp.registry_id FROM wharf_registry_projects AS rp WHERE rp.project IN (?))))`,
		a.Domain, bun.List(a.Projects))
}

// visibleAgents is the rule over wharf_agents AS a: own is the agent that the
// actor is, visible those in scaling groups that the actor may use.
func (s *session) visibleAgents(ctx context.Context) (cond, error) {
	a := s.actor()
	switch s.unit.Scope.Reach {
	case domain.ReachAny:
		return always, nil
	case domain.ReachVisible:
		groups, err := s.usableGroups(ctx, a.Domain, a.Projects)
		return sqlf("a.scaling_group IN (?)", bun.List(groups)), err
	case domain.ReachOwn:
		id, ok := strings.CutPrefix(string(a.ID), "agent:")
		if !ok {
			return sqlf("1 = 0"), nil
		}
		return sqlf("a.id = ?", id), nil
	}
	return sqlf("1 = 0"), nil
}

// usableGroups returns the scaling groups that a domain and any of the projects
// may use, from the embedder's tenancy when there is one. For reach any, domain
// "" stands for every domain; an actor without a domain may use none.
func (s *session) usableGroups(ctx context.Context, domainName string, projects []string) ([]string, error) {
	if domainName == "" && !s.any() {
		return nil, nil
	}
	if t := s.unit.Tenancy; t != nil {
		var all []string
		for _, p := range append([]string{""}, projects...) {
			groups, err := t.ScalingGroups(ctx, domainName, p)
			if err != nil {
				return nil, domain.Wrap("tenancy", err)
			}
			all = append(all, groups...)
		}
		slices.Sort(all)
		return slices.Compact(all), nil
	}
	q := s.db.NewSelect().Model((*scalingGroupRow)(nil)).ColumnExpr("DISTINCT g.scaling_group").OrderExpr("g.scaling_group")
	if domainName != "" {
		q = q.Where("g.domain = ?", domainName).Where("g.project IN (?)", bun.List(append([]string{""}, projects...)))
	} else {
		q = q.Where("g.project IN (?)", bun.List(projects))
	}
	var groups []string
	err := q.Scan(ctx, &groups)
	return groups, translate("scaling groups", err)
}

// tenancyFilters starts a list with the domain, group and scaling group of a
// query: the registries, and the agents that must hold an image.
func (s *session) tenancyFilters(ctx context.Context, q domain.ImageQuery) (l imageList, err error) {
	actor := s.actor()
	domainName := actor.Domain
	if s.any() {
		domainName = ""
	}
	if q.Domain != nil {
		if !s.any() {
			return l, domain.Errorf(domain.CodeForbidden, "domain_filter", *q.Domain, "only a grant over everything may ask for a domain")
		}
		domainName = *q.Domain
	}
	if q.Group != nil && !s.any() && !actor.InProject(*q.Group) {
		return l, domain.NotFound("group", *q.Group)
	}
	if c, ok := registryFilter(q); ok {
		l.registries = []cond{c}
	}
	if q.Group == nil && q.ScalingGroup == nil {
		return l, nil
	}
	groups, err := s.groupsAsked(ctx, q, domainName)
	if err != nil {
		return l, err
	}
	c := sqlf("a.scaling_group IN (?)", bun.List(groups))
	l.agents, l.conds = &c, []cond{heldBy(&c)}
	return l, nil
}

// registryFilter narrows the registries (AS r) by domain and group. The visible rule
// has the actor's domain already; a group narrows its projects to one.
func registryFilter(q domain.ImageQuery) (cond, bool) {
	associated := sqlf("r.id IN (SELECT rp.registry_id FROM wharf_registry_projects AS rp)")
	if q.Group != nil {
		associated = sqlf("r.id IN (SELECT rp.registry_id FROM wharf_registry_projects AS rp WHERE rp.project = ?)", *q.Group)
	}
	switch {
	case q.Domain != nil:
		return sqlf("(r.id IN (SELECT rd.registry_id FROM wharf_registry_domains AS rd WHERE rd.domain = ?) AND (r.is_global OR ?))", *q.Domain, associated), true
	case q.Group != nil:
		return sqlf("(r.is_global OR ?)", associated), true
	}
	return always, false
}

// groupsAsked returns the scaling groups that a query means.
func (s *session) groupsAsked(ctx context.Context, q domain.ImageQuery, domainName string) ([]string, error) {
	if s.any() && q.Group == nil {
		return []string{*q.ScalingGroup}, nil
	}
	projects := s.actor().Projects
	if q.Group != nil {
		projects = []string{*q.Group}
	}
	usable, err := s.usableGroups(ctx, domainName, projects)
	if err != nil || q.ScalingGroup == nil {
		return usable, err
	}
	if !slices.Contains(usable, *q.ScalingGroup) {
		return nil, domain.NotFound("scaling_group", *q.ScalingGroup)
	}
	return []string{*q.ScalingGroup}, nil
}

// heldBy holds for images (AS i) that an agent holds; nil: any agent. Its limit
// keeps Postgres from joining everything that is held: a page needs little of it.
func heldBy(agents *cond) cond {
	if agents == nil {
		return sqlf("EXISTS (SELECT 1 FROM wharf_installed AS n WHERE n.canonical = i.canonical AND n.architecture = i.architecture LIMIT 1 OFFSET 0)")
	}
	return sqlf(`EXISTS (SELECT 1 FROM wharf_installed AS n JOIN wharf_agents AS a ON a.id = n.agent_id
		WHERE n.canonical = i.canonical AND n.architecture = i.architecture AND ? LIMIT 1 OFFSET 0)`, *agents)
}

// holders counts the agents that hold an image (AS i); nil: any agent.
func holders(agents *cond) cond {
	if agents == nil {
		return sqlf("(SELECT count(*) FROM wharf_installed AS n WHERE n.canonical = i.canonical AND n.architecture = i.architecture)")
	}
	return sqlf(`(SELECT count(*) FROM wharf_installed AS n JOIN wharf_agents AS a ON a.id = n.agent_id
		WHERE n.canonical = i.canonical AND n.architecture = i.architecture AND ?)`, *agents)
}
