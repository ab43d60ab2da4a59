package actions

import "github.com/wharf-project/wharf/domain"

// CreateRegistryAction registers a source of images. Nothing is asked of it
// until the first scan.
type CreateRegistryAction struct {
	Name           string              `json:"name" doc:"host, with the port if it has one"`
	Project        string              `json:"project,omitempty" doc:"path prefix of its repositories; none: all of them"`
	URL            string              `json:"url,omitempty" doc:"where to reach it; none: https://NAME"`
	Type           domain.RegistryType `json:"type,omitempty" doc:"adapter; none: oci"`
	Username       string              `json:"username,omitempty"`
	Password       domain.Secret       `json:"password,omitempty"`
	IsGlobal       *bool               `json:"is_global,omitempty" doc:"for all projects of an allowed domain; none: true"`
	TLSSkipVerify  bool                `json:"tls_skip_verify,omitempty" doc:"accept any certificate"`
	TokenRealms    []string            `json:"token_realms,omitempty" doc:"further hosts that credentials may go to"`
	PrivateNetwork bool                `json:"private_network,omitempty" doc:"permit token realms and redirects to local addresses"`
}

// Registry returns the row that the action asks for, without an id.
func (a CreateRegistryAction) Registry() domain.Registry {
	r := domain.Registry{
		Name: a.Name, Project: a.Project, URL: a.URL, Type: a.Type, Username: a.Username, Password: a.Password,
		IsGlobal: a.IsGlobal == nil || *a.IsGlobal, TLSSkipVerify: a.TLSSkipVerify, TokenRealms: a.TokenRealms,
		PrivateNetwork: a.PrivateNetwork, Domains: []string{}, Projects: []string{},
	}
	if r.Type == "" {
		r.Type = domain.RegistryOCI
	}
	return r
}

// RegistryResult is a registry as stored; its password is never shown.
type RegistryResult struct {
	Registry domain.Registry `json:"registry"`
}

// CreateRegistryResult is the new row.
type CreateRegistryResult RegistryResult

// Spec of registry.create.
func (CreateRegistryAction) Spec() Spec {
	return Spec{Name: "registry.create", Summary: "Register a source of images", Effect: Write}
}

// Validate checks the row.
func (a CreateRegistryAction) Validate() error { return a.Registry().Check() }

// ModifyRegistryAction changes a registry; absent fields stay. Its name and
// project are its identity and stay.
type ModifyRegistryAction struct {
	RegistryID     domain.RegistryID                 `json:"registry_id" kind:"registry" doc:"id of the registry"`
	URL            domain.Patch[string]              `json:"url,omitzero"`
	Type           domain.Patch[domain.RegistryType] `json:"type,omitzero"`
	Username       domain.Patch[string]              `json:"username,omitzero" doc:"null removes the credentials"`
	Password       domain.Patch[domain.Secret]       `json:"password,omitzero"`
	IsGlobal       domain.Patch[bool]                `json:"is_global,omitzero"`
	TLSSkipVerify  domain.Patch[bool]                `json:"tls_skip_verify,omitzero"`
	TokenRealms    domain.Patch[[]string]            `json:"token_realms,omitzero"`
	PrivateNetwork domain.Patch[bool]                `json:"private_network,omitzero"`
	Revision       int64                             `json:"revision,omitempty" doc:"change it only while it has this revision; none: whatever it has"`
}

// ModifyRegistryResult is the row as stored.
type ModifyRegistryResult RegistryResult

// Spec of registry.modify.
func (ModifyRegistryAction) Spec() Spec {
	return Spec{Name: "registry.modify", Summary: "Change a registry", Effect: Write}
}

// Validate needs an id.
func (a ModifyRegistryAction) Validate() error { return needID("registry_id", a.RegistryID) }

// DeleteRegistryAction removes a registry that has no images in the catalogue.
type DeleteRegistryAction struct {
	RegistryID domain.RegistryID `json:"registry_id" kind:"registry" doc:"id of the registry"`
	DryRun     bool              `json:"dry_run,omitempty" doc:"only tell what would be removed"`
}

// DeleteRegistryResult is the row that was removed, and how many images keep
// it in a dry run.
type DeleteRegistryResult struct {
	Registry domain.Registry `json:"registry"`
	Images   int             `json:"images"`
	DryRun   bool            `json:"dry_run,omitempty"`
}

// Spec of registry.delete.
func (DeleteRegistryAction) Spec() Spec {
	return Spec{Name: "registry.delete", Summary: "Remove a registry without images", Effect: Write}
}

// Validate needs an id.
func (a DeleteRegistryAction) Validate() error { return needID("registry_id", a.RegistryID) }

// ListRegistriesAction lists registries, page by page.
type ListRegistriesAction struct {
	Where domain.Filter `json:"where,omitzero" doc:"a filter over name, project, type, is_global, domain, created_at"`
	domain.Page
}

// ListRegistriesResult is one page; passwords are never shown.
type ListRegistriesResult struct {
	Registries []domain.Registry `json:"registries"`
	domain.PageInfo
}

// Spec of registry.list.
func (ListRegistriesAction) Spec() Spec {
	return Spec{Name: "registry.list", Summary: "List registries", Effect: Read}
}

// Validate checks filter, order and cursor.
func (a ListRegistriesAction) Validate() error {
	return needList(a.Where, a.Page, domain.RegistryFields, "name")
}
