package service

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/wharf-project/wharf/domain"
)

// fan runs do for 0..n-1, at most limit at once, and waits for all. One that
// fails stops no other; a panic is that item's internal error.
func fan(limit, n int, do func(i int) error) []error {
	errs := make([]error, n)
	var g errgroup.Group
	g.SetLimit(max(limit, 1))
	for i := range n {
		g.Go(func() error {
			errs[i] = safely(func() error { return do(i) })
			return nil
		})
	}
	_ = g.Wait() // the errors are in errs
	return errs
}

// safely turns a panic into an internal error, so that a defect of an adapter
// fails the item at hand and nothing else.
func safely(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &domain.Error{Code: domain.CodeInternal, Reason: "panic", Err: fmt.Errorf("panic: %v", p)}
		}
	}()
	return do()
}

// meter counts the items of a long action and reports them to the caller's
// sink, one at a time. The total grows while items are found; done never
// passes it and never goes down.
type meter struct {
	sink domain.Progress
	task *attempt // nil: inline

	mu          sync.Mutex
	done, total int64
}

func newMeter(ctx context.Context) *meter {
	return &meter{sink: domain.ProgressFrom(ctx), task: attemptFrom(ctx)}
}

// add announces n more items.
func (m *meter) add(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.total += int64(n)
	m.sink.Report(m.done, m.total, "")
}

// step counts one item as over.
func (m *meter) step(message string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done++
	m.sink.Report(m.done, m.total, message)
}
