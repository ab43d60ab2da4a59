package actions

import "github.com/wharf-project/wharf/domain"

// GetImageAction returns one image. Without an architecture, a reference that
// has several gives the installation's default one.
type GetImageAction struct {
	Reference    string               `json:"reference" kind:"image" doc:"canonical name, short name, digest, alias or id"`
	Architecture string               `json:"architecture,omitempty" doc:"none: the default one"`
	Statuses     []domain.ImageStatus `json:"statuses,omitempty" doc:"alive, forgotten, missing; none: alive"`
}

// GetImageResult holds the image.
type GetImageResult struct {
	Image domain.ImageDetail `json:"image"`
}

// Spec of image.get.
func (GetImageAction) Spec() Spec {
	return Spec{Name: "image.get", Summary: "Show an image", Effect: Read}
}

// Validate needs a reference and known statuses.
func (a GetImageAction) Validate() error {
	return firstError(needImage("reference", a.Reference, a.Architecture), domain.CheckStatuses(a.Statuses))
}

// ListImagesAction lists images, page by page.
type ListImagesAction struct {
	domain.ImageQuery
	domain.Page
}

// ListImagesResult is one page.
type ListImagesResult struct {
	Images []domain.ImageDetail `json:"images"`
	domain.PageInfo
}

// Spec of image.list.
func (ListImagesAction) Spec() Spec {
	return Spec{Name: "image.list", Summary: "List and filter images", Effect: Read}
}

// Validate checks filter, order and cursor.
func (a ListImagesAction) Validate() error {
	_, err := a.Page.Check(domain.ImageFields, "canonical")
	return firstError(err, a.ImageQuery.Check())
}
