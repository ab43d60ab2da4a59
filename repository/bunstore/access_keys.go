package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
)

type keys session

func (g *keys) s() *session { return (*session)(g) }

type apiKeyRow struct {
	bun.BaseModel `bun:"table:wharf_api_keys,alias:ak"`

	ID         string    `bun:"id,pk"`
	Name       string    `bun:"name"`
	Hash       string    `bun:"hash"`
	UserID     string    `bun:"user_id"`
	Actor      string    `bun:"actor"`
	CreatedBy  string    `bun:"created_by"`
	CreatedAt  time.Time `bun:"created_at"`
	ExpiresAt  time.Time `bun:"expires_at"`
	LastUsedAt time.Time `bun:"last_used_at"`
	RevokedAt  time.Time `bun:"revoked_at"`
}

var keyTable = &table{
	fields: domain.KeyFields,
	columns: map[string]string{
		"name": "ak.name", "user": "ak.user_id", "created_by": "ak.created_by", "created_at": "ak.created_at",
		"expires_at": "ak.expires_at", "last_used_at": "ak.last_used_at",
	},
	defaultSort: "created_at",
	id:          "ak.id",
}

// usedStep is how long a use of a key is noted for.
const usedStep = time.Minute

func (g *keys) own(q *bun.SelectQuery) *bun.SelectQuery {
	if g.s().any() {
		return q
	}
	return q.Where("ak.user_id = ?", string(g.s().actor().ID))
}

func (g *keys) Create(ctx context.Context, k domain.APIKey, hash string) (domain.APIKey, error) {
	if err := g.s().writing("keys.create"); err != nil {
		return domain.APIKey{}, err
	}
	by := g.s().actor().ID
	if !g.s().any() && k.Actor.ID != by {
		return domain.APIKey{}, domain.Errorf(domain.CodeForbidden, "reach_too_small", string(k.Actor.ID), "you may make keys for yourself only")
	}
	row := &apiKeyRow{
		ID: string(k.ID), Name: clean(k.Name), Hash: hash, UserID: clean(string(k.Actor.ID)), Actor: cleanJSON(k.Actor),
		CreatedBy: clean(string(by)), CreatedAt: stored(g.unit.Now), ExpiresAt: stored(k.ExpiresAt), LastUsedAt: never, RevokedAt: never,
	}
	if _, err := g.db.NewInsert().Model(row).Returning("NULL").Exec(ctx); err != nil {
		return domain.APIKey{}, translate("keys.create", err)
	}
	g.s().touch(row.ID)
	return keyOf(row), nil
}

func (g *keys) List(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.APIKey, domain.PageInfo, error) {
	if err := g.s().reading(ctx, "keys.list"); err != nil {
		return nil, domain.PageInfo{}, err
	}
	q, p, err := keyTable.page(g.own(g.db.NewSelect().Model((*apiKeyRow)(nil))), g.store.pg, f, p)
	if err != nil {
		return nil, domain.PageInfo{}, err
	}
	rows, info, err := listed(ctx, keyTable, q, p, func(r apiKeyRow, sort string) (string, string) {
		switch sort {
		case "name":
			return r.Name, r.ID
		case "expires_at":
			return domain.CursorTime(r.ExpiresAt), r.ID
		case "last_used_at":
			return domain.CursorTime(r.LastUsedAt), r.ID
		}
		return domain.CursorTime(r.CreatedAt), r.ID
	})
	list := make([]domain.APIKey, len(rows))
	for i := range rows {
		list[i] = keyOf(&rows[i])
	}
	return list, info, err
}

func (g *keys) Revoke(ctx context.Context, id domain.KeyID) (domain.APIKey, bool, error) {
	if err := g.s().writing("keys.revoke"); err != nil {
		return domain.APIKey{}, false, err
	}
	q := g.db.NewUpdate().Model((*apiKeyRow)(nil)).Set("revoked_at = ?", g.unit.Now).Where("ak.id = ?", string(id)).Where("ak.revoked_at = ?", never)
	if !g.s().any() {
		q = q.Where("ak.user_id = ?", string(g.s().actor().ID))
	}
	res, err := q.Exec(ctx)
	if err != nil {
		return domain.APIKey{}, false, translate("keys.revoke", err)
	}
	row := new(apiKeyRow)
	err = g.own(g.db.NewSelect().Model(row).Where("ak.id = ?", string(id))).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return domain.APIKey{}, false, domain.NotFound("key", string(id))
	}
	if err != nil {
		return domain.APIKey{}, false, translate("keys.revoke", err)
	}
	g.s().touch(row.ID)
	n, _ := res.RowsAffected()
	return keyOf(row), n > 0, nil
}

// FindKey returns a key with the hash of its secret.
func (s *Store) FindKey(ctx context.Context, id domain.KeyID) (domain.APIKey, string, error) {
	if err := domain.RefuseInTx(ctx, "store.find_key"); err != nil {
		return domain.APIKey{}, "", err
	}
	row := &apiKeyRow{ID: string(id)}
	err := s.read.NewSelect().Model(row).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return domain.APIKey{}, "", domain.NotFound("key", string(id))
	}
	if err != nil {
		return domain.APIKey{}, "", translate("keys.find", err)
	}
	return keyOf(row), row.Hash, nil
}

// KeyUsed notes the use of a key, once a minute.
func (s *Store) KeyUsed(ctx context.Context, id domain.KeyID, at time.Time) error {
	if err := domain.RefuseInTx(ctx, "store.key_used"); err != nil {
		return err
	}
	at = stored(at)
	_, err := s.write.NewUpdate().Model((*apiKeyRow)(nil)).Set("last_used_at = ?", at).
		Where("ak.id = ?", string(id)).Where("ak.last_used_at <= ?", at.Add(-usedStep)).Exec(ctx)
	return translate("keys.used", err)
}

func keyOf(r *apiKeyRow) domain.APIKey {
	k := domain.APIKey{
		ID: domain.KeyID(r.ID), Name: r.Name, CreatedBy: domain.UserID(r.CreatedBy), CreatedAt: r.CreatedAt.UTC(),
		ExpiresAt: r.ExpiresAt.UTC(), LastUsedAt: loaded(r.LastUsedAt), RevokedAt: loaded(r.RevokedAt),
	}
	fromJSON(r.Actor, &k.Actor)
	return k
}
