package actions

import "github.com/wharf-project/wharf/domain"

// RegisterAgentAction adds a node.
type RegisterAgentAction struct {
	AgentID      domain.AgentID   `json:"agent_id" doc:"the site's name of the node"`
	Kind         domain.AgentKind `json:"kind" doc:"adapter, such as ocilayout"`
	Address      string           `json:"address,omitempty" doc:"what the adapter needs: a path, a URL; of a fleet agent its public key"`
	ScalingGroup string           `json:"scaling_group" doc:"the one that it belongs to"`
	Architecture string           `json:"architecture,omitempty" doc:"none: this host's"`

	Labels map[string]string `json:"labels,omitempty" doc:"for target expressions such as label:rack=7"`
}

// Agent returns the row that the action asks for.
func (a RegisterAgentAction) Agent() domain.Agent {
	arch := a.Architecture
	if arch == "" {
		arch = domain.HostArchitecture()
	}
	status := domain.AgentOnline
	if a.Kind == domain.AgentFleet {
		status = domain.AgentOffline // until it dials in
	}
	return domain.Agent{ID: a.AgentID, Kind: a.Kind, Address: a.Address, ScalingGroup: a.ScalingGroup, Architecture: arch, Status: status, Labels: a.Labels}
}

// AgentResult is an agent as stored.
type AgentResult struct {
	Agent domain.Agent `json:"agent"`
}

// RegisterAgentResult is the new row.
type RegisterAgentResult AgentResult

// Spec of agent.register.
func (RegisterAgentAction) Spec() Spec {
	return Spec{Name: "agent.register", Summary: "Add a node", Effect: Write}
}

// Validate checks the row.
func (a RegisterAgentAction) Validate() error {
	row := a.Agent()
	return row.Check()
}

// ModifyAgentAction changes a node; absent fields stay.
type ModifyAgentAction struct {
	AgentID      domain.AgentID                   `json:"agent_id" kind:"agent"`
	Kind         domain.Patch[domain.AgentKind]   `json:"kind,omitzero"`
	Address      domain.Patch[string]             `json:"address,omitzero"`
	ScalingGroup domain.Patch[string]             `json:"scaling_group,omitzero"`
	Architecture domain.Patch[string]             `json:"architecture,omitzero"`
	Status       domain.Patch[domain.AgentStatus] `json:"status,omitzero" doc:"online or offline"`

	Labels   domain.Patch[map[string]string] `json:"labels,omitzero" doc:"all of them; what is not named is dropped"`
	Revision int64                           `json:"revision,omitempty" doc:"change it only while it has this revision; none: whatever it has"`
}

// ModifyAgentResult is the row as stored.
type ModifyAgentResult AgentResult

// Spec of agent.modify.
func (ModifyAgentAction) Spec() Spec {
	return Spec{Name: "agent.modify", Summary: "Change a node", Effect: Write}
}

// Validate needs an id.
func (a ModifyAgentAction) Validate() error { return needAgent(a.AgentID) }

// RemoveAgentAction removes a node and what the catalogue knows of its images.
// The node itself is not touched.
type RemoveAgentAction struct {
	AgentID domain.AgentID `json:"agent_id" kind:"agent"`
	DryRun  bool           `json:"dry_run,omitempty" doc:"only tell what would be forgotten"`
}

// RemoveAgentResult is the row that was removed, and how many images the
// catalogue knew on it.
type RemoveAgentResult struct {
	Agent  domain.Agent `json:"agent"`
	Images int          `json:"images"`
	DryRun bool         `json:"dry_run,omitempty"`
}

// Spec of agent.remove.
func (RemoveAgentAction) Spec() Spec {
	return Spec{Name: "agent.remove", Summary: "Remove a node from the catalogue", Effect: Write}
}

// Validate needs an id.
func (a RemoveAgentAction) Validate() error { return needAgent(a.AgentID) }

// ListAgentsAction lists nodes, page by page.
type ListAgentsAction struct {
	Where domain.Filter `json:"where,omitzero" doc:"a filter over id, kind, scaling_group, architecture, status, image, created_at, inventory_at"`
	domain.Page
}

// ListAgentsResult is one page.
type ListAgentsResult struct {
	Agents []domain.Agent `json:"agents"`
	domain.PageInfo
}

// Spec of agent.list.
func (ListAgentsAction) Spec() Spec {
	return Spec{Name: "agent.list", Summary: "List nodes", Effect: Read}
}

// Validate checks filter, order and cursor.
func (a ListAgentsAction) Validate() error {
	return needList(a.Where, a.Page, domain.AgentFields, "id")
}

// ReportInventoryAction replaces what the catalogue knows of a node's images.
// Without an inventory the node is asked for one, unless a heartbeat says that
// there is nothing new, or that the node is gone.
type ReportInventoryAction struct {
	AgentID   domain.AgentID    `json:"agent_id" kind:"agent"`
	Inventory *domain.Inventory `json:"inventory,omitempty" doc:"everything that the node holds; none: ask the node"`
	Revision  string            `json:"revision,omitempty" doc:"what the node calls its inventory: the stored one is not asked for again"`
	Offline   bool              `json:"offline,omitempty" doc:"the node does not answer any more; what it holds stays as it is known"`
}

// ReportInventoryResult counts what that changed.
type ReportInventoryResult struct {
	domain.InventoryChange
	Known bool `json:"known,omitempty"` // the named revision is the stored one: nobody was asked
}

// Spec of agent.report.
func (ReportInventoryAction) Spec() Spec {
	return Spec{Name: "agent.report", Summary: "Take a node's inventory", Effect: Agent}
}

// Validate needs an id and names in every row of the inventory.
func (a ReportInventoryAction) Validate() error {
	if err := needAgent(a.AgentID); err != nil {
		return err
	}
	if a.Inventory == nil {
		return nil
	}
	if a.Offline {
		return domain.Invalid("inventory_invalid", "offline", "a node that does not answer has no inventory to report")
	}
	for _, i := range a.Inventory.Images {
		if i.Canonical == "" || i.Architecture == "" || i.SizeBytes < 0 {
			return domain.Invalid("inventory_invalid", i.Canonical, "an image of an inventory has a canonical name, an architecture and a size")
		}
	}
	return nil
}
