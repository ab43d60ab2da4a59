package bunstore

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// syncBatch is the number of rows that one statement writes.
const syncBatch = 500

func (m *images) OfRepository(ctx context.Context, id domain.RegistryID, repo string) ([]domain.Image, error) {
	if err := m.s().reading(ctx, "images.of_repository"); err != nil {
		return nil, err
	}
	var rows []imageRow
	err := m.db.NewSelect().Model(&rows).Where("i.registry_id = ?", string(id)).Where("i.repository = ?", repo).
		OrderExpr("i.canonical, i.architecture").Scan(ctx)
	return imagesOf(rows), translate("images.of_repository", err)
}

func (m *images) Repositories(ctx context.Context, id domain.RegistryID) ([]string, error) {
	if err := m.s().reading(ctx, "images.repositories"); err != nil {
		return nil, err
	}
	var repos []string
	err := m.db.NewSelect().Model((*imageRow)(nil)).ColumnExpr("DISTINCT i.repository").
		Where("i.registry_id = ?", string(id)).Where("i.status = ?", string(domain.ImageAlive)).OrderExpr("i.repository").Scan(ctx, &repos)
	return repos, translate("images.repositories", err)
}

func (m *images) CountOf(ctx context.Context, id domain.RegistryID, statuses ...domain.ImageStatus) (int, error) {
	if err := m.s().reading(ctx, "images.count"); err != nil {
		return 0, err
	}
	q := m.db.NewSelect().Model((*imageRow)(nil)).Where("i.registry_id = ?", string(id))
	if len(statuses) > 0 {
		q = q.Where("i.status IN (?)", bun.List(texts(statuses)))
	}
	n, err := q.Count(ctx)
	return int(n), translate("images.count", err)
}

// identity of an image in the unique index.
type identity struct{ canonical, architecture string }

func identityOf(i domain.Image) identity { return identity{i.Canonical(), i.Architecture} }

func (m *images) Sync(ctx context.Context, seen []domain.Image) ([]repository.SyncedImage, error) {
	if err := m.s().writing("images.sync"); err != nil {
		return nil, err
	}
	// Everybody locks in the same order, so that two scans wait and do not
	// deadlock. What comes twice is one image; the last of it counts.
	latest := make(map[identity]domain.Image, len(seen))
	for _, img := range seen {
		img.Labels = cleanMap(img.Labels) // as stored, so that the same label compares equal the next time
		latest[identityOf(img)] = img
	}
	order := slices.SortedFunc(maps.Keys(latest), func(a, b identity) int {
		return cmp.Or(cmp.Compare(a.canonical, b.canonical), cmp.Compare(a.architecture, b.architecture))
	})
	done := make(map[identity]repository.SyncedImage, len(order))
	for part := range slices.Chunk(order, syncBatch) {
		batch := make([]domain.Image, len(part))
		for i, id := range part {
			batch[i] = latest[id]
		}
		if err := m.syncBatch(ctx, batch, done); err != nil {
			return nil, err
		}
	}
	out := make([]repository.SyncedImage, len(seen))
	for i, img := range seen {
		out[i] = done[identityOf(img)]
	}
	for _, id := range registriesOf(seen) { // one scan, one target: not its thousand rows
		m.s().touch(id)
	}
	return out, nil
}

func registriesOf(list []domain.Image) []string {
	ids := map[string]bool{}
	for _, i := range list {
		ids[string(i.RegistryID)] = true
	}
	return slices.Sorted(maps.Keys(ids))
}

func (m *images) syncBatch(ctx context.Context, batch []domain.Image, done map[identity]repository.SyncedImage) error {
	have, err := m.locked(ctx, batch)
	if err != nil {
		return err
	}
	var fresh []domain.Image
	for _, img := range batch {
		if _, ok := have[identityOf(img)]; !ok {
			fresh = append(fresh, m.created(img))
		}
	}
	added, err := m.insertNew(ctx, fresh)
	if err != nil {
		return err
	}
	if len(added) < len(fresh) { // a rival was faster: its rows are the stored ones
		if have, err = m.locked(ctx, batch); err != nil {
			return err
		}
	}
	for _, img := range added {
		done[identityOf(img)] = repository.SyncedImage{Image: img, Did: domain.SyncAdded}
	}
	var changed []domain.Image
	for _, img := range batch {
		if _, ok := done[identityOf(img)]; ok {
			continue
		}
		merged, did := have[identityOf(img)].MergeScan(img)
		if did == domain.SyncUpdated {
			merged.Revision++
			merged.UpdatedAt = m.unit.Now
			changed = append(changed, merged)
		}
		done[identityOf(img)] = repository.SyncedImage{Image: merged, Did: did}
	}
	if err := m.overwrite(ctx, changed); err != nil {
		return err
	}
	return m.replaceDetails(ctx, slices.Concat(added, changed))
}

func (m *images) created(img domain.Image) domain.Image {
	img.ID = domain.NewID[domain.ImageID]()
	img.Status, img.Revision = domain.ImageAlive, 1
	img.CreatedAt, img.UpdatedAt = m.unit.Now, m.unit.Now
	img.OperatorLabels, img.CustomLimits = nil, nil
	img.Derive()
	return img
}

// locked reads the stored rows of a batch and holds them until the commit.
func (m *images) locked(ctx context.Context, batch []domain.Image) (map[identity]domain.Image, error) {
	keys := make(pairs, len(batch))
	for i, img := range batch {
		keys[i] = [2]any{img.Canonical(), img.Architecture}
	}
	var rows []imageRow
	q := m.db.NewSelect().Model(&rows).Where("(i.canonical, i.architecture) IN (VALUES ?)", keys).OrderExpr("i.canonical, i.architecture")
	if m.store.pg {
		q = q.For("UPDATE")
	}
	if err := q.Scan(ctx); err != nil {
		return nil, translate("images.sync", err)
	}
	have := make(map[identity]domain.Image, len(rows))
	for i := range rows {
		img := imageOf(&rows[i])
		have[identityOf(img)] = img
	}
	return have, nil
}

// insertNew adds images and returns those that were not there yet.
func (m *images) insertNew(ctx context.Context, fresh []domain.Image) ([]domain.Image, error) {
	if len(fresh) == 0 {
		return nil, nil
	}
	rows := make([]*imageRow, len(fresh))
	for i := range fresh {
		rows[i] = rowOf(&fresh[i])
	}
	var ids []string // into a slice of their own: bun would assign them by position
	_, err := m.db.NewInsert().Model(&rows).On("CONFLICT (canonical, architecture) DO NOTHING").Returning("id").Exec(ctx, &ids)
	if err != nil {
		return nil, translate("images.sync", err)
	}
	if len(ids) == len(fresh) {
		return fresh, nil
	}
	return slices.DeleteFunc(fresh, func(i domain.Image) bool { return !slices.Contains(ids, string(i.ID)) }), nil
}

// overwrite replaces locked rows, many in one statement.
func (m *images) overwrite(ctx context.Context, list []domain.Image) error {
	if len(list) == 0 {
		return nil
	}
	rows := make([]*imageRow, len(list))
	for i := range list {
		rows[i] = rowOf(&list[i])
	}
	q := m.db.NewInsert().Model(&rows).On("CONFLICT (id) DO UPDATE").Returning("NULL")
	for _, c := range []string{
		"registry_id", "project", "name", "tag_digest", "manifest_digest", "config_digest", "size_bytes", "type", "status",
		"operation", "customized", "owner", "accelerators", "labels", "updated_at", "revision",
	} {
		q = q.Set("? = EXCLUDED.?", bun.Ident(c), bun.Ident(c))
	}
	_, err := q.Exec(ctx)
	return translate("images.sync", err)
}

func (m *images) Clear(ctx context.Context, id domain.RegistryID) ([]domain.ImageID, error) {
	if err := m.s().writing("images.clear"); err != nil {
		return nil, err
	}
	var ids []domain.ImageID
	_, err := m.db.NewUpdate().Model((*imageRow)(nil)).
		Set("status = ?", string(domain.ImageForgotten)).Set("revision = revision + 1").Set("updated_at = ?", stored(m.unit.Now)).
		Where("i.registry_id = ?", string(id)).Where("i.status <> ?", string(domain.ImageForgotten)).Returning("id").Exec(ctx, &ids)
	if err != nil {
		return nil, translate("images.clear", err)
	}
	m.s().touch(string(id))
	return ids, nil
}

// pairs writes "(a, b), (c, d)" for IN (VALUES …), the form of row lists that
// both engines take.
type pairs [][2]any

func (p pairs) AppendQuery(gen schema.QueryGen, b []byte) ([]byte, error) {
	for i, v := range p {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, '(')
		b = gen.Append(b, v[0])
		b = append(b, ", "...)
		b = append(gen.Append(b, v[1]), ')')
	}
	return b, nil
}
