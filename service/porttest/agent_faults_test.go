package porttest_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// wrongAgent is a fake agent with a fault.
type wrongAgent struct {
	*porttest.Agent
	fault string
}

func (w *wrongAgent) Inventory(ctx context.Context) (domain.Inventory, error) {
	i, err := w.Agent.Inventory(w.outlive(ctx))
	switch {
	case w.fault == "inventory drops errors" && err != nil:
		return domain.Inventory{}, nil
	case w.fault == "inventory stops early" && len(i.Images) > 2:
		i.Images = i.Images[:2]
	case w.fault == "inventory repeats" && len(i.Images) > 0:
		i.Images = append(i.Images, i.Images[0])
	case w.fault == "inventory makes up" && len(i.Images) == 0:
		i.Images = []domain.InventoryImage{{Canonical: "cr.example.org/x:1"}}
	case w.fault == "inventory hides containers":
		for n := range i.Images {
			i.Images[n].Containers = nil
		}
	case w.fault == "raw errors" && err != nil:
		return i, errors.Unwrap(err)
	}
	return i, err
}

func (w *wrongAgent) Pull(ctx context.Context, r domain.PullRequest, p domain.Progress) (domain.PullOutcome, error) {
	switch w.fault {
	case "pull does not verify":
		r.Manifest = ""
	case "pull takes any architecture":
		r.Architecture, r.Manifest = "x86_64", ""
	case "pull takes the tag away first":
		if r.Manifest != "" {
			_, _ = w.Agent.Remove(ctx, domain.RemoveRequest{Canonical: r.Reference.Canonical(), Architecture: r.Architecture, Force: true})
		}
	case "pull keeps what is there":
		i, _ := w.Agent.Inventory(ctx)
		for _, image := range i.Images {
			if image.Canonical == r.Reference.Canonical() && image.Architecture == r.Architecture {
				return domain.PullOutcome{Digest: image.Digest, SizeBytes: image.SizeBytes, Unchanged: true}, nil
			}
		}
	case "progress goes down":
		p.Report(1<<40, 0, "")
	case "progress is over the top":
		p.Report(2, 1, "")
	}
	out, err := w.Agent.Pull(w.outlive(ctx), r, p)
	switch {
	case w.fault == "pull is never unchanged":
		out.Unchanged = false
	case w.fault == "pull is always unchanged":
		out.Unchanged = true
	case w.fault == "pull returns the manifest" && err == nil:
		out.Digest = r.Manifest
	case w.fault == "absence is unavailable" && errors.Is(err, domain.ErrNotFound):
		err = domain.ErrUnavailable
	}
	return out, err
}

func (w *wrongAgent) Remove(ctx context.Context, r domain.RemoveRequest) (domain.RemoveOutcome, error) {
	switch w.fault {
	case "remove ignores the architecture":
		for _, arch := range []string{"x86_64", "aarch64"} {
			other := r
			other.Architecture = arch
			_, _ = w.Agent.Remove(ctx, other)
		}
		return domain.RemoveOutcome{}, nil
	case "remove takes siblings":
		i, _ := w.Agent.Inventory(ctx)
		for _, image := range i.Images {
			if path, _, _ := strings.Cut(r.Canonical, ":"); strings.HasPrefix(image.Canonical, path+":") {
				_, _ = w.Agent.Remove(ctx, domain.RemoveRequest{Canonical: image.Canonical, Architecture: image.Architecture, Force: true})
			}
		}
		return domain.RemoveOutcome{}, nil
	case "remove ignores containers":
		r.Force = true
	case "remove ignores force":
		r.Force = false
	}
	out, err := w.Agent.Remove(w.outlive(ctx), r)
	switch {
	case w.fault == "remove of nothing succeeds" && errors.Is(err, domain.ErrNotFound):
		return out, nil
	case w.fault == "no prune does nothing" && r.NoPrune && err == nil:
		return out, domain.ErrPrecondition
	}
	return out, err
}

// outlive is the fault of not looking at the context.
func (w *wrongAgent) outlive(ctx context.Context) context.Context {
	if w.fault == "context is ignored" {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

const agentFaultVariable = "WHARF_TEST_WRONG_AGENT"

// TestWrongAgent runs the suite on one wrong agent; only TestRunAgentFindsFaults
// starts it, in a process of its own.
func TestWrongAgent(t *testing.T) {
	fault, ok := os.LookupEnv(agentFaultVariable)
	if !ok {
		t.Skip("started by TestRunAgentFindsFaults")
	}
	porttest.RunAgent(t, shelfHarness(func(a *porttest.Agent) port.Agent { return &wrongAgent{a, fault} }))
}

func TestRunAgentFindsFaults(t *testing.T) {
	faults := map[string]string{ // what the suite finds it by; "" for no fault
		"":                                "",
		"inventory drops errors":          "a_context_that_has_ended",
		"inventory stops early":           "the_inventory_is_complete",
		"inventory repeats":               "the_inventory_is_complete",
		"inventory makes up":              "an_agent_that_holds_nothing",
		"inventory hides containers":      "an_image_in_use",
		"raw errors":                      "a_context_that_has_ended",
		"context is ignored":              "a_context_that_has_ended",
		"pull does not verify":            "a_manifest_that_is_not_the_expected",
		"pull takes any architecture":     "a_pull_takes_the_architecture",
		"pull takes the tag away first":   "a_manifest_that_is_not_the_expected",
		"pull keeps what is there":        "a_pull_of_a_tag_that_moved",
		"pull is never unchanged":         "a_pull_of_what_is_there",
		"pull is always unchanged":        "a_pull_of_a_tag_that_moved",
		"pull returns the manifest":       "a_pull_of_a_tag_that_moved",
		"absence is unavailable":          "a_pull_of_what_the_registry_lacks",
		"progress goes down":              "progress_never_goes_down",
		"progress is over the top":        "progress_never_goes_down",
		"remove ignores the architecture": "a_removal_takes_away_one",
		"remove takes siblings":           "a_removal_takes_away_one",
		"remove ignores containers":       "an_image_in_use",
		"remove ignores force":            "an_image_in_use",
		"remove of nothing succeeds":      "a_removal_of_what_is_not_there",
		"no prune does nothing":           "a_removal_without_pruning",
	}
	for fault, by := range faults {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWrongAgent$")
			cmd.Env = append(os.Environ(), agentFaultVariable+"="+fault)
			out, err := cmd.CombinedOutput()
			if failed := err != nil; failed != (by != "") {
				t.Errorf("suite failed: %t\n%s", failed, out)
			}
			if by != "" && !bytes.Contains(out, []byte("--- FAIL: TestWrongAgent/"+by)) {
				t.Errorf("the suite did not fail by its test %s:\n%s", by, out)
			}
		})
	}
}
