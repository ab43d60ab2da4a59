package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wharf-project/wharf/domain"
)

const (
	// pullFor is how long the server holds a request for a ticket. It is short
	// because a request dies unnoticed with its server.
	pullFor = 2 * time.Second
	slack   = time.Second
)

var errSilent = errors.New("the task queue does not answer")

// next asks for one ticket; nil when none waits. The library's own fetching
// would leave a ticket that comes while it is being cancelled to time out.
func (t *Tasks) next(ctx context.Context, class domain.TaskClass) (*nats.Msg, error) {
	if !t.conn.IsConnected() {
		return nil, nats.ErrDisconnected
	}
	request, err := json.Marshal(map[string]any{"batch": 1, "expires": pullFor})
	if err != nil {
		return nil, err
	}
	inbox := t.conn.NewInbox()
	sub, err := t.conn.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	if err := t.conn.PublishRequest(fmt.Sprintf("$JS.API.CONSUMER.MSG.NEXT.%s.%s", streamName, class), inbox, request); err != nil {
		_ = sub.Unsubscribe()
		return nil, err
	}
	wait, cancel := context.WithTimeoutCause(ctx, pullFor+slack, errSilent)
	defer cancel()
	msg, err := sub.NextMsgWithContext(wait)
	if err != nil {
		t.giveBack(sub)
		if wait.Err() != nil {
			err = context.Cause(wait)
		}
		return nil, err
	}
	_ = sub.Unsubscribe()
	if ctx.Err() != nil && msg.Header.Get("Status") == "" {
		t.say(msg, again) // it crossed the end
		return nil, ctx.Err()
	}
	switch status := msg.Header.Get("Status"); status {
	case "":
		return msg, nil
	case "404", "408":
		return nil, nil
	default:
		return nil, fmt.Errorf("the task queue says %s %s", status, msg.Header.Get("Description"))
	}
}

// giveBack ends a request without an answer. A ticket that crossed the end goes
// to somebody else at once.
func (t *Tasks) giveBack(sub *nats.Subscription) {
	if !t.conn.IsConnected() || sub.Drain() != nil {
		_ = sub.Unsubscribe()
		return
	}
	for {
		msg, err := sub.NextMsg(slack)
		if err != nil {
			return
		}
		if msg.Header.Get("Status") == "" {
			t.say(msg, again)
		}
	}
}
