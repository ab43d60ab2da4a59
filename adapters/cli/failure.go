package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// finish reports how the run ended and returns the exit code.
func (p *program) finish(err error) int {
	if _, ours := errors.AsType[*domain.Error](err); err != nil && !p.started && !ours { // cobra's own
		err = usage("%s", err)
	}
	if ferr := p.out.flush(); ferr != nil && err == nil {
		err = &domain.Error{Code: domain.CodeInternal, Reason: "output_failed", Message: "the output could not be written", Err: ferr}
	}
	if err == nil {
		return exitOK
	}
	if p.global.json {
		p.failJSON(err)
	} else {
		p.failText(err)
	}
	return statusOf(err)
}

// failure is the error as JSON has it.
type failure struct {
	Error domain.Problem `json:"error"`
}

func (p *program) failJSON(err error) {
	if told(err) {
		return
	}
	b, merr := marshal(failure{*domain.ProblemOf(err)}, p.Terminal.Err)
	if merr == nil {
		_, _ = p.Stderr.Write(b)
	}
}

func (p *program) failText(err error) {
	if told(err) {
		p.complain("wharf: %s\n", err)
		return
	}
	text := fmt.Sprintf("%s: %s", domain.CodeOf(err), clean(messageOf(err)))
	if wait := domain.RetryAfterOf(err); wait > 0 {
		text += fmt.Sprintf("; try again in %s", wait.Round(time.Second))
	}
	p.complain("wharf: %s\n", text)
	// What opens the service is the operator's own: there is no log yet to look
	// the cause up in.
	if opening, ok := errors.AsType[*openError](err); ok {
		if e, ok := errors.AsType[*domain.Error](opening.err); ok && e.Err != nil {
			p.complain("  cause: %s\n", clean(strings.Join(strings.Fields(e.Err.Error()), " ")))
		}
	}
	if domain.ReasonOf(err) == "usage" && p.current != nil {
		p.complain("  see %s --help\n", p.current.CommandPath())
	}
}

// messageOf is MessageOf with words for what comes from the context alone.
func messageOf(err error) string {
	if _, coded := errors.AsType[*domain.Error](err); !coded {
		switch {
		case errors.Is(err, context.Canceled):
			return "interrupted"
		case errors.Is(err, context.DeadlineExceeded):
			return "the time was up"
		}
	}
	return domain.MessageOf(err)
}

// complain writes to standard error; there is nobody to tell when that fails.
func (p *program) complain(format string, args ...any) {
	_, _ = fmt.Fprintf(p.Stderr, format, args...)
}

// hint is complain for what may be left out.
func (p *program) hint(format string, args ...any) {
	if !p.settings.Quiet && !p.global.json {
		p.complain(format, args...)
	}
}

// usage is a mistake in the command line.
func usage(format string, args ...any) error { return domain.Invalid("usage", "", format, args...) }
