package repositorytest_test

import (
	"context"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// ofSaves breaks the saving of containers.
func ofSaves(edit func(*brokenSaves)) func(repository.Store) repository.Store {
	return ofView(func(_ repository.Store, v *repository.View) {
		b := brokenSaves{SaveRepository: v.Saves}
		edit(&b)
		v.Saves = b
	})
}

type brokenSaves struct {
	repository.SaveRepository
	reserve func(*repository.Reservation)
	release func(id string) string
	record  func([]domain.Image) []domain.Image
}

func (b brokenSaves) Reserve(ctx context.Context, r repository.Reservation) error {
	if b.reserve != nil {
		b.reserve(&r)
	}
	return b.SaveRepository.Reserve(ctx, r)
}

func (b brokenSaves) Release(ctx context.Context, id string) error {
	if b.release != nil {
		id = b.release(id)
	}
	return b.SaveRepository.Release(ctx, id)
}

func (b brokenSaves) Fulfil(ctx context.Context, id string, seen []domain.Image) ([]domain.Image, error) {
	if b.record != nil {
		seen = b.record(seen)
	}
	return b.SaveRepository.Fulfil(ctx, id, seen)
}
