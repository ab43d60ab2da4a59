package oidc

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/wharf-project/wharf/domain"
)

// mightiest is the order in which one of several roles is taken; others come
// after these, in the token's order.
func mightiest() []domain.Role {
	return []domain.Role{domain.RoleSuperadmin, domain.RoleAdmin, domain.RoleMonitor, domain.RoleUser}
}

func (c Claims) actor(claims map[string]json.RawMessage) (domain.Actor, error) {
	user, err := texts(claims, c.User)
	if err != nil || len(user) != 1 {
		return domain.Actor{}, fmt.Errorf("the claim %s names no user: %w", c.User, err)
	}
	domains, err := texts(claims, c.Domain)
	if err != nil || len(domains) > 1 {
		return domain.Actor{}, fmt.Errorf("the claim %s is no domain: %w", c.Domain, err)
	}
	roles, err := texts(claims, c.Role)
	if err != nil {
		return domain.Actor{}, err
	}
	projects, err := texts(claims, c.Projects)
	if err != nil {
		return domain.Actor{}, err
	}
	a := domain.Actor{ID: domain.UserID(user[0]), Role: c.role(roles), Projects: split(projects)}
	if len(domains) == 1 {
		a.Domain = domains[0]
	}
	if err := domain.CheckName("user", user[0]); err != nil {
		return domain.Actor{}, err
	}
	if machine(a.ID) {
		return domain.Actor{}, fmt.Errorf("the claim %s names a machine of ours", c.User)
	}
	return a, nil
}

// machine reports whether an id is one that only this installation gives out: a
// token must not speak as a node or as the service itself.
func machine(id domain.UserID) bool {
	return id == "system" || strings.HasPrefix(string(id), "agent:") || strings.HasPrefix(string(id), "webhook:")
}

func (c Claims) role(said []string) domain.Role {
	roles := make([]domain.Role, 0, len(said))
	for _, s := range said {
		role := domain.Role(s)
		if c.Roles != nil {
			role = c.Roles[s]
		}
		switch role {
		case "", "system", "agent", "webhook":
			continue
		case domain.RoleSuperadmin:
			if !c.Superadmin {
				continue
			}
		}
		roles = append(roles, role)
	}
	for _, r := range mightiest() {
		if slices.Contains(roles, r) {
			return r
		}
	}
	if len(roles) > 0 {
		return roles[0]
	}
	return ""
}

// texts reads a claim that is a text or a list of texts; absent or null is none.
func texts(claims map[string]json.RawMessage, name string) ([]string, error) {
	raw := find(claims, name)
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		if one == "" {
			return nil, nil
		}
		return []string{one}, nil
	}
	var list []string
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("the claim %s is neither a text nor a list of texts", name)
	}
	return list, nil
}

func find(claims map[string]json.RawMessage, name string) json.RawMessage {
	if raw, ok := claims[name]; ok {
		return raw
	}
	head, rest, ok := strings.Cut(name, ".")
	if !ok {
		return nil
	}
	var inner map[string]json.RawMessage
	if json.Unmarshal(claims[head], &inner) != nil {
		return nil
	}
	return find(inner, rest)
}

func split(list []string) []string {
	if len(list) != 1 {
		return list
	}
	return strings.FieldsFunc(list[0], func(r rune) bool { return r == ' ' || r == ',' })
}
