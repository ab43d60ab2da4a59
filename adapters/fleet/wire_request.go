package fleet

import "github.com/wharf-project/wharf/domain"

// The structs of the wire are converted from those of the domain field by field
// or as a whole: a new field there does not compile here, or fails a test.

type pullRequest struct {
	Reference    reference     `json:"reference"`
	Architecture string        `json:"architecture"`
	Manifest     domain.Digest `json:"manifest,omitempty"`
	Registry     registry      `json:"registry"`
}

type reference struct {
	Registry string        `json:"registry"`
	Path     string        `json:"path"`
	Tag      string        `json:"tag,omitempty"`
	Digest   domain.Digest `json:"digest,omitempty"`
}

// registry is how to reach a registry. Who may use it is not a node's business.
type registry struct {
	ID             domain.RegistryID   `json:"id,omitempty"`
	Revision       int64               `json:"revision,omitempty"`
	Name           string              `json:"name"`
	Project        string              `json:"project,omitempty"`
	URL            string              `json:"url,omitempty"`
	Type           domain.RegistryType `json:"type,omitempty"`
	Username       string              `json:"username,omitempty"`
	Password       string              `json:"password,omitempty"` // in the clear: see the package's comment
	TLSSkipVerify  bool                `json:"tls_skip_verify,omitempty"`
	TokenRealms    []string            `json:"token_realms,omitempty"`
	PrivateNetwork bool                `json:"private_network,omitempty"`
}

type pullOutcome struct {
	Digest    domain.Digest `json:"digest"`
	SizeBytes int64         `json:"size_bytes"`
	Unchanged bool          `json:"unchanged,omitempty"`
}

type removeRequest struct {
	Canonical    string `json:"canonical"`
	Architecture string `json:"architecture"`
	Force        bool   `json:"force,omitempty"`
	NoPrune      bool   `json:"no_prune,omitempty"`
}

type removeOutcome struct {
	FreedBytes int64 `json:"freed_bytes"`
}

func pullRequestOf(r domain.PullRequest) *pullRequest {
	g := r.Registry
	return &pullRequest{
		Reference: reference(r.Reference), Architecture: r.Architecture, Manifest: r.Manifest,
		Registry: registry{
			ID: g.ID, Revision: g.Revision, Name: g.Name, Project: g.Project, URL: g.URL, Type: g.Type,
			Username: g.Username, Password: g.Password.Reveal(),
			TLSSkipVerify: g.TLSSkipVerify, TokenRealms: g.TokenRealms, PrivateNetwork: g.PrivateNetwork,
		},
	}
}

func (p *pullRequest) request() domain.PullRequest {
	g := p.Registry
	return domain.PullRequest{
		Reference: domain.Reference(p.Reference), Architecture: p.Architecture, Manifest: p.Manifest,
		Registry: domain.Registry{
			ID: g.ID, Revision: g.Revision, Name: g.Name, Project: g.Project, URL: g.URL, Type: g.Type,
			Username: g.Username, Password: domain.Secret(g.Password),
			TLSSkipVerify: g.TLSSkipVerify, TokenRealms: g.TokenRealms, PrivateNetwork: g.PrivateNetwork,
		},
	}
}
