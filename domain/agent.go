package domain

import (
	"strings"
	"time"
)

// AgentKind picks the adapter that speaks to an agent.
type AgentKind string

// The kinds of agents that the product has adapters for.
const (
	AgentOCILayout AgentKind = "ocilayout" // an OCI layout on disk; the address is a path
	AgentDocker    AgentKind = "docker"    // a Docker Engine; the address is its endpoint
	// AgentFleet dials in over NATS; the address is its public NKey, or anything
	// where NATS itself knows who is who.
	AgentFleet AgentKind = "fleet"
)

// AgentStatus says whether an agent answers.
type AgentStatus string

// The states of an agent.
const (
	AgentOnline  AgentStatus = "online"
	AgentOffline AgentStatus = "offline"
)

// Agent is one node that holds images.
type Agent struct {
	ID           AgentID     `json:"id"`
	Kind         AgentKind   `json:"kind"`
	Address      string      `json:"address"` // what the adapter needs: a path, a URL
	ScalingGroup string      `json:"scaling_group"`
	Architecture string      `json:"architecture"`
	Status       AgentStatus `json:"status"`
	// Labels are the operator's, for target expressions; nil: none.
	Labels map[string]string `json:"labels,omitempty"`
	// InventoryAt is when the last full inventory was taken; zero: never.
	InventoryAt time.Time `json:"inventory_at,omitzero"`
	// InventoryRevision is what the agent calls that inventory; "": it has no
	// name for it.
	InventoryRevision string    `json:"inventory_revision,omitempty"`
	CreatedAt         time.Time `json:"created_at"`
	UpdatedAt         time.Time `json:"updated_at"`
	Revision          int64     `json:"revision"`
}

// Check tests the fields that a user sets, and normalises the architecture.
// Errors: invalid, on the field.
func (a *Agent) Check() error {
	if _, err := ParseAgentID(string(a.ID)); err != nil {
		return err
	}
	if a.Kind == "" || a.Address == "" && a.Kind != AgentFleet {
		return Invalid("agent_invalid", "address", "an agent has a kind and an address")
	}
	for k, v := range a.Labels {
		if err := checkAgentLabel(k, v); err != nil {
			return err
		}
	}
	if err := CheckName("scaling group", a.ScalingGroup); err != nil {
		return err
	}
	if a.Status != AgentOnline && a.Status != AgentOffline {
		return Invalid("agent_invalid", "status", "an agent is online or offline, not %s", Quote(string(a.Status)))
	}
	arch, err := NormalizeArchitecture(a.Architecture)
	a.Architecture = arch
	return err
}

// checkAgentLabel checks one label: a key of 1-63 letters, digits, '.', '_', '-'
// or '/', and a value of at most 255 printable characters.
func checkAgentLabel(key, value string) error {
	ok := key != "" && len(key) <= 63
	for i := range len(key) {
		c := key[i]
		ok = ok && (c == '.' || c == '_' || c == '-' || c == '/' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')
	}
	if !ok {
		return Invalid("agent_label_invalid", "labels", "the key of a label is 1-63 letters, digits, '.', '_', '-' or '/': %s", Quote(key))
	}
	if len(value) > 255 || !printable(strings.ReplaceAll(value, " ", "")) {
		return Invalid("agent_label_invalid", "labels", "the value of a label is at most 255 printable characters: %s", Quote(value))
	}
	return nil
}

// AgentFields is the table of fields for lists of agents.
var AgentFields = Fields{
	"id":            {Kind: KindText, Sortable: true},
	"kind":          {Kind: KindText},
	"scaling_group": {Kind: KindText, Sortable: true},
	"architecture":  {Kind: KindText},
	"status":        {Kind: KindEnum, Values: []string{string(AgentOnline), string(AgentOffline)}},
	"image":         {Kind: KindSet}, // canonical of an image that the agent holds
	"created_at":    {Kind: KindTime, Sortable: true},
	"inventory_at":  {Kind: KindTime, Sortable: true},
}

// Inventory is everything that an agent holds. It is always complete: an empty
// one means that the agent holds nothing.
type Inventory struct {
	Images []InventoryImage `json:"images"`
	// Revision is what the agent calls this state of its images; "": nothing.
	// The same revision is the same inventory.
	Revision string `json:"revision,omitempty"`
}

// InventoryImage is one image on an agent.
type InventoryImage struct {
	Canonical    string   `json:"canonical"`
	Architecture string   `json:"architecture"`
	Digest       Digest   `json:"digest"` // of the config
	SizeBytes    int64    `json:"size_bytes"`
	Containers   []string `json:"containers,omitempty"` // that use it; the names are the agent's
}

// InstalledImage is one image on one agent as the catalogue remembers it.
type InstalledImage struct {
	AgentID      AgentID   `json:"agent_id"`
	Canonical    string    `json:"canonical"`
	Architecture string    `json:"architecture"`
	Digest       Digest    `json:"digest"`
	SizeBytes    int64     `json:"size_bytes"`
	Containers   []string  `json:"containers,omitempty"`
	ObservedAt   time.Time `json:"observed_at"`
	// Stale: the agent holds another digest than the catalogue names.
	Stale bool `json:"stale"`
}

// PullRequest asks an agent for an image.
type PullRequest struct {
	Reference    Reference
	Architecture string
	// Manifest is the manifest that the catalogue expects; the agent verifies
	// what it pulled against it.
	Manifest Digest
	// Registry tells how to reach the registry, with its credentials.
	Registry Registry
}

// PullOutcome tells what a pull did.
type PullOutcome struct {
	Digest    Digest // of the config
	SizeBytes int64
	Unchanged bool // the agent had it already
}

// RemoveRequest asks an agent to remove an image.
type RemoveRequest struct {
	Canonical    string
	Architecture string
	Force        bool // also when a container uses it or other tags name it
	NoPrune      bool // keep the untagged layers that are left
}

// RemoveOutcome tells what a removal did. FreedBytes may be 0 where the layers
// are shared.
type RemoveOutcome struct {
	FreedBytes int64
}
