package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
)

type access session

func (g *access) s() *session { return (*session)(g) }

type roleRow struct {
	bun.BaseModel `bun:"table:wharf_roles,alias:ro"`

	Name      string    `bun:"name,pk"`
	Home      string    `bun:"home"`
	Rules     string    `bun:"rules"`
	Inherits  string    `bun:"inherits"`
	CreatedAt time.Time `bun:"created_at"`
	UpdatedAt time.Time `bun:"updated_at"`
	Revision  int64     `bun:"revision"`
}

type roleBindingRow struct {
	bun.BaseModel `bun:"table:wharf_role_bindings,alias:rb"`

	UserID    string    `bun:"user_id,pk"`
	Role      string    `bun:"role,pk"`
	Domain    string    `bun:"domain,pk"`
	CreatedBy string    `bun:"created_by"`
	CreatedAt time.Time `bun:"created_at"`
}

type policyRow struct {
	bun.BaseModel `bun:"table:wharf_policy,alias:po"`

	ID       string `bun:"id,pk"`
	Revision int64  `bun:"revision"`
}

// policyID is the id of the one row of wharf_policy.
const policyID = "rows"

var roleTable = &table{
	fields:      domain.RoleFields,
	columns:     map[string]string{"name": "ro.name", "domain": "ro.home", "created_at": "ro.created_at"},
	defaultSort: "name",
	id:          "ro.name",
}

var bindingTable = &table{
	fields:      domain.BindingFields,
	columns:     map[string]string{"user": "rb.user_id", "role": "rb.role", "domain": "rb.domain", "created_at": "rb.created_at"},
	defaultSort: "user",
	// The key has three parts; a separator that no name holds keeps them apart.
	id: "(rb.role || ' ' || rb.domain)",
}

// home narrows to the actor's domain, unless the reach is any. Nothing belongs
// to actors without one.
func (g *access) home(q *bun.SelectQuery, column string) *bun.SelectQuery {
	if g.s().any() {
		return q
	}
	name := g.s().actor().Domain
	return q.Where("? = ? AND ? <> ''", bun.Safe(column), name, name)
}

// reaches refuses to change what is not of the actor's domain.
func (g *access) reaches(on, home string) error {
	if g.s().any() || home != "" && home == g.s().actor().Domain {
		return nil
	}
	return domain.Errorf(domain.CodeForbidden, "domain_out_of_reach", on, "your grant is for your own domain only; this is not of it")
}

func (g *access) Change(ctx context.Context) (domain.PolicyRows, error) {
	if err := g.s().writing("access.change"); err != nil {
		return domain.PolicyRows{}, err
	}
	res, err := g.db.NewUpdate().Model((*policyRow)(nil)).Set("revision = po.revision + 1").Where("po.id = ?", policyID).Exec(ctx)
	if err != nil {
		return domain.PolicyRows{}, translate("access.change", err)
	}
	if n, _ := res.RowsAffected(); n != 1 { // without the lock nothing that was checked would hold
		return domain.PolicyRows{}, domain.Internal("store.access.change", errors.New("wharf_policy has lost its row"))
	}
	return policyRows(ctx, g.db)
}

func (g *access) Rows(ctx context.Context) (domain.PolicyRows, error) {
	if err := g.s().reading(ctx, "access.rows"); err != nil {
		return domain.PolicyRows{}, err
	}
	return policyRows(ctx, g.db)
}

func (g *access) Role(ctx context.Context, name domain.Role) (domain.PolicyRole, error) {
	if err := g.s().reading(ctx, "access.role"); err != nil {
		return domain.PolicyRole{}, err
	}
	row := new(roleRow)
	err := g.home(g.db.NewSelect().Model(row).Where("ro.name = ?", string(name)), "ro.home").Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return domain.PolicyRole{}, domain.NotFound("role", string(name))
	}
	if err != nil {
		return domain.PolicyRole{}, translate("access.role", err)
	}
	return roleOf(row), nil
}

func (g *access) Roles(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.PolicyRole, domain.PageInfo, error) {
	if err := g.s().reading(ctx, "access.roles"); err != nil {
		return nil, domain.PageInfo{}, err
	}
	q, p, err := roleTable.page(g.home(g.db.NewSelect().Model((*roleRow)(nil)), "ro.home"), g.store.pg, f, p)
	if err != nil {
		return nil, domain.PageInfo{}, err
	}
	rows, info, err := listed(ctx, roleTable, q, p, func(r roleRow, sort string) (string, string) {
		if sort == "created_at" {
			return domain.CursorTime(r.CreatedAt), r.Name
		}
		return r.Name, r.Name
	})
	list := make([]domain.PolicyRole, len(rows))
	for i := range rows {
		list[i] = roleOf(&rows[i])
	}
	return list, info, err
}

func (g *access) CreateRole(ctx context.Context, r domain.PolicyRole) (domain.PolicyRole, error) {
	if err := g.s().writing("access.create_role"); err != nil {
		return domain.PolicyRole{}, err
	}
	if err := g.reaches(string(r.Name), r.Home()); err != nil {
		return domain.PolicyRole{}, err
	}
	r.Revision, r.CreatedAt, r.UpdatedAt = 1, g.unit.Now, g.unit.Now
	row := roleRowOf(r)
	_, err := g.db.NewInsert().Model(row).Returning("NULL").Exec(ctx)
	if isUnique(err) {
		return domain.PolicyRole{}, domain.Errorf(domain.CodeConflict, "role_exists", string(r.Name), "the role %s is there already", r.Name)
	}
	g.s().touch(string(r.Name))
	return roleOf(row), translate("access.create_role", err)
}

func (g *access) SaveRole(ctx context.Context, r domain.PolicyRole) (domain.PolicyRole, error) {
	if err := g.s().writing("access.save_role"); err != nil {
		return domain.PolicyRole{}, err
	}
	have, err := g.Role(ctx, r.Name)
	if err != nil {
		return domain.PolicyRole{}, err
	}
	if err := g.reaches(string(r.Name), r.Home()); err != nil {
		return domain.PolicyRole{}, err
	}
	before := r.Revision
	r.Revision, r.CreatedAt, r.UpdatedAt = before+1, have.CreatedAt, g.unit.Now
	row := roleRowOf(r)
	res, err := g.db.NewUpdate().Model(row).ExcludeColumn("name", "created_at").WherePK().Where("ro.revision = ?", before).Exec(ctx)
	if err != nil {
		return domain.PolicyRole{}, translate("access.save_role", err)
	}
	if n, _ := res.RowsAffected(); n == 0 {
		return domain.PolicyRole{}, domain.Errorf(domain.CodeConflict, "revision_changed", string(r.Name), "the role %s was changed by somebody else; read it again", r.Name)
	}
	g.s().touch(string(r.Name))
	return roleOf(row), nil
}

func (g *access) DeleteRole(ctx context.Context, name domain.Role) error {
	if err := g.s().writing("access.delete_role"); err != nil {
		return err
	}
	if _, err := g.Role(ctx, name); err != nil {
		return err
	}
	bound, err := g.db.NewSelect().Model((*roleBindingRow)(nil)).Where("rb.role = ?", string(name)).Exists(ctx)
	if err != nil {
		return translate("access.delete_role", err)
	}
	if bound {
		return domain.Errorf(domain.CodePrecondition, "role_in_use", string(name), "somebody is bound to the role %s", name)
	}
	if _, err := g.db.NewDelete().Model((*roleRow)(nil)).Where("ro.name = ?", string(name)).Exec(ctx); err != nil {
		return translate("access.delete_role", err)
	}
	g.s().touch(string(name))
	return nil
}

func roleOf(r *roleRow) domain.PolicyRole {
	role := domain.PolicyRole{
		Name: domain.Role(r.Name), Rules: []domain.RoleRule{}, Inherits: []domain.Role{},
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Revision: r.Revision,
	}
	fromJSON(r.Rules, &role.Rules)
	fromJSON(r.Inherits, &role.Inherits)
	return role
}

func roleRowOf(r domain.PolicyRole) *roleRow {
	if r.Rules == nil {
		r.Rules = []domain.RoleRule{}
	}
	if r.Inherits == nil {
		r.Inherits = []domain.Role{}
	}
	return &roleRow{
		Name: string(r.Name), Home: r.Home(), Rules: cleanJSON(r.Rules), Inherits: cleanJSON(r.Inherits),
		CreatedAt: stored(r.CreatedAt), UpdatedAt: stored(r.UpdatedAt), Revision: r.Revision,
	}
}
