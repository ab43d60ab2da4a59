package actions

import "github.com/wharf-project/wharf/domain"

// PurgeImageByIDAction removes an image from the catalogue, whatever its
// status, with its aliases; on request from its registry before that, and from
// the nodes that hold it. Every step can be repeated: what is gone already
// counts as done. A row that stays in its registry comes back with the next
// rescan.
type PurgeImageByIDAction struct {
	ImageID            domain.ImageID `json:"image_id" doc:"id of the image"`
	RemoveFromRegistry bool           `json:"remove_from_registry,omitempty" doc:"untag it in its registry first"`
	RemoveFromAgents   bool           `json:"remove_from_agents,omitempty" doc:"remove it from the nodes that hold it"`
	Force              bool           `json:"force,omitempty" doc:"although other architectures or tags share it, or containers use it"`
	DryRun             bool           `json:"dry_run,omitempty" doc:"only tell what would be touched"`
}

// PurgeImageByIDResult tells what was, or in a dry run would be, removed.
type PurgeImageByIDResult struct {
	PurgedImage
	DryRun bool `json:"dry_run,omitempty"`
}

// PurgedImage is one purged image and what went with it.
type PurgedImage struct {
	Image   domain.Image `json:"image"`
	Aliases []string     `json:"aliases"` // removed with it
	Untag   *UntagPlan   `json:"untag,omitempty"`
	// RemovedFrom are the agents that it was removed from, HeldBy those that
	// hold it still.
	RemovedFrom []domain.AgentID `json:"removed_from"`
	HeldBy      []domain.AgentID `json:"held_by"`
}

// Spec of image.purge.
func (PurgeImageByIDAction) Spec() Spec {
	return Spec{Name: "image.purge", Summary: "Remove an image from the catalogue for good", Effect: Registry}
}

// Validate needs an id.
func (a PurgeImageByIDAction) Validate() error { return needID("image_id", a.ImageID) }

// PurgeImagesByIDAction is PurgeImageByIDAction for many ids; each has its own
// outcome.
type PurgeImagesByIDAction struct {
	ImageIDs           []domain.ImageID `json:"image_ids" doc:"ids of the images, 1-1000"`
	RemoveFromRegistry bool             `json:"remove_from_registry,omitempty" doc:"untag them in their registries first"`
	RemoveFromAgents   bool             `json:"remove_from_agents,omitempty" doc:"remove them from the nodes that hold them"`
	Force              bool             `json:"force,omitempty" doc:"although other architectures or tags share them, or containers use them"`
	DryRun             bool             `json:"dry_run,omitempty" doc:"only tell what would be touched"`
}

// PurgeImagesByIDResult has one outcome per id, in the order asked.
type PurgeImagesByIDResult struct {
	Outcomes []PurgeOutcome `json:"outcomes"`
	DryRun   bool           `json:"dry_run,omitempty"`
}

// PurgeOutcome is what happened to one id. With a Problem the row is still
// there, and the steps before it may have been done.
type PurgeOutcome struct {
	ImageID domain.ImageID  `json:"image_id"`
	Purged  *PurgedImage    `json:"purged,omitempty"`
	Problem *domain.Problem `json:"problem,omitempty"`
}

// Spec of image.purge_many.
func (PurgeImagesByIDAction) Spec() Spec {
	return Spec{Name: "image.purge_many", Permission: "image.purge", Summary: "Remove many images from the catalogue for good", Effect: Registry}
}

// Validate needs ids.
func (a PurgeImagesByIDAction) Validate() error { return needIDs("image_ids", a.ImageIDs) }

// ClearImagesAction forgets every image of a registry.
type ClearImagesAction struct {
	Registry string  `json:"registry" kind:"registry" doc:"host or id of the registry"`
	Project  *string `json:"project,omitempty" doc:"only the registration with this project"`
	DryRun   bool    `json:"dry_run,omitempty" doc:"only tell how many images it would be"`
}

// ClearImagesResult counts the images that were forgotten.
type ClearImagesResult struct {
	Cleared int  `json:"cleared"`
	DryRun  bool `json:"dry_run,omitempty"`
}

// Spec of image.clear.
func (ClearImagesAction) Spec() Spec {
	return Spec{Name: "image.clear", Summary: "Forget every image of a registry", Effect: Write}
}

// Validate needs a registry.
func (a ClearImagesAction) Validate() error { return need("registry", a.Registry) }
