package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// change is one difference between two releases.
type change struct {
	id     string // what the changelog lists, such as graphql:Image.name
	what   string
	breaks bool
}

// changes collects differences. Additions break nobody who sticks to what is
// documented; breaks may.
type changes []change

func (c *changes) addition(id, what string) { *c = append(*c, change{id, what, false}) }
func (c *changes) broken(id, what string)   { *c = append(*c, change{id, what, true}) }

// report prints the changes, and fails for breaks whose identifiers are not
// announced.
func report(out io.Writer, version string, found changes, announced map[string]bool) error {
	slices.SortFunc(found, func(a, b change) int {
		return cmp.Or(strings.Compare(a.id, b.id), strings.Compare(a.what, b.what))
	})
	found = slices.Compact(found)
	var missing []string
	additions, broken := 0, map[string]bool{}
	for _, c := range found {
		switch {
		case !c.breaks:
			additions++
			fmt.Fprintf(out, "+ %s: %s\n", c.id, c.what)
			continue
		case announced[c.id]:
			fmt.Fprintf(out, "! %s: %s (announced)\n", c.id, c.what)
		default:
			fmt.Fprintf(out, "! %s: %s\n", c.id, c.what)
			missing = append(missing, c.id)
		}
		broken[c.id] = true
	}
	for id := range announced {
		if _, _, surface := strings.Cut(id, ":"); surface && !broken[id] {
			fmt.Fprintf(out, "? %s is announced as a break, and is none\n", id)
		}
	}
	fmt.Fprintf(out, "since %s: additions: %d, breaks: %d\n", version, additions, len(broken))
	if missing = slices.Compact(missing); len(missing) > 0 {
		return fmt.Errorf("breaks that CHANGELOG.md does not list under Unreleased, Breaking; undo them, or list them:\n- `%s`",
			strings.Join(missing, "`\n- `"))
	}
	return nil
}

// fact is what is promised of one identifier. What goes or comes with its parent
// is told of the parent alone.
type fact struct{ parent, says string }

// compareFacts compares by identifier. grew tells of a new fact why it breaks
// ("" when it does not), widened whether a changed one does not.
func compareFacts(last, present map[string]fact, grew func(id string, f fact) string, widened func(before, now string) bool) changes {
	var found changes
	for id, before := range last {
		now, ok := present[id]
		kept := hasKey(present, before.parent)
		switch {
		case !ok && !kept && hasKey(last, before.parent): // said of the parent
		case !ok:
			found.broken(id, "is gone: "+before.says)
		case now.says == before.says:
		case widened(before.says, now.says):
			found.addition(id, fmt.Sprintf("was %s, is %s", before.says, now.says))
		default:
			found.broken(id, fmt.Sprintf("was %s, is %s", before.says, now.says))
		}
	}
	for id, now := range present {
		if hasKey(last, id) || hasKey(present, now.parent) && !hasKey(last, now.parent) {
			continue
		}
		if why := grew(id, now); why != "" {
			found.broken(id, why)
			continue
		}
		found.addition(id, now.says)
	}
	return found
}

func hasKey[V any](m map[string]V, key string) bool {
	_, ok := m[key]
	return ok
}
