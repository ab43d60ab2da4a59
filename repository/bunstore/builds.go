package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

type builds session

func (g *builds) s() *session { return (*session)(g) }

// ownBuilds is the rule over rows AS b that have an author and a domain. Actors
// without a domain share nothing.
func (s *session) ownBuilds() cond {
	a := s.actor()
	switch s.unit.Scope.Reach {
	case domain.ReachAny:
		return always
	case domain.ReachVisible:
		if a.Domain != "" {
			return sqlf("(b.author = ? OR b.domain = ?)", string(a.ID), a.Domain)
		}
		return sqlf("b.author = ?", string(a.ID))
	case domain.ReachOwn:
		return sqlf("b.author = ?", string(a.ID))
	}
	return sqlf("1 = 0")
}

func number(id int64) string { return strconv.FormatInt(id, 10) }

// counted is listed for rows with a number as id.
func counted[R any](ctx context.Context, g *builds, t *table, f domain.Filter, p domain.Page, only cond, of func(R) (name string, id int64, at time.Time)) ([]R, domain.PageInfo, error) {
	if err := g.s().reading(ctx, "builds.list"); err != nil {
		return nil, domain.PageInfo{}, err
	}
	q := g.db.NewSelect().Model((*R)(nil)).Where("?", g.s().ownBuilds()).Where("?", only)
	q, p, err := t.page(q, g.store.pg, f, p)
	if err != nil {
		return nil, domain.PageInfo{}, err
	}
	return listed(ctx, t, q, p, func(r R, sort string) (string, string) {
		name, id, at := of(r)
		switch sort {
		case "name":
			return name, number(id)
		case "created_at":
			return domain.CursorTime(at), number(id)
		}
		return number(id), number(id)
	})
}

// one reads the row in reach that a condition holds for.
func (g *builds) one(ctx context.Context, row any, kind, on string, c cond) error {
	if err := g.s().reading(ctx, kind); err != nil {
		return err
	}
	err := g.db.NewSelect().Model(row).Where("?", c).Where("?", g.s().ownBuilds()).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return domain.NotFound(kind, on)
	}
	return translate(kind, err)
}

// insert adds a row with a new id, which it reads back.
func (g *builds) insert(ctx context.Context, row any, id *int64, kind, name, parent string) error {
	_, err := g.db.NewInsert().Model(row).Returning("id").Exec(ctx, id)
	switch {
	case isUnique(err):
		return buildExists(kind, name)
	case isForeignKey(err): // deleted in between
		return domain.NotFound(parent, "")
	case err != nil:
		return translate(kind, err)
	}
	g.s().touch(fmt.Sprintf("%s/%d", kind, *id))
	return nil
}

// remove deletes a row that nothing belongs to.
func (g *builds) remove(ctx context.Context, row any, kind, name string, id int64) error {
	res, err := g.db.NewDelete().Model(row).Where("id = ?", id).Exec(ctx)
	if isForeignKey(err) {
		return domain.Errorf(domain.CodePrecondition, kind+"_in_use", name, "%s %s is in use; delete what belongs to it first", words(kind), name)
	}
	if err != nil {
		return translate(kind, err)
	}
	if n, _ := res.RowsAffected(); n == 0 {
		return domain.NotFound(kind, number(id))
	}
	g.s().touch(fmt.Sprintf("%s/%d", kind, id))
	return nil
}

// buildExists is the conflict of a taken name. Built images are just images to
// those who name them.
func buildExists(kind, name string) error {
	return domain.Errorf(domain.CodeConflict, strings.TrimPrefix(kind, "built_")+"_exists", name, "there is a %s of that name already: %s", words(kind), name)
}

func words(kind string) string { return strings.ReplaceAll(kind, "_", " ") }

func (g *builds) CreateTask(ctx context.Context, name string) (domain.BuildTask, error) {
	if err := g.s().writing("builds.create_task"); err != nil {
		return domain.BuildTask{}, err
	}
	a := g.s().actor()
	row := &buildTaskRow{Name: clean(name), Author: clean(string(a.ID)), Domain: clean(a.Domain), CreatedAt: stored(g.unit.Now)}
	err := g.insert(ctx, row, &row.ID, "build_task", name, "")
	return buildTaskOf(row), err
}

func (g *builds) Task(ctx context.Context, id int64) (domain.BuildTask, error) {
	row := new(buildTaskRow)
	err := g.one(ctx, row, "build_task", number(id), sqlf("b.id = ?", id))
	return buildTaskOf(row), err
}

func (g *builds) Tasks(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.BuildTask, domain.PageInfo, error) {
	rows, info, err := counted(ctx, g, buildTaskTable, f, p, always, func(r buildTaskRow) (string, int64, time.Time) { return r.Name, r.ID, r.CreatedAt })
	list := make([]domain.BuildTask, len(rows))
	for i := range rows {
		list[i] = buildTaskOf(&rows[i])
	}
	return list, info, err
}

func (g *builds) DeleteTask(ctx context.Context, id int64) (domain.BuildTask, error) {
	if err := g.s().writing("builds.delete_task"); err != nil {
		return domain.BuildTask{}, err
	}
	t, err := g.Task(ctx, id)
	if err != nil {
		return t, err
	}
	return t, g.remove(ctx, (*buildTaskRow)(nil), "build_task", t.Name, id)
}

func (g *builds) CreateBuildable(ctx context.Context, b domain.Buildable) (domain.Buildable, error) {
	if err := g.s().writing("builds.create"); err != nil {
		return domain.Buildable{}, err
	}
	if _, err := g.Task(ctx, b.TaskID); err != nil {
		return domain.Buildable{}, err
	}
	a := g.s().actor()
	row := &buildableRow{
		Kind: string(b.Kind), TaskID: b.TaskID, Name: clean(b.Name), Source: cleanJSON(b.Source),
		Author: clean(string(a.ID)), Domain: clean(a.Domain), CreatedAt: stored(g.unit.Now),
	}
	err := g.insert(ctx, row, &row.ID, string(b.Kind), b.Name, "build_task")
	return buildableOf(row), err
}

func (g *builds) Buildable(ctx context.Context, kind domain.BuildableKind, id int64) (domain.Buildable, error) {
	row := new(buildableRow)
	err := g.one(ctx, row, string(kind), number(id), sqlf("b.id = ? AND b.kind = ?", id, string(kind)))
	return buildableOf(row), err
}

func (g *builds) Buildables(ctx context.Context, kind domain.BuildableKind, f domain.Filter, p domain.Page) ([]domain.Buildable, domain.PageInfo, error) {
	rows, info, err := counted(ctx, g, buildableTable, f, p, sqlf("b.kind = ?", string(kind)), func(r buildableRow) (string, int64, time.Time) { return r.Name, r.ID, r.CreatedAt })
	list := make([]domain.Buildable, len(rows))
	for i := range rows {
		list[i] = buildableOf(&rows[i])
	}
	return list, info, err
}

func (g *builds) DeleteBuildable(ctx context.Context, kind domain.BuildableKind, id int64) (domain.Buildable, error) {
	if err := g.s().writing("builds.delete"); err != nil {
		return domain.Buildable{}, err
	}
	b, err := g.Buildable(ctx, kind, id)
	if err != nil {
		return b, err
	}
	return b, g.remove(ctx, (*buildableRow)(nil), string(kind), b.Name, id)
}

func (g *builds) Hosts(ctx context.Context, q repository.HostQuery) ([]domain.Agent, error) {
	if err := g.s().reading(ctx, "builds.hosts"); err != nil {
		return nil, err
	}
	list := g.db.NewSelect().Model((*agentRow)(nil)).OrderExpr("a.id")
	if !g.s().any() {
		a := g.s().actor()
		groups, err := g.s().usableGroups(ctx, a.Domain, a.Projects)
		if err != nil {
			return nil, err
		}
		list = list.Where("a.scaling_group IN (?)", bun.List(groups))
	}
	for column, value := range map[string]string{"a.id": string(q.ID), "a.kind": string(q.Kind), "a.status": string(q.Status)} {
		if value != "" {
			list = list.Where("? = ?", bun.Safe(column), value)
		}
	}
	if q.Limit > 0 {
		list = list.Limit(int64(q.Limit))
	}
	return g.hosts(ctx, list)
}

func (g *builds) Host(ctx context.Context, id domain.AgentID) (domain.Agent, error) {
	if err := g.s().reading(ctx, "builds.host"); err != nil {
		return domain.Agent{}, err
	}
	list, err := g.hosts(ctx, g.db.NewSelect().Model((*agentRow)(nil)).Where("a.id = ?", string(id)))
	if err == nil && len(list) == 0 {
		err = domain.NotFound("agent", string(id))
	}
	if err != nil {
		return domain.Agent{}, err
	}
	return list[0], nil
}

func (g *builds) hosts(ctx context.Context, q *bun.SelectQuery) ([]domain.Agent, error) {
	var rows []agentRow
	if err := q.Scan(ctx, &rows); err != nil {
		return nil, translate("builds.hosts", err)
	}
	list := make([]domain.Agent, len(rows))
	for i := range rows {
		list[i] = agentOf(&rows[i])
	}
	return list, nil
}
