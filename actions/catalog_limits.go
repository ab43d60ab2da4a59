package actions

import "github.com/wharf-project/wharf/domain"

// SetImageResourceLimitAction sets the custom limit of one slot. It replaces
// what was set for the slot; the other slots stay.
type SetImageResourceLimitAction struct {
	Reference    string `json:"reference" kind:"image" doc:"canonical name, short name, digest, alias or id"`
	Architecture string `json:"architecture,omitempty" doc:"needed where the reference has several"`
	Slot         string `json:"slot" doc:"cpu, mem, cuda.device, …"`
	Min          string `json:"min,omitempty" doc:"least that a container needs; none: the image's own"`
	Max          string `json:"max,omitempty" doc:"most that a container may have; none: no limit"`
}

// ImageLimitsResult is an image with its limits, merged from labels, defaults
// and custom ones.
type ImageLimitsResult struct {
	Image          domain.Image           `json:"image"`
	ResourceLimits []domain.ResourceLimit `json:"resource_limits"`
}

// SetImageResourceLimitResult is what SetImageResourceLimit gives.
type SetImageResourceLimitResult ImageLimitsResult

// Spec of image.set_limit.
func (SetImageResourceLimitAction) Spec() Spec {
	return Spec{Name: "image.set_limit", Summary: "Set the custom limit of one resource slot", Effect: Write}
}

// Validate needs a reference and a sound limit.
func (a SetImageResourceLimitAction) Validate() error {
	return firstError(needImage("reference", a.Reference, a.Architecture), checkLimit(a.Slot, a.Min, a.Max))
}

// SetImageResourceLimitByIDAction is SetImageResourceLimitAction by id.
type SetImageResourceLimitByIDAction struct {
	ImageID domain.ImageID `json:"image_id" doc:"id of the image"`
	Slot    string         `json:"slot" doc:"cpu, mem, cuda.device, …"`
	Min     string         `json:"min,omitempty" doc:"least that a container needs; none: the image's own"`
	Max     string         `json:"max,omitempty" doc:"most that a container may have; none: no limit"`
}

// Spec of image.set_limit_by_id.
func (SetImageResourceLimitByIDAction) Spec() Spec {
	return Spec{Name: "image.set_limit_by_id", Permission: "image.set_limit", Summary: "Set the custom limit of one resource slot, by id", Effect: Write}
}

// Validate needs an id and a sound limit.
func (a SetImageResourceLimitByIDAction) Validate() error {
	return firstError(needID("image_id", a.ImageID), checkLimit(a.Slot, a.Min, a.Max))
}

func checkLimit(slot, least, most string) error {
	_, err := domain.NormalizeLimits(domain.Limits{slot: {Min: least, Max: most}})
	return err
}

// ClearImageCustomResourceLimitAction removes all custom limits: what the
// labels say and the defaults remain. Clearing twice changes nothing.
type ClearImageCustomResourceLimitAction struct {
	ImageCanonical string `json:"image_canonical" kind:"image" doc:"canonical name, short name, digest, alias or id"`
	Architecture   string `json:"architecture,omitempty" doc:"needed where the reference has several"`
}

// ClearImageCustomResourceLimitResult is what ClearImageCustomResourceLimit
// gives.
type ClearImageCustomResourceLimitResult ImageLimitsResult

// Spec of image.clear_limit.
func (ClearImageCustomResourceLimitAction) Spec() Spec {
	return Spec{Name: "image.clear_limit", Summary: "Remove all custom limits of an image", Effect: Write}
}

// Validate needs a reference.
func (a ClearImageCustomResourceLimitAction) Validate() error {
	return needImage("image_canonical", a.ImageCanonical, a.Architecture)
}

// ClearImageCustomResourceLimitByIDAction is the same by id.
type ClearImageCustomResourceLimitByIDAction struct {
	ImageID domain.ImageID `json:"image_id" doc:"id of the image"`
}

// Spec of image.clear_limit_by_id.
func (ClearImageCustomResourceLimitByIDAction) Spec() Spec {
	return Spec{Name: "image.clear_limit_by_id", Permission: "image.clear_limit", Summary: "Remove all custom limits of an image, by id", Effect: Write}
}

// Validate needs an id.
func (a ClearImageCustomResourceLimitByIDAction) Validate() error {
	return needID("image_id", a.ImageID)
}
