package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

const (
	offerTimeout = 2 * time.Second

	// storeFailed is the server's code for a message that the stream does not
	// take, whatever the reason.
	storeFailed = 10077
)

// Offer implements [port.Tasks]. It takes two seconds at most. Errors:
// unavailable, reason queue_unavailable; invalid for a ticket that is none.
func (t *Tasks) Offer(ctx context.Context, ticket port.Ticket) error {
	if err := ctx.Err(); err != nil {
		return offerError(ctx, err)
	}
	on, err := subject(ticket)
	if err != nil {
		return err
	}
	data, err := json.Marshal(ticket)
	if err != nil {
		return domain.Internal("jetstream", err)
	}
	if !t.conn.IsConnected() {
		return offerError(ctx, nats.ErrDisconnected)
	}
	bounded, cancel := context.WithTimeout(ctx, offerTimeout)
	defer cancel()
	publish := func() error {
		_, err := t.js.Publish(bounded, on, data, jetstream.WithExpectStream(streamName), jetstream.WithRetryAttempts(0))
		return err
	}
	err = publish()
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		if err = t.create(bounded); err == nil {
			err = publish()
		}
	}
	if err != nil && !isThere(err) {
		return offerError(ctx, err)
	}
	return nil
}

// isThere reports whether the stream refused a ticket because it has it.
func isThere(err error) bool {
	var refused *jetstream.APIError
	return errors.As(err, &refused) && refused.ErrorCode == storeFailed && strings.Contains(refused.Description, "per subject")
}

// offerError is the border between NATS's errors and the port's.
func offerError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &domain.Error{Code: domain.CodeOf(ctx.Err()), Op: "jetstream: offer", Err: err}
	}
	return &domain.Error{Code: domain.CodeUnavailable, Reason: "queue_unavailable", Message: "the task queue cannot be reached", Op: "jetstream: offer", Err: err}
}
