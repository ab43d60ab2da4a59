package rbac

import (
	"context"
	_ "embed"
	"strings"

	"github.com/wharf-project/wharf/domain"
)

// Roles of machine actors. They and superadmin come from the actor and the
// configured policy only: rows cannot bind, inherit, extend or define them.
const (
	RoleSystem  domain.Role = "system"  // background work of the service itself
	RoleAgent   domain.Role = "agent"   // a node that reports about itself
	RoleWebhook domain.Role = "webhook" // a registry that tells what changed
)

// Policy is what the rows of a database add to the configured policy.
type Policy struct {
	Rules    []Rule
	Links    []Link
	Bindings []Binding
}

// Rule gives a role a permission.
type Rule struct {
	Role domain.Role
	// Permission is a name ("image.get"), all of one kind ("image.*"), or "*".
	Permission string
	// Reach is own, visible or any.
	Reach domain.Reach
	// Domain limits the rule to actors of one domain; empty: for all. It does
	// not limit the rows: reach any is every row, whoever the rule is for.
	Domain string
}

// Link gives a role all that another role has, in every domain.
type Link struct{ Role, Parent domain.Role }

// Binding gives one user a role beside the one that the actor carries.
type Binding struct {
	User domain.UserID
	Role domain.Role
	// Domain: the binding holds while the actor is of this domain; empty: always.
	Domain string
}

// Rows reads custom roles and bindings from where they are kept.
//
// Revision must change in the same transaction as the rows and be cheap: every
// process asks it about once a second. Load reads all rows at once. Both must
// end when ctx does, and be safe for concurrent use.
type Rows interface {
	Revision(ctx context.Context) (int64, error)
	Load(ctx context.Context) (Policy, error)
}

//go:embed policy.csv
var defaultPolicy string

//go:embed model.conf
var modelText string

// DefaultPolicy returns the embedded policy as CSV: a start for one's own.
func DefaultPolicy() string { return defaultPolicy }

func kindOf(permission string) string {
	kind, _, _ := strings.Cut(permission, ".")
	return kind
}
