package repositorytest_test

import (
	"context"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// allBuilds is the defect of the documented system: a filter that is always
// true.
type allBuilds struct{ repository.BuildRepository }

func (b allBuilds) Images(ctx context.Context, _ domain.Filter, p domain.Page) ([]domain.BuiltImage, domain.PageInfo, error) {
	return b.BuildRepository.Images(ctx, domain.Filter{}, p)
}

type foreignBuilds struct {
	repository.BuildRepository
	all repository.BuildRepository
}

func (b foreignBuilds) Image(ctx context.Context, id int64) (domain.BuiltImage, error) {
	return b.all.Image(ctx, id)
}

type lastBuildWins struct{ repository.BuildRepository }

func (b lastBuildWins) SaveImage(ctx context.Context, i domain.BuiltImage) (domain.BuiltImage, error) {
	now, err := b.Image(ctx, i.ID)
	if err != nil {
		return now, err
	}
	i.Revision = now.Revision
	return b.BuildRepository.SaveImage(ctx, i)
}
