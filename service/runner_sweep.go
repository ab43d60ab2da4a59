package service

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
)

// Retention is the janitor's table: how long what is over is kept. Zero is the
// default in brackets, negative is for ever. Intents go when they expire.
type Retention struct {
	Tasks           time.Duration // after a task finished, with items and events (24 h)
	Audit           time.Duration // after an entry was made (90 days)
	IdempotencyKeys time.Duration // after a key was first used (24 h)
}

func (r Retention) withDefaults() Retention {
	r.Tasks = cmp.Or(r.Tasks, 24*time.Hour)
	r.Audit = cmp.Or(r.Audit, 90*24*time.Hour)
	r.IdempotencyKeys = cmp.Or(r.IdempotencyKeys, 24*time.Hour)
	return r
}

// prune is what is over at a time.
func (r Retention) prune(now time.Time) repository.Prune {
	before := func(keep time.Duration) time.Time {
		if keep < 0 {
			return time.Time{}
		}
		return now.Add(-keep)
	}
	return repository.Prune{Tasks: before(r.Tasks), Audit: before(r.Audit), IdempotencyKeys: before(r.IdempotencyKeys), Intents: now}
}

// cleaning is how often the janitor comes.
const cleaning = time.Minute

// sweep looks again and again for what to do: tasks that wait or have lost
// their worker, agents that are back, rows that are old. Everything that it
// needs is in the database, so that what was lost elsewhere costs time only.
func (r *Runner) sweep(ctx context.Context) {
	tick := time.NewTicker(min(max(r.work.Redelivery/4, time.Millisecond), time.Second))
	defer tick.Stop()
	var seen map[domain.TaskID]sign
	var cleaned time.Time
	for {
		r.serve(ctx)
		seen = r.offer(ctx, seen)
		if time.Since(cleaned) >= cleaning {
			cleaned = time.Now()
			if _, err := r.queue.Prune(ctx, r.work.Retention.prune(r.now())); err != nil && ctx.Err() == nil {
				r.log.WarnContext(ctx, "what is old cannot be removed", "err", err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// sign is the last sign of life of a task, and when it was first seen here.
type sign struct {
	beat  int64
	since time.Time
}

// offer offers tasks that wait, and those whose beat has stood still for too
// long by this process's clock.
func (r *Runner) offer(ctx context.Context, seen map[domain.TaskID]sign) map[domain.TaskID]sign {
	list, err := r.queue.UnfinishedTasks(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.log.WarnContext(ctx, "tasks cannot be listed", "err", err)
		}
		return nil // a database that is away says nothing of workers: the clocks start anew
	}
	next := make(map[domain.TaskID]sign, len(list))
	for _, t := range list {
		now := sign{t.Beat, time.Now()}
		if last, ok := seen[t.ID]; ok && last.beat == t.Beat {
			now = last
		}
		next[t.ID] = now
		if t.State == domain.TaskQueued || time.Since(now.since) >= r.work.Redelivery {
			_ = r.tasks.Offer(ctx, port.Ticket{Task: t.ID, Class: t.Class, Attempt: t.Attempt}) // again at the next sweep
		}
	}
	return next
}

// serving is how many intents become tasks in one sweep.
const serving = 1000

// serve makes tasks of what waited for agents that are back.
func (r *Runner) serve(ctx context.Context) {
	due, err := r.queue.DueIntents(ctx, r.now(), serving)
	if err != nil {
		if ctx.Err() == nil {
			r.log.WarnContext(ctx, "what waits for agents cannot be listed", "err", err)
		}
		return
	}
	for len(due) > 0 && ctx.Err() == nil {
		n := 1
		for n < len(due) && n < actions.MaxBulk && together(due[0], due[n]) {
			n++
		}
		r.spawn(ctx, due[:n])
		due = due[n:]
	}
}

// together reports whether one task can serve both.
func together(a, b domain.Intent) bool {
	return a.AgentID == b.AgentID && a.Kind == b.Kind && a.Force == b.Force && a.Actor.ID == b.Actor.ID && a.ExpiresAt.Equal(b.ExpiresAt) && a.Tries == b.Tries
}

func (r *Runner) spawn(ctx context.Context, list []domain.Intent) {
	first := list[0]
	images := make([]actions.ImageRef, len(list))
	for i, n := range list {
		images[i] = actions.ImageRef{Name: n.Canonical, Architecture: n.Architecture}
	}
	until := actions.Deferral{DeferUntil: first.ExpiresAt}
	var action actions.Action = actions.PreloadImagesAction{Images: images, TargetAgents: string(first.AgentID), Deferral: until}
	if unload := (actions.UnloadImagesAction{Images: images, TargetAgents: string(first.AgentID), Force: first.Force, Deferral: until}); first.Kind == unload.Spec().Name {
		action = unload
	}
	body, err := json.Marshal(action)
	if err != nil {
		r.log.ErrorContext(ctx, "an intent makes no task", "agent", first.AgentID, "err", err)
		return
	}
	task, err := r.queue.SpawnTask(ctx, repository.Spawn{
		Task:  repository.NewTask{Kind: action.Spec().Name, Action: body, Class: action.Spec().Class},
		Actor: first.Actor, Intents: list, NotBefore: r.now().Add(r.work.Return << min(first.Tries+1, 5)), Now: r.now(),
	})
	if err != nil {
		if domain.ReasonOf(err) != "intent_changed" && ctx.Err() == nil { // else another process was faster
			r.log.WarnContext(ctx, "what waited for an agent cannot be begun", "agent", first.AgentID, "err", err)
		}
		return
	}
	_ = r.tasks.Offer(ctx, port.Ticket{Task: task.ID, Class: task.Class, Attempt: task.Attempt}) // again at the next sweep
}
