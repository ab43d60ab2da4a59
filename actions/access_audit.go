package actions

import "github.com/wharf-project/wharf/domain"

// SearchAuditAction lists the audit trail, page by page.
type SearchAuditAction struct {
	Where domain.Filter `json:"where,omitzero" doc:"a filter over at, actor, role, action, status, code, target, request_id"`
	domain.Page
}

// SearchAuditResult is one page.
type SearchAuditResult struct {
	Entries []domain.AuditEntry `json:"entries"`
	domain.PageInfo
}

// Spec of audit.search.
func (SearchAuditAction) Spec() Spec {
	return Spec{Name: "audit.search", Summary: "Search the audit trail", Effect: Read}
}

// Validate checks filter, order and cursor.
func (a SearchAuditAction) Validate() error {
	return needList(a.Where, a.Page, domain.AuditFields, "at")
}

// ExplainAction tells why an actor may or may not do something.
type ExplainAction struct {
	Permission string `json:"permission" doc:"such as image.forget"`
	// Actor is somebody else, for grants over everything; nil is the caller.
	Actor *domain.Actor `json:"actor,omitempty" doc:"none: yourself"`
}

// ExplainResult is the decision and what decided.
type ExplainResult struct {
	Decision domain.Decision `json:"decision"`
}

// Spec of access.explain.
func (ExplainAction) Spec() Spec {
	return Spec{Name: "access.explain", Summary: "Tell why something is allowed or refused", Effect: Read}
}

// Validate needs a permission.
func (a ExplainAction) Validate() error { return need("permission", a.Permission) }
