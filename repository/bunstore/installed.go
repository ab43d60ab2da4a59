package bunstore

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
)

// installedImage is a row with what the catalogue expects.
type installedImage struct {
	installedRow `bun:",extend"`
	ImageID      string `bun:"image_id,scanonly"`
	Expected     string `bun:"expected,scanonly"`
}

func (m *images) Holders(ctx context.Context, ids []domain.ImageID) (map[domain.ImageID][]domain.InstalledImage, error) {
	s := m.s()
	if err := s.reading(ctx, "images.holders"); err != nil {
		return nil, err
	}
	var rows []installedImage
	err := m.db.NewSelect().Model(&rows).ColumnExpr("n.*").ColumnExpr("i.id AS image_id, i.config_digest AS expected").
		Join("JOIN wharf_images AS i ON i.canonical = n.canonical AND i.architecture = n.architecture").
		Where("i.id IN (?)", bun.List(texts(ids))).Where("?", s.reachableImages()).OrderExpr("n.agent_id").Scan(ctx)
	if err != nil {
		return nil, translate("images.holders", err)
	}
	held := map[domain.ImageID][]domain.InstalledImage{}
	for i := range rows {
		id := domain.ImageID(rows[i].ImageID)
		held[id] = append(held[id], installedOf(&rows[i]))
	}
	return held, nil
}

func (m *images) HoldingAgents(ctx context.Context, id domain.ImageID) ([]domain.Agent, error) {
	if err := m.s().reading(ctx, "images.holding_agents"); err != nil {
		return nil, err
	}
	img, err := m.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	var rows []agentRow
	err = m.db.NewSelect().Model(&rows).Join("JOIN wharf_installed AS n ON n.agent_id = a.id").
		Where("n.canonical = ?", img.Canonical()).Where("n.architecture = ?", img.Architecture).OrderExpr("a.id").Scan(ctx)
	return agentsOf(rows), translate("images.holding_agents", err)
}

func (m *images) Unheld(ctx context.Context, id domain.ImageID, agents []domain.AgentID) error {
	if err := m.s().writing("images.unheld"); err != nil {
		return err
	}
	img, err := m.Get(ctx, id)
	if err != nil {
		return err
	}
	_, err = m.db.NewDelete().Model((*installedRow)(nil)).Where("n.canonical = ?", img.Canonical()).
		Where("n.architecture = ?", img.Architecture).Where("n.agent_id IN (?)", bun.List(texts(agents))).Exec(ctx)
	m.s().touch(string(id))
	return translate("images.unheld", err)
}

func (g *agents) Installed(ctx context.Context, id domain.AgentID) ([]domain.InstalledImage, error) {
	if err := g.s().reading(ctx, "agents.installed"); err != nil {
		return nil, err
	}
	var rows []installedImage
	err := g.db.NewSelect().Model(&rows).ColumnExpr("n.*").ColumnExpr("coalesce(i.config_digest, '') AS expected").
		Join("LEFT JOIN wharf_images AS i ON i.canonical = n.canonical AND i.architecture = n.architecture").
		Where("n.agent_id = ?", string(id)).OrderExpr("n.canonical, n.architecture").Scan(ctx)
	list := make([]domain.InstalledImage, len(rows))
	for i := range rows {
		list[i] = installedOf(&rows[i])
	}
	return list, translate("agents.installed", err)
}

func (g *agents) Replace(ctx context.Context, id domain.AgentID, inv domain.Inventory) (change domain.InventoryChange, err error) {
	s := g.s()
	if err := s.writing("agents.replace"); err != nil {
		return change, err
	}
	agent, err := g.Get(ctx, id)
	if err != nil {
		return change, err
	}
	now := s.unit.Now
	// The row is taken first: two reports of one agent follow each other, and
	// the older one loses.
	res, err := g.db.NewUpdate().Model((*agentRow)(nil)).Set("inventory_at = ?", stored(now)).Set("status = ?", string(domain.AgentOnline)).
		Set("inventory_revision = ?", clean(inv.Revision)).
		Where("a.id = ?", string(id)).Where("a.inventory_at <= ?", stored(now)).Exec(ctx)
	if err != nil {
		return change, translate("agents.replace", err)
	}
	if n, _ := res.RowsAffected(); n == 0 {
		return change, domain.Errorf(domain.CodeConflict, "inventory_outdated", string(id), "a newer inventory of %s is known (of %s)", id, agent.InventoryAt)
	}
	if agent.Status != domain.AgentOnline {
		if err := g.due(ctx, id); err != nil {
			return change, err
		}
	}
	have, err := g.Installed(ctx, id)
	if err != nil {
		return change, err
	}
	rows := make([]*installedRow, 0, len(inv.Images))
	seen := make(map[identity]bool, len(inv.Images))
	known := make(map[identity]domain.InstalledImage, len(have))
	for _, h := range have {
		known[identity{h.Canonical, h.Architecture}] = h
	}
	for _, i := range inv.Images {
		key := identity{clean(i.Canonical), clean(i.Architecture)}
		if seen[key] {
			continue // an agent that says it twice still holds it once
		}
		seen[key] = true
		switch old, ok := known[key]; {
		case !ok:
			change.Added++
		case old.Digest != i.Digest || old.SizeBytes != i.SizeBytes || !slices.Equal(old.Containers, i.Containers):
			change.Updated++
		default:
			change.Unchanged++
		}
		rows = append(rows, g.installedRow(id, i))
	}
	change.Removed = len(have) - change.Updated - change.Unchanged
	if _, err := g.db.NewDelete().Model((*installedRow)(nil)).Where("n.agent_id = ?", string(id)).Exec(ctx); err != nil {
		return change, translate("agents.replace", err)
	}
	for part := range slices.Chunk(rows, syncBatch) {
		if _, err := g.db.NewInsert().Model(&part).Returning("NULL").Exec(ctx); err != nil {
			return change, translate("agents.replace", err)
		}
	}
	s.touch(string(id))
	return change, nil
}

func (g *agents) Hold(ctx context.Context, id domain.AgentID, images []domain.InventoryImage) error {
	if err := g.s().writing("agents.hold"); err != nil {
		return err
	}
	if len(images) == 0 {
		return nil
	}
	var rows []*installedRow
	at := map[identity]int{} // what is named twice is held once; the last of it counts
	for _, img := range images {
		row := g.installedRow(id, img)
		if i, ok := at[identity{row.Canonical, row.Architecture}]; ok {
			rows[i] = row
			continue
		}
		at[identity{row.Canonical, row.Architecture}] = len(rows)
		rows = append(rows, row)
	}
	_, err := g.db.NewInsert().Model(&rows).On("CONFLICT (canonical, architecture, agent_id) DO UPDATE").
		Set("digest = EXCLUDED.digest").Set("size_bytes = EXCLUDED.size_bytes").Set("observed_at = EXCLUDED.observed_at").Returning("NULL").Exec(ctx)
	if isForeignKey(err) {
		return domain.NotFound("agent", string(id))
	}
	g.s().touch(string(id))
	return translate("agents.hold", err)
}

func (g *agents) Drop(ctx context.Context, id domain.AgentID, images []domain.InventoryImage) error {
	if err := g.s().writing("agents.drop"); err != nil {
		return err
	}
	if len(images) == 0 {
		return nil
	}
	keys := make(pairs, len(images))
	for i, img := range images {
		keys[i] = [2]any{clean(img.Canonical), clean(img.Architecture)}
	}
	_, err := g.db.NewDelete().Model((*installedRow)(nil)).Where("n.agent_id = ?", string(id)).
		Where("(n.canonical, n.architecture) IN (VALUES ?)", keys).Exec(ctx)
	g.s().touch(string(id))
	return translate("agents.drop", err)
}

func (g *agents) installedRow(id domain.AgentID, i domain.InventoryImage) *installedRow {
	return &installedRow{
		AgentID: string(id), Canonical: clean(i.Canonical), Architecture: clean(i.Architecture), Digest: clean(string(i.Digest)),
		SizeBytes: i.SizeBytes, Containers: toJSON(cleanList(i.Containers)), ObservedAt: stored(g.unit.Now),
	}
}

func installedOf(r *installedImage) domain.InstalledImage {
	i := domain.InstalledImage{
		AgentID: domain.AgentID(r.AgentID), Canonical: r.Canonical, Architecture: r.Architecture, Digest: domain.Digest(r.Digest),
		SizeBytes: r.SizeBytes, ObservedAt: r.ObservedAt.UTC(), Stale: r.Expected != "" && r.Expected != r.Digest,
	}
	fromJSON(r.Containers, &i.Containers)
	return i
}

func cleanList(list []string) []string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = clean(list[i])
	}
	return out
}
