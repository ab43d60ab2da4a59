package porttest_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

// wrongEngine is a fake engine with a fault.
type wrongEngine struct {
	*porttest.Engine
	fault string
}

func (w *wrongEngine) Build(ctx context.Context, r domain.BuildRequest, sink domain.TransferSink) (domain.BuildOutcome, error) {
	switch w.fault {
	case "build takes the name away first":
		_ = w.Engine.Untag(ctx, r.Name)
	case "build forgets labels":
		r.Labels = nil
	case "build says nothing":
		sink = nil
	case "build trusts templates":
		if t := r.Source.Template; t != nil {
			r.Source.Template = &domain.BuildTemplate{BaseImage: "scratch", Requirements: onlyBroken(t)}
		}
	}
	out, err := w.Engine.Build(w.outlive(ctx), r, sink)
	switch {
	case w.fault == "build fails silently" && domain.ReasonOf(err) == "build_failed":
		return out, nil
	case w.fault == "build loses the digest":
		out.Digest = porttest.DigestOf("x")
	case w.fault == "build hides what it said" && domain.ReasonOf(err) == "build_failed":
		err = domain.Errorf(domain.CodePrecondition, "build_failed", "", "the build failed")
	}
	return out, err
}

// onlyBroken keeps what makes a build fail.
func onlyBroken(t *domain.BuildTemplate) []string {
	for _, r := range t.Requirements {
		if r == porttest.BrokenRequirement {
			return []string{r}
		}
	}
	return nil
}

func (w *wrongEngine) Untag(ctx context.Context, name string) error {
	_, there := w.Find(name)
	switch {
	case w.fault == "untag does nothing":
		return nil
	case w.fault == "untag of nothing fails" && there == nil:
		return domain.NotFound("image", name)
	}
	err := w.Engine.Untag(w.outlive(ctx), name)
	if w.fault == "untag hides use" && errors.Is(err, domain.ErrConflict) {
		return nil
	}
	return err
}

func (w *wrongEngine) Containers(ctx context.Context, images ...domain.Digest) ([]domain.Container, error) {
	if w.fault == "containers of children" {
		for _, name := range []string{"a", "a/child"} {
			d, _ := w.Find(name)
			images = append(images, d)
		}
	}
	list, err := w.Engine.Containers(w.outlive(ctx), images...)
	switch w.fault {
	case "containers that run only":
		var running []domain.Container
		for _, c := range list {
			if c.Running {
				running = append(running, c)
			}
		}
		return running, err
	case "containers drop errors":
		return list, nil
	}
	return list, err
}

func (w *wrongEngine) StopContainer(ctx context.Context, id string) error {
	err := w.Engine.StopContainer(w.outlive(ctx), id)
	if w.fault == "stop removes" && err == nil {
		return w.Engine.RemoveContainer(ctx, id)
	}
	return err
}

func (w *wrongEngine) RemoveContainer(ctx context.Context, id string) error {
	switch w.fault {
	case "removal by force":
		_ = w.Engine.StopContainer(ctx, id)
	case "removal does nothing":
		return w.Engine.StopContainer(ctx, id)
	}
	return w.Engine.RemoveContainer(w.outlive(ctx), id)
}

func (w *wrongEngine) Container(ctx context.Context, id string) (domain.Container, error) {
	c, err := w.Engine.Container(w.outlive(ctx), id)
	if w.fault == "container without labels" {
		c.Labels = nil
	}
	return c, err
}

func (w *wrongEngine) Commit(ctx context.Context, r domain.CommitRequest, sink domain.TransferSink) (domain.CommitOutcome, error) {
	switch w.fault {
	case "commit forgets labels":
		r.Labels = nil
	case "commit is silent":
		sink = nil
	case "commit finishes whatever":
		sink.Tell(domain.TransferEvent{Kind: domain.TransferCommitFinished})
	case "commit stops the container":
		_ = w.Engine.StopContainer(ctx, r.Container)
	}
	out, err := w.Engine.Commit(w.outlive(ctx), r, sink)
	if w.fault == "commit of nothing is unavailable" && errors.Is(err, domain.ErrNotFound) {
		return out, domain.ErrUnavailable
	}
	return out, err
}

// outlive is the fault of not looking at the context.
func (w *wrongEngine) outlive(ctx context.Context) context.Context {
	if w.fault == "context is ignored" {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

const engineFaultVariable = "WHARF_TEST_WRONG_ENGINE"

// TestWrongEngine runs the suites on one wrong engine; only
// TestTheSuitesFindFaultsOfEngines starts it, in a process of its own.
func TestWrongEngine(t *testing.T) {
	fault, ok := os.LookupEnv(engineFaultVariable)
	if !ok {
		t.Skip("started by TestTheSuitesFindFaultsOfEngines")
	}
	wrong := func(e *porttest.Engine) engineFake { return &wrongEngine{e, fault} }
	t.Run("builder", func(t *testing.T) { porttest.RunBuilder(t, builderHarness(wrong)) })
	t.Run("containers", func(t *testing.T) { porttest.RunContainers(t, containersHarness(wrong)) })
	t.Run("committer", func(t *testing.T) { porttest.RunCommitter(t, committerHarness(wrong)) })
}

func TestTheSuitesFindFaultsOfEngines(t *testing.T) {
	faults := map[string]string{ // what the suites find it by; "" for no fault
		"":                                 "",
		"context is ignored":               "builder/a_context_that_has_ended",
		"build takes the name away first":  "builder/a_build_that_fails",
		"build fails silently":             "builder/a_build_that_fails",
		"build forgets labels":             "builder/a_build_names",
		"build says nothing":               "builder/a_build_that_fails",
		"build hides what it said":         "builder/a_build_that_fails",
		"build loses the digest":           "builder/a_build_names",
		"build trusts templates":           "builder/a_template_stays",
		"untag does nothing":               "builder/a_name_is_taken",
		"untag of nothing fails":           "builder/a_name_is_taken",
		"untag hides use":                  "builder/a_name_that_a_container",
		"containers of children":           "containers/the_containers_are",
		"containers that run only":         "containers/the_containers_are",
		"containers drop errors":           "containers/a_context_that_has_ended",
		"stop removes":                     "containers/a_container_that_was_stopped",
		"removal by force":                 "containers/a_container_that_runs",
		"removal does nothing":             "containers/a_container_that_was_removed",
		"container without labels":         "committer/a_container_is_known",
		"commit forgets labels":            "committer/a_commit_names",
		"commit is silent":                 "committer/a_commit_names",
		"commit finishes whatever":         "committer/a_container_that_is_not_there",
		"commit stops the container":       "committer/a_commit_names",
		"commit of nothing is unavailable": "committer/a_container_that_is_not_there",
	}
	for fault, by := range faults {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWrongEngine$")
			cmd.Env = append(os.Environ(), engineFaultVariable+"="+fault)
			out, err := cmd.CombinedOutput()
			if failed := err != nil; failed != (by != "") {
				t.Errorf("suite failed: %t\n%s", failed, out)
			}
			if by != "" && !bytes.Contains(out, []byte("--- FAIL: TestWrongEngine/"+by)) {
				t.Errorf("the suites did not fail by %s:\n%s", by, out)
			}
		})
	}
}
