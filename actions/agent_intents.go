package actions

import "github.com/wharf-project/wharf/domain"

// ListIntentsAction lists what waits for nodes that are away, page by page.
type ListIntentsAction struct {
	Where domain.Filter `json:"where,omitzero" doc:"a filter over agent, image, kind, actor, expires_at"`
	domain.Page
}

// ListIntentsResult is one page.
type ListIntentsResult struct {
	Intents []domain.Intent `json:"intents"`
	domain.PageInfo
}

// Spec of agent.intents.
func (ListIntentsAction) Spec() Spec {
	return Spec{Name: "agent.intents", Summary: "List what waits for nodes that are away", Effect: Read}
}

// Validate checks filter, order and cursor.
func (a ListIntentsAction) Validate() error {
	return needList(a.Where, a.Page, domain.IntentFields, "agent")
}

// DropIntentsAction gives up what waits for a node.
type DropIntentsAction struct {
	AgentID domain.AgentID `json:"agent_id" kind:"agent"`
	DryRun  bool           `json:"dry_run,omitempty" doc:"only tell what would be given up"`
}

// DropIntentsResult is what waited.
type DropIntentsResult struct {
	Intents []domain.Intent `json:"intents"`
	DryRun  bool            `json:"dry_run,omitempty"`
}

// Spec of agent.drop_intents.
func (DropIntentsAction) Spec() Spec {
	return Spec{Name: "agent.drop_intents", Summary: "Give up what waits for a node", Effect: Write}
}

// Validate needs an id.
func (a DropIntentsAction) Validate() error { return needAgent(a.AgentID) }
