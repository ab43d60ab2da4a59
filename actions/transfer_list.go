package actions

import (
	"regexp"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// remoteTimeout bounds reads that ask a registry.
const remoteTimeout = 5 * time.Minute

// RemoteFields is the table of fields for lists of what registries have.
var RemoteFields = domain.Fields{
	"repository": {Kind: domain.KindText, Sortable: true},
	"tag":        {Kind: domain.KindText, Sortable: true},
}

// ListRemoteImagesAction lists the repositories of a registry, asking it and not
// the catalogue.
type ListRemoteImagesAction struct {
	Registry string `json:"registry,omitempty" kind:"registry" doc:"host, or host/project; none: that of the current cluster"`
	Name     string `json:"name,omitempty" doc:"regular expression (RE2) that the whole repository matches"`
	domain.Page
}

// ListRemoteImagesResult is one page. Skipped counts entries of the registry
// that are no repository names.
type ListRemoteImagesResult struct {
	Images  []RemoteRepository `json:"images"`
	Skipped int                `json:"skipped"`
	domain.PageInfo
}

// RemoteRepository is one repository of a registry.
type RemoteRepository struct {
	Image      string            `json:"image"` // registry/repository
	Repository string            `json:"repository"`
	RegistryID domain.RegistryID `json:"registry_id"`
	URI        string            `json:"uri,omitempty"` // image://…, in the registry of a cluster
}

// Spec of remote.list.
func (ListRemoteImagesAction) Spec() Spec {
	return Spec{Name: "remote.list", Summary: "List the repositories of a registry", Effect: Read, Timeout: remoteTimeout}
}

// Validate needs an expression that compiles.
func (a ListRemoteImagesAction) Validate() error {
	_, err := a.Check(RemoteFields, "repository")
	if a.Sort == "tag" {
		err = domain.Invalid("sort_invalid", "sort", "repositories are sorted by repository")
	}
	if _, bad := regexp.Compile(a.Name); bad != nil || len(a.Name) > 1024 {
		err = firstError(err, domain.Invalid("pattern_invalid", "name", "not a regular expression: %s", domain.Quote(a.Name)))
	}
	return err
}

// ListImageTagsAction lists the tags of a repository, asking its registry.
type ListImageTagsAction struct {
	Image string `json:"image" kind:"repository" doc:"repository, without a tag: registry/project/name"`
	Sizes bool   `json:"sizes,omitempty" doc:"also how large each is, which asks the registry once more per tag"`
	domain.Page
}

// ListImageTagsResult is one page.
type ListImageTagsResult struct {
	Tags []RemoteTag `json:"tags"`
	domain.PageInfo
}

// RemoteTag is a tag of a registry. SizeBytes is that of the layers, compressed;
// nil when it was not asked for, or when there is no image behind the tag.
type RemoteTag struct {
	Name      string          `json:"name"`
	Image     string          `json:"image"`         // registry/repository:tag
	URI       string          `json:"uri,omitempty"` // image://…, in the registry of a cluster
	SizeBytes *int64          `json:"size,omitempty"`
	Problem   *domain.Problem `json:"problem,omitempty"` // why there is no size
}

// Spec of remote.tags.
func (ListImageTagsAction) Spec() Spec {
	return Spec{Name: "remote.tags", Summary: "List the tags of a repository", Effect: Read, Timeout: remoteTimeout}
}

// Validate needs a repository.
func (a ListImageTagsAction) Validate() error {
	_, err := a.Check(RemoteFields, "tag")
	if a.Sort == "repository" {
		err = domain.Invalid("sort_invalid", "sort", "tags are sorted by tag")
	}
	return firstError(need("image", a.Image), err)
}
