package port

import (
	"context"

	"github.com/wharf-project/wharf/domain"
)

// Limiter holds back actors that call too often.
type Limiter interface {
	// Take counts one call of a cost class ("read", "write", "agent",
	// "registry"). It does not block: too many calls are rate_limited with
	// RetryAfter.
	Take(ctx context.Context, actor domain.UserID, class string) error
}
