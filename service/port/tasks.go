package port

import (
	"context"

	"github.com/wharf-project/wharf/domain"
)

// Ticket offers one task to whoever works. It is a licence to take the task,
// not the task: the database decides who has it.
type Ticket struct {
	Task    domain.TaskID    `json:"task"`
	Class   domain.TaskClass `json:"class"`
	Attempt int              `json:"attempt"` // that the offer was made after
}

// Tasks delivers tickets, and nothing else: what is lost is offered again, what
// comes twice is taken once.
type Tasks interface {
	// Offer hands a ticket to some worker, here or in another process. It does
	// not wait for it. Offering what is offered or worked on already does
	// nothing.
	Offer(ctx context.Context, t Ticket) error
	// Work calls do for tickets until ctx is done, several at once; interactive
	// ones are never kept waiting by bulk ones alone. It returns when all calls
	// of do have returned.
	Work(ctx context.Context, do func(ctx context.Context, t Ticket)) error
}
