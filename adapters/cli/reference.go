package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wharf-project/wharf/domain"
)

// referenceCheckCommand tells of many references what can be told without a
// catalogue. It stands beside the action reference.parse.
func (p *program) referenceCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check REFERENCE...", Short: "Tell which references are well formed",
		Example:     "  wharf reference check python:3.11 cr.example.org/lab/python:latest\n  wharf reference check - < references.txt",
		Annotations: map[string]string{annotationArguments: "  REFERENCE  several, or - for one a line from standard input"},
		RunE:        p.runs(p.checkReferences),
	}
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
