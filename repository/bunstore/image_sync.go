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
	// deadlock.
	order := make([]int, len(seen))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(seen[a].Canonical(), seen[b].Canonical()), cmp.Compare(seen[a].Architecture, seen[b].Architecture))
	})
	out := make([]repository.SyncedImage, len(seen))
	for part := range slices.Chunk(order, syncBatch) {
		batch := make([]domain.Image, len(part))
		for i, at := range part {
			batch[i] = seen[at]
		}
		done, err := m.syncBatch(ctx, batch)
		if err != nil {
			return nil, err
		}
		for i, at := range part {
			out[at] = done[i]
		}
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

func (m *images) syncBatch(ctx context.Context, batch []domain.Image) ([]repository.SyncedImage, error) {
	have, err := m.locked(ctx, batch)
	if err != nil {
		return nil, err
	}
	var fresh []domain.Image
	for _, img := range batch {
		if _, ok := have[identityOf(img)]; !ok {
			fresh = append(fresh, m.created(img))
		}
	}
	added, err := m.insertNew(ctx, fresh)
	if err != nil {
		return nil, err
	}
	if len(added) < len(fresh) { // a rival was faster: its rows are the stored ones
		if have, err = m.locked(ctx, batch); err != nil {
			return nil, err
		}
		for _, img := range added {
			delete(have, identityOf(img))
		}
	}
	out := make([]repository.SyncedImage, len(batch))
	newOnes := map[identity]domain.Image{}
	for _, img := range added {
		newOnes[identityOf(img)] = img
	}
	var changed []domain.Image
	for i, img := range batch {
		if n, ok := newOnes[identityOf(img)]; ok {
			out[i] = repository.SyncedImage{Image: n, Did: domain.SyncAdded}
			continue
		}
		merged, did := have[identityOf(img)].MergeScan(img)
		if did == domain.SyncUpdated {
			merged.Revision++
			merged.UpdatedAt = m.unit.Now
			changed = append(changed, merged)
		}
		out[i] = repository.SyncedImage{Image: merged, Did: did}
	}
	if err := m.overwrite(ctx, changed); err != nil {
		return nil, err
	}
	return out, m.replaceDetailsOf(ctx, added, changed)
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

func (m *images) replaceDetailsOf(ctx context.Context, lists ...[]domain.Image) error {
	all := slices.Concat(lists...)
	if len(all) == 0 {
		return nil
	}
	return m.replaceDetails(ctx, all)
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
