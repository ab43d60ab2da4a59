package bunstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
)

func (g *access) Bindings(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.RoleBinding, domain.PageInfo, error) {
	if err := g.s().reading(ctx, "access.bindings"); err != nil {
		return nil, domain.PageInfo{}, err
	}
	q, p, err := bindingTable.page(g.home(g.db.NewSelect().Model((*roleBindingRow)(nil)), "rb.domain"), g.store.pg, f, p)
	if err != nil {
		return nil, domain.PageInfo{}, err
	}
	rows, info, err := listed(ctx, bindingTable, q, p, func(r roleBindingRow, _ string) (string, string) {
		return r.UserID, r.Role + " " + r.Domain
	})
	list := make([]domain.RoleBinding, len(rows))
	for i, r := range rows {
		list[i] = bindingOf(r)
	}
	return list, info, err
}

func (g *access) Bind(ctx context.Context, b domain.Binding) (bool, error) {
	if err := g.s().writing("access.bind"); err != nil {
		return false, err
	}
	if err := g.reaches(string(b.User), b.Domain); err != nil {
		return false, err
	}
	row := &roleBindingRow{
		UserID: clean(string(b.User)), Role: string(b.Role), Domain: clean(b.Domain),
		CreatedBy: clean(string(g.s().actor().ID)), CreatedAt: stored(g.unit.Now),
	}
	res, err := g.db.NewInsert().Model(row).On("CONFLICT DO NOTHING").Returning("NULL").Exec(ctx)
	return g.bound(b, res, err)
}

func (g *access) Unbind(ctx context.Context, b domain.Binding) (bool, error) {
	if err := g.s().writing("access.unbind"); err != nil {
		return false, err
	}
	if err := g.reaches(string(b.User), b.Domain); err != nil {
		return false, err
	}
	row := &roleBindingRow{UserID: string(b.User), Role: string(b.Role), Domain: b.Domain}
	res, err := g.db.NewDelete().Model(row).WherePK().Exec(ctx)
	return g.bound(b, res, err)
}

func (g *access) bound(b domain.Binding, res sql.Result, err error) (bool, error) {
	if err != nil {
		return false, translate("access.bind", err)
	}
	g.s().touch(string(b.User))
	g.s().touch(string(b.Role))
	n, _ := res.RowsAffected()
	return n > 0, nil
}

func bindingOf(r roleBindingRow) domain.RoleBinding {
	return domain.RoleBinding{
		Binding:   domain.Binding{User: domain.UserID(r.UserID), Role: domain.Role(r.Role), Domain: r.Domain},
		CreatedBy: domain.UserID(r.CreatedBy), CreatedAt: r.CreatedAt.UTC(),
	}
}

// PolicyRevision returns the revision of roles and bindings.
func (s *Store) PolicyRevision(ctx context.Context) (int64, error) {
	if err := domain.RefuseInTx(ctx, "store.policy_revision"); err != nil {
		return 0, err
	}
	row := &policyRow{ID: policyID}
	err := s.read.NewSelect().Model(row).WherePK().Scan(ctx)
	return row.Revision, translate("policy.revision", err)
}

// PolicyRows returns all roles and bindings.
func (s *Store) PolicyRows(ctx context.Context) (domain.PolicyRows, error) {
	if err := domain.RefuseInTx(ctx, "store.policy_rows"); err != nil {
		return domain.PolicyRows{}, err
	}
	return policyRows(ctx, s.read)
}

// policyRows reads both tables in one statement, so that they are of one
// moment: a binding read with the rules of a moment before could grant what
// nobody ever gave.
func policyRows(ctx context.Context, db bun.IDB) (domain.PolicyRows, error) {
	const query = `
SELECT 'role' AS kind, name, '' AS role, home AS domain, CAST(rules AS TEXT) AS rules, CAST(inherits AS TEXT) AS inherits,
  '' AS created_by, created_at, updated_at, revision FROM wharf_roles
UNION ALL
SELECT 'user', user_id, role, domain, '', '', created_by, created_at, created_at, 0 FROM wharf_role_bindings
ORDER BY 1, 2, 3, 4`
	var list []struct {
		Kind      string    `bun:"kind"`
		Name      string    `bun:"name"`
		Role      string    `bun:"role"`
		Domain    string    `bun:"domain"`
		Rules     string    `bun:"rules"`
		Inherits  string    `bun:"inherits"`
		CreatedBy string    `bun:"created_by"`
		CreatedAt time.Time `bun:"created_at"`
		UpdatedAt time.Time `bun:"updated_at"`
		Revision  int64     `bun:"revision"`
	}
	if err := db.NewRaw(query).Scan(ctx, &list); err != nil {
		return domain.PolicyRows{}, translate("policy.rows", err)
	}
	rows := domain.PolicyRows{Roles: []domain.PolicyRole{}, Bindings: []domain.RoleBinding{}}
	for _, r := range list {
		if r.Kind == "role" {
			rows.Roles = append(rows.Roles, roleOf(&roleRow{
				Name: r.Name, Home: r.Domain, Rules: r.Rules, Inherits: r.Inherits, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, Revision: r.Revision,
			}))
			continue
		}
		rows.Bindings = append(rows.Bindings, bindingOf(roleBindingRow{UserID: r.Name, Role: r.Role, Domain: r.Domain, CreatedBy: r.CreatedBy, CreatedAt: r.CreatedAt}))
	}
	return rows, nil
}
