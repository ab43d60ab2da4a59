package repository

import (
	"context"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// SaveRepository is what saving containers as customized images of the actor
// needs.
type SaveRepository interface {
	// Node returns any agent, whatever the scope: users see none, and yet have
	// containers on them. Whose the container is must be asked of the agent, and
	// nothing of the row may be told. not_found when there is none.
	Node(ctx context.Context, id domain.AgentID) (domain.Agent, error)
	// Reserve takes a place among the actor's customized images of a registry
	// row, and the tag, until the reservation is fulfilled or released, or ends.
	// Reservations of one row queue up. A quota that is used up is precondition
	// (quota_exceeded); a tag that another save has taken is conflict
	// (save_running). A reservation of the same holder is replaced.
	Reserve(ctx context.Context, r Reservation) error
	// Release gives a reservation back; one that is gone is nil.
	Release(ctx context.Context, id string) error
	// Fulfil turns a reservation into what the registry has behind the tag now,
	// and returns the rows as stored. A forgotten image is alive again. An image
	// that is not the actor's is forbidden (image_not_own); a reservation that
	// ended and that somebody else has taken is conflict (reservation_lost).
	Fulfil(ctx context.Context, id string, images []domain.Image) ([]domain.Image, error)
}

// Reservation is a tag that is about to be a customized image of the actor.
type Reservation struct {
	ID        string // of one try; random
	Holder    string // of all tries of one save: a later one takes over
	Registry  domain.RegistryID
	Canonical string
	// Quota is how many customized images the actor may have in the row: tags
	// that the catalogue knows, alive or forgotten, and reservations. 0 is no
	// limit. A tag that is one of them needs no place of its own.
	Quota      int
	Now, Until time.Time // it counts until then
}
