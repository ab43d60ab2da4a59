package domain

import "fmt"

// Reach says over which rows a permission holds.
type Reach uint8

// The reaches, each wider than the one before.
const (
	ReachNone    Reach = iota // nothing: the call is forbidden
	ReachOwn                  // the actor's own rows
	ReachVisible              // what the actor may see (see Scope)
	ReachAny                  // everything
)

var reachNames = [...]string{"none", "own", "visible", "any"}

// String returns the name that policies use.
func (r Reach) String() string {
	if int(r) < len(reachNames) {
		return reachNames[r]
	}
	return fmt.Sprintf("reach(%d)", r)
}

// ParseReach reads the name of a reach. Errors: invalid, reason reach_invalid.
func ParseReach(s string) (Reach, error) {
	for i, n := range reachNames {
		if n == s {
			return Reach(i), nil
		}
	}
	return ReachNone, Invalid("reach_invalid", "reach", "a reach is own, visible, any or none: %s", Quote(s))
}

// MarshalText writes the name.
func (r Reach) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the name.
func (r *Reach) UnmarshalText(b []byte) (err error) {
	*r, err = ParseReach(string(b))
	return err
}

// Grant is the answer to "may this actor do that, and to what". Rule names the
// policy line and the role that decided, for Explain and the audit trail.
type Grant struct {
	Reach Reach  `json:"reach"`
	Rule  string `json:"rule,omitempty"`
}

// Decision explains a grant: the rule that decided or, when there is none, the
// nearest grant that is missing.
type Decision struct {
	Permission string `json:"permission"`
	Actor      Actor  `json:"actor"`
	Grant      Grant  `json:"grant"`
	Role       Role   `json:"role,omitempty"` // the role that the rule belongs to
	// Missing tells what would allow it, when Reach is none; else empty.
	Missing string `json:"missing,omitempty"`
	// Revision of the policy that decided.
	Revision int64 `json:"revision"`
}

// Scope binds a store to what a grant reaches.
//
// Reach own and visible see an image when its registry is allowed for the
// actor's domain, when a registry that is not global is associated with one of
// the actor's projects, and when the image is not another user's customized
// one. Reach any sees everything. Rows that cannot be seen do not exist for
// the actor (not_found); rows that can be seen but not reached are forbidden.
type Scope struct {
	Reach Reach
	Actor Actor
}
