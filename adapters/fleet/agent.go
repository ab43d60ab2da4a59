package fleet

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// Options tune the manager's end. The zero value is ready to use.
type Options struct {
	// Silence is how long a node may give no sign of life during a call before
	// the call ends as unavailable; 0 means 15 s. Nodes give four in that time,
	// but no more than twenty in a second.
	Silence time.Duration
}

// Opener opens agents of kind fleet, by their id alone; opening contacts nobody.
// All of them share one subscription of conn, which the first call makes and
// which lasts as long as conn; conn stays the caller's, and is better set to
// reconnect for ever. Errors of an open: invalid for another kind or an id that
// is none.
//
// Calls fail as port.Agent says, with what the node says, and as unavailable
// with reason agent_unavailable (no such node on the network: at once; none any
// more: after Options.Silence) or agent_reply_invalid (an answer that is torn or
// makes no sense). Too many calls for one node are rate_limited, reason
// agent_busy. A call that ended without an answer may have been worked all the
// same: its effect shows in the next inventory.
func Opener(conn *nats.Conn, o Options) port.OpenAgent {
	if o.Silence <= 0 {
		o.Silence = 15 * time.Second
	}
	b := newBoard(conn)
	return func(_ context.Context, row domain.Agent) (port.Agent, error) {
		if row.Kind != domain.AgentFleet {
			return nil, domain.Invalid("agent_invalid", "kind", "an agent of kind %s does not dial in", domain.Quote(string(row.Kind)))
		}
		if _, err := domain.ParseAgentID(string(row.ID)); err != nil {
			return nil, err
		}
		return &agent{board: b, id: row.ID, token: token(row.ID), silence: o.Silence}, nil
	}
}

// agent implements port.Agent.
type agent struct {
	board   *board
	id      domain.AgentID
	token   string
	silence time.Duration
}

// Inventory implements port.Agent. It comes in parts.
func (a *agent) Inventory(ctx context.Context) (domain.Inventory, error) {
	images := []domain.InventoryImage{}
	_, err := a.ask(ctx, opInventory, ask{}, func(f frame) error {
		if f.Kind != kindPart {
			return nil
		}
		for _, i := range f.Images {
			if i.SizeBytes < 0 {
				return errors.New("an image with a negative size")
			}
		}
		if len(images)+len(f.Images) > mostImages {
			return errors.New("too many images")
		}
		images = append(images, f.Images...)
		return nil
	})
	if err != nil {
		return domain.Inventory{}, err
	}
	return domain.Inventory{Images: images}, nil
}

// Pull implements port.Agent. Progress comes a few times a second at most.
func (a *agent) Pull(ctx context.Context, r domain.PullRequest, p domain.Progress) (domain.PullOutcome, error) {
	var last int64
	f, err := a.ask(ctx, opPull, ask{Pull: pullRequestOf(r), Progress: p != nil}, func(f frame) error {
		// A node that counts down, or beyond the total, is not worth an error.
		if s := f.Progress; f.Kind == kindProgress && s.Current >= last && (s.Total == 0 || s.Current <= s.Total) {
			last = s.Current
			p.Report(s.Current, s.Total, plain(s.Message, longestOn))
		}
		if f.Kind == kindDone && (f.Pulled == nil || f.Pulled.SizeBytes < 0) {
			return errors.New("no outcome of a pull")
		}
		return nil
	})
	if err != nil {
		return domain.PullOutcome{}, err
	}
	return domain.PullOutcome(*f.Pulled), nil
}

// Remove implements port.Agent.
func (a *agent) Remove(ctx context.Context, r domain.RemoveRequest) (domain.RemoveOutcome, error) {
	f, err := a.ask(ctx, opRemove, ask{Remove: (*removeRequest)(&r)}, func(f frame) error {
		if f.Kind == kindDone && (f.Removed == nil || f.Removed.FreedBytes < 0) {
			return errors.New("no outcome of a removal")
		}
		return nil
	})
	if err != nil {
		return domain.RemoveOutcome{}, err
	}
	return domain.RemoveOutcome(*f.Removed), nil
}
