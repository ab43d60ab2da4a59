package actions

import "github.com/wharf-project/wharf/domain"

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
