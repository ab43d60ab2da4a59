package port

import (
	"context"

	"github.com/wharf-project/wharf/domain"
)

// Resolutions remembers for a moment which images a name means, for reads. It
// must not outlive a change for longer than two seconds in any process; what
// this process changes itself it is told at once (Drop).
type Resolutions interface {
	// Load returns what is remembered under key, or what load returns, which it
	// then remembers. Those who ask for one key at once share one load; an error
	// is theirs, and is not remembered. The result is shared: nobody may change it.
	Load(ctx context.Context, key string, load func(context.Context) ([]domain.Candidate, error)) ([]domain.Candidate, error)
	// Drop forgets everything, and what is being loaded.
	Drop()
}
