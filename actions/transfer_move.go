package actions

import "github.com/wharf-project/wharf/domain"

// PushImageAction sends an image of a store to a registry. The store is an
// engine, an OCI layout or an archive at hand, or a node.
type PushImageAction struct {
	Local        string         `json:"local" doc:"name of the image in the store"`
	Remote       string         `json:"remote,omitempty" kind:"image" doc:"where to; none: the same name in the current cluster"`
	Store        string         `json:"store,omitempty" doc:"docker, docker:HOST, oci:DIR or archive:FILE; none: the engine at hand"`
	AgentID      domain.AgentID `json:"agent_id,omitempty" kind:"agent" doc:"the node that has it, in the place of a store"`
	Architecture string         `json:"architecture,omitempty" doc:"one of several; none: all of them"`
	Background   bool           `json:"background,omitempty" doc:"return a task id at once; needs agent_id"`
}

// PushImageResult tells what the registry has now.
type PushImageResult struct {
	TaskID    domain.TaskID `json:"task_id,omitempty"`
	Image     string        `json:"image,omitempty"` // canonical
	Digest    domain.Digest `json:"digest,omitempty"`
	SizeBytes int64         `json:"size_bytes"`
	SentBytes int64         `json:"sent_bytes"` // -1: the store cannot tell
	Unchanged bool          `json:"unchanged"`
}

// Spec of image.push.
func (PushImageAction) Spec() Spec {
	return Spec{Name: "image.push", Summary: "Send an image to a registry", Effect: Registry, Class: domain.TaskBulk}
}

// Validate needs a name and one place. The only image of an archive needs no
// name, when it is said where to.
func (a PushImageAction) Validate() error {
	if a.Local == "" && (a.Remote == "" || a.Store == "") {
		return need("local", "")
	}
	return firstError(needStore(a.Store, a.AgentID, a.Background), needArchitecture(a.Architecture))
}

// PullImageAction fetches an image from a registry into a store.
type PullImageAction struct {
	Remote       string         `json:"remote" kind:"image" doc:"with a tag or a digest; none: latest"`
	Local        string         `json:"local,omitempty" doc:"name that it gets; none: its own, without registry and project"`
	Store        string         `json:"store,omitempty" doc:"docker, docker:HOST, oci:DIR or archive:FILE; none: the engine at hand"`
	AgentID      domain.AgentID `json:"agent_id,omitempty" kind:"agent" doc:"a node, in the place of a store"`
	Architecture string         `json:"architecture,omitempty" doc:"none: the store's own"`
	Background   bool           `json:"background,omitempty" doc:"return a task id at once; needs agent_id"`
}

// PullImageResult tells what the store has now.
type PullImageResult struct {
	TaskID        domain.TaskID `json:"task_id,omitempty"`
	Image         string        `json:"image,omitempty"` // canonical
	Local         string        `json:"local,omitempty"`
	Digest        domain.Digest `json:"digest,omitempty"` // behind the reference
	Config        domain.Digest `json:"config,omitempty"` // what engines call the image id
	SizeBytes     int64         `json:"size_bytes"`
	ReceivedBytes int64         `json:"received_bytes"` // -1: the store cannot tell
	Unchanged     bool          `json:"unchanged"`
}

// Spec of image.pull.
func (PullImageAction) Spec() Spec {
	return Spec{Name: "image.pull", Summary: "Fetch an image from a registry", Effect: Agent, Class: domain.TaskBulk}
}

// Validate needs a remote image and one place.
func (a PullImageAction) Validate() error {
	return firstError(needImage("remote", a.Remote, a.Architecture), needStore(a.Store, a.AgentID, a.Background))
}

func needArchitecture(name string) error {
	if name == "" {
		return nil
	}
	_, err := domain.NormalizeArchitecture(name)
	return err
}

// needStore wants one place. What is at hand belongs to the process that is
// asked, so only nodes are worked on by whoever takes the task.
func needStore(store string, agent domain.AgentID, background bool) error {
	switch {
	case agent == "" && background:
		return domain.Invalid("background_store", "background", "only nodes are worked on in the background: name an agent_id")
	case agent == "":
		return nil
	case store != "":
		return domain.Invalid("store_invalid", "store", "an image is in a store or on a node, not both: store, agent_id")
	}
	return needAgent(agent)
}
