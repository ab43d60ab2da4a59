package actions

import "github.com/wharf-project/wharf/domain"

// UntagImageFromRegistryAction removes the image's tag, and nothing else, from
// its registry; the row becomes missing. Where the registry cannot delete a
// tag, the digest is deleted, and only if no other tag points to it.
type UntagImageFromRegistryAction struct {
	ImageID domain.ImageID `json:"image_id" doc:"id of the image"`
	Force   bool           `json:"force,omitempty" doc:"although other architectures or tags go with it, or the tag moved since the last scan"`
	DryRun  bool           `json:"dry_run,omitempty" doc:"only tell what would be touched"`
}

// UntagImageFromRegistryResult tells what was, or in a dry run would be, done.
type UntagImageFromRegistryResult struct {
	Image domain.Image `json:"image"`
	UntagPlan
	DryRun bool `json:"dry_run,omitempty"`
}

// UntagPlan is what removing one tag touches.
type UntagPlan struct {
	// Siblings are the rows of the same tag for other architectures.
	Siblings []domain.ImageID `json:"siblings"`
	// Tags that went along, because the registry could only delete the digest.
	Tags []string `json:"tags"`
	// Protected says what keeps it from being done without Force; empty: nothing.
	Protected string `json:"protected,omitempty"`
}

// Spec of image.untag.
func (UntagImageFromRegistryAction) Spec() Spec {
	return Spec{Name: "image.untag", Summary: "Remove an image's tag from its registry", Effect: Registry}
}

// Validate needs an id.
func (a UntagImageFromRegistryAction) Validate() error { return needID("image_id", a.ImageID) }
