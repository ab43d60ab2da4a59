package bunstore

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
)

func (m *images) Save(ctx context.Context, img domain.Image) (domain.Image, error) {
	s := m.s()
	if err := s.writing("images.save"); err != nil {
		return domain.Image{}, err
	}
	before := img.Revision
	img.Revision, img.UpdatedAt = before+1, s.unit.Now
	row := rowOf(&img)
	res, err := m.db.NewUpdate().Model(row).ExcludeColumn("id", "created_at", "last_used_at").
		Where("i.id = ?", row.ID).Where("i.revision = ?", before).Where("?", s.reachableImages()).Exec(ctx)
	if isUnique(err) {
		return domain.Image{}, domain.Errorf(domain.CodeConflict, "image_exists", img.Canonical(), "there is already an image %s (%s)", img.Canonical(), img.Architecture)
	}
	if err != nil {
		return domain.Image{}, translate("images.save", err)
	}
	if n, _ := res.RowsAffected(); n == 0 {
		if _, err := m.Get(ctx, img.ID); err != nil { // not there, or out of reach
			return domain.Image{}, err
		}
		return domain.Image{}, domain.Errorf(domain.CodeConflict, "revision_changed", string(img.ID), "%s was changed by somebody else; read it again", img.Canonical())
	}
	if err := m.replaceDetails(ctx, []domain.Image{img}); err != nil {
		return domain.Image{}, err
	}
	s.touch(string(img.ID))
	return img, nil
}

func (m *images) Delete(ctx context.Context, ids []domain.ImageID) ([]domain.ImageID, error) {
	s := m.s()
	if err := s.writing("images.delete"); err != nil {
		return nil, err
	}
	var gone []domain.ImageID
	_, err := m.db.NewDelete().Model((*imageRow)(nil)).Where("i.id IN (?)", bun.List(texts(ids))).
		Where("?", s.reachableImages()).Returning("id").Exec(ctx, &gone)
	if err != nil {
		return nil, translate("images.delete", err)
	}
	slices.Sort(gone)
	for _, id := range gone {
		s.touch(string(id))
	}
	return gone, nil
}

func (m *images) MarkMissing(ctx context.Context, at []domain.Image) ([]domain.ImageID, error) {
	if err := m.s().writing("images.mark_missing"); err != nil {
		return nil, err
	}
	var gone []domain.ImageID
	for part := range slices.Chunk(at, syncBatch) {
		keys := make(pairs, len(part))
		for i, img := range part {
			keys[i] = [2]any{string(img.ID), img.Revision}
		}
		var ids []domain.ImageID
		_, err := m.db.NewUpdate().Model((*imageRow)(nil)).
			Set("status = ?", string(domain.ImageMissing)).Set("revision = revision + 1").Set("updated_at = ?", stored(m.unit.Now)).
			Where("i.status = ?", string(domain.ImageAlive)).Where("?", m.s().reachableImages()).Where("(i.id, i.revision) IN (VALUES ?)", keys).
			Returning("id").Exec(ctx, &ids)
		if err != nil {
			return nil, translate("images.mark_missing", err)
		}
		gone = append(gone, ids...)
	}
	for _, id := range gone {
		m.s().touch(string(id))
	}
	return gone, nil
}

// longestIndexed bounds what the label table holds: both engines index it, and
// Postgres refuses index rows over 2.7 kB. Longer names and values stay in the
// image, but cannot be searched in full.
const longestIndexed = 512

// replaceDetails writes the side tables that filters look into.
func (m *images) replaceDetails(ctx context.Context, list []domain.Image) error {
	if len(list) == 0 {
		return nil
	}
	ids := make([]string, len(list))
	var labels []labelRow
	var accelerators []acceleratorRow
	for i := range list {
		img := &list[i]
		ids[i] = string(img.ID)
		for k, v := range img.EffectiveLabels() {
			if k = clean(k); k != "" && len(k) <= longestIndexed {
				labels = append(labels, labelRow{ImageID: ids[i], Name: k, Value: clean(v)})
			}
		}
		for _, a := range img.Accelerators {
			accelerators = append(accelerators, acceleratorRow{ImageID: ids[i], Accelerator: clean(a)})
		}
	}
	if _, err := m.db.NewDelete().Model((*labelRow)(nil)).Where("image_id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
		return translate("images.labels", err)
	}
	if _, err := m.db.NewDelete().Model((*acceleratorRow)(nil)).Where("image_id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
		return translate("images.accelerators", err)
	}
	for part := range slices.Chunk(labels, 1000) {
		if _, err := m.db.NewInsert().Model(&part).Returning("NULL").Exec(ctx); err != nil {
			return translate("images.labels", err)
		}
	}
	for part := range slices.Chunk(accelerators, 1000) {
		if _, err := m.db.NewInsert().Model(&part).On("CONFLICT DO NOTHING").Returning("NULL").Exec(ctx); err != nil {
			return translate("images.accelerators", err)
		}
	}
	return nil
}
