package actions

import (
	"time"

	"github.com/wharf-project/wharf/domain"
)

// MaxScopes is the largest number of scopes of one key.
const MaxScopes = 100

// CreateKeyAction makes an API key: a credential for programs. It acts as the
// caller, or as the user that a grant over everything names.
type CreateKeyAction struct {
	Name      string        `json:"name" doc:"what it is for"`
	Scopes    []string      `json:"scopes,omitempty" doc:"permissions that it is limited to, such as image.get or image.*; none: all that its user has"`
	ExpiresAt time.Time     `json:"expires_at,omitzero" kind:"future" doc:"none: in 90 days; a year at most, but for grants over everything"`
	User      domain.UserID `json:"user,omitempty" doc:"whom it acts as; none: yourself"`
	Role      domain.Role   `json:"role,omitempty" doc:"role of that user"`
	Domain    string        `json:"domain,omitempty" doc:"domain of that user"`
	Projects  []string      `json:"projects,omitempty" doc:"projects of that user"`
}

// CreateKeyResult is the key and its secret, which is told here and never
// again. A repeat under the same idempotency key tells the key only: revoke it
// and make another if the first answer got lost.
type CreateKeyResult struct {
	Key    domain.APIKey     `json:"key"`
	Secret domain.ToldSecret `json:"secret,omitempty"`
}

// Kept is the result without the secret.
func (r CreateKeyResult) Kept() any {
	r.Secret = ""
	return r
}

// Spec of key.create.
func (CreateKeyAction) Spec() Spec {
	return Spec{Name: "key.create", Summary: "Make an API key", Effect: Write}
}

// Validate checks names and sizes.
func (a CreateKeyAction) Validate() error {
	if err := domain.CheckName("name", a.Name); err != nil {
		return err
	}
	if len(a.Scopes) > MaxScopes {
		return domain.Invalid("scopes_invalid", "scopes", "a key has %d scopes at most", MaxScopes)
	}
	for _, s := range a.Scopes {
		if err := need("scopes", s); err != nil {
			return err
		}
	}
	if a.User == "" {
		if a.Role != "" || a.Domain != "" || len(a.Projects) > 0 {
			return domain.Invalid("field_required", "user", "role, domain and projects are those of the user that is named")
		}
		return nil
	}
	if err := firstError(domain.CheckName("user", string(a.User)), domain.CheckRole(a.Role), optionalName("domain", a.Domain)); err != nil {
		return err
	}
	for _, p := range a.Projects {
		if err := domain.CheckName("project", p); err != nil {
			return err
		}
	}
	return nil
}

// ListKeysAction lists API keys, page by page: the caller's, or all.
type ListKeysAction struct {
	Where domain.Filter `json:"where,omitzero" doc:"a filter over name, user, created_by, created_at, expires_at, last_used_at"`
	domain.Page
}

// ListKeysResult is one page; secrets are never shown.
type ListKeysResult struct {
	Keys []domain.APIKey `json:"keys"`
	domain.PageInfo
}

// Spec of key.list.
func (ListKeysAction) Spec() Spec {
	return Spec{Name: "key.list", Summary: "List API keys", Effect: Read}
}

// Validate checks filter, order and cursor.
func (a ListKeysAction) Validate() error {
	return needList(a.Where, a.Page, domain.KeyFields, "created_at")
}

// RevokeKeyAction ends a key at once and for good.
type RevokeKeyAction struct {
	KeyID domain.KeyID `json:"key_id" doc:"id of the key, not its secret"`
}

// RevokeKeyResult is the key, and whether it was not revoked before.
type RevokeKeyResult struct {
	Key     domain.APIKey `json:"key"`
	Changed bool          `json:"changed"`
}

// Spec of key.revoke.
func (RevokeKeyAction) Spec() Spec {
	return Spec{Name: "key.revoke", Summary: "End an API key", Effect: Write}
}

// Validate needs an id.
func (a RevokeKeyAction) Validate() error { return needID("key_id", a.KeyID) }
