package domain

import "time"

// Intent is work that waits for an agent that was away: one image that it is to
// hold, or not to hold. There is one for an image on an agent; a later wish
// replaces an earlier one.
type Intent struct {
	AgentID      AgentID `json:"agent_id"`
	Canonical    string  `json:"canonical"`
	Architecture string  `json:"architecture"`
	Kind         string  `json:"kind"` // the action's name: agent.preload_images, agent.unload_images
	Force        bool    `json:"force,omitempty"`
	Actor        Actor   `json:"actor"` // who asked; asked again for a permission when it is served
	// TaskID is the task that found the agent away, "" for an action inline.
	TaskID TaskID `json:"task_id,omitempty"`
	// Tries counts the tasks that were made of it; each waits longer for the
	// next, until NotBefore. A return of the agent ends that wait.
	Tries     int       `json:"tries"`
	NotBefore time.Time `json:"not_before"`
	ExpiresAt time.Time `json:"expires_at"` // dropped unserved after that
	CreatedAt time.Time `json:"created_at"`
}

// IntentFields is the table of fields for lists of intents.
var IntentFields = Fields{
	"agent":      {Kind: KindText, Sortable: true},
	"image":      {Kind: KindText}, // canonical
	"kind":       {Kind: KindText},
	"actor":      {Kind: KindText},
	"expires_at": {Kind: KindTime},
}
