package domain

import (
	"slices"
	"strings"
	"time"
)

// Limits of one custom role.
const (
	MaxRoleRules    = 200
	MaxRoleInherits = 20
)

// RoleRule gives a role a permission.
type RoleRule struct {
	// Permission is a name ("image.get"), all of one kind ("image.*"), or "*".
	Permission string `json:"permission"`
	// Reach is own, visible or any.
	Reach Reach `json:"reach"`
	// Domain limits the rule to actors of one domain; empty: for all.
	Domain string `json:"domain,omitempty"`
}

// PolicyRole is a role with the rules of its own and the roles whose rules it
// has beside them. Slices are never nil in what stores return.
type PolicyRole struct {
	Name     Role       `json:"name"`
	Rules    []RoleRule `json:"rules"`
	Inherits []Role     `json:"inherits"`
	// BuiltIn marks a role of the configured policy, which no action changes.
	BuiltIn   bool      `json:"built_in,omitempty"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
	Revision  int64     `json:"revision,omitempty"`
}

// Binding gives one user a role beside the one that their token carries. With
// a domain it holds while the user is of that domain; without, always.
type Binding struct {
	User   UserID `json:"user" doc:"id of the user"`
	Role   Role   `json:"role" doc:"name of the role"`
	Domain string `json:"domain,omitempty" doc:"holds while the user is of this domain; none: always"`
}

// RoleBinding is a stored binding.
type RoleBinding struct {
	Binding
	CreatedBy UserID    `json:"created_by"`
	CreatedAt time.Time `json:"created_at"`
}

// PolicyRows is what is stored beside the configured policy: all of it.
type PolicyRows struct {
	Roles    []PolicyRole
	Bindings []RoleBinding
}

// RoleFields is the table of fields for lists of custom roles.
var RoleFields = Fields{
	"name":       {Kind: KindText, Sortable: true},
	"domain":     {Kind: KindText}, // that all rules of the role are for
	"created_at": {Kind: KindTime, Sortable: true},
}

// BindingFields is the table of fields for lists of bindings.
var BindingFields = Fields{
	"user":       {Kind: KindText, Sortable: true},
	"role":       {Kind: KindText},
	"domain":     {Kind: KindText},
	"created_at": {Kind: KindTime},
}

// Covers reports whether a pattern stands for a permission, or for all that
// another pattern stands for. Only the three forms of [RoleRule] are patterns;
// everything else is compared as it is.
func Covers(pattern, permission string) bool {
	if pattern == "*" {
		return true
	}
	if kind, ok := strings.CutSuffix(pattern, ".*"); ok {
		head, _, _ := strings.Cut(permission, ".")
		return kind == head
	}
	return pattern == permission
}

// InScope reports whether the actor's scopes leave it a permission. They grant
// nothing: roles do.
func (a Actor) InScope(permission string) bool {
	return len(a.Scopes) == 0 || slices.ContainsFunc(a.Scopes, func(s string) bool { return Covers(s, permission) })
}

// CheckPatterns tests that each pattern stands for one of the permissions.
// Errors: invalid, reason permission_unknown.
func CheckPatterns(patterns, permissions []string) error {
	for _, s := range patterns {
		if !slices.ContainsFunc(permissions, func(p string) bool { return Covers(s, p) }) {
			return Invalid("permission_unknown", s, "no permission matches %s", Quote(s))
		}
	}
	return nil
}

// IsRole reports whether r has the form of a role: 1-64 letters, digits, '.',
// '_', '-' or ':'.
func IsRole(r Role) bool {
	if r == "" || len(r) > 64 {
		return false
	}
	for _, c := range []byte(r) {
		alnum := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alnum && strings.IndexByte("._-:", c) < 0 {
			return false
		}
	}
	return true
}

// CheckRole tests the name of a role. Errors: invalid, reason role_invalid.
func CheckRole(r Role) error {
	if !IsRole(r) {
		return Invalid("role_invalid", "role", "a role has 1-64 letters, digits, '.', '_', '-' or ':': %s", Quote(string(r)))
	}
	return nil
}

// checkHome tests the domain of a rule or binding; empty is every domain.
func checkHome(name string) error {
	if name == "" {
		return nil
	}
	if name == "*" { // would look like "every domain" and mean one named so
		return Invalid("name_invalid", "domain", "leave the domain empty for every domain")
	}
	return CheckName("domain", name)
}

// Check tests the rule, but not whether its permission exists. Errors: invalid.
func (r RoleRule) Check() error {
	if r.Permission == "" {
		return Invalid("field_required", "permission", "a rule names a permission, such as image.get or image.*")
	}
	if r.Reach == ReachNone || r.Reach > ReachAny {
		return Invalid("reach_invalid", "reach", "a rule reaches own, visible or any, not %s", r.Reach)
	}
	return checkHome(r.Domain)
}

// Check tests names. Errors: invalid.
func (b Binding) Check() error {
	if err := CheckName("user", string(b.User)); err != nil {
		return err
	}
	if err := CheckRole(b.Role); err != nil {
		return err
	}
	return checkHome(b.Domain)
}

// Check tests the role by itself: names, reaches and sizes; not whether its
// permissions and parents exist. Errors: invalid.
func (r PolicyRole) Check() error {
	if err := CheckRole(r.Name); err != nil {
		return err
	}
	if len(r.Rules) == 0 && len(r.Inherits) == 0 {
		return Invalid("role_empty", string(r.Name), "a role has a rule, or inherits from another role")
	}
	if len(r.Rules) > MaxRoleRules || len(r.Inherits) > MaxRoleInherits {
		return Invalid("role_too_large", string(r.Name), "a role has %d rules and inherits from %d roles at most", MaxRoleRules, MaxRoleInherits)
	}
	for _, rule := range r.Rules {
		if err := rule.Check(); err != nil {
			return err
		}
	}
	for _, parent := range r.Inherits {
		if err := CheckRole(parent); err != nil {
			return err
		}
		if parent == r.Name {
			return Invalid("role_cycle", string(r.Name), "a role does not inherit from itself")
		}
	}
	return nil
}

// Patterns returns the permissions of the rules.
func (r PolicyRole) Patterns() []string {
	list := make([]string, len(r.Rules))
	for i, rule := range r.Rules {
		list[i] = rule.Permission
	}
	return list
}

// Home is the domain that the role belongs to: the one that all of its rules
// are for. "" for a role of the whole installation.
func (r PolicyRole) Home() string {
	if len(r.Rules) == 0 {
		return ""
	}
	for _, rule := range r.Rules[1:] {
		if rule.Domain != r.Rules[0].Domain {
			return ""
		}
	}
	return r.Rules[0].Domain
}
