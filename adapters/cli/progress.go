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
	s := p.shown()
	if s == nil {
		return ctx, func() {}
	}
	return domain.WithProgress(ctx, s.step), s.end
}

// shown is how progress is shown.
type shown interface {
	step(domain.ProgressStep)
	items([]domain.TaskStep) // what is under way, all of it each time
	line(string)             // what a builder says; the step that follows has it too
	end()
}

// shown returns nil when nobody wants to see it.
func (p *program) shown() shown {
	switch {
	case p.settings.Quiet || p.global.json:
		return nil
	case p.Terminal.Err:
		return &progressBar{w: p.Stderr}
	}
	return &progressLines{w: p.Stderr, now: p.Now, start: p.Now()}
}

// progressBar appears with the first step, so that what is quick shows nothing.
// Below it is a bar for each item that is under way.
type progressBar struct {
	w       io.Writer
	all     *mpb.Progress
	bar     *mpb.Bar
	message atomic.Pointer[string]
	under   map[string]*itemBar
}

type itemBar struct {
	bar  *mpb.Bar
	text atomic.Pointer[string]
}

func (b *progressBar) step(s domain.ProgressStep) {
	message := clean(s.Message)
	b.message.Store(&message)
	if b.bar == nil {
		b.all = mpb.New(mpb.WithOutput(b.w), mpb.WithWidth(64), mpb.WithAutoRefresh(), mpb.WithRefreshRate(100*time.Millisecond))
		b.bar = b.add(decor.CountersNoUnit("%d/%d "), &b.message)
		b.under = map[string]*itemBar{}
	}
	b.bar.SetTotal(s.Total, false)
	b.bar.SetCurrent(s.Current)
}

func (b *progressBar) add(before decor.Decorator, after *atomic.Pointer[string]) *mpb.Bar {
	return b.all.AddBar(0, mpb.BarRemoveOnComplete(), mpb.BarWidth(24), mpb.PrependDecorators(before),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return " " + *after.Load() })))
}

func (b *progressBar) items(list []domain.TaskStep) {
	if b.bar == nil {
		return
	}
	open := make(map[string]bool, len(list))
	for _, s := range list {
		open[s.Key] = true
		one := b.under[s.Key]
		text := underWay(s)
		if one == nil {
			one = &itemBar{}
			one.text.Store(&text)
			one.bar = b.add(decor.Name("  "), &one.text)
			b.under[s.Key] = one
		}
		one.text.Store(&text)
		one.bar.SetTotal(s.Total, false)
		one.bar.SetCurrent(s.Current)
	}
	for key, one := range b.under {
		if !open[key] {
			one.bar.Abort(true)
			delete(b.under, key)
		}
	}
}

// underWay is the item, and how far it is in bytes.
func underWay(s domain.TaskStep) string {
	text := clean(s.Key)
	switch {
	case s.Total > 0:
		text += " " + size(s.Current) + "/" + size(s.Total)
	case s.Current > 0:
		text += " " + size(s.Current)
	}
	if s.Message != "" {
		text += " " + clean(s.Message)
	}
	return text
}

func (*progressBar) line(string) {} // beside the bar, the last one is enough

func (b *progressBar) end() {
	if b.bar != nil {
		b.items(nil)
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

func (*progressLines) items([]domain.TaskStep) {} // too many lines for a log

// line prints all of what is said: a log of a build without some of its lines is
// of no use.
func (l *progressLines) line(text string) {
	l.last = domain.ProgressStep{Message: text}
	l.print()
}

func (l *progressLines) end() {
	if l.last != l.shown {
		l.print()
	}
}

func (l *progressLines) print() {
	l.shown = l.last
	switch {
	case l.last.Total > 0:
		_, _ = fmt.Fprintf(l.w, "%d/%d %s\n", l.last.Current, l.last.Total, clean(l.last.Message))
	case l.last.Message != "":
		_, _ = fmt.Fprintln(l.w, clean(l.last.Message))
	}
}
