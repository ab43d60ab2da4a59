package porttest_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// wrongTasks is a delivery within one process, with a fault; without one it
// keeps the contract.
type wrongTasks struct {
	fault      string
	redelivery time.Duration

	mu      sync.Mutex
	wake    *sync.Cond
	waiting []port.Ticket
	known   map[port.Ticket]bool
	working int // somebody does
}

func (w *wrongTasks) Offer(ctx context.Context, t port.Ticket) error {
	if ctx.Err() != nil && w.fault != "takes dead offers" {
		return ctx.Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.fault == "an offer waits for a worker" && w.working == 0 {
		w.wake.Wait()
	}
	if w.fault == "drops early offers" && w.working == 0 {
		return nil
	}
	if w.known[w.key(t)] && w.fault != "knows nothing" {
		return nil
	}
	w.known[w.key(t)] = true
	w.waiting = append(w.waiting, t)
	w.wake.Broadcast()
	return nil
}

func (w *wrongTasks) key(t port.Ticket) port.Ticket {
	if w.fault == "knows tasks, not attempts" {
		t.Attempt = 0
	}
	return t
}

func (w *wrongTasks) Work(ctx context.Context, do func(context.Context, port.Ticket)) error {
	stopping := context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.wake.Broadcast()
	})
	defer stopping()
	w.mu.Lock()
	w.working++
	w.wake.Broadcast()
	w.mu.Unlock()
	var wg sync.WaitGroup
	for i := range 4 {
		class := domain.TaskBulk
		if i%2 == 0 {
			class = domain.TaskInteractive
		}
		if w.fault == "bulk goes everywhere" {
			class = ""
		}
		wg.Go(func() {
			for {
				t, ok := w.next(ctx, class)
				if !ok {
					return
				}
				w.work(ctx, do, t)
			}
		})
	}
	if w.fault == "returns early" {
		<-ctx.Done()
	} else {
		wg.Wait()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.working--
	if w.fault == "returns no error" {
		return nil
	}
	return ctx.Err()
}

func (w *wrongTasks) next(ctx context.Context, class domain.TaskClass) (port.Ticket, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ctx.Err() == nil || w.fault == "goes on after the end" {
		for i, t := range w.waiting {
			if class == "" || t.Class == class {
				w.waiting = append(w.waiting[:i:i], w.waiting[i+1:]...)
				return t, true
			}
		}
		w.wake.Wait()
	}
	return port.Ticket{}, false
}

func (w *wrongTasks) work(ctx context.Context, do func(context.Context, port.Ticket), t port.Ticket) {
	given := t
	switch w.fault {
	case "forgets the attempt":
		given.Attempt = 0
	case "forgets at delivery":
		w.forget(t)
	case "is impatient":
		late := time.AfterFunc(w.redelivery, func() {
			w.forget(t)
			_ = w.Offer(context.Background(), t)
		})
		defer late.Stop()
	case "tells nobody of the end":
		ctx = context.WithoutCancel(ctx)
	}
	do(ctx, given)
	if w.fault == "never forgets" || w.fault == "loses what is cut off" && ctx.Err() != nil {
		return
	}
	w.forget(t)
}

func (w *wrongTasks) forget(t port.Ticket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.known, w.key(t))
}

const tasksFaultVariable = "WHARF_TEST_WRONG_TASKS"

// TestWrongTasks runs the suite on one wrong delivery; only
// TestRunTasksFindsFaults starts it, in a process of its own.
func TestWrongTasks(t *testing.T) {
	fault, ok := os.LookupEnv(tasksFaultVariable)
	if !ok {
		t.Skip("started by TestRunTasksFindsFaults")
	}
	patience := 2 * time.Second
	if fault == "" {
		patience = 0
	}
	porttest.RunTasks(t, porttest.TasksHarness{Bulk: 2, Patience: patience, New: func(_ testing.TB, redelivery time.Duration) func() port.Tasks {
		w := &wrongTasks{fault: fault, redelivery: redelivery, known: map[port.Ticket]bool{}}
		w.wake = sync.NewCond(&w.mu)
		return func() port.Tasks { return w }
	}})
}

func TestRunTasksFindsFaults(t *testing.T) {
	for fault, by := range map[string]string{ // what the suite finds it by; "" for no fault
		"":                            "",
		"drops early offers":          "a_ticket_that_was_offered_before",
		"an offer waits for a worker": "a_ticket_that_was_offered_before",
		"forgets the attempt":         "an_offered_ticket_is_worked_on",
		"knows nothing":               "offering_what_waits_does_nothing",
		"forgets at delivery":         "offering_what_is_worked_on",
		"never forgets":               "a_ticket_that_was_worked_off",
		"knows tasks, not attempts":   "the_next_attempt_waits",
		"bulk goes everywhere":        "bulk_work_keeps",
		"returns early":               "work_returns_when",
		"returns no error":            "work_returns_when",
		"tells nobody of the end":     "work_returns_when",
		"goes on after the end":       "who_has_stopped",
		"loses what is cut off":       "a_ticket_that_was_cut_off",
		"is impatient":                "long_work",
		"takes dead offers":           "an_offer_under_a_context",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			run := "^TestWrongTasks$"
			if by != "" {
				run += "/^" + by // the others would wait in vain for long
			}
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+run)
			cmd.Env = append(os.Environ(), tasksFaultVariable+"="+fault)
			out, err := cmd.CombinedOutput()
			if failed := err != nil; failed != (by != "") {
				t.Errorf("suite failed: %t\n%s", failed, out)
			}
			if by != "" && !bytes.Contains(out, []byte("--- FAIL: TestWrongTasks/"+by)) {
				t.Errorf("the suite did not fail by its test %s:\n%s", by, out)
			}
		})
	}
}
