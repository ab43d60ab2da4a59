package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wharf-project/wharf/domain"
)

// referenceCommand holds what can be told of a reference without a catalogue.
func (p *program) referenceCommand() *cobra.Command {
	group := p.groupOf("reference", "Read image references", groupTools, false)
	group.AddCommand(
		&cobra.Command{
			Use: "parse REFERENCE", Short: "Show the parts of a reference and its whole name",
			Example:     "  wharf reference parse python:3.11\n  wharf reference parse '[::1]:5000/lab/python@sha256:…' --json",
			Annotations: map[string]string{annotationArguments: "  REFERENCE  [host[:port]/]path[:tag][@digest]"},
			RunE:        p.runs(p.parseReference),
		},
		&cobra.Command{
			Use: "check REFERENCE...", Short: "Tell which references are well formed",
			Example:     "  wharf reference check python:3.11 cr.example.org/lab/python:latest\n  wharf reference check - < references.txt",
			Annotations: map[string]string{annotationArguments: "  REFERENCE  several, or - for one a line from standard input"},
			RunE:        p.runs(p.checkReferences),
		},
	)
	return group
}

// referenceParts is what reference parse shows.
type referenceParts struct {
	Registry  string `json:"registry"`
	Path      string `json:"path"`
	Tag       string `json:"tag,omitempty"`
	Digest    string `json:"digest,omitempty"`
	Canonical string `json:"canonical"`
	Short     string `json:"short"`
}

func (p *program) parseReference(_ context.Context, args []string) error {
	if len(args) != 1 {
		return usage("one REFERENCE is due, not %d", len(args))
	}
	r, err := p.settings.References().Parse(args[0])
	if err != nil {
		return err
	}
	return p.show(referenceParts{
		Registry: r.Registry, Path: r.Path, Tag: r.Tag, Digest: r.Digest.String(), Canonical: r.Canonical(), Short: r.Short(),
	})
}

// checkedReferences is what reference check shows.
type checkedReferences struct {
	References []checkedReference `json:"references"`
}

type checkedReference struct {
	Reference string          `json:"reference"`
	Canonical string          `json:"canonical,omitempty"`
	Problem   *domain.Problem `json:"problem,omitempty"`
}

func (p *program) checkReferences(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return usage("REFERENCE is missing")
	}
	if len(args) == 1 && args[0] == "-" {
		b, err := p.readFile(ctx, "-")
		if err != nil {
			return err
		}
		args = strings.Fields(string(b))
	}
	var res checkedReferences
	bad := 0
	for _, a := range args {
		c := checkedReference{Reference: a}
		if r, err := p.settings.References().Parse(a); err != nil {
			c.Problem = domain.ProblemOf(err)
			bad++
		} else {
			c.Canonical = r.Canonical()
		}
		res.References = append(res.References, c)
	}
	if p.global.json {
		if err := p.show(res); err != nil {
			return err
		}
	} else {
		p.out.references(res.References)
	}
	if bad > 0 {
		return domain.Invalid("reference_invalid", "", "%s", notWellFormed(bad, len(args)))
	}
	return nil
}

func notWellFormed(bad, all int) string {
	if all == 1 {
		return "the reference is not well formed"
	}
	return fmt.Sprintf("%d of %d references are not well formed", bad, all)
}

func (p *printer) references(list []checkedReference) {
	t := p.table(column{head: "REFERENCE", cut: true}, column{head: "CANONICAL"})
	rows := make([][]cell, 0, len(list))
	for _, c := range list {
		row := cells(c.Reference, c.Canonical)
		if c.Problem != nil {
			row[1] = cell{problem(c.Problem), bad}
		}
		rows = append(rows, row)
	}
	t.rows(rows)
}
