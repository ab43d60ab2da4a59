package actions

import "github.com/wharf-project/wharf/domain"

// ScanImageAction reads one tag from its registry into the catalogue, also one
// that the catalogue has not seen. The registry must be registered.
type ScanImageAction struct {
	Reference    string `json:"reference" kind:"image" doc:"canonical or short name, alias or id"`
	Architecture string `json:"architecture,omitempty" doc:"the one to return; none: all of the tag"`
}

// ScanImageResult is what the tag holds now.
type ScanImageResult struct {
	Images  []ScannedImage           `json:"images"`
	Skipped []domain.SkippedManifest `json:"skipped,omitempty"` // not images
	Gone    []domain.ImageID         `json:"gone,omitempty"`    // architectures that the tag no longer has
	// LabelProblems tell what is wrong with labels; they keep no image out.
	LabelProblems []domain.Problem `json:"label_problems,omitempty"`
}

// ScannedImage is one row and what the scan did to it.
type ScannedImage struct {
	Image domain.Image       `json:"image"`
	Did   domain.SyncOutcome `json:"did"`
}

// Spec of image.scan.
func (ScanImageAction) Spec() Spec {
	return Spec{Name: "image.scan", Summary: "Read one tag from its registry", Effect: Registry}
}

// Validate needs a reference.
func (a ScanImageAction) Validate() error { return needImage("reference", a.Reference, a.Architecture) }

// RescanImagesAction reconciles the catalogue with registries. After a complete
// listing of a repository, images that it no longer has become missing; after
// an incomplete one none does. One registry that fails stops no other.
type RescanImagesAction struct {
	Registry   string  `json:"registry,omitempty" kind:"registry" doc:"host or id; none: all registries"`
	Project    *string `json:"project,omitempty" doc:"only the registration with this project"`
	Background bool    `json:"background,omitempty" doc:"return a task id at once"`
}

// RescanImagesResult has one scan per registry, by name.
type RescanImagesResult struct {
	TaskID     domain.TaskID  `json:"task_id,omitempty"`
	Registries []RegistryScan `json:"registries"`
}

// RegistryScan accounts for one registry. Seen counts images, one per
// architecture, and tags that could not be read; it is the sum of the five
// fields that follow it.
type RegistryScan struct {
	RegistryID domain.RegistryID `json:"registry_id"`
	Registry   string            `json:"registry"`
	Complete   bool              `json:"complete"` // every listing was
	Seen       int               `json:"seen"`
	Added      int               `json:"added"`
	Updated    int               `json:"updated"`
	Unchanged  int               `json:"unchanged"`
	Skipped    int               `json:"skipped"`
	Failed     int               `json:"failed"`
	Gone       int               `json:"gone"`
	// Errors names what failed, the first 1000 of them.
	Errors []ScanError `json:"errors"`
}

// ScanError is one failure: of a listing, or of a tag.
type ScanError struct {
	On      string         `json:"on"` // registry, repository or reference
	Problem domain.Problem `json:"problem"`
}

// Error makes it readable.
func (e ScanError) Error() string { return e.On + ": " + e.Problem.Message }

// Spec of registry.rescan.
func (RescanImagesAction) Spec() Spec {
	return Spec{Name: "registry.rescan", Summary: "Reconcile the catalogue with registries", Effect: Registry, Class: domain.TaskBulk}
}

// Validate has nothing to refuse: no registry means all.
func (RescanImagesAction) Validate() error { return nil }
