package service_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service"
)

var errNode = domain.Errorf(domain.CodePrecondition, "build_failed", "d1", "Step 1/1 : RUN false")

func TestAnImageIsBuiltFromAModelOrAPipeline(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t)
	var told []string
	ctx := domain.WithTransferSink(y.root, func(e domain.TransferEvent) { told = append(told, e.Message) })
	one := y.built(ctx, actions.BuildImageAction{Name: "image_name", ModelID: y.model.ID})
	require.Equal(t, []string{"Step 1/1"}, told)
	require.Equal(t, domain.BuildDone, one.State)
	require.Equal(t, "image_name:latest", one.FullName())
	require.Equal(t, domain.AgentID("d1"), one.AgentID)
	require.Equal(t, y.node.images[one.Local], one.Digest)
	require.Equal(t, filepath.Join(y.sources, "mnist"), y.node.requests[0].Source.Path)
	require.Equal(t, "x86_64", y.node.requests[0].Architecture)

	// The same content from the same source is another image all the same, so that
	// its containers are its own.
	two := y.built(y.root, actions.BuildImageAction{Name: "image_name", PipelineID: y.pipeline.ID, Tag: "2", Repository: "task_one"})
	require.Equal(t, "task_one/image_name:2", two.FullName())
	require.NotEqual(t, one.Digest, two.Digest)
	require.Len(t, y.node.images, 2)

	_, err := y.BuildImage(y.root, actions.BuildImageAction{Name: "image_name", ModelID: y.model.ID})
	fleetError(t, err, domain.CodeConflict, "image_exists")
	_, err = y.BuildImage(y.root, actions.BuildImageAction{Name: "x", ModelID: y.pipeline.ID})
	fleetError(t, err, domain.CodeNotFound, "model_not_found")
	_, err = y.BuildImage(y.root, actions.BuildImageAction{Name: "x", ModelID: y.model.ID, PipelineID: y.pipeline.ID})
	fleetError(t, err, domain.CodeInvalid, "build_source")
	_, err = y.BuildImage(y.root, actions.BuildImageAction{Name: "x"})
	fleetError(t, err, domain.CodeInvalid, "build_source")
	require.Len(t, y.rows(), 2)
}

func TestAFailedBuildLeavesNothing(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t)
	for name, fail := range map[string]func() error{
		"an error": func() error { return errNode },
		"a panic":  func() error { panic("boom") },
	} {
		y.node.on("build", fail)
		_, err := y.BuildImage(y.root, actions.BuildImageAction{Name: "i", ModelID: y.model.ID})
		require.Error(t, err, name)
		require.Empty(t, y.rows(), name)
	}
	ctx, cancel := context.WithCancel(y.root)
	y.node.on("build", func() error { cancel(); return nil })
	_, err := y.BuildImage(ctx, actions.BuildImageAction{Name: "i", ModelID: y.model.ID})
	require.ErrorIs(t, err, domain.ErrCanceled)
	require.Empty(t, y.rows())
	images, _ := y.node.has()
	require.Empty(t, images)
}

func TestOverwritingKeepsTheOldImageUntilTheNewOneIsThere(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t)
	old := y.built(y.root, actions.BuildImageAction{Name: "i", Tag: "1"})
	y.node.on("build", func() error {
		row := y.rows()[0]
		require.Equal(t, domain.BuildRunning, row.State)
		require.Equal(t, old.Digest, row.Digest)
		require.Equal(t, "1", row.Tag)
		require.Contains(t, y.node.images, old.Local)
		_, err := y.RenameBuiltImage(y.root, actions.RenameBuiltImageAction{ID: old.ID, Name: "j"})
		fleetError(t, err, domain.CodeConflict, "image_building")
		_, err = y.BuildImage(y.root, actions.BuildImageAction{Name: "i", ModelID: y.model.ID, Overwrite: true})
		fleetError(t, err, domain.CodeConflict, "image_building")
		return errNode
	})
	_, err := y.BuildImage(y.root, actions.BuildImageAction{Name: "i", ModelID: y.model.ID, Tag: "2", Overwrite: true})
	fleetError(t, err, domain.CodePrecondition, "build_failed")
	was := y.rows()[0]
	require.Equal(t, domain.BuildDone, was.State)
	require.Equal(t, []any{old.Digest, old.Tag, old.Local}, []any{was.Digest, was.Tag, was.Local})

	y.node.on("", nil)
	require.NoError(t, os.MkdirAll(filepath.Join(y.sources, "mnist"), 0o755))
	fresh := y.built(y.root, actions.BuildImageAction{Name: "i", Tag: "2", Overwrite: true})
	require.Equal(t, old.ID, fresh.ID)
	require.Equal(t, "2", fresh.Tag)
	require.Len(t, y.rows(), 1)
	require.Len(t, y.node.images, 1)

	y.builder("d2")
	_, err = y.BuildImage(y.root, actions.BuildImageAction{Name: "i", ModelID: y.model.ID, Overwrite: true, AgentID: "d2"})
	fleetError(t, err, domain.CodePrecondition, "image_elsewhere")
}

func TestOfManyThatBuildTheSameOneDoes(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t)
	errs := make([]error, 6)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { _, errs[i] = y.BuildImage(y.root, actions.BuildImageAction{Name: "i", ModelID: y.model.ID}) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		require.ErrorIs(t, err, domain.ErrConflict)
	}
	require.Equal(t, 1, won)
	require.Len(t, y.rows(), 1)
	require.Len(t, y.node.requests, 1)
}

// abandoned leaves a row as a process does that ends while it builds.
func (y *buildYard) abandoned(name string, at time.Time) domain.BuiltImage {
	y.tb.Helper()
	var row domain.BuiltImage
	db := y.store.Scoped(repository.Unit{Now: at, Scope: domain.Scope{Reach: domain.ReachAny, Actor: domain.Actor{ID: "root"}}})
	require.NoError(y.tb, db.InTx(y.tb.Context(), func(ctx context.Context, tx repository.View) (err error) {
		row, err = tx.Builds.CreateImage(ctx, domain.BuiltImage{
			SourceKind: domain.BuildableModel, ModelID: y.model.ID, Name: name, Tag: "latest", State: domain.BuildRunning,
			Builder: "gone", AgentID: "d1", Local: domain.NewLocalBuild(),
		})
		return err
	}))
	return row
}

func TestABuildThatWasLeftIsTakenOverOnceItsTimeIsOver(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t, func(c *service.Config) { c.Build.Timeout = time.Hour })
	y.abandoned("recent", time.Now().Add(-30*time.Minute))
	y.abandoned("left", time.Now().Add(-2*time.Hour))
	_, err := y.BuildImage(y.root, actions.BuildImageAction{Name: "recent", ModelID: y.model.ID})
	fleetError(t, err, domain.CodeConflict, "image_building")
	y.node.on("build", func() error { return errNode })
	_, err = y.BuildImage(y.root, actions.BuildImageAction{Name: "left", ModelID: y.model.ID})
	fleetError(t, err, domain.CodePrecondition, "build_failed")
	require.Len(t, y.rows(), 1, "what was never built is gone")
	y.node.on("", nil)

	left := y.abandoned("left", time.Now().Add(-2*time.Hour))
	require.Equal(t, left.ID, y.built(y.root, actions.BuildImageAction{Name: "left"}).ID)
	gone := y.abandoned("gone", time.Now())
	_, err = y.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: gone.ID})
	require.NoError(t, err, "it can be deleted at any time")
}

func TestAnImageThatIsDeletedWhileItIsBuiltGoesAway(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t)
	y.node.on("build", func() error {
		_, err := y.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: y.rows()[0].ID})
		return err
	})
	_, err := y.BuildImage(y.root, actions.BuildImageAction{Name: "i", ModelID: y.model.ID})
	fleetError(t, err, domain.CodeConflict, "image_deleted")
	images, _ := y.node.has()
	require.Empty(t, images)
	require.Empty(t, y.rows())
}

func TestSkippingTheBuildMakesTheRowOnly(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t)
	row := y.built(y.root, actions.BuildImageAction{Name: "i", SkipBuild: true})
	require.Equal(t, domain.BuildRegistered, row.State)
	require.Empty(t, row.AgentID)
	require.Empty(t, y.node.done())
	again := y.built(y.root, actions.BuildImageAction{Name: "i", Overwrite: true})
	require.Equal(t, row.ID, again.ID)
	require.Equal(t, domain.BuildDone, again.State)
	kept := y.built(y.root, actions.BuildImageAction{Name: "i", Overwrite: true, SkipBuild: true, Tag: "2"})
	require.Equal(t, domain.BuildDone, kept.State)
	require.Equal(t, "2", kept.Tag)
}

func TestABuildNeedsAnAgentThatCanBuild(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t)
	y.node2()
	build := func(svc *service.ImageService, agent domain.AgentID) error {
		_, err := svc.BuildImage(y.root, actions.BuildImageAction{Name: "i", ModelID: y.model.ID, AgentID: agent})
		if err == nil {
			_, err = svc.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: y.rows()[0].ID})
		}
		return err
	}
	require.NoError(t, build(y.ImageService, ""), "agents of kinds that cannot build do not count")
	fleetError(t, build(y.ImageService, "a1"), domain.CodePrecondition, "build_unsupported")
	fleetError(t, build(y.ImageService, "gone"), domain.CodeNotFound, "agent_not_found")
	y.builder("d2")
	fleetError(t, build(y.ImageService, ""), domain.CodePrecondition, "build_agent_unset")
	require.NoError(t, build(y.ImageService, "d2"))
	set := func(id domain.AgentID) *service.ImageService {
		return y.again(withBuilders(y.sources, y.nodes), func(c *service.Config) { c.Build.Agent = id })
	}
	require.NoError(t, build(set("d2"), ""))
	fleetError(t, build(set("gone"), ""), domain.CodePrecondition, "build_agent_unset")
	y.offline("d2")
	require.NoError(t, build(y.ImageService, ""), "the other one is offline")
	fleetError(t, build(set("d2"), ""), domain.CodeUnavailable, "agent_offline")
	require.Empty(t, y.rows())
}

// node2 adds an agent that cannot build.
func (y *buildYard) node2() { y.fleet.node("a1", "x86_64") }
