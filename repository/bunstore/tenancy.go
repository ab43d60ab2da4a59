package bunstore

import (
	"context"
	"database/sql"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
)

type tenancy session

var scalingGroupTable = &table{
	fields:      domain.ScalingGroupFields,
	columns:     map[string]string{"scaling_group": "g.scaling_group", "domain": "g.domain", "project": "g.project"},
	defaultSort: "scaling_group",
	// The key has three parts; a separator that no name holds keeps them apart.
	id: "(g.domain || ' ' || g.project)",
}

func (t *tenancy) ScalingGroups(ctx context.Context, domainName, project string) ([]string, error) {
	s := (*session)(t)
	if err := s.reading(ctx, "tenancy"); err != nil {
		return nil, err
	}
	return s.usableGroups(ctx, domainName, []string{project})
}

func (t *tenancy) List(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.ScalingGroupGrant, domain.PageInfo, error) {
	s := (*session)(t)
	if err := s.reading(ctx, "tenancy.list"); err != nil {
		return nil, domain.PageInfo{}, err
	}
	q := t.db.NewSelect().Model((*scalingGroupRow)(nil))
	if !s.any() {
		a := s.actor()
		q = q.Where("g.domain = ?", a.Domain).Where("g.project IN (?)", bun.List(append([]string{""}, a.Projects...)))
	}
	q, p, err := scalingGroupTable.page(q, t.store.pg, f, p)
	if err != nil {
		return nil, domain.PageInfo{}, err
	}
	rows, info, err := listed(ctx, scalingGroupTable, q, p, func(r scalingGroupRow, _ string) (string, string) {
		return r.ScalingGroup, r.Domain + " " + r.Project
	})
	list := make([]domain.ScalingGroupGrant, len(rows))
	for i, r := range rows {
		list[i] = domain.ScalingGroupGrant{ScalingGroup: r.ScalingGroup, Domain: r.Domain, Project: r.Project}
	}
	return list, info, err
}

func (t *tenancy) Allow(ctx context.Context, g domain.ScalingGroupGrant) (bool, error) {
	if err := (*session)(t).writing("tenancy.allow"); err != nil {
		return false, err
	}
	row := &scalingGroupRow{ScalingGroup: g.ScalingGroup, Domain: g.Domain, Project: g.Project}
	res, err := t.db.NewInsert().Model(row).On("CONFLICT DO NOTHING").Returning("NULL").Exec(ctx)
	return t.changed(g, res, err)
}

func (t *tenancy) Disallow(ctx context.Context, g domain.ScalingGroupGrant) (bool, error) {
	if err := (*session)(t).writing("tenancy.disallow"); err != nil {
		return false, err
	}
	row := &scalingGroupRow{ScalingGroup: g.ScalingGroup, Domain: g.Domain, Project: g.Project}
	res, err := t.db.NewDelete().Model(row).WherePK().Exec(ctx)
	return t.changed(g, res, err)
}

func (t *tenancy) changed(g domain.ScalingGroupGrant, res sql.Result, err error) (bool, error) {
	if err != nil {
		return false, translate("tenancy", err)
	}
	(*session)(t).touch(g.ScalingGroup)
	n, _ := res.RowsAffected()
	return n > 0, nil
}
