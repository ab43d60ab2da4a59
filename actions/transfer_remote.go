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
	Registry string `json:"registry" kind:"registry" doc:"host, or host/project"`
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
}

// Spec of remote.list.
func (ListRemoteImagesAction) Spec() Spec {
	return Spec{Name: "remote.list", Summary: "List the repositories of a registry", Effect: Read, Timeout: remoteTimeout}
}

// Validate needs a registry and an expression that compiles.
func (a ListRemoteImagesAction) Validate() error {
	_, err := a.Page.Check(RemoteFields, "repository")
	if a.Sort == "tag" {
		err = domain.Invalid("sort_invalid", "sort", "repositories are sorted by repository")
	}
	if _, bad := regexp.Compile(a.Name); bad != nil || len(a.Name) > 1024 {
		err = firstError(err, domain.Invalid("pattern_invalid", "name", "not a regular expression: %s", domain.Quote(a.Name)))
	}
	return firstError(need("registry", a.Registry), err)
}

// ListImageTagsAction lists the tags of a repository, asking its registry.
type ListImageTagsAction struct {
	Image string `json:"image" kind:"image" doc:"repository, without a tag: registry/project/name"`
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
	Image     string          `json:"image"` // registry/repository:tag
	SizeBytes *int64          `json:"size,omitempty"`
	Problem   *domain.Problem `json:"problem,omitempty"` // why there is no size
}

// Spec of remote.tags.
func (ListImageTagsAction) Spec() Spec {
	return Spec{Name: "remote.tags", Summary: "List the tags of a repository", Effect: Read, Timeout: remoteTimeout}
}

// Validate needs a repository.
func (a ListImageTagsAction) Validate() error {
	_, err := a.Page.Check(RemoteFields, "tag")
	if a.Sort == "repository" {
		err = domain.Invalid("sort_invalid", "sort", "tags are sorted by tag")
	}
	return firstError(need("image", a.Image), err)
}

// GetImageDigestAction reads what a tag points to now, from the registry.
type GetImageDigestAction struct {
	Image string `json:"image" kind:"image" doc:"with a tag; none: latest"`
}

// GetImageDigestResult holds the digest of the manifest or index.
type GetImageDigestResult struct {
	Image  string        `json:"image"` // canonical
	Digest domain.Digest `json:"digest"`
}

// Spec of remote.digest.
func (GetImageDigestAction) Spec() Spec {
	return Spec{Name: "remote.digest", Summary: "Show the digest of a tag in its registry", Effect: Read, Timeout: remoteTimeout}
}

// Validate needs an image.
func (a GetImageDigestAction) Validate() error { return need("image", a.Image) }

// GetTagInfoAction reads name and size of a tag from the registry.
type GetTagInfoAction struct {
	Image        string `json:"image" kind:"image" doc:"with a tag; none: latest"`
	Architecture string `json:"architecture,omitempty" doc:"of several; none: the installation's, else the first"`
}

// GetTagInfoResult is a tag. SizeBytes is that of the layers of one platform,
// compressed, without the configuration: the one asked for of an index.
type GetTagInfoResult struct {
	Name         string         `json:"name"`
	SizeBytes    int64          `json:"size"`
	Image        string         `json:"image"` // canonical
	Digest       domain.Digest  `json:"digest"`
	Architecture string         `json:"architecture"`
	Platforms    []PlatformSize `json:"platforms"` // every image behind the tag
}

// PlatformSize is one image of a tag.
type PlatformSize struct {
	Architecture string        `json:"architecture"`
	Digest       domain.Digest `json:"digest"` // of its manifest
	SizeBytes    int64         `json:"size"`   // of its layers
}

// Spec of remote.tag_info.
func (GetTagInfoAction) Spec() Spec {
	return Spec{Name: "remote.tag_info", Summary: "Show a tag of a registry and its platforms", Effect: Read, Timeout: remoteTimeout}
}

// Validate needs an image.
func (a GetTagInfoAction) Validate() error { return needImage("image", a.Image, a.Architecture) }

// GetImageSizeAction reads the size of an image from the registry.
type GetImageSizeAction struct {
	Image        string `json:"image" kind:"image" doc:"with a tag; none: latest"`
	Architecture string `json:"architecture,omitempty" doc:"of several; none: the installation's, else the first"`
}

// GetImageSizeResult is a size as GetTagInfo gives it.
type GetImageSizeResult struct {
	Image     string `json:"image"` // canonical
	SizeBytes int64  `json:"size"`
}

// Spec of remote.size.
func (GetImageSizeAction) Spec() Spec {
	return Spec{Name: "remote.size", Summary: "Show the size of an image in its registry", Effect: Read, Timeout: remoteTimeout}
}

// Validate needs an image.
func (a GetImageSizeAction) Validate() error { return needImage("image", a.Image, a.Architecture) }

// RemoveRemoteImageAction deletes images from registries by their digests. All
// tags of a digest go with it: others than those named are refused, unless
// forced.
type RemoveRemoteImageAction struct {
	Images []string      `json:"images" kind:"image" doc:"with a tag, a digest, or neither: every tag of the repository"`
	Digest domain.Digest `json:"digest,omitempty" doc:"of the one image named, whose tag then does not matter"`
	Force  bool          `json:"force,omitempty" doc:"also when other tags have the same digest"`
	DryRun bool          `json:"dry_run,omitempty" doc:"only tell what would be deleted"`
}

// RemoveRemoteImageResult has an outcome for each digest, and for each name that
// led to none.
type RemoveRemoteImageResult struct {
	Outcomes []RemovedRemote `json:"outcomes"`
	DryRun   bool            `json:"dry_run,omitempty"`
}

// RemovedRemote is what became of one digest.
type RemovedRemote struct {
	Image  string        `json:"image"` // registry/repository, with what was named where there is no digest
	Digest domain.Digest `json:"digest,omitempty"`
	Tags   []string      `json:"tags"` // that pointed to it
	Did    RemoteDid     `json:"did"`
	// Problem says why it failed, or in a dry run what keeps it.
	Problem *domain.Problem `json:"problem,omitempty"`
}

// RemoteDid is an outcome of a removal from a registry.
type RemoteDid string

// The outcomes. A digest that is gone already counts as done.
const (
	RemoteRemoved     RemoteDid = "removed"
	RemoteGone        RemoteDid = "gone"
	RemoteFailed      RemoteDid = "failed"
	RemoteWouldRemove RemoteDid = "would_remove"
)

// Spec of remote.remove.
func (RemoveRemoteImageAction) Spec() Spec {
	return Spec{Name: "remote.remove", Summary: "Delete images from registries, by digest", Effect: Registry}
}

// Validate needs images; a digest goes with exactly one.
func (a RemoveRemoteImageAction) Validate() error {
	if len(a.Images) == 0 || len(a.Images) > MaxBulk {
		return domain.Invalid("field_required", "images", "images: 1-%d, not %d", MaxBulk, len(a.Images))
	}
	for _, name := range a.Images {
		if err := need("images", name); err != nil {
			return err
		}
	}
	if a.Digest == "" {
		return nil
	}
	if len(a.Images) > 1 {
		return domain.Invalid("digest_invalid", "digest", "a digest is that of one image, and %d are named", len(a.Images))
	}
	_, err := domain.ParseDigest(string(a.Digest))
	return err
}
