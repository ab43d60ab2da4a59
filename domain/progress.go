package domain

import "context"

// Progress is a sink for the progress of one item. A nil Progress is silent.
// Calls come from one goroutine, must not block, and never go down.
type Progress func(ProgressStep)

// ProgressStep is one step: Current of Total (0: unknown) in bytes or items,
// and a text for people.
type ProgressStep struct {
	Current int64  `json:"current"`
	Total   int64  `json:"total"`
	Message string `json:"message,omitempty"`
}

// Report calls p unless it is nil.
func (p Progress) Report(current, total int64, message string) {
	if p != nil {
		p(ProgressStep{Current: current, Total: total, Message: message})
	}
}

type progressKey struct{}

// WithProgress returns a context whose long actions report to p. Calls to p
// come one at a time.
func WithProgress(ctx context.Context, p Progress) context.Context {
	return context.WithValue(ctx, progressKey{}, p)
}

// ProgressFrom returns the sink of ctx, nil when there is none.
func ProgressFrom(ctx context.Context) Progress {
	p, _ := ctx.Value(progressKey{}).(Progress)
	return p
}
