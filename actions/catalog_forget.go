package actions

import "github.com/wharf-project/wharf/domain"

// ForgetImageAction marks an image as no longer wanted; it stays in the
// catalogue, and a rescan does not bring it back. Forgetting twice changes
// nothing and says so.
type ForgetImageAction struct {
	Reference    string `json:"reference" kind:"image" doc:"canonical name, short name, digest, alias or id"`
	Architecture string `json:"architecture,omitempty" doc:"needed where the reference has several"`
	DryRun       bool   `json:"dry_run,omitempty" doc:"only tell what would change"`
}

// ForgetImageResult is the image as it is now. Changed is false when it was
// forgotten already.
type ForgetImageResult struct {
	Image   domain.Image `json:"image"`
	Changed bool         `json:"changed"`
	DryRun  bool         `json:"dry_run,omitempty"`
}

// Spec of image.forget.
func (ForgetImageAction) Spec() Spec {
	return Spec{Name: "image.forget", Summary: "Mark an image as no longer wanted", Effect: Write}
}

// Validate needs a reference.
func (a ForgetImageAction) Validate() error {
	return needImage("reference", a.Reference, a.Architecture)
}

// ForgetImageByIDAction is ForgetImageAction by id.
type ForgetImageByIDAction struct {
	ImageID domain.ImageID `json:"image_id" doc:"id of the image"`
	DryRun  bool           `json:"dry_run,omitempty" doc:"only tell what would change"`
}

// Spec of image.forget_by_id.
func (ForgetImageByIDAction) Spec() Spec {
	return Spec{Name: "image.forget_by_id", Permission: "image.forget", Summary: "Mark an image as no longer wanted, by id", Effect: Write}
}

// Validate needs an id.
func (a ForgetImageByIDAction) Validate() error { return needID("image_id", a.ImageID) }

// ForgetImagesAction is ForgetImageAction for many ids; each has its own
// outcome.
type ForgetImagesAction struct {
	ImageIDs []domain.ImageID `json:"image_ids" doc:"ids of the images, 1-1000"`
	DryRun   bool             `json:"dry_run,omitempty" doc:"only tell what would change"`
}

// ForgetImagesResult has one outcome per id, in the order asked.
type ForgetImagesResult struct {
	Outcomes []ImageOutcome `json:"outcomes"`
	DryRun   bool           `json:"dry_run,omitempty"`
}

// ImageOutcome is what a bulk action did to one image. With a Problem, nothing
// was done to it.
type ImageOutcome struct {
	ImageID domain.ImageID  `json:"image_id"`
	Image   *domain.Image   `json:"image,omitempty"`
	Changed bool            `json:"changed"`
	Problem *domain.Problem `json:"problem,omitempty"`
}

// Spec of image.forget_many.
func (ForgetImagesAction) Spec() Spec {
	return Spec{Name: "image.forget_many", Permission: "image.forget", Summary: "Mark many images as no longer wanted", Effect: Write}
}

// Validate needs ids.
func (a ForgetImagesAction) Validate() error { return needIDs("image_ids", a.ImageIDs) }

// RestoreImageAction takes ForgetImage back. An image that the registry no
// longer has cannot be restored, only found again by a rescan.
type RestoreImageAction struct {
	Reference    string `json:"reference" kind:"image" doc:"canonical name, short name, digest, alias or id"`
	Architecture string `json:"architecture,omitempty" doc:"needed where the reference has several"`
}

// RestoreImageResult is the image as it is now. Changed is false when it was
// alive already.
type RestoreImageResult struct {
	Image   domain.Image `json:"image"`
	Changed bool         `json:"changed"`
}

// Spec of image.restore.
func (RestoreImageAction) Spec() Spec {
	return Spec{Name: "image.restore", Summary: "Take the forgetting of an image back", Effect: Write}
}

// Validate needs a reference.
func (a RestoreImageAction) Validate() error {
	return needImage("reference", a.Reference, a.Architecture)
}
