package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/wharf-project/wharf/domain"
)

// input is standard input. A read of it cannot be called off, so it happens
// beside the command, which ends with its context.
type input struct {
	r    io.Reader
	used bool
}

// all reads everything, once.
func (i *input) all(ctx context.Context) ([]byte, error) {
	if i.used {
		return nil, usage("standard input can be used once only")
	}
	i.used = true
	return beside(ctx, func() ([]byte, error) {
		b, err := io.ReadAll(i.r)
		if err != nil {
			err = domain.Invalid("input_unreadable", "-", "standard input cannot be read: %s", err)
		}
		return b, err
	})
}

// line reads one line; what is left over is lost.
func (i *input) line(ctx context.Context) (string, error) {
	return beside(ctx, func() (string, error) {
		s, err := bufio.NewReader(i.r).ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return strings.TrimSpace(s), err
	})
}

func beside[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type outcome struct {
		v   T
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		v, err := read()
		done <- outcome{v, err}
	}()
	select {
	case o := <-done:
		return o.v, o.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}

// readFile reads a file, or standard input for "-".
func (p *program) readFile(ctx context.Context, name string) ([]byte, error) {
	if name == "-" {
		if p.stdin.r == nil {
			return nil, nil
		}
		return p.stdin.all(ctx)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, domain.Invalid("file_unreadable", name, "%s cannot be read: %s", name, why(err))
	}
	return b, nil
}

// why is what went wrong with a file, without its name.
func why(err error) error {
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		return pe.Err
	}
	return err
}
