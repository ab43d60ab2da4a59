package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

type reservationRow struct {
	bun.BaseModel `bun:"table:wharf_reservations,alias:v"`

	ID         string    `bun:"id,pk"`
	Holder     string    `bun:"holder"`
	RegistryID string    `bun:"registry_id"`
	Canonical  string    `bun:"canonical"`
	Owner      string    `bun:"owner"`
	ExpiresAt  time.Time `bun:"expires_at"`
}

type saves session

func (v *saves) s() *session { return (*session)(v) }

func (v *saves) Node(ctx context.Context, id domain.AgentID) (domain.Agent, error) {
	if err := v.s().reading(ctx, "saves.node"); err != nil {
		return domain.Agent{}, err
	}
	row := new(agentRow)
	err := v.db.NewSelect().Model(row).Where("a.id = ?", string(id)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return domain.Agent{}, domain.NotFound("agent", string(id))
	}
	if err != nil {
		return domain.Agent{}, translate("saves.node", err)
	}
	return agentOf(row), nil
}

func (v *saves) Reserve(ctx context.Context, r repository.Reservation) error {
	if err := v.s().writing("saves.reserve"); err != nil {
		return err
	}
	if err := v.queueUp(ctx, r.Registry); err != nil {
		return err
	}
	_, err := v.db.NewDelete().Model((*reservationRow)(nil)).Where("v.registry_id = ?", string(r.Registry)).
		Where("v.expires_at <= ? OR v.holder = ?", stored(r.Now), r.Holder).Exec(ctx)
	if err != nil {
		return translate("saves.reserve", err)
	}
	if r.Quota > 0 {
		taken, err := v.taken(ctx, r.Registry)
		if err != nil {
			return err
		}
		if len(taken) >= r.Quota && !slices.Contains(taken, r.Canonical) {
			return domain.Errorf(domain.CodePrecondition, "quota_exceeded", r.Canonical,
				"there are %d customized images of yours in this registry already, of %d; remove one, or replace it", len(taken), r.Quota)
		}
	}
	row := &reservationRow{
		ID: r.ID, Holder: r.Holder, RegistryID: string(r.Registry), Canonical: r.Canonical, Owner: string(v.s().actor().ID), ExpiresAt: stored(r.Until),
	}
	_, err = v.db.NewInsert().Model(row).Returning("NULL").Exec(ctx)
	if isUnique(err) {
		return domain.Errorf(domain.CodeConflict, "save_running", r.Canonical, "something is being saved as %s just now", r.Canonical)
	}
	v.s().touch(string(r.Registry))
	return translate("saves.reserve", err)
}

// queueUp holds the registry row until the commit, so that places are counted
// and taken by one at a time. SQLite has one writer.
func (v *saves) queueUp(ctx context.Context, id domain.RegistryID) error {
	var found string
	q := v.db.NewSelect().TableExpr("wharf_registries AS r").ColumnExpr("r.id").Where("r.id = ?", string(id))
	if v.store.pg {
		q = q.For("NO KEY UPDATE")
	}
	err := q.Scan(ctx, &found)
	if errors.Is(err, sql.ErrNoRows) {
		return domain.NotFound("registry", string(id))
	}
	return translate("saves.reserve", err)
}

// taken are the tags that hold a place.
func (v *saves) taken(ctx context.Context, id domain.RegistryID) ([]string, error) {
	owner := string(v.s().actor().ID)
	var tags []string
	err := v.db.NewSelect().TableExpr("(?) AS t", v.db.NewSelect().TableExpr("wharf_images AS i").ColumnExpr("i.canonical").
		Where("i.registry_id = ?", string(id)).Where("i.customized").Where("i.owner = ?", owner).Where("i.status <> ?", string(domain.ImageMissing)).
		Union(v.db.NewSelect().Model((*reservationRow)(nil)).ColumnExpr("v.canonical").Where("v.registry_id = ?", string(id)).Where("v.owner = ?", owner))).
		ColumnExpr("t.canonical").Scan(ctx, &tags)
	return tags, translate("saves.reserve", err)
}

func (v *saves) Release(ctx context.Context, id string) error {
	if err := v.s().writing("saves.release"); err != nil {
		return err
	}
	_, err := v.end(ctx, id)
	return err
}

func (v *saves) end(ctx context.Context, id string) (there bool, err error) {
	res, err := v.db.NewDelete().Model((*reservationRow)(nil)).Where("v.id = ?", id).Where("v.owner = ?", string(v.s().actor().ID)).Exec(ctx)
	if err != nil {
		return false, translate("saves.end", err)
	}
	n, _ := res.RowsAffected()
	return n == 1, nil
}

func (v *saves) Fulfil(ctx context.Context, id string, seen []domain.Image) ([]domain.Image, error) {
	if err := v.s().writing("saves.fulfil"); err != nil {
		return nil, err
	}
	for _, img := range seen {
		img.Derive()
		if owner := v.s().actor().ID; !img.Customized || img.Owner == "" || img.Owner != owner {
			return nil, domain.Errorf(domain.CodeForbidden, "image_not_own", img.Canonical(), "what is behind %s is not yours", img.Canonical())
		}
	}
	there, err := v.end(ctx, id)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, domain.Errorf(domain.CodeConflict, "reservation_lost", id, "another save took the tag meanwhile")
	}
	rows := (*images)(v.s())
	synced, err := rows.Sync(ctx, seen)
	if err != nil {
		return nil, err
	}
	list := make([]domain.Image, len(synced))
	for i, one := range synced {
		if list[i] = one.Image; list[i].Status != domain.ImageForgotten {
			continue
		}
		if _, err := list[i].Restore(); err != nil {
			return nil, err
		}
		if list[i], err = rows.Save(ctx, list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}
