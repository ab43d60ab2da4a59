package service

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/wharf-project/wharf/domain"
)

const (
	// sinkRoom is how many events wait for a caller's sink; steps beyond it are
	// dropped, since a later one tells more.
	sinkRoom = 256
	// sinkKept is the part of it that steps leave to what is told once.
	sinkKept = 16
	// sinkPatience is how long the end of a transfer waits for what is told to be
	// taken.
	sinkPatience = time.Second
)

// tellers are those who hear of a transfer: the caller's sink, which may be
// slow, and the task. The returned sink may be called from many goroutines;
// done ends it, and returns although the caller's sink may be stuck.
func tellers(ctx context.Context, task *attempt) (sink domain.TransferSink, done func()) {
	tell, end := unblocked(domain.TransferSinkFrom(ctx))
	var mu sync.Mutex
	layers := map[string]layer{}
	sink = func(e domain.TransferEvent) {
		mu.Lock()
		defer mu.Unlock()
		if e.Kind == domain.TransferStep && e.LayerID != "" && task != nil {
			l, known := layers[e.LayerID]
			if !known {
				l.moved, l.over = task.begin(e.LayerID)
				layers[e.LayerID] = l
			}
			l.moved.Report(e.Current, e.Total, e.Status)
		}
		tell.Tell(e)
	}
	return sink, func() {
		mu.Lock()
		defer mu.Unlock()
		for _, l := range layers {
			l.over()
		}
		end()
	}
}

type layer struct {
	moved domain.Progress
	over  func()
}

// unblocked makes a sink that never blocks of one that may.
func unblocked(slow domain.TransferSink) (sink domain.TransferSink, end func()) {
	if slow == nil {
		return nil, func() {}
	}
	events, taken := make(chan domain.TransferEvent, sinkRoom), make(chan struct{})
	go func() {
		defer close(taken)
		for e := range events {
			slow(e)
		}
	}()
	var mu sync.Mutex
	var over bool
	sink = func(e domain.TransferEvent) {
		mu.Lock()
		defer mu.Unlock()
		if over {
			return // a store that has returned has nothing more to say
		}
		passing := e.Kind == domain.TransferStep || e.Kind == domain.TransferBuild
		if passing && len(events) >= sinkRoom-sinkKept {
			return
		}
		select {
		case events <- e:
		default: // more events that are told once than any transfer has
		}
	}
	return sink, func() {
		mu.Lock()
		over = true
		close(events)
		mu.Unlock()
		timer := time.NewTimer(sinkPatience)
		defer timer.Stop()
		select {
		case <-taken:
		case <-timer.C:
		}
	}
}

// watchedTransfer is watched for transfers: any step that moves counts.
func watchedTransfer(ctx context.Context, stall time.Duration, sink domain.TransferSink, do func(context.Context, domain.TransferSink) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(stall, func() { cancel(errStalled) })
	defer timer.Stop()
	var mu sync.Mutex
	last := map[string]domain.TransferEvent{}
	err := do(ctx, func(e domain.TransferEvent) {
		mu.Lock()
		if before, known := last[e.LayerID]; !known || before.Status != e.Status || before.Current != e.Current {
			last[e.LayerID] = e
			timer.Reset(stall)
		}
		mu.Unlock()
		sink(e)
	})
	if err != nil && errors.Is(context.Cause(ctx), errStalled) {
		return &domain.Error{Code: domain.CodeTimeout, Reason: "pull_stalled", Message: "no bytes moved for " + stall.String(), Err: err}
	}
	return err
}
