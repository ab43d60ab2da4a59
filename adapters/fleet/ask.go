package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// ask makes a call and returns its outcome. Each sees the frames but the last,
// and the outcome; its error ends the call. It runs in the caller's goroutine.
func (a *agent) ask(ctx context.Context, op string, q ask, each func(frame) error) (frame, error) {
	if ctx.Err() != nil {
		return frame{}, contextError(ctx, a.id, op)
	}
	c, err := a.board.begin(a.token)
	if err != nil {
		return frame{}, connectionError(a.id, op, err)
	}
	defer a.board.end(c)
	q.Version, q.Call, q.AliveMS = version, c.id, (a.silence / 4).Milliseconds()
	if deadline, ok := ctx.Deadline(); ok {
		q.LimitMS = max(time.Until(deadline).Milliseconds(), 1)
	}
	data, err := json.Marshal(q)
	if err != nil {
		return frame{}, domain.Internal("fleet: "+op, err)
	}
	if len(data) > longestAsk {
		return frame{}, domain.Invalid("request_too_large", string(a.id), "the request is larger than an agent takes: %d bytes", len(data))
	}
	if err := a.board.conn.PublishRequest(askRoot+a.token+"."+op, c.reply, data); err != nil {
		return frame{}, connectionError(a.id, op, err)
	}
	f, err := a.await(ctx, op, c, each)
	if err != nil {
		a.note(c, note{Withdrawn: true})
		return frame{}, err
	}
	if f.Kind == kindFailed {
		return frame{}, f.Failed.error(a.id, op)
	}
	return f, nil
}

// note tells the node something of a call. When it gets lost, the node works for
// nothing, or waits for the next one.
func (a *agent) note(c *call, n note) {
	n.Version, n.Reply = version, c.reply
	if data, err := json.Marshal(n); err == nil {
		_ = a.board.conn.Publish(noteRoot+a.token, data)
	}
}

// await reads frames until the last one. An error says that there is none.
func (a *agent) await(ctx context.Context, op string, c *call, each func(frame) error) (frame, error) {
	silence := time.NewTimer(a.silence)
	defer silence.Stop()
	var r reader
	for {
		late := false
		select {
		case <-ctx.Done():
			return frame{}, contextError(ctx, a.id, op)
		case <-silence.C:
			late = true
		case <-c.wake:
		}
		frames, absent, flooded := c.take()
		switch {
		case absent:
			return frame{}, unavailable(a.id, op, "the agent %s does not answer", a.id)
		case late && len(frames) == 0: // else it was this process that slept
			return frame{}, unavailable(a.id, op, "the agent %s has fallen silent", a.id)
		}
		for _, data := range frames {
			f, err := r.read(data, c.id)
			if err == nil && f.Kind != kindFailed {
				err = each(f)
			}
			if err != nil {
				return frame{}, invalidReply(a.id, op, err)
			}
			if f.Kind == kindDone || f.Kind == kindFailed {
				return f, nil
			}
		}
		if flooded {
			return frame{}, invalidReply(a.id, op, errors.New("more frames than can be read"))
		}
		if r.seq > 0 { // also for a sign of life: the last note may be lost
			a.note(c, note{Read: r.seq})
		}
		silence.Reset(a.silence)
	}
}

// reader checks that the frames of a call are all there.
type reader struct{ seq, bytes int }

func (r *reader) read(data []byte, call string) (frame, error) {
	f, err := decodeFrame(data, call)
	if err != nil {
		return f, err
	}
	if f.content() {
		r.seq++
		r.bytes += len(data)
	}
	if f.Seq != r.seq {
		return f, fmt.Errorf("frame %d where %d was due", f.Seq, r.seq)
	}
	if r.bytes > longestAnswer {
		return f, errors.New("an answer that is too long")
	}
	return f, nil
}
