package domain

import (
	"net/url"
	"strings"
	"time"
)

// RegistryType picks the adapter that speaks to a registry.
type RegistryType string

// RegistryOCI is any registry that speaks the OCI distribution specification.
const RegistryOCI RegistryType = "oci"

// Registry is one registered source of images: a host and, below it, a project
// (a path prefix, "" for the whole host). Host and project are unique together.
// Nothing is ever asked of a host that is not registered.
type Registry struct {
	ID       RegistryID   `json:"id"`
	Name     string       `json:"name"`    // host, with the port if it has one; images carry it
	Project  string       `json:"project"` // "" for all repositories
	URL      string       `json:"url"`     // scheme and host to contact; "" means https://Name
	Type     RegistryType `json:"type"`
	Username string       `json:"username,omitempty"`
	Password Secret       `json:"password,omitempty"`
	// IsGlobal: for every project of an allowed domain; else only for the
	// projects that are associated with it.
	IsGlobal bool `json:"is_global"`
	// TLSSkipVerify trusts any certificate; plain HTTP follows from URL.
	TLSSkipVerify bool `json:"tls_skip_verify,omitempty"`
	// TokenRealms are further hosts that credentials may go to, beyond the
	// registry's own site.
	TokenRealms []string `json:"token_realms,omitempty"`
	// PrivateNetwork permits realms and redirects to loopback, link-local and
	// metadata addresses.
	PrivateNetwork bool `json:"private_network,omitempty"`

	Domains   []string  `json:"domains"`  // allowed for these domains
	Projects  []string  `json:"projects"` // associated with these projects of the embedder
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Revision  int64     `json:"revision"`
}

// Endpoint returns the base URL to contact, without a trailing slash.
func (r Registry) Endpoint() string {
	if r.URL == "" {
		return "https://" + r.Name
	}
	return strings.TrimRight(r.URL, "/")
}

// String names the registry in messages: host, or host/project.
func (r Registry) String() string { return JoinPath(r.Name, r.Project) }

// Check tests the fields that a user sets. Errors: invalid, reason
// registry_invalid, on the field.
func (r Registry) Check() error {
	if err := ValidateRegistryHost(r.Name); err != nil {
		return err
	}
	if r.Project != "" {
		if err := ValidateRepositoryPath(r.Project); err != nil {
			return Invalid("registry_invalid", "project", "not a path prefix of repositories: %s", Quote(r.Project))
		}
	}
	if r.Type == "" {
		return Invalid("registry_invalid", "type", "a registry has a type, such as oci")
	}
	if r.URL != "" {
		u, err := url.Parse(r.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return Invalid("registry_invalid", "url", "a registry's URL is http(s)://host[:port], without credentials, path or query") // not repeated: it may hold credentials
		}
	}
	if (r.Username == "") != (r.Password == "") {
		return Invalid("registry_invalid", "username", "username and password come together")
	}
	return nil
}

// RegistryFields is the table of fields for lists of registries.
var RegistryFields = Fields{
	"name":       {Kind: KindText, Sortable: true},
	"project":    {Kind: KindText},
	"type":       {Kind: KindText},
	"is_global":  {Kind: KindBool},
	"domain":     {Kind: KindSet},
	"created_at": {Kind: KindTime, Sortable: true},
}

// TagRow is one row of a registry's tag listing. Digest may be empty: not every
// listing tells it.
type TagRow struct {
	Tag    string
	Digest Digest
}

// Description is what a registry says of one tag. Unchanged with no Images
// means that the tag still points to the digest that the caller knew.
type Description struct {
	Digest    Digest // of the tag: an index or a manifest
	Unchanged bool
	Images    []DescribedImage
	Skipped   []SkippedManifest
}

// DescribedImage is one architecture behind a tag.
type DescribedImage struct {
	Architecture   string // internal name with variant
	ManifestDigest Digest
	ConfigDigest   Digest
	SizeBytes      int64 // layers and config
	LayersBytes    int64 // layers alone, compressed; one that is there twice counts twice
	Labels         map[string]string
}

// SkippedManifest is something behind a tag that is not an image: an
// attestation, a signature, a chart, a foreign operating system.
type SkippedManifest struct {
	Digest Digest `json:"digest"`
	Reason string `json:"reason"`
}

// RegistryFor picks the registered row that a repository belongs to: the same
// host and the longest project that the repository lies in. False: none.
func RegistryFor(rows []Registry, host, repo string) (best Registry, ok bool) {
	for _, r := range rows {
		if r.Name != host || ok && len(r.Project) < len(best.Project) {
			continue
		}
		if _, err := (Reference{Registry: host, Path: repo}).Within(r.Project); err == nil {
			best, ok = r, true
		}
	}
	return best, ok
}
