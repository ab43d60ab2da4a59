package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// started says that there is a task to look after.
func (p *printer) started(id string) {
	p.say("started as task %s", id)
	p.say("  watch it: wharf task watch %s", id)
}

func (p *printer) cancelled(t domain.Task) {
	switch {
	case !t.State.Finished():
		p.say("asked task %s to stop", string(t.ID))
	case t.State == domain.TaskCancelled:
		p.say("task %s is cancelled", string(t.ID))
	default:
		p.say("task %s was over before: %s", string(t.ID), string(t.State))
	}
}

// task prints one task in full.
func (p *printer) task(t domain.Task) {
	rows := []pair{
		{"task", string(t.ID)}, {"action", t.Kind}, {"state", stateText(t)},
		{"items", itemsText(t)}, {"for", actorText(t.Actor)},
	}
	if t.Problem != nil {
		rows = append(rows, pair{"problem", problem(t.Problem)})
	}
	if t.RetryOf != "" {
		rows = append(rows, pair{"retry of", string(t.RetryOf)})
	}
	if t.Attempt > 1 {
		rows = append(rows, pair{"attempts", strconv.Itoa(t.Attempt)})
	}
	rows = append(rows, pair{"created", p.when(t.CreatedAt)}, pair{"started", p.when(t.StartedAt)}, pair{"finished", p.when(t.FinishedAt)})
	p.pairs(rows, 0)
}

// ended prints the end of a task that was watched: its account, and what failed
// by name.
func (p *printer) ended(r actions.GetTaskResult) {
	t := r.Task
	p.text("task " + clean(string(t.ID)) + " is " + p.paint(taskStyle(t.State), string(t.State)) + ": " + clean(t.Kind+", "+itemsText(t)) + "\n")
	if t.Problem != nil {
		p.text("  " + p.paint(bad, clean(problem(t.Problem))) + "\n")
	}
	for _, i := range r.Items {
		p.text("  " + p.paint(bad, clean(i.Key+": "+itemText(i))) + "\n")
	}
	if more := t.Account.Failed - len(r.Items); more > 0 {
		p.say("  and %d more: wharf task get %s --where state=failed", more, string(t.ID))
	}
	if t.Account.Deferred > 0 {
		p.text("  what is deferred waits for its nodes: wharf agent intents\n")
	}
}

func taskRow(now time.Time, t domain.Task) []cell {
	row := cells(string(t.ID), t.Kind, stateText(t), fmt.Sprintf("%d/%d", t.Current(), t.Total()), strconv.Itoa(t.Account.Failed), string(t.Actor.ID), ago(now, t.CreatedAt), ago(now, t.FinishedAt))
	if row[2].style = taskStyle(t.State); t.Account.Failed > 0 {
		row[4].style = bad
	}
	return row
}

func itemRow(i domain.TaskItem) []cell {
	row := cells(i.Key, string(i.State), "", itemText(i))
	if i.Bytes > 0 {
		row[2].text = size(i.Bytes)
	}
	row[1].style = map[domain.ItemState]string{
		domain.ItemDone: good, domain.ItemFailed: bad, domain.ItemCancelled: warn, domain.ItemDeferred: warn,
	}[i.State]
	return row
}

// events prints one batch.
func (p *printer) events(r actions.WatchTaskResult) {
	t := p.table(column{head: "EVENT", right: true}, column{head: "AT"}, column{head: "TYPE"}, column{head: "ITEMS", right: true}, column{head: "MESSAGE", cut: true})
	rows := make([][]cell, 0, len(r.Events))
	for _, e := range r.Events {
		rows = append(rows, cells(strconv.FormatInt(e.Seq, 10), e.At.In(p.now.Location()).Format("2006-01-02 15:04:05"), string(e.Type), fmt.Sprintf("%d/%d", e.Current, e.Total), e.Message))
	}
	t.rows(rows)
	switch {
	case r.Done:
		p.text("the task is over\n")
	case t.printed == 0:
		p.text("nothing happened so far\n")
	}
}

// stateText is the state, with what was asked of the task.
func stateText(t domain.Task) string {
	if t.Cancel && !t.State.Finished() {
		return string(t.State) + ", to stop"
	}
	return string(t.State)
}

func itemsText(t domain.Task) string {
	s := counted(t.Total(), "item")
	switch {
	case t.State.Finished():
	case t.Total() == 0:
		return "not known yet"
	default:
		s = fmt.Sprintf("%d of %s", t.Current(), s)
	}
	return s + ": " + accountText(t.Account)
}

// accountText counts the ends that there are.
func accountText(a domain.TaskAccount) string {
	parts := []string{fmt.Sprintf("%d done", a.Done)}
	for _, e := range []struct {
		n    int
		name domain.ItemState
	}{
		{a.Unchanged, domain.ItemUnchanged}, {a.Skipped, domain.ItemSkipped}, {a.Failed, domain.ItemFailed},
		{a.Deferred, domain.ItemDeferred}, {a.Cancelled, domain.ItemCancelled},
	} {
		if e.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", e.n, e.name))
		}
	}
	return strings.Join(parts, ", ")
}

func itemText(i domain.TaskItem) string {
	if i.Problem != nil {
		return problem(i.Problem)
	}
	return i.Message
}

func actorText(a domain.Actor) string {
	who := string(a.ID) + " (" + string(a.Role)
	if a.Domain != "" {
		who += " of " + a.Domain
	}
	return who + ")"
}

func taskStyle(s domain.TaskState) string {
	return map[domain.TaskState]string{
		domain.TaskDone: good, domain.TaskPartial: warn, domain.TaskFailed: bad, domain.TaskCancelled: warn, domain.TaskQueued: faint,
	}[s]
}
