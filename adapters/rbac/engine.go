package rbac

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
	defaultrolemanager "github.com/casbin/casbin/v2/rbac/default-role-manager"

	"github.com/wharf-project/wharf/domain"
)

// table answers every check of one set of roles in one domain: the deciding
// rule of each permission, by its index; nil where nothing is granted.
type table []*rule

// engine evaluates policies with casbin. Immutable but for the counter.
type engine struct {
	names  []string
	index  map[string]int
	kinds  map[string][]string
	model  model.Model
	builds atomic.Int64 // tables made; tests watch it
}

func newEngine(permissions []string, m model.Model) *engine {
	e := &engine{names: slices.Clone(permissions), index: make(map[string]int, len(permissions)), kinds: map[string][]string{}, model: m}
	for i, p := range permissions {
		e.index[p] = i
		e.kinds[kindOf(p)] = append(e.kinds[kindOf(p)], p)
	}
	return e
}

// subject stands for the actor in casbin's role graph. No role can be named so.
const subject = "*"

// evaluate asks casbin about every permission. It takes the rules and links
// that the roles lead to: casbin looks at every rule for every question, so
// what cannot matter is not put before it (10,000 rules would take seconds).
func (e *engine) evaluate(rules []*rule, links []Link, roles []domain.Role) (table, error) {
	e.builds.Add(1)
	t := make(table, len(e.index))
	if len(rules) == 0 {
		return t, nil
	}
	// Widest first, and of equal ones the most telling: see model.conf.
	slices.SortStableFunc(rules, func(a, b *rule) int {
		return cmp.Or(cmp.Compare(b.Reach, a.Reach), cmp.Compare(len(b.Permission), len(a.Permission)))
	})
	enforcer, err := e.enforcer(links, roles)
	if err != nil {
		return nil, domain.Internal("rbac.enforcer", err)
	}
	for kind, permissions := range e.kinds {
		lines := linesOf(kind, rules)
		if len(lines) == 0 {
			continue
		}
		enforcer.GetModel()["p"]["p"].Policy = lines
		for _, p := range permissions {
			if t[e.index[p]], err = ask(enforcer, p, rules); err != nil {
				return nil, domain.Internal("rbac.enforce", err)
			}
		}
	}
	return t, nil
}

func (e *engine) enforcer(links []Link, roles []domain.Role) (*casbin.Enforcer, error) {
	m := e.model.Copy()
	enforcer, err := casbin.NewEnforcer(m)
	if err != nil {
		return nil, err
	}
	// The usual manager stops after 10 levels and then denies in silence.
	enforcer.SetRoleManager(defaultrolemanager.NewRoleManagerImpl(len(links) + 1))
	graph := make([][]string, 0, len(links)+len(roles))
	for _, r := range roles {
		graph = append(graph, []string{subject, string(r)})
	}
	for _, l := range links {
		graph = append(graph, []string{string(l.Role), string(l.Parent)})
	}
	m["g"]["g"].Policy = graph
	if err := enforcer.BuildRoleLinks(); err != nil {
		return nil, err
	}
	enforcer.AddFunction("covers", func(args ...any) (any, error) {
		permission, pattern := args[0].(string), args[1].(string)
		return domain.Covers(pattern, permission), nil
	})
	return enforcer, nil
}

// linesOf gives the rules that speak of one kind as casbin's lines.
func linesOf(kind string, rules []*rule) [][]string {
	lines := make([][]string, 0, len(rules))
	for i, r := range rules {
		if k := kindOf(r.Permission); k == kind || k == "*" {
			lines = append(lines, []string{string(r.Role), r.Permission, r.Reach.String(), strconv.Itoa(i)})
		}
	}
	return lines
}

// ask returns the rule that grants a permission, nil for none. Whatever is not
// a clear yes that names its rule is an error.
func ask(enforcer *casbin.Enforcer, permission string, rules []*rule) (*rule, error) {
	ok, line, err := enforcer.EnforceEx(subject, permission)
	if err != nil || !ok {
		return nil, err
	}
	if len(line) != 4 {
		return nil, fmt.Errorf("casbin allows %s without a rule", permission)
	}
	i, err := strconv.Atoi(line[3])
	if err != nil || i < 0 || i >= len(rules) {
		return nil, fmt.Errorf("casbin allows %s by a rule that is not there: %q", permission, line)
	}
	return rules[i], nil
}
