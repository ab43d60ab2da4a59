package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wharf-project/wharf/domain"
)

// progressEvery is how often the progress of a job is sent at most.
const progressEvery = 200 * time.Millisecond

var errOver = errors.New("the job is over")

// job is one ask on its node: what it sends, and in which order.
type job struct {
	ask
	op    string
	reply string
	conn  *nats.Conn

	ctx    context.Context // ends with the call, or the node
	cancel context.CancelFunc

	mu      sync.Mutex
	over    bool
	seq     int           // frames with content that were sent
	read    int           // and were read
	room    chan struct{} // more were read
	alive   *time.Timer
	sent    time.Time            // when progress was last sent
	pending *domain.ProgressStep // newer than that
}

// start begins to give signs of life, whether the job runs or waits.
func (j *job) start(ctx context.Context) {
	if limit, ok := j.limit(); ok {
		j.ctx, j.cancel = context.WithTimeout(ctx, limit)
	} else {
		j.ctx, j.cancel = context.WithCancel(ctx)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.room = make(chan struct{}, 1)
	j.alive = time.AfterFunc(j.every(), j.live)
}

func (j *job) live() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.over {
		return
	}
	j.alive.Reset(j.every())
	if !j.conn.IsConnected() {
		return // it would be old when it arrives
	}
	if j.pending != nil {
		j.flush()
	} else {
		_ = j.send(frame{Kind: kindAlive})
	}
}

// progress sends a step, or keeps it until it is due; the newest wins.
func (j *job) progress(s domain.ProgressStep) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.over {
		return
	}
	s.Message = plain(s.Message, longestOn)
	j.pending = &s
	if time.Since(j.sent) >= progressEvery {
		j.flush()
	}
}

func (j *job) flush() {
	if j.pending == nil {
		return
	}
	if j.conn.IsConnected() {
		_ = j.send(frame{Kind: kindProgress, Progress: j.pending})
	}
	j.pending, j.sent = nil, time.Now()
}

// part sends content that is not the end, when its reader is near. An error
// means that it was not sent.
func (j *job) part(f frame) error {
	for {
		sent, err := j.tryPart(f)
		if sent || err != nil {
			return err
		}
		select {
		case <-j.room:
		case <-j.ctx.Done():
			return j.ctx.Err()
		}
	}
}

func (j *job) tryPart(f frame) (sent bool, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.over {
		return false, errOver
	}
	if j.seq-j.read >= window {
		return false, nil
	}
	return true, j.send(f)
}

// wasRead notes how far the reader is.
func (j *job) wasRead(seq int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.read = max(j.read, seq)
	select {
	case j.room <- struct{}{}:
	default:
	}
}

// finish sends the outcome, once. An outcome that cannot be sent becomes a
// failure that can.
func (j *job) finish(f frame) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.over {
		return
	}
	j.over = true
	j.alive.Stop()
	j.cancel()
	j.flush()
	if err := j.send(f); err != nil {
		_ = j.send(frame{Kind: kindFailed, Failed: failureOf(domain.Internal("fleet", err))})
	}
}

// send publishes a frame under the lock: frames leave in their order.
func (j *job) send(f frame) error {
	f.Version, f.Call, f.Seq = version, j.Call, j.seq
	if f.content() {
		f.Seq++
	}
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	if len(data) > longestFrame {
		return nats.ErrMaxPayload
	}
	if err := j.conn.Publish(j.reply, data); err != nil {
		return err
	}
	j.seq = f.Seq
	return nil
}
