package service_test

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// Two images of the same source, in two tasks, each with a container that runs
// and one that does not.
func (y *buildYard) populated() (mine, other domain.BuiltImage) {
	y.tb.Helper()
	second := y.newModel(y.root, y.newTask(y.root, "other").ID, "net")
	mine, other = y.built(y.root, actions.BuildImageAction{Name: "i"}), y.built(y.root, actions.BuildImageAction{Name: "i", ModelID: second.ID})
	for id, of := range map[string]domain.BuiltImage{"m": mine, "o": other} {
		y.node.runs(id+"1", of, true)
		y.node.runs(id+"2", of, false)
	}
	slices.SortFunc(y.node.containers, func(a, b domain.Container) int { return cmp.Compare(a.ID, b.ID) })
	y.node.done()
	return mine, other
}

func TestDeletingWithoutCascadeIsRefusedWhileContainersRun(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t)
	mine, _ := y.populated()
	_, err := y.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: mine.ID})
	fleetError(t, err, domain.CodePrecondition, "image_has_instances")
	require.Contains(t, domain.MessageOf(err), "n-m1")
	require.NotContains(t, domain.MessageOf(err), "n-m2", "it does not run")
	require.NotContains(t, domain.MessageOf(err), "n-o1")
	require.Equal(t, []string{"containers"}, y.node.done())
	require.Len(t, y.rows(), 2)
}

func TestDeletingWithCascadeTakesThisImagesContainersAndNoOthers(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t)
	mine, other := y.populated()
	res, err := y.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: mine.ID, Cascade: true})
	require.NoError(t, err)
	require.Equal(t, []string{"containers", "stop m1", "remove m1", "remove m2", "untag"}, y.node.done())
	require.Len(t, res.Stopped, 1)
	require.Len(t, res.Removed, 2)
	images, containers := y.node.has()
	require.Equal(t, []string{other.Local}, images)
	require.Equal(t, []string{"o1", "o2"}, containers)
	require.Equal(t, other.ID, y.rows()[0].ID)
	_, err = y.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: mine.ID, Cascade: true})
	fleetError(t, err, domain.CodeNotFound, "built_image_not_found")
}

func TestDeletingTheRowOnlyAsksNobody(t *testing.T) {
	t.Parallel()
	for _, cascade := range []bool{false, true} {
		y := newBuildYard(t)
		mine, _ := y.populated()
		y.offline("d1")
		_, err := y.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: mine.ID, Cascade: cascade})
		fleetError(t, err, domain.CodeUnavailable, "agent_offline")
		require.Len(t, y.rows(), 2)
		_, err = y.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: mine.ID, Cascade: cascade, MetaOnly: true})
		require.NoError(t, err)
		require.Empty(t, y.node.done())
		require.Len(t, y.rows(), 1)
		_, containers := y.node.has()
		require.Len(t, containers, 4)
	}
}

func TestADeletionThatFailsHalfwaySaysWhatItStopped(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t)
	mine, _ := y.populated()
	away := domain.Errorf(domain.CodeUnavailable, "engine_unavailable", "d1", "the engine does not answer")
	for _, c := range []struct {
		op               string
		stopped, removed int
	}{{"containers", 0, 0}, {"stop m1", 0, 0}, {"remove m1", 1, 0}, {"remove m2", 0, 1}, {"untag", 0, 1}} {
		y.node.on(c.op, func() error { return away })
		_, err := y.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: mine.ID, Cascade: true})
		fleetError(t, err, domain.CodeUnavailable, "engine_unavailable")
		stopped, is := errors.AsType[*actions.StoppedError](err)
		require.Equal(t, c.stopped+c.removed > 0, is, c.op)
		if is {
			require.Len(t, stopped.Stopped, c.stopped, c.op)
			require.Len(t, stopped.Removed, c.removed, c.op)
		}
		if c.stopped > 0 {
			require.Contains(t, domain.MessageOf(err), "n-m1")
		}
		require.Len(t, y.rows(), 2, "the row says what is left")
	}
	y.node.on("", nil)
	_, err := y.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: mine.ID, Cascade: true})
	require.NoError(t, err, "every step can be repeated")
	_, containers := y.node.has()
	require.Equal(t, []string{"o1", "o2"}, containers)
}

func TestADryRunOfADeletionTellsWhatItWouldTake(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t)
	mine, _ := y.populated()
	res, err := y.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: mine.ID, DryRun: true})
	require.NoError(t, err)
	require.Equal(t, "image_has_instances", res.Blocked.Reason)
	res, err = y.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: mine.ID, Cascade: true, DryRun: true})
	require.NoError(t, err)
	require.Len(t, res.Stopped, 1)
	require.Len(t, res.Removed, 2)
	require.Equal(t, []string{"containers", "containers"}, y.node.done())
	require.Len(t, y.rows(), 2)
}

func TestAnImageWhoseAgentWasRemovedLosesItsRowOnly(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t)
	mine, _ := y.populated()
	_, err := y.RemoveAgent(y.root, actions.RemoveAgentAction{AgentID: "d1"})
	require.NoError(t, err)
	_, err = y.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: mine.ID})
	fleetError(t, err, domain.CodePrecondition, "agent_removed")
	_, err = y.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: mine.ID, MetaOnly: true})
	require.NoError(t, err)
}

// One container cannot be removed although its image is unused; whoever came in
// between keeps the image.
func TestAContainerThatStartsMeanwhileKeepsItsImage(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t)
	mine := y.built(y.root, actions.BuildImageAction{Name: "i"})
	y.node.on("untag", func() error { y.node.runs("late", mine, true); return nil })
	_, err := y.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: mine.ID, Cascade: true})
	fleetError(t, err, domain.CodeConflict, "image_in_use")
	require.Len(t, y.rows(), 1)
}

func TestADeletionDoesNotTakeWhatWasBuiltMeanwhile(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t)
	old := y.built(y.root, actions.BuildImageAction{Name: "i"})
	var once sync.Once
	y.node.on("untag", func() error {
		once.Do(func() { y.built(y.root, actions.BuildImageAction{Name: "i", Overwrite: true}) })
		return nil
	})
	_, err := y.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: old.ID})
	fleetError(t, err, domain.CodeConflict, "revision_changed")
	require.Len(t, y.rows(), 1)
	_, err = y.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: old.ID})
	require.NoError(t, err)
	images, _ := y.node.has()
	require.Empty(t, images)
}

func TestTasksAndModelsThatAreInUseStay(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t)
	img := y.built(y.root, actions.BuildImageAction{Name: "i", PipelineID: y.pipeline.ID})
	for _, dry := range []bool{true, false} {
		fleetError(t, fleetErr(y.DeleteBuildTask(y.root, actions.DeleteBuildTaskAction{ID: y.task.ID, DryRun: dry})), domain.CodePrecondition, "build_task_in_use")
		fleetError(t, fleetErr(y.DeletePipeline(y.root, actions.DeletePipelineAction{ID: y.pipeline.ID, DryRun: dry})), domain.CodePrecondition, "pipeline_in_use")
	}
	require.NoError(t, fleetErr(y.DeleteModel(y.root, actions.DeleteModelAction{ID: y.model.ID, DryRun: true})))
	require.NoError(t, fleetErr(y.DeleteModel(y.root, actions.DeleteModelAction{ID: y.model.ID})))
	require.NoError(t, fleetErr(y.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: img.ID})))
	require.NoError(t, fleetErr(y.DeletePipeline(y.root, actions.DeletePipelineAction{ID: y.pipeline.ID})))
	require.NoError(t, fleetErr(y.DeleteBuildTask(y.root, actions.DeleteBuildTaskAction{ID: y.task.ID})))
}
