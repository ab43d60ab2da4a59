package actions

import (
	"maps"
	"slices"

	"github.com/wharf-project/wharf/domain"
)

const (
	maxSavedLabels = 100
	maxSavedBytes  = 64 << 10 // names and values of labels
)

// SaveImageAction makes a customized image of a container of a node and sends it
// to a registry. The image is the caller's: only they, and who reaches
// everything, see it.
type SaveImageAction struct {
	AgentID    domain.AgentID    `json:"agent_id" kind:"agent" doc:"the node that has the container"`
	Container  string            `json:"container" doc:"id of the container"`
	Remote     string            `json:"remote,omitempty" kind:"image" doc:"where to, with a tag; none: a new tag beside the image that the container runs"`
	Labels     map[string]string `json:"labels,omitempty" doc:"of the image, beside those of the container"`
	DryRun     bool              `json:"dry_run,omitempty" doc:"only tell what the image would be called"`
	Background bool              `json:"background,omitempty" doc:"return a task id at once"`
}

// SaveImageResult tells what the registry has now.
type SaveImageResult struct {
	TaskID    domain.TaskID `json:"task_id,omitempty"`
	Image     string        `json:"image,omitempty"`  // canonical
	Digest    domain.Digest `json:"digest,omitempty"` // behind the tag
	Config    domain.Digest `json:"config,omitempty"` // what engines call the image id
	SizeBytes int64         `json:"size_bytes"`
	SentBytes int64         `json:"sent_bytes"` // -1: the node cannot tell
	DryRun    bool          `json:"dry_run,omitempty"`
}

// Spec of image.save.
func (SaveImageAction) Spec() Spec {
	return Spec{Name: "image.save", Summary: "Make an image of a container and send it to a registry", Effect: Registry, Class: domain.TaskBulk}
}

// Validate needs a node and a container, and labels that say nothing of owners.
func (a SaveImageAction) Validate() error {
	return firstError(
		needAgent(a.AgentID), need("container", a.Container), domain.CheckName("container", a.Container),
		checkSavedLabels(a.Labels), needPlanAtOnce(a.DryRun, a.Background),
	)
}

func checkSavedLabels(labels map[string]string) error {
	bytes := 0
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if err := domain.CheckName("label", name); err != nil {
			return err
		}
		if domain.IsReservedLabel(name) {
			return domain.Invalid("label_reserved", name, "the label %s is set by whoever saves the image, not by its labels", name)
		}
		bytes += len(name) + len(labels[name])
	}
	if len(labels) > maxSavedLabels || bytes > maxSavedBytes {
		return domain.Invalid("labels_too_many", "labels", "at most %d labels of %d bytes together", maxSavedLabels, maxSavedBytes)
	}
	return checkLabels(labels)
}
