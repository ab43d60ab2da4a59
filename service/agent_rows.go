package service

import (
	"context"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// AgentService is the room of nodes and what they hold.
type AgentService struct {
	door    *door
	names   names
	clients *clients
	fleet   Fleet
	tasks   *TaskService
	slots   *slots
}

// RegisterAgent adds a node. Errors: invalid, conflict for a taken id,
// precondition for a kind that nothing here speaks.
func (s *AgentService) RegisterAgent(ctx context.Context, a actions.RegisterAgentAction) (actions.RegisterAgentResult, error) {
	return admin(ctx, s.door, a, s.registerAgent)
}

// ModifyAgent changes a node. Errors: not_found, invalid.
func (s *AgentService) ModifyAgent(ctx context.Context, a actions.ModifyAgentAction) (actions.ModifyAgentResult, error) {
	return admin(ctx, s.door, a, s.modifyAgent)
}

// RemoveAgent removes a node from the catalogue. Errors: not_found.
func (s *AgentService) RemoveAgent(ctx context.Context, a actions.RemoveAgentAction) (actions.RemoveAgentResult, error) {
	return admin(ctx, s.door, a, s.removeAgent)
}

// ListAgents returns a page of nodes.
func (s *AgentService) ListAgents(ctx context.Context, a actions.ListAgentsAction) (actions.ListAgentsResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.ListAgentsAction) (res actions.ListAgentsResult, err error) {
		res.Agents, res.PageInfo, err = db.Read().Agents.List(ctx, a.Where, a.Page)
		return res, err
	})
}

// ReportInventory replaces what the catalogue knows of a node's images. Errors:
// not_found, conflict for an inventory older than the known one, and, when the
// node is asked, what it says.
func (s *AgentService) ReportInventory(ctx context.Context, a actions.ReportInventoryAction) (actions.ReportInventoryResult, error) {
	return scoped(ctx, s.door, a, s.reportInventory)
}

func (s *AgentService) registerAgent(ctx context.Context, db repository.Admin, a actions.RegisterAgentAction) (res actions.RegisterAgentResult, err error) {
	row := a.Agent()
	if err := row.Check(); err != nil { // normalises the architecture
		return res, err
	}
	if err := s.clients.reaches(row.Kind); err != nil {
		return res, err
	}
	err = db.InTx(ctx, func(ctx context.Context, tx repository.AdminView) error {
		if err := tx.Agents.Create(ctx, row); err != nil {
			return err
		}
		res.Agent, err = tx.Agents.Get(ctx, row.ID)
		return err
	})
	return res, err
}

func (s *AgentService) modifyAgent(ctx context.Context, db repository.Admin, a actions.ModifyAgentAction) (res actions.ModifyAgentResult, err error) {
	err = db.InTx(ctx, func(ctx context.Context, tx repository.AdminView) error {
		row, err := tx.Agents.Get(ctx, a.AgentID)
		if err != nil {
			return err
		}
		if err := atRevision(a.Revision, row.Revision, string(row.ID)); err != nil {
			return err
		}
		a.Kind.Apply(&row.Kind)
		a.Address.Apply(&row.Address)
		a.ScalingGroup.Apply(&row.ScalingGroup)
		a.Architecture.Apply(&row.Architecture)
		a.Status.Apply(&row.Status)
		a.Labels.Apply(&row.Labels)
		if err := row.Check(); err != nil {
			return err
		}
		if err := s.clients.reaches(row.Kind); err != nil {
			return err
		}
		res.Agent, err = tx.Agents.Save(ctx, row)
		return err
	})
	return res, err
}

func (s *AgentService) removeAgent(ctx context.Context, db repository.Admin, a actions.RemoveAgentAction) (res actions.RemoveAgentResult, err error) {
	res.DryRun = a.DryRun
	remove := func(ctx context.Context, view repository.AdminView) error {
		if res.Agent, err = view.Agents.Get(ctx, a.AgentID); err != nil {
			return err
		}
		held, err := view.Agents.Installed(ctx, a.AgentID)
		res.Images = len(held)
		if err != nil || a.DryRun {
			return err
		}
		return view.Agents.Delete(ctx, a.AgentID)
	}
	if a.DryRun {
		err = remove(ctx, db.Read())
	} else {
		err = db.InTx(ctx, remove)
	}
	return res, err
}

func (s *AgentService) reportInventory(ctx context.Context, db repository.Scoped, a actions.ReportInventoryAction) (res actions.ReportInventoryResult, err error) {
	if a.Offline {
		return res, setStatus(ctx, db, a.AgentID, domain.AgentOffline)
	}
	inv := a.Inventory
	if inv == nil {
		row, err := db.Read().Agents.Get(ctx, a.AgentID)
		if err != nil {
			return res, err
		}
		if a.Revision != "" && a.Revision == row.InventoryRevision {
			res.Known = true
			if row.Status == domain.AgentOnline {
				return res, nil
			}
			return res, setStatus(ctx, db, a.AgentID, domain.AgentOnline)
		}
		asked, err := s.inventory(ctx, row)
		if err != nil {
			return res, err
		}
		if asked.Revision == "" { // should it be another one by now, the next heartbeat says so
			asked.Revision = a.Revision
		}
		inv = &asked
	}
	clean := domain.Inventory{Images: make([]domain.InventoryImage, len(inv.Images)), Revision: inv.Revision}
	for i, img := range inv.Images {
		if arch, err := domain.NormalizeArchitecture(img.Architecture); err == nil {
			img.Architecture = arch // one that cannot be read stays as it is: it matches nothing
		}
		clean.Images[i] = img
	}
	err = db.InTx(ctx, func(ctx context.Context, tx repository.View) error {
		res.InventoryChange, err = tx.Agents.Replace(ctx, a.AgentID, clean)
		return err
	})
	return res, err
}

func setStatus(ctx context.Context, db repository.Scoped, id domain.AgentID, status domain.AgentStatus) error {
	return db.InTx(ctx, func(ctx context.Context, tx repository.View) error { return tx.Agents.SetStatus(ctx, id, status) })
}

// inventory asks a node, within the deadline of one call.
func (s *AgentService) inventory(ctx context.Context, row domain.Agent) (domain.Inventory, error) {
	agent, err := s.clients.agent(ctx, row)
	if err != nil {
		return domain.Inventory{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.fleet.AgentCall)
	defer cancel()
	return agent.Inventory(ctx)
}
