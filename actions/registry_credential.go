package actions

import "github.com/wharf-project/wharf/domain"

// GetRegistryCredentialAction tells the credentials that a registry is set up
// with, for tools that log in by themselves. It leaves an entry in the trail.
type GetRegistryCredentialAction struct {
	Registry string `json:"registry" kind:"registry" doc:"host, or id"`
}

// GetRegistryCredentialResult is what to log in with.
type GetRegistryCredentialResult struct {
	Registry string            `json:"registry"` // host
	Username string            `json:"username"`
	Secret   domain.ToldSecret `json:"secret"`
}

// Spec of registry.credential.
func (GetRegistryCredentialAction) Spec() Spec {
	return Spec{Name: "registry.credential", Summary: "Tell the credentials of a registry", Effect: Write}
}

// Validate needs a registry.
func (a GetRegistryCredentialAction) Validate() error { return need("registry", a.Registry) }

// Kept is the result without the secret.
func (r GetRegistryCredentialResult) Kept() any {
	r.Secret = ""
	return r
}
