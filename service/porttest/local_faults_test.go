package porttest_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// wrongLocal is a fake store with a fault.
type wrongLocal struct {
	*porttest.Local
	fault string
}

func (w *wrongLocal) Push(ctx context.Context, r domain.PushRequest, sink domain.TransferSink) (domain.PushOutcome, error) {
	asked := r
	switch w.fault {
	case "push sends all architectures":
		r.Architecture = ""
	case "push goes to one tag only":
		r.Remote.Tag = "latest"
	case "no push event":
		sink = nil
	case "context is ignored":
		ctx = context.WithoutCancel(ctx)
	}
	out, err := w.Local.Push(ctx, r, sink)
	switch {
	case w.fault == "push is never unchanged":
		out.Unchanged = false
	case w.fault == "push counts everything as sent" && err == nil:
		out.SentBytes = out.SizeBytes
	case w.fault == "push of nothing succeeds" && errors.Is(err, domain.ErrNotFound):
		return domain.PushOutcome{Digest: porttest.DigestOf("nothing")}, nil
	case w.fault == "absence has another reason" && errors.Is(err, domain.ErrNotFound):
		return out, domain.NotFound("tag", asked.Local)
	case w.fault == "raw errors" && err != nil:
		return out, errors.New(err.Error())
	case w.fault == "refusals are unavailable" && errors.Is(err, domain.ErrForbidden):
		return out, domain.ErrUnavailable
	}
	return out, err
}

func (w *wrongLocal) Fetch(ctx context.Context, r domain.FetchRequest, sink domain.TransferSink) (domain.FetchOutcome, error) {
	switch w.fault {
	case "fetch does not verify":
		r.Manifest = ""
	case "fetch takes any architecture":
		if r.Architecture != "" {
			r.Architecture = "x86_64"
		}
	case "fetch names more":
		_, _ = w.Local.Fetch(ctx, domain.FetchRequest{Remote: r.Remote, Registry: r.Registry, Local: r.Local + "-none"}, nil)
	case "fetch installs first":
		if r.Manifest != "" {
			w.Put(porttest.Shelved{Canonical: r.Local, Architecture: "x86_64"})
		}
	case "events go on":
		if sink != nil {
			defer sink(domain.TransferEvent{Kind: domain.TransferPull})
		}
	case "progress is over the top":
		sink.Tell(domain.TransferEvent{Kind: domain.TransferPull, Src: "a", Dst: "b"})
		sink.Tell(domain.TransferEvent{Kind: domain.TransferStep, Status: "x", Current: 2, Total: 1})
	}
	out, err := w.Local.Fetch(ctx, r, sink)
	switch {
	case w.fault == "fetch is never unchanged":
		out.Unchanged = false
	case w.fault == "fetch is always unchanged":
		out.Unchanged = true
	case w.fault == "fetch tells the config as the digest" && err == nil:
		out.Digest = out.Config
	case w.fault == "absence is unavailable" && errors.Is(err, domain.ErrNotFound):
		err = domain.ErrUnavailable
	}
	return out, err
}

const localFaultVariable = "WHARF_TEST_WRONG_LOCAL"

// TestWrongLocal runs the suite on one wrong store; only TestRunLocalFindsFaults
// starts it, in a process of its own.
func TestWrongLocal(t *testing.T) {
	fault, ok := os.LookupEnv(localFaultVariable)
	if !ok {
		t.Skip("started by TestRunLocalFindsFaults")
	}
	porttest.RunLocal(t, localHarness(func(l *porttest.Local) port.Local { return &wrongLocal{l, fault} }))
}

func TestRunLocalFindsFaults(t *testing.T) {
	faults := map[string]string{ // what the suite finds it by; "" for no fault
		"":                                     "",
		"push sends all architectures":         "a_push_sends_the_architecture",
		"push goes to one tag only":            "a_push_makes_the_tag",
		"no push event":                        "events_come_in_order",
		"context is ignored":                   "a_context_that_has_ended",
		"push is never unchanged":              "a_push_of_what_is_there",
		"push counts everything as sent":       "content_that_the_registry_has",
		"push of nothing succeeds":             "a_push_of_what_the_store_lacks",
		"absence has another reason":           "a_push_of_what_the_store_lacks",
		"raw errors":                           "a_context_that_has_ended",
		"refusals are unavailable":             "a_push_that_is_refused",
		"fetch does not verify":                "a_fetch_of_something_unexpected",
		"fetch takes any architecture":         "a_fetch_takes_the_architecture",
		"fetch names more":                     "a_fetch_makes_the_name",
		"fetch installs first":                 "a_fetch_of_something_unexpected",
		"events go on":                         "events_come_in_order",
		"progress is over the top":             "events_come_in_order",
		"fetch is never unchanged":             "a_fetch_of_what_is_there",
		"fetch is always unchanged":            "a_fetch_makes_the_name",
		"fetch tells the config as the digest": "a_fetch_makes_the_name",
		"absence is unavailable":               "a_fetch_of_what_the_registry_lacks",
	}
	for fault, by := range faults {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWrongLocal$")
			cmd.Env = append(os.Environ(), localFaultVariable+"="+fault)
			out, err := cmd.CombinedOutput()
			if failed := err != nil; failed != (by != "") {
				t.Errorf("suite failed: %t\n%s", failed, out)
			}
			if by != "" && !bytes.Contains(out, []byte("--- FAIL: TestWrongLocal/"+by)) {
				t.Errorf("the suite did not fail by its test %s:\n%s", by, out)
			}
		})
	}
}
