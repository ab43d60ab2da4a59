package actions

import (
	"time"

	"github.com/wharf-project/wharf/domain"
)

// ImageRef names an image on nodes: any name that the catalogue knows, or a
// canonical name that it does not know.
type ImageRef struct {
	Name         string `json:"name" kind:"image" doc:"canonical or short name, alias or id"`
	Architecture string `json:"architecture,omitempty" doc:"none: the agent's own"`
}

// PurgeImagesAction removes images from nodes, many from many at once. Each
// (agent, image) has its own outcome; a node that fails stops no other. Only
// what the node's inventory shows under that canonical name and architecture
// is removed.
type PurgeImagesAction struct {
	Keys       []PurgeImagesKey `json:"keys" doc:"what to remove from which agent"`
	Force      bool             `json:"force,omitempty" doc:"also what containers use"`
	NoPrune    bool             `json:"noprune,omitempty" doc:"keep the untagged layers that are left"`
	DryRun     bool             `json:"dry_run,omitempty" doc:"only tell what would be removed"`
	Background bool             `json:"background,omitempty" doc:"return a task id at once"`
}

// PurgeImagesKey is the images to remove from one agent.
type PurgeImagesKey struct {
	AgentID domain.AgentID `json:"agent_id" kind:"agent"`
	Images  []ImageRef     `json:"images"`
}

// PurgeImagesResult tells what went and what did not. In a dry run,
// PurgedImages is what would go.
type PurgeImagesResult struct {
	TaskID       domain.TaskID  `json:"task_id,omitempty"`
	PurgedImages []PurgedImages `json:"purged_images"`
	FreedBytes   int64          `json:"freed_bytes"` // of what was removed; failures never count
	Errors       []AgentError   `json:"errors"`
	DryRun       bool           `json:"dry_run,omitempty"`
}

// PurgedImages is what one agent no longer holds: canonical names.
type PurgedImages struct {
	AgentID      domain.AgentID `json:"agent_id"`
	PurgedImages []string       `json:"purged_images"`
	FreedBytes   int64          `json:"freed_bytes"`
}

// AgentError is one (agent, image) that failed.
type AgentError struct {
	AgentID domain.AgentID `json:"agent_id"`
	Image   string         `json:"image"`
	Problem domain.Problem `json:"problem"`
}

// Error makes it readable.
func (e AgentError) Error() string {
	return string(e.AgentID) + ": " + e.Image + ": " + e.Problem.Message
}

// Unwrap gives the coded error, for errors.Is.
func (e AgentError) Unwrap() error { return &e.Problem }

// Spec of agent.purge_images.
func (PurgeImagesAction) Spec() Spec {
	return Spec{Name: "agent.purge_images", Summary: "Remove images from nodes", Effect: Agent, Class: domain.TaskInteractive}
}

// Validate needs agents and images.
func (a PurgeImagesAction) Validate() error {
	if err := needPlanAtOnce(a.DryRun, a.Background); err != nil {
		return err
	}
	if len(a.Keys) == 0 {
		return domain.Invalid("field_required", "keys", "keys: at least one agent")
	}
	for _, k := range a.Keys {
		if _, err := domain.ParseAgentID(string(k.AgentID)); err != nil {
			return err
		}
		if err := needRefs(k.Images); err != nil {
			return err
		}
	}
	return nil
}

// PreloadImagesAction makes nodes hold images before somebody needs them. Each
// (agent, image) has its own outcome. A node that holds an image already is
// left alone.
type PreloadImagesAction struct {
	Images       []ImageRef `json:"images" doc:"what to load"`
	TargetAgents string     `json:"target_agents" kind:"agents" doc:"a target expression, such as * or scaling-group:gpu,!node7"`
	DryRun       bool       `json:"dry_run,omitempty" doc:"only tell what would be pulled"`
	Background   bool       `json:"background,omitempty" doc:"return a task id at once"`
	Deferral
}

// Deferral says what becomes of nodes that are away.
type Deferral struct {
	AllowEmpty bool      `json:"allow_empty,omitempty" doc:"no matching node is no error"`
	NoDefer    bool      `json:"no_defer,omitempty" doc:"nodes that are away fail; they are not served when they return"`
	DeferUntil time.Time `json:"defer_until,omitzero" kind:"future" doc:"nodes that return later are not served any more; none: a day from now"`
}

// AgentOutcome is what happened to one image on one agent.
type AgentOutcome struct {
	AgentID      domain.AgentID  `json:"agent_id"`
	Image        string          `json:"image"` // canonical name
	Architecture string          `json:"architecture"`
	Did          AgentDid        `json:"did"`
	Bytes        int64           `json:"bytes,omitempty"` // pulled size, or freed
	Problem      *domain.Problem `json:"problem,omitempty"`
}

// AgentDid is an outcome in one word.
type AgentDid string

// What can have happened to one image on one agent.
const (
	DidPull    AgentDid = "pulled"
	DidRemove  AgentDid = "removed"
	DidNothing AgentDid = "unchanged" // there already, or gone already
	DidFail    AgentDid = "failed"
	DidDefer   AgentDid = "deferred" // the node is away; done when it returns
	WouldDo    AgentDid = "planned"  // of a dry run
)

// Account counts outcomes; Seen is the sum of the others.
type Account struct {
	Seen      int `json:"seen"`
	Done      int `json:"done"`
	Unchanged int `json:"unchanged"`
	Failed    int `json:"failed"`
	Deferred  int `json:"deferred,omitempty"`
}

// PreloadImagesResult has one outcome per agent and image, by agent.
type PreloadImagesResult struct {
	TaskID   domain.TaskID  `json:"task_id,omitempty"`
	Outcomes []AgentOutcome `json:"outcomes"`
	Account  Account        `json:"account"`
	DryRun   bool           `json:"dry_run,omitempty"`
}

// Spec of agent.preload_images.
func (PreloadImagesAction) Spec() Spec {
	return Spec{Name: "agent.preload_images", Summary: "Load images onto nodes", Effect: Agent, Class: domain.TaskBulk}
}

// Validate needs images and agents.
func (a PreloadImagesAction) Validate() error {
	return firstError(needPlanAtOnce(a.DryRun, a.Background), needRefs(a.Images), needTargets(a.TargetAgents))
}

// UnloadImagesAction makes nodes not hold images. A node that does not hold one
// is left alone.
type UnloadImagesAction struct {
	Images       []ImageRef `json:"images" doc:"what to unload"`
	TargetAgents string     `json:"target_agents" kind:"agents" doc:"a target expression, such as * or scaling-group:gpu,!node7"`
	Force        bool       `json:"force,omitempty" doc:"also what containers use"`
	DryRun       bool       `json:"dry_run,omitempty" doc:"only tell what would be removed"`
	Background   bool       `json:"background,omitempty" doc:"return a task id at once"`
	Deferral
}

// UnloadImagesResult has one outcome per agent and image, by agent.
type UnloadImagesResult struct {
	TaskID   domain.TaskID  `json:"task_id,omitempty"`
	Outcomes []AgentOutcome `json:"outcomes"`
	Account  Account        `json:"account"`
	DryRun   bool           `json:"dry_run,omitempty"`
}

// Spec of agent.unload_images.
func (UnloadImagesAction) Spec() Spec {
	return Spec{Name: "agent.unload_images", Summary: "Unload images from nodes", Effect: Agent, Class: domain.TaskInteractive}
}

// Validate needs images and agents.
func (a UnloadImagesAction) Validate() error {
	return firstError(needPlanAtOnce(a.DryRun, a.Background), needRefs(a.Images), needTargets(a.TargetAgents))
}

// GetImageInstalledAgentsAction tells which agents hold images.
type GetImageInstalledAgentsAction struct {
	ImageIDs []domain.ImageID `json:"image_ids" doc:"ids of the images, 1-1000"`
}

// GetImageInstalledAgentsResult maps each image that somebody holds to its
// holders, by agent.
type GetImageInstalledAgentsResult struct {
	Agents map[domain.ImageID][]domain.InstalledImage `json:"agents"`
}

// Spec of image.installed_agents.
func (GetImageInstalledAgentsAction) Spec() Spec {
	return Spec{Name: "image.installed_agents", Summary: "Show which nodes hold images", Effect: Read}
}

// Validate needs ids.
func (a GetImageInstalledAgentsAction) Validate() error { return needIDs("image_ids", a.ImageIDs) }
