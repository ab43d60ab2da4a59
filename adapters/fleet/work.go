package fleet

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/wharf-project/wharf/domain"
)

// take reads a message and must not wait: others are behind it.
func (s *server) take(m *nats.Msg) {
	if m.Subject == noteRoot+s.token {
		var n note
		if len(m.Data) <= longestAsk && json.Unmarshal(m.Data, &n) == nil && n.Version == version {
			s.desk.note(n)
		}
		return
	}
	op := strings.TrimPrefix(m.Subject, askRoot+s.token+".")
	if !strings.HasPrefix(m.Reply, replyRoot+s.token+".") {
		s.Logger.Warn("fleet: an ask without a place for its answer", "op", op)
		return
	}
	q, err := decodeAsk(m.Data, op)
	j := &job{ask: q, op: op, reply: m.Reply, conn: s.conn}
	if err != nil {
		s.Logger.Warn("fleet: an ask that makes no sense", "op", op, "error", err)
		err = refusal(domain.CodeUnavailable, reasonAsk, s.ID, "the agent %s does not understand this manager; see that both run one version", s.ID)
	} else {
		err = s.desk.admit(j)
	}
	if err != nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		_ = j.send(frame{Kind: kindFailed, Failed: failureOf(err)}) // it was never started
	}
}

// work does one job and answers it.
func (s *server) work(j *job) {
	f, err := s.outcome(j)
	if err != nil {
		level := slog.LevelInfo
		if c := domain.CodeOf(err); c == domain.CodeInternal || c == domain.CodeUnavailable {
			level = slog.LevelWarn
		}
		s.Logger.Log(j.ctx, level, "fleet: "+j.op+" failed", "error", err) // the detail stays here
		f = frame{Kind: kindFailed, Failed: failureOf(err)}
	}
	j.finish(f)
}

func (s *server) outcome(j *job) (f frame, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = domain.Internal("fleet: "+j.op, fmt.Errorf("panic: %v", p))
		}
		// That the node stops is no decision of the one who asked.
		if c := domain.CodeOf(err); s.desk.ctx.Err() != nil && (c == domain.CodeCanceled || c == domain.CodeTimeout) {
			err = stopping(s.ID)
		}
	}()
	if j.ctx.Err() != nil {
		return f, contextError(j.ctx, s.ID, j.op)
	}
	switch j.op {
	case opPull:
		return s.pull(j)
	case opRemove:
		return s.remove(j)
	}
	return s.inventory(j)
}

func (s *server) pull(j *job) (frame, error) {
	var p domain.Progress
	if j.Progress {
		p = j.progress
	}
	out, err := s.Agent.Pull(j.ctx, j.Pull.request(), p)
	if err == nil && !out.Unchanged {
		s.look.again()
	}
	return frame{Kind: kindDone, Pulled: (*pullOutcome)(&out)}, err
}

func (s *server) remove(j *job) (frame, error) {
	out, err := s.Agent.Remove(j.ctx, domain.RemoveRequest(*j.Remove))
	if err == nil {
		s.look.again()
	}
	return frame{Kind: kindDone, Removed: (*removeOutcome)(&out)}, err
}

// inventory sends an inventory in parts that NATS can carry.
func (s *server) inventory(j *job) (frame, error) {
	inv, err := s.Agent.Inventory(j.ctx)
	if err != nil {
		return frame{}, err
	}
	if n := cut(inv.Images, longestAnswer); n < len(inv.Images) || n > mostImages {
		return frame{}, s.tooLarge()
	}
	most := min(partSize, int(s.conn.MaxPayload())/8)
	for images := inv.Images; len(images) > 0; {
		n := cut(images, most)
		err := j.part(frame{Kind: kindPart, Images: images[:n]})
		if errors.Is(err, nats.ErrMaxPayload) {
			return frame{}, s.tooLarge()
		}
		if err != nil {
			return frame{}, domain.Wrap("fleet: inventory", err)
		}
		images = images[n:]
	}
	return frame{Kind: kindDone}, nil
}

func (s *server) tooLarge() error {
	return refusal(domain.CodePrecondition, reasonTooLarge, s.ID, "the agent %s holds more images, or more containers of one, than one answer can carry", s.ID)
}

// cut returns how many of the images, at least one if there is one, take about
// most bytes. JSON can make six of one, which is why parts are well below what
// NATS carries.
func cut(images []domain.InventoryImage, most int) (n int) {
	for size := 0; n < len(images); n++ {
		i := images[n]
		cost := 160 + len(i.Canonical) + len(i.Architecture) + len(i.Digest)
		for _, c := range i.Containers {
			cost += len(c) + 3
		}
		if size += cost; n > 0 && size > most {
			break
		}
	}
	return n
}
