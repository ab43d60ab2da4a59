package rbac

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/wharf-project/wharf/domain"
)

// invalid is the one shape of a policy error: on names the line or the row.
func invalid(on, format string, args ...any) *domain.Error {
	return domain.Invalid("policy_invalid", on, "%s: %s", on, fmt.Sprintf(format, args...))
}

// readCSV reads the lines of a policy without judging what they mean.
func readCSV(text string) (draft, error) {
	var d draft
	r := csv.NewReader(strings.NewReader(text))
	r.Comment = '#'
	r.TrimLeadingSpace = true
	r.FieldsPerRecord = -1
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return d, nil
		}
		if perr, ok := errors.AsType[*csv.ParseError](err); ok {
			return draft{}, invalid(fmt.Sprintf("line %d", perr.Line), "%s", perr.Err)
		}
		if err != nil {
			return draft{}, domain.Internal("rbac.readCSV", err)
		}
		line, _ := r.FieldPos(0)
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		if err := d.add(fmt.Sprintf("line %d", line), fields); err != nil {
			return draft{}, err
		}
	}
}

func (d *draft) add(where string, f []string) error {
	switch {
	case f[0] == "p" && (len(f) == 4 || len(f) == 5):
		reach, err := domain.ParseReach(f[3])
		if err != nil {
			return invalid(where, "%s", domain.MessageOf(err))
		}
		r := rule{Rule: Rule{Role: domain.Role(f[1]), Permission: f[2], Reach: reach}, where: where}
		if len(f) == 5 {
			r.Domain = f[4]
		}
		d.rules = append(d.rules, r)
	case f[0] == "g" && len(f) == 3:
		d.links = append(d.links, link{Link: Link{Role: domain.Role(f[1]), Parent: domain.Role(f[2])}, where: where})
	default:
		return invalid(where, `a line is "p, role, permission, reach[, domain]" or "g, role, parent"`)
	}
	return nil
}
