package bunstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

type registries session

func (g *registries) s() *session { return (*session)(g) }

var registryTable = &table{
	fields: domain.RegistryFields,
	columns: map[string]string{
		"name": "r.name", "project": "r.project", "type": "r.type", "is_global": "r.is_global", "created_at": "r.created_at",
	},
	sets: map[string]string{
		"domain": "EXISTS (SELECT 1 FROM wharf_registry_domains AS rd WHERE rd.registry_id = r.id AND rd.domain IN (?))",
	},
	defaultSort: "name",
	id:          "r.id",
}

func (g *registries) Get(ctx context.Context, id domain.RegistryID) (domain.Registry, error) {
	list, err := g.where(ctx, sqlf("r.id = ?", string(id)))
	if err != nil {
		return domain.Registry{}, err
	}
	if len(list) == 0 {
		return domain.Registry{}, domain.NotFound("registry", string(id))
	}
	return list[0], nil
}

func (g *registries) Find(ctx context.Context, host, repo string) (domain.Registry, error) {
	list, err := g.where(ctx, sqlf("r.name = ?", host))
	if err != nil {
		return domain.Registry{}, err
	}
	if r, ok := domain.RegistryFor(list, host, repo); ok {
		return r, nil
	}
	return domain.Registry{}, domain.NotFound("registry", domain.JoinPath(host, repo))
}

func (g *registries) Named(ctx context.Context, host string, project *string) ([]domain.Registry, error) {
	c := sqlf("r.name = ?", host)
	if project != nil {
		c = sqlf("r.name = ? AND r.project = ?", host, *project)
	}
	return g.where(ctx, c)
}

func (g *registries) Claims(ctx context.Context, host string) ([]repository.RegistryClaim, error) {
	if err := g.s().reading(ctx, "registries.claims"); err != nil {
		return nil, err
	}
	list := []repository.RegistryClaim{}
	err := g.db.NewSelect().TableExpr("wharf_registries AS r").ColumnExpr("r.id, r.project, (?) AS visible", g.s().visibleRegistries()).
		Where("r.name = ?", host).OrderExpr("r.project").Scan(ctx, &list)
	return list, translate("registries.claims", err)
}

// where returns the visible rows that a condition holds for, by host and
// project, in three statements.
func (g *registries) where(ctx context.Context, c cond) ([]domain.Registry, error) {
	if err := g.s().reading(ctx, "registries"); err != nil {
		return nil, err
	}
	rows := []registryRow{}
	err := g.db.NewSelect().Model(&rows).Where("?", c).Where("?", g.s().visibleRegistries()).OrderExpr("r.name, r.project").Scan(ctx)
	if err != nil {
		return nil, translate("registries", err)
	}
	return g.filled(ctx, rows)
}

func (g *registries) List(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.Registry, domain.PageInfo, error) {
	if err := g.s().reading(ctx, "registries.list"); err != nil {
		return nil, domain.PageInfo{}, err
	}
	q := g.db.NewSelect().Model((*registryRow)(nil)).Where("?", g.s().visibleRegistries())
	q, p, err := registryTable.page(q, g.store.pg, f, p)
	if err != nil {
		return nil, domain.PageInfo{}, err
	}
	rows, info, err := listed(ctx, registryTable, q, p, func(r registryRow, sort string) (string, string) {
		if sort == "created_at" {
			return domain.CursorTime(r.CreatedAt), r.ID
		}
		return r.Name, r.ID
	})
	if err != nil {
		return nil, info, err
	}
	list, err := g.filled(ctx, rows)
	return list, info, err
}

// filled adds domains and projects. A scope sees its own only.
func (g *registries) filled(ctx context.Context, rows []registryRow) ([]domain.Registry, error) {
	list, at, ids := make([]domain.Registry, len(rows)), map[string]int{}, make([]string, len(rows))
	for i := range rows {
		list[i], at[rows[i].ID], ids[i] = registryOf(&rows[i]), i, rows[i].ID
	}
	if len(rows) == 0 {
		return list, nil
	}
	a := g.s().actor()
	var domains []registryDomainRow
	q := g.db.NewSelect().Model(&domains).Where("rd.registry_id IN (?)", bun.List(ids)).OrderExpr("rd.domain")
	var projects []registryProjectRow
	p := g.db.NewSelect().Model(&projects).Where("rp.registry_id IN (?)", bun.List(ids)).OrderExpr("rp.project")
	if !g.s().any() {
		q = q.Where("rd.domain = ?", a.Domain)
		p = p.Where("rp.project IN (?)", bun.List(a.Projects))
	}
	if err := q.Scan(ctx); err != nil {
		return nil, translate("registries.domains", err)
	}
	if err := p.Scan(ctx); err != nil {
		return nil, translate("registries.projects", err)
	}
	for _, d := range domains {
		r := &list[at[d.RegistryID]]
		r.Domains = append(r.Domains, d.Domain)
	}
	for _, p := range projects {
		r := &list[at[p.RegistryID]]
		r.Projects = append(r.Projects, p.Project)
	}
	return list, nil
}

func (g *registries) Create(ctx context.Context, r domain.Registry) error {
	if err := g.s().writing("registries.create"); err != nil {
		return err
	}
	r.Revision, r.CreatedAt, r.UpdatedAt = 1, g.unit.Now, g.unit.Now
	_, err := g.db.NewInsert().Model(registryRowOf(r)).Returning("NULL").Exec(ctx)
	if isUnique(err) {
		return domain.Errorf(domain.CodeConflict, "registry_exists", r.String(), "the registry %s is there already", r)
	}
	g.s().touch(string(r.ID))
	return translate("registries.create", err)
}

func (g *registries) Save(ctx context.Context, r domain.Registry) (domain.Registry, error) {
	if err := g.s().writing("registries.save"); err != nil {
		return domain.Registry{}, err
	}
	before := r.Revision
	r.Revision, r.UpdatedAt = before+1, g.unit.Now
	res, err := g.db.NewUpdate().Model(registryRowOf(r)).ExcludeColumn("id", "created_at").WherePK().Where("r.revision = ?", before).Exec(ctx)
	if isUnique(err) {
		return domain.Registry{}, domain.Errorf(domain.CodeConflict, "registry_exists", r.String(), "the registry %s is there already", r)
	}
	if err != nil {
		return domain.Registry{}, translate("registries.save", err)
	}
	if n, _ := res.RowsAffected(); n == 0 {
		if _, err := g.Get(ctx, r.ID); err != nil {
			return domain.Registry{}, err
		}
		return domain.Registry{}, domain.Errorf(domain.CodeConflict, "revision_changed", string(r.ID), "%s was changed by somebody else; read it again", r)
	}
	g.s().touch(string(r.ID))
	return r, nil
}

func (g *registries) Delete(ctx context.Context, id domain.RegistryID) error {
	if err := g.s().writing("registries.delete"); err != nil {
		return err
	}
	r, err := g.Get(ctx, id)
	if err != nil {
		return err
	}
	used, err := g.db.NewSelect().Model((*imageRow)(nil)).Where("i.registry_id = ?", string(id)).Exists(ctx)
	if err != nil {
		return translate("registries.delete", err)
	}
	if !used {
		_, err = g.db.NewDelete().Model((*registryRow)(nil)).Where("id = ?", string(id)).Exec(ctx)
	}
	if used || isForeignKey(err) { // a scan may have added one in between
		return domain.Errorf(domain.CodePrecondition, "registry_in_use", r.String(), "the catalogue still has images of %s; purge them first", r)
	}
	g.s().touch(string(id))
	return translate("registries.delete", err)
}

func (g *registries) Allow(ctx context.Context, id domain.RegistryID, name string) (bool, error) {
	return g.link(ctx, id, &registryDomainRow{RegistryID: string(id), Domain: name}, true)
}

func (g *registries) Disallow(ctx context.Context, id domain.RegistryID, name string) (bool, error) {
	return g.link(ctx, id, &registryDomainRow{RegistryID: string(id), Domain: name}, false)
}

func (g *registries) Associate(ctx context.Context, id domain.RegistryID, project string) (bool, error) {
	return g.link(ctx, id, &registryProjectRow{RegistryID: string(id), Project: project}, true)
}

func (g *registries) Disassociate(ctx context.Context, id domain.RegistryID, project string) (bool, error) {
	return g.link(ctx, id, &registryProjectRow{RegistryID: string(id), Project: project}, false)
}

// link adds or removes a row that is nothing but its key, and says whether
// that changed anything.
func (g *registries) link(ctx context.Context, id domain.RegistryID, row any, add bool) (bool, error) {
	if err := g.s().writing("registries.link"); err != nil {
		return false, err
	}
	if _, err := g.Get(ctx, id); err != nil {
		return false, err
	}
	var res sql.Result
	var err error
	if add {
		res, err = g.db.NewInsert().Model(row).On("CONFLICT DO NOTHING").Returning("NULL").Exec(ctx)
	} else {
		res, err = g.db.NewDelete().Model(row).WherePK().Exec(ctx)
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, translate("registries.link", err)
	}
	g.s().touch(string(id))
	n, _ := res.RowsAffected()
	return n > 0, nil
}

func registryOf(r *registryRow) domain.Registry {
	reg := domain.Registry{
		ID: domain.RegistryID(r.ID), Name: r.Name, Project: r.Project, URL: r.URL, Type: domain.RegistryType(r.Type),
		Username: r.Username, Password: domain.Secret(r.Password), IsGlobal: r.IsGlobal,
		TLSSkipVerify: r.TLSSkipVerify, PrivateNetwork: r.PrivateNetwork,
		Domains: []string{}, Projects: []string{},
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Revision: r.Revision,
	}
	fromJSON(r.TokenRealms, &reg.TokenRealms)
	return reg
}

func registryRowOf(r domain.Registry) *registryRow {
	return &registryRow{
		ID: string(r.ID), Name: r.Name, Project: r.Project, URL: r.URL, Type: string(r.Type),
		Username: r.Username, Password: r.Password.Reveal(), IsGlobal: r.IsGlobal,
		TLSSkipVerify: r.TLSSkipVerify, PrivateNetwork: r.PrivateNetwork, TokenRealms: toJSON(r.TokenRealms),
		CreatedAt: stored(r.CreatedAt), UpdatedAt: stored(r.UpdatedAt), Revision: r.Revision,
	}
}
