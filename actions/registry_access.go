package actions

import "github.com/wharf-project/wharf/domain"

// ChangedResult says whether a change was one: doing it twice is not an error.
type ChangedResult struct {
	Changed bool `json:"changed"`
}

// AllowRegistryAction makes a registry's images visible in a domain.
type AllowRegistryAction struct {
	RegistryID domain.RegistryID `json:"registry_id" kind:"registry" doc:"id of the registry"`
	Domain     string            `json:"domain" doc:"name of the domain"`
}

// AllowRegistryResult says whether that was new.
type AllowRegistryResult ChangedResult

// Spec of registry.allow.
func (AllowRegistryAction) Spec() Spec {
	return Spec{Name: "registry.allow", Summary: "Allow a registry for a domain", Effect: Write}
}

// Validate needs an id and a domain.
func (a AllowRegistryAction) Validate() error {
	return firstError(needID("registry_id", a.RegistryID), domain.CheckName("domain", a.Domain))
}

// DisallowRegistryAction hides a registry's images from a domain.
type DisallowRegistryAction struct {
	RegistryID domain.RegistryID `json:"registry_id" kind:"registry" doc:"id of the registry"`
	Domain     string            `json:"domain" doc:"name of the domain"`
}

// DisallowRegistryResult says whether it was allowed before.
type DisallowRegistryResult ChangedResult

// Spec of registry.disallow.
func (DisallowRegistryAction) Spec() Spec {
	return Spec{Name: "registry.disallow", Summary: "No longer allow a registry for a domain", Effect: Write}
}

// Validate needs an id and a domain.
func (a DisallowRegistryAction) Validate() error {
	return firstError(needID("registry_id", a.RegistryID), domain.CheckName("domain", a.Domain))
}

// AssociateRegistryAction opens a registry that is not global to a project.
type AssociateRegistryAction struct {
	RegistryID domain.RegistryID `json:"registry_id" kind:"registry" doc:"id of the registry"`
	Project    string            `json:"project" doc:"name of the embedder's project"`
}

// AssociateRegistryResult says whether that was new.
type AssociateRegistryResult ChangedResult

// Spec of registry.associate.
func (AssociateRegistryAction) Spec() Spec {
	return Spec{Name: "registry.associate", Summary: "Associate a registry with a project", Effect: Write}
}

// Validate needs an id and a project.
func (a AssociateRegistryAction) Validate() error {
	return firstError(needID("registry_id", a.RegistryID), domain.CheckName("project", a.Project))
}

// DisassociateRegistryAction closes a registry that is not global to a project.
type DisassociateRegistryAction struct {
	RegistryID domain.RegistryID `json:"registry_id" kind:"registry" doc:"id of the registry"`
	Project    string            `json:"project" doc:"name of the embedder's project"`
}

// DisassociateRegistryResult says whether it was associated before.
type DisassociateRegistryResult ChangedResult

// Spec of registry.disassociate.
func (DisassociateRegistryAction) Spec() Spec {
	return Spec{Name: "registry.disassociate", Summary: "No longer associate a registry with a project", Effect: Write}
}

// Validate needs an id and a project.
func (a DisassociateRegistryAction) Validate() error {
	return firstError(needID("registry_id", a.RegistryID), domain.CheckName("project", a.Project))
}
