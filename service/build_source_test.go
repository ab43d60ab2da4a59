package service_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

func TestASourceStaysInTheFolderOfSources(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t)
	outside := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(y.sources, "a.tar"), nil, 0o600))
	require.NoError(t, os.Symlink(outside, filepath.Join(y.sources, "out")))
	require.NoError(t, os.Symlink("mnist", filepath.Join(y.sources, "in")))
	require.NoError(t, os.Symlink(y.sources+"-other", filepath.Join(y.sources, "beside")))
	require.NoError(t, os.MkdirAll(y.sources+"-other", 0o755))
	for name, c := range map[string]struct {
		source domain.BuildSource
		reason string
	}{
		"a directory":            {domain.BuildSource{Type: domain.BuildFromDirectory, Path: "mnist"}, ""},
		"a link inside":          {domain.BuildSource{Type: domain.BuildFromDirectory, Path: "in"}, ""},
		"a tarball":              {domain.BuildSource{Type: domain.BuildFromTarball, Path: "a.tar"}, ""},
		"nothing":                {domain.BuildSource{Type: domain.BuildFromDirectory, Path: "none"}, "source_missing"},
		"a link out":             {domain.BuildSource{Type: domain.BuildFromDirectory, Path: "out"}, "source_missing"},
		"a link beside":          {domain.BuildSource{Type: domain.BuildFromDirectory, Path: "beside"}, "source_missing"},
		"a file as directory":    {domain.BuildSource{Type: domain.BuildFromDirectory, Path: "a.tar"}, "source_missing"},
		"a directory as tarball": {domain.BuildSource{Type: domain.BuildFromTarball, Path: "mnist"}, "source_missing"},
	} {
		m, err := y.CreateModel(y.root, actions.CreateModelAction{TaskID: y.task.ID, Name: name, Source: c.source})
		require.NoError(t, err, name)
		_, err = y.BuildImage(y.root, actions.BuildImageAction{Name: "i", ModelID: m.Model.ID})
		if c.reason == "" {
			require.NoError(t, err, name)
			require.True(t, strings.HasPrefix(y.node.requests[len(y.node.requests)-1].Source.Path, y.sources), name)
			continue
		}
		fleetError(t, err, domain.CodePrecondition, c.reason)
		require.NotContains(t, domain.MessageOf(err), outside)
	}
	_, err := y.again(withBuilders("", y.nodes)).BuildImage(y.root, actions.BuildImageAction{Name: "j", ModelID: y.model.ID})
	fleetError(t, err, domain.CodePrecondition, "sources_unset")
}

func TestABuiltImageIsPushedAndLinkedToItsRow(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t, func(c *service.Config) { c.Sealer = plainSealer{} })
	y.register(fleetHost, "")
	img := y.built(y.root, actions.BuildImageAction{Name: "i", Push: true, Remote: fleetHost + "/app:1"})
	require.Equal(t, fleetHost+"/app:1", img.Pushed)
	require.Equal(t, fleetHost, img.RegistryHost)
	require.NotEmpty(t, img.ManifestDigest)
	require.Equal(t, img.Local, y.node.pushes[0].Local)
	require.Equal(t, fleetHost, y.node.pushes[0].Registry.Name)

	_, err := y.BuildImage(y.root, actions.BuildImageAction{Name: "j", ModelID: y.model.ID, Push: true, Remote: "other.example.org/app:1"})
	require.ErrorIs(t, err, domain.ErrNotFound)
	require.Len(t, y.rows(), 1, "nothing was built for it")
	y.node.on("push", func() error { return domain.Errorf(domain.CodeForbidden, "push_denied", "", "no") })
	_, err = y.BuildImage(y.root, actions.BuildImageAction{Name: "k", ModelID: y.model.ID, Push: true, Remote: fleetHost + "/app:2"})
	fleetError(t, err, domain.CodeForbidden, "push_denied")
	require.Equal(t, domain.BuildDone, y.rows()[1].State, "it was built")
	require.Empty(t, y.rows()[1].Pushed)

	user := y.again(withBuilders(y.sources, y.nodes), withAuthorizer(reaching(domain.ReachVisible)))
	_, err = user.BuildImage(y.as(domain.Actor{ID: "root"}), actions.BuildImageAction{Name: "l", ModelID: y.model.ID, Push: true, Remote: fleetHost + "/app:1"})
	fleetError(t, err, domain.CodeForbidden, "reach_too_small")
}

func TestUsersBuildTheirOwnAndSeeNoOthers(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t, func(c *service.Config) { c.Build.Agent = "d1" })
	svc := y.again(withBuilders(y.sources, y.nodes), withAuthorizer(reaching(domain.ReachOwn)), func(c *service.Config) { c.Build.Agent = "d1" })
	hers := y.as(domain.Actor{ID: "alice", Domain: "default"})
	theirs := y.built(y.root, actions.BuildImageAction{Name: "image_name"})

	task, err := svc.CreateBuildTask(hers, actions.CreateBuildTaskAction{Name: "mnist"})
	require.NoError(t, err)
	model, err := svc.CreateModel(hers, actions.CreateModelAction{TaskID: task.Task.ID, Name: "net", Source: y.model.Source})
	require.NoError(t, err)
	img, err := svc.BuildImage(hers, actions.BuildImageAction{Name: "image_name", ModelID: model.Model.ID})
	require.NoError(t, err, "the configured agent is for everybody")
	require.NotEqual(t, theirs.Local, img.Image.Local)

	for name, err := range map[string]error{
		"get":    fleetErr(svc.GetBuiltImage(hers, actions.GetBuiltImageAction{ID: theirs.ID})),
		"rename": fleetErr(svc.RenameBuiltImage(hers, actions.RenameBuiltImageAction{ID: theirs.ID, Name: "x"})),
		"delete": fleetErr(svc.DeleteBuiltImage(hers, actions.DeleteBuiltImageAction{ID: theirs.ID, Cascade: true})),
		"list":   fleetErr(svc.ListBuiltImages(hers, actions.ListBuiltImagesAction{TaskID: y.task.ID})),
		"build":  fleetErr(svc.BuildImage(hers, actions.BuildImageAction{Name: "x", ModelID: y.model.ID})),
		"models": fleetErr(svc.ListModels(hers, actions.ListModelsAction{TaskID: y.task.ID})),
	} {
		require.ErrorIs(t, err, domain.ErrNotFound, name)
	}
	list, err := svc.ListBuiltImages(hers, actions.ListBuiltImagesAction{})
	require.NoError(t, err)
	require.Len(t, list.Images, 1)
	y.builder("d2")
	_, err = svc.BuildImage(hers, actions.BuildImageAction{Name: "x", ModelID: model.Model.ID, AgentID: "d2"})
	require.ErrorIs(t, err, domain.ErrNotFound, "an agent of a scaling group that she may not use")
}

func TestABuildInTheBackgroundIsOneImageWhateverBecomesOfItsWorker(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t, quick)
	_, err := y.BuildImage(y.root, actions.BuildImageAction{Name: "i", ModelID: 999, Background: true})
	require.ErrorIs(t, err, domain.ErrNotFound)
	ends := make(chan struct{})
	var once sync.Once
	y.node.on("build", func() error { once.Do(func() { close(ends) }); return nil })
	res, err := y.BuildImage(y.root, actions.BuildImageAction{Name: "i", ModelID: y.model.ID, Background: true})
	require.NoError(t, err)
	require.Nil(t, res.Image)
	stop := runTasks(t, y.ImageService)
	<-ends
	stop() // in the middle of it, or just after
	runTasks(t, y.again(withBuilders(y.sources, y.nodes), quick))
	task, _ := y.ended(res.TaskID)
	require.Equal(t, domain.TaskDone, task.State, "%+v", task)
	require.Len(t, y.rows(), 1)
	require.Equal(t, domain.BuildDone, y.rows()[0].State)

	y.node.on("build", func() error { return errNode })
	res, err = y.BuildImage(y.root, actions.BuildImageAction{Name: "j", ModelID: y.model.ID, Background: true})
	require.NoError(t, err)
	task, _ = y.ended(res.TaskID)
	require.Equal(t, domain.TaskFailed, task.State)
	require.Equal(t, "build_failed", task.Problem.Reason)
	require.Len(t, y.rows(), 1)
}

func TestATaskGoesOnWithWhatItsEarlierAttemptBuilt(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t, quick)
	y.register(fleetHost, "")
	pushing, gone := make(chan struct{}), make(chan struct{})
	var once sync.Once
	y.node.on("push", func() error { once.Do(func() { close(pushing); <-gone }); return nil })
	res, err := y.BuildImage(y.root, actions.BuildImageAction{Name: "i", ModelID: y.model.ID, Push: true, Remote: fleetHost + "/app:1", Background: true})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = service.NewRunner(y.ImageService).Run(ctx)
	}()
	<-pushing
	cancel()
	close(gone)
	<-stopped
	require.Empty(t, y.rows()[0].Pushed)
	runTasks(t, y.again(withBuilders(y.sources, y.nodes), quick))
	task, _ := y.ended(res.TaskID)
	require.Equal(t, domain.TaskDone, task.State, "%+v", task)
	require.Len(t, y.node.requests, 1, "it is not built again")
	require.NotEmpty(t, y.rows()[0].Pushed)
}

func TestRenamingChangesTheNameAlone(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t)
	img := y.built(y.root, actions.BuildImageAction{Name: "i"})
	y.built(y.root, actions.BuildImageAction{Name: "taken"})
	y.node.done()
	res, err := y.RenameBuiltImage(y.root, actions.RenameBuiltImageAction{ID: img.ID, Name: "first image"})
	require.NoError(t, err)
	require.Equal(t, "first image", res.Image.Name)
	require.Equal(t, []any{img.Digest, img.Local}, []any{res.Image.Digest, res.Image.Local})
	_, err = y.RenameBuiltImage(y.root, actions.RenameBuiltImageAction{ID: img.ID, Name: "taken"})
	fleetError(t, err, domain.CodeConflict, "image_exists")
	require.Empty(t, y.node.done(), "nobody else is asked")
}
