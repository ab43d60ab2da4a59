package bunstore

import (
	"context"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

func (m *images) OfTags(ctx context.Context, id domain.RegistryID, repo string) ([]repository.KnownTag, error) {
	if err := m.s().reading(ctx, "images.of_tags"); err != nil {
		return nil, err
	}
	list := []repository.KnownTag{}
	err := m.db.NewSelect().TableExpr("wharf_images AS i").
		ColumnExpr("i.tag, i.architecture, i.tag_digest, i.manifest_digest, (?) AS visible, (?) AS in_reach", m.s().visibleImages(), m.s().reachableImages()).
		Where("i.registry_id = ?", string(id)).Where("i.repository = ?", repo).OrderExpr("i.tag, i.architecture").Scan(ctx, &list)
	return list, translate("images.of_tags", err)
}

func (m *images) HiddenRepositories(ctx context.Context, id domain.RegistryID) ([]string, error) {
	if err := m.s().reading(ctx, "images.hidden"); err != nil {
		return nil, err
	}
	list := []string{}
	err := m.db.NewSelect().TableExpr("wharf_images AS i").ColumnExpr("i.repository").Where("i.registry_id = ?", string(id)).
		GroupExpr("i.repository").Having("SUM(CASE WHEN ? THEN 1 ELSE 0 END) = 0", m.s().visibleImages()).OrderExpr("i.repository").Scan(ctx, &list)
	return list, translate("images.hidden", err)
}
