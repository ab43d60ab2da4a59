package actions

import (
	"time"

	"github.com/wharf-project/wharf/domain"
)

// Action is one operation as data.
type Action interface {
	// Spec is the same for every value of a type.
	Spec() Spec
	// Validate checks what can be checked without looking anything up. Errors
	// are invalid and name the field.
	Validate() error
}

// Spec is what the door needs to know of an action.
type Spec struct {
	// Name, such as "image.forget": in audit, REST paths and CLI words.
	Name string
	// Permission that authorizes it; "" means Name.
	Permission string
	// Summary is one line for tables and help.
	Summary string
	Effect  Effect
	// Class says how a long action is worked off; "": inline.
	Class domain.TaskClass
	// Timeout of one call; 0: the service's default for the effect.
	Timeout time.Duration
}

// Requires returns the permission that authorizes the action.
func (s Spec) Requires() string {
	if s.Permission == "" {
		return s.Name
	}
	return s.Permission
}

// Effect says what an action does to the world, and so what it costs.
type Effect uint8

// The effects, in the order of what they cost.
const (
	Read     Effect = iota // looks at our rows
	Write                  // changes our rows
	Agent                  // acts on nodes
	Registry               // acts on registries
)

// External reports whether the effect reaches beyond our own rows.
func (e Effect) External() bool { return e == Agent || e == Registry }

// String returns the name of the effect, which is also its rate limit class.
func (e Effect) String() string {
	return [...]string{"read", "write", "agent", "registry"}[e]
}
