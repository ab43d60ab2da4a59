package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

func intentColumns() []column {
	return []column{{head: "AGENT"}, {head: "IMAGE", cut: true}, {head: "ARCH"}, {head: "WAITS TO"}, {head: "TRIES", right: true}, {head: "NEXT TRY"}, {head: "EXPIRES"}, {head: "FOR"}}
}

func intentRow(now time.Time, i domain.Intent) []cell {
	next := "due"
	if i.NotBefore.After(now) {
		next = ahead(now, i.NotBefore)
	}
	row := cells(string(i.AgentID), i.Canonical, i.Architecture, intentVerb(i.Kind), strconv.Itoa(i.Tries), next, ahead(now, i.ExpiresAt), string(i.Actor.ID))
	if !i.ExpiresAt.After(now) {
		row[6].style = warn
	}
	return row
}

// intentVerb is what the action of a kind does, in a word: preload, unload.
func intentVerb(kind string) string {
	return strings.TrimSuffix(strings.TrimPrefix(kind, "agent."), "_images")
}

func (p *printer) dropped(r actions.DropIntentsResult) {
	rows := make([][]cell, 0, len(r.Intents))
	for _, i := range r.Intents {
		rows = append(rows, intentRow(p.now, i))
	}
	p.table(intentColumns()...).rows(rows)
	if len(rows) == 0 {
		p.text("nothing waits for the node\n")
		return
	}
	p.say("%s %s", tense(r.DryRun, "would give up", "gave up"), counted(len(rows), "image"))
}
