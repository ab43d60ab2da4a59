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
	return firstError(need("reference", a.Reference), checkArchitecture(a.Architecture))
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
func (a ForgetImageByIDAction) Validate() error {
	_, err := domain.ParseID[domain.ImageID]("image_id", string(a.ImageID))
	return err
}
