package cli

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/wharf-project/wharf/domain"
)

// progress makes long actions show how far they are, on standard error: a bar
// on a terminal, else a line a second. The function returned ends it, before
// the result is printed.
func (p *program) progress(ctx context.Context) (context.Context, func()) {
	if p.settings.Quiet || p.global.json {
		return ctx, func() {}
	}
	if p.Terminal.Err {
		b := &progressBar{w: p.Stderr}
		return domain.WithProgress(ctx, b.step), b.end
	}
	l := &progressLines{w: p.Stderr, now: p.Now, start: p.Now()}
	return domain.WithProgress(ctx, l.step), l.end
}

// progressBar appears with the first step, so that what is quick shows nothing.
type progressBar struct {
	w       io.Writer
	all     *mpb.Progress
	bar     *mpb.Bar
	message atomic.Pointer[string]
}

func (b *progressBar) step(s domain.ProgressStep) {
	message := clean(s.Message)
	b.message.Store(&message)
	if b.bar == nil {
		b.all = mpb.New(mpb.WithOutput(b.w), mpb.WithWidth(64), mpb.WithAutoRefresh(), mpb.WithRefreshRate(100*time.Millisecond))
		b.bar = b.all.AddBar(0, mpb.BarRemoveOnComplete(), mpb.BarWidth(24),
			mpb.PrependDecorators(decor.CountersNoUnit("%d/%d ")),
			mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return " " + *b.message.Load() })))
	}
	b.bar.SetTotal(s.Total, false)
	b.bar.SetCurrent(s.Current)
}

func (b *progressBar) end() {
	if b.bar != nil {
		b.bar.Abort(true)
		b.all.Wait()
	}
}

// progressLines is for logs: at most one line a second, and one for the end.
type progressLines struct {
	w     io.Writer
	now   func() time.Time
	start time.Time // of the second that is quiet
	last  domain.ProgressStep
	shown domain.ProgressStep
}

func (l *progressLines) step(s domain.ProgressStep) {
	l.last = s
	if now := l.now(); now.Sub(l.start) >= time.Second {
		l.start = now
		l.print()
	}
}

func (l *progressLines) end() {
	if l.last != l.shown {
		l.print()
	}
}

func (l *progressLines) print() {
	l.shown = l.last
	_, _ = fmt.Fprintf(l.w, "%d/%d %s\n", l.last.Current, l.last.Total, clean(l.last.Message))
}
