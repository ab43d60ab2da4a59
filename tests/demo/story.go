package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/domain"
)

// story is the state of the demo: who acts, on what, and where it is told.
type story struct {
	app                *app.App
	out                io.Writer
	host, dir          string // of the registry; of everything on disk
	root, alice, watch context.Context
	pushed             int // images, one per architecture
	steps              int
}

// registryName is what images are called by; the registry row says where it
// really is.
const registryName = "cr.demo.example"

func (s *story) chapter(title string) { fmt.Fprintf(s.out, "\n%s\n", title) }

// step tells one step and what came back, and fails unless want holds.
func (s *story) step(did, came string, err error, want bool) error {
	s.steps++
	if err != nil {
		return fmt.Errorf("%s: %w", did, err)
	}
	if !want {
		return fmt.Errorf("%s: came out wrong: %s", did, came)
	}
	fmt.Fprintf(s.out, "  ✓ %-52s %s\n", did, came)
	return nil
}

// refused tells a step that must fail with a code.
func (s *story) refused(did string, err error, code domain.Code) error {
	s.steps++
	if domain.CodeOf(err) != code {
		return fmt.Errorf("%s: want %s, got: %w", did, code, err)
	}
	fmt.Fprintf(s.out, "  ✗ %-52s %s: %s\n", did, code, domain.MessageOf(err))
	return nil
}

// all runs checks in order and returns the first error.
func all(checks ...func() error) error {
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func image(path string) string { return registryName + "/" + path }

func limitsText(limits []domain.ResourceLimit) string {
	var parts []string
	for _, l := range limits {
		text := l.Key + "≥" + l.Min
		if l.Max != "" {
			text += "≤" + l.Max
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}
