package bunstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
)

type agents session

func (g *agents) s() *session { return (*session)(g) }

var agentTable = &table{
	fields: domain.AgentFields,
	columns: map[string]string{
		"id": "a.id", "kind": "a.kind", "scaling_group": "a.scaling_group", "architecture": "a.architecture",
		"status": "a.status", "created_at": "a.created_at", "inventory_at": "a.inventory_at",
	},
	sets: map[string]string{
		"image": "EXISTS (SELECT 1 FROM wharf_installed AS n WHERE n.agent_id = a.id AND n.canonical IN (?))",
	},
	defaultSort: "id",
	id:          "a.id",
}

func (g *agents) Get(ctx context.Context, id domain.AgentID) (domain.Agent, error) {
	if err := g.s().reading(ctx, "agents.get"); err != nil {
		return domain.Agent{}, err
	}
	visible, err := g.s().visibleAgents(ctx)
	if err != nil {
		return domain.Agent{}, err
	}
	row := new(agentRow)
	err = g.db.NewSelect().Model(row).Where("a.id = ?", string(id)).Where("?", visible).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return domain.Agent{}, domain.NotFound("agent", string(id))
	}
	if err != nil {
		return domain.Agent{}, translate("agents.get", err)
	}
	return agentOf(row), nil
}

func (g *agents) Many(ctx context.Context, ids []domain.AgentID) ([]domain.Agent, error) {
	if err := g.s().reading(ctx, "agents.many"); err != nil {
		return nil, err
	}
	var rows []agentRow
	err := g.db.NewSelect().Model(&rows).Where("a.id IN (?)", bun.List(texts(ids))).Scan(ctx)
	if err != nil {
		return nil, translate("agents.many", err)
	}
	byID := make(map[domain.AgentID]*agentRow, len(rows))
	for i := range rows {
		byID[domain.AgentID(rows[i].ID)] = &rows[i]
	}
	list := make([]domain.Agent, 0, len(rows))
	for _, id := range ids {
		if r := byID[id]; r != nil {
			list = append(list, agentOf(r))
			delete(byID, id)
		}
	}
	return list, nil
}

func (g *agents) List(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.Agent, domain.PageInfo, error) {
	if err := g.s().reading(ctx, "agents.list"); err != nil {
		return nil, domain.PageInfo{}, err
	}
	visible, err := g.s().visibleAgents(ctx)
	if err != nil {
		return nil, domain.PageInfo{}, err
	}
	q := g.db.NewSelect().Model((*agentRow)(nil)).Where("?", visible)
	q, p, err = agentTable.page(q, g.store.pg, f, p)
	if err != nil {
		return nil, domain.PageInfo{}, err
	}
	rows, info, err := listed(ctx, agentTable, q, p, func(r agentRow, sort string) (string, string) {
		switch sort {
		case "scaling_group":
			return r.ScalingGroup, r.ID
		case "created_at":
			return domain.CursorTime(r.CreatedAt), r.ID
		case "inventory_at":
			return domain.CursorTime(r.InventoryAt), r.ID
		}
		return r.ID, r.ID
	})
	return agentsOf(rows), info, err
}

func agentsOf(rows []agentRow) []domain.Agent {
	list := make([]domain.Agent, len(rows))
	for i := range rows {
		list[i] = agentOf(&rows[i])
	}
	return list
}

func (g *agents) Create(ctx context.Context, a domain.Agent) error {
	if err := g.s().writing("agents.create"); err != nil {
		return err
	}
	a.Revision, a.CreatedAt, a.UpdatedAt = 1, g.unit.Now, g.unit.Now
	_, err := g.db.NewInsert().Model(agentRowOf(a)).Returning("NULL").Exec(ctx)
	if isUnique(err) {
		return domain.Errorf(domain.CodeConflict, "agent_exists", string(a.ID), "the agent %s is there already", a.ID)
	}
	g.s().touch(string(a.ID))
	return translate("agents.create", err)
}

func (g *agents) Save(ctx context.Context, a domain.Agent) (domain.Agent, error) {
	if err := g.s().writing("agents.save"); err != nil {
		return domain.Agent{}, err
	}
	before := a.Revision
	a.Revision, a.UpdatedAt = before+1, g.unit.Now
	res, err := g.db.NewUpdate().Model(agentRowOf(a)).ExcludeColumn("id", "created_at", "inventory_at", "inventory_revision").WherePK().Where("a.revision = ?", before).Exec(ctx)
	if err != nil {
		return domain.Agent{}, translate("agents.save", err)
	}
	if n, _ := res.RowsAffected(); n == 0 {
		if _, err := g.Get(ctx, a.ID); err != nil {
			return domain.Agent{}, err
		}
		return domain.Agent{}, domain.Errorf(domain.CodeConflict, "revision_changed", string(a.ID), "the agent %s was changed by somebody else; read it again", a.ID)
	}
	g.s().touch(string(a.ID))
	if a.Status == domain.AgentOnline {
		return a, g.due(ctx, a.ID)
	}
	return a, nil
}

func (g *agents) SetStatus(ctx context.Context, id domain.AgentID, status domain.AgentStatus) error {
	s := g.s()
	if err := s.writing("agents.set_status"); err != nil {
		return err
	}
	agent, err := g.Get(ctx, id)
	if err != nil || agent.Status == status {
		return err
	}
	_, err = g.db.NewUpdate().Model((*agentRow)(nil)).Set("status = ?", string(status)).Where("a.id = ?", string(id)).Exec(ctx)
	if err != nil {
		return translate("agents.set_status", err)
	}
	s.touch(string(id))
	if status == domain.AgentOnline {
		return g.due(ctx, id)
	}
	return nil
}

func (g *agents) Delete(ctx context.Context, id domain.AgentID) error {
	if err := g.s().writing("agents.delete"); err != nil {
		return err
	}
	res, err := g.db.NewDelete().Model((*agentRow)(nil)).Where("id = ?", string(id)).Exec(ctx)
	if err != nil {
		return translate("agents.delete", err)
	}
	if n, _ := res.RowsAffected(); n == 0 {
		return domain.NotFound("agent", string(id))
	}
	g.s().touch(string(id))
	return nil
}

func agentOf(r *agentRow) domain.Agent {
	a := domain.Agent{
		ID: domain.AgentID(r.ID), Kind: domain.AgentKind(r.Kind), Address: r.Address, ScalingGroup: r.ScalingGroup,
		Architecture: r.Architecture, Status: domain.AgentStatus(r.Status), InventoryAt: loaded(r.InventoryAt),
		InventoryRevision: r.InventoryRev, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Revision: r.Revision,
	}
	fromJSON(r.Labels, &a.Labels)
	return a
}

func agentRowOf(a domain.Agent) *agentRow {
	return &agentRow{
		ID: string(a.ID), Kind: string(a.Kind), Address: a.Address, ScalingGroup: a.ScalingGroup,
		Architecture: a.Architecture, Status: string(a.Status), Labels: cleanJSON(a.Labels), InventoryAt: stored(a.InventoryAt), InventoryRev: clean(a.InventoryRevision),
		CreatedAt: stored(a.CreatedAt), UpdatedAt: stored(a.UpdatedAt), Revision: a.Revision,
	}
}
