package rbac

import (
	"slices"

	"github.com/wharf-project/wharf/domain"
)

// draft is a policy with the place of every line of it.
type draft struct {
	rules    []rule
	links    []link
	bindings []Binding
}

type rule struct {
	Rule
	where string // "line 14"; "row" when it comes from the database
	text  string // as grants show it
}

type link struct {
	Link
	where string
}

const fromRow = "row"

func draftOf(p Policy) draft {
	d := draft{bindings: p.Bindings}
	for _, r := range p.Rules {
		d.rules = append(d.rules, rule{Rule: r, where: fromRow})
	}
	for _, l := range p.Links {
		d.links = append(d.links, link{Link: l, where: fromRow})
	}
	return d
}

// checker judges drafts against the closed list of permissions, the roles that
// exist, and the roles that a draft may not touch.
type checker struct {
	permissions []string
	known       map[domain.Role]bool
	guarded     map[domain.Role]bool
}

// accept returns the part of d that is in order, and an error for the rest.
// Policies only allow, so leaving a line out can never widen what is granted.
func (c checker) accept(d draft) (draft, []error) {
	var ok draft
	var errs []error
	c.learn(d)
	seen := make(map[Rule]bool, len(d.rules))
	for _, r := range d.rules {
		if err := c.rule(r); err != nil {
			errs = append(errs, err)
		} else if !seen[r.Rule] {
			seen[r.Rule] = true
			r.text = r.where + ": " + describe(r.Rule)
			ok.rules = append(ok.rules, r)
		}
	}
	for _, l := range d.links {
		if err := c.link(l); err != nil {
			errs = append(errs, err)
		} else {
			ok.links = append(ok.links, l)
		}
	}
	for _, b := range d.bindings {
		if err := c.binding(b); err != nil {
			errs = append(errs, err)
		} else {
			ok.bindings = append(ok.bindings, b)
		}
	}
	return ok, errs
}

// learn takes up the roles that d defines: by a rule, or by a parent.
func (c checker) learn(d draft) {
	for _, r := range d.rules {
		c.known[r.Role] = true
	}
	for _, l := range d.links {
		c.known[l.Role] = true
	}
}

func (c checker) rule(r rule) error {
	if err := c.role(r.where, r.Role); err != nil {
		return err
	}
	if r.Reach == domain.ReachNone || r.Reach > domain.ReachAny {
		return invalid(r.where, "a rule reaches own, visible or any, not %s (%s)", r.Reach, describe(r.Rule))
	}
	if err := checkDomain(r.where, r.Domain); err != nil {
		return err
	}
	if !slices.ContainsFunc(c.permissions, func(p string) bool { return domain.Covers(r.Permission, p) }) {
		return invalid(r.where, "no permission matches %s of role %s", domain.Quote(r.Permission), r.Role)
	}
	return nil
}

func (c checker) link(l link) error {
	if err := c.role(l.where, l.Role); err != nil {
		return err
	}
	return c.existing(l.where, l.Parent)
}

func (c checker) binding(b Binding) error {
	if b.User == "" {
		return invalid(fromRow, "a binding of role %s names no user", domain.Quote(string(b.Role)))
	}
	if err := checkDomain(fromRow, b.Domain); err != nil {
		return err
	}
	return c.existing(fromRow, b.Role)
}

func (c checker) existing(where string, r domain.Role) error {
	if err := c.role(where, r); err != nil {
		return err
	}
	if !c.known[r] {
		return invalid(where, "no rule and no parent defines role %s", r)
	}
	return nil
}

func (c checker) role(where string, r domain.Role) error {
	if !domain.IsRole(r) {
		return invalid(where, "a role has 1-64 letters, digits, '.', '_', '-' or ':': %s", domain.Quote(string(r)))
	}
	if c.guarded[r] {
		return invalid(where, "role %s is given by the configured policy only", r)
	}
	return nil
}

func checkDomain(where, name string) error {
	if name == "" {
		return nil
	}
	if name == "*" { // would look like "every domain" and mean one named so
		return invalid(where, "leave the domain empty for every domain")
	}
	if err := domain.CheckName("domain", name); err != nil {
		return invalid(where, "%s", domain.MessageOf(err))
	}
	return nil
}

func describe(r Rule) string {
	s := "p, " + string(r.Role) + ", " + r.Permission + ", " + r.Reach.String()
	if r.Domain != "" {
		s += ", " + r.Domain
	}
	return s
}
