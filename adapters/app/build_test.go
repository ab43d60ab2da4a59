package app_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/adapters/registry/transfer/transfertest"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

const baseImage = "base.example.org/base:1"

// bench is an installation with images at hand, and a build task.
type bench struct {
	*app.App
	t    *testing.T
	ctx  context.Context
	task int64
}

func newBench(t *testing.T) *bench {
	t.Helper()
	a, err := app.Open(t.Context(), app.Config{Dir: t.TempDir(), AtHand: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	b := &bench{App: a, t: t, ctx: domain.WithActor(t.Context(), domain.Actor{ID: "root", Role: domain.RoleSuperadmin})}
	res, err := a.CreateBuildTask(b.ctx, actions.CreateBuildTaskAction{Name: "mnist"})
	require.NoError(t, err)
	b.task = res.Task.ID
	return b
}

// model makes one of a template.
func (b *bench) model(name string, of domain.BuildTemplate) int64 {
	b.t.Helper()
	res, err := b.CreateModel(b.ctx, actions.CreateModelAction{TaskID: b.task, Name: name, Source: domain.BuildSource{Type: domain.BuildFromTemplate, Template: &of}})
	require.NoError(b.t, err)
	return res.Model.ID
}

func (b *bench) build(a actions.BuildImageAction) domain.BuiltImage {
	b.t.Helper()
	res, err := b.BuildImage(b.ctx, a)
	require.NoError(b.t, err)
	return *res.Image
}

// imageOf is what a layout has of a built image.
func imageOf(t *testing.T, dir string, row domain.BuiltImage) v1.Image {
	t.Helper()
	d, found := transfertest.NamesOfLayout(t, dir)[row.Local]
	require.True(t, found, row.Local)
	h, err := v1.NewHash(d.String())
	require.NoError(t, err)
	img, err := layout.Path(dir).Image(h)
	require.NoError(t, err)
	require.NoError(t, validate.Image(img))
	config, err := img.ConfigName()
	require.NoError(t, err)
	require.Equal(t, row.Digest.String(), config.String())
	return img
}

// filesOf is the files of the topmost layer.
func filesOf(t *testing.T, img v1.Image) map[string]string {
	t.Helper()
	layers, err := img.Layers()
	require.NoError(t, err)
	content, err := layers[len(layers)-1].Compressed()
	require.NoError(t, err)
	defer content.Close()
	z, err := gzip.NewReader(content)
	require.NoError(t, err)
	files := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		require.NoError(t, err)
		raw, err := io.ReadAll(r)
		require.NoError(t, err)
		if h.Typeflag == tar.TypeReg {
			files[h.Name] = string(raw)
		}
	}
}

func TestAnImageIsBuiltIntoALayoutWithoutAnEngine(t *testing.T) {
	b := newBench(t)
	t.Chdir(t.TempDir())
	dir, err := filepath.Abs("layout")
	require.NoError(t, err)
	transfertest.PutLayout(t, dir, baseImage, transfertest.Image(t, domain.HostArchitecture(), map[string]string{"etc/base": "1"}))

	scratch := b.model("net", domain.BuildTemplate{BaseImage: "scratch", Files: map[string]string{"main.py": "print()"}, Command: []string{"python", "main.py"}})
	one := b.build(actions.BuildImageAction{Name: "i", ModelID: scratch, Store: "oci:./layout"})
	require.Equal(t, domain.BuildDone, one.State)
	require.Equal(t, "oci:"+dir, one.Store, "whoever reads the row is in another folder")
	require.Empty(t, one.AgentID)
	img := imageOf(t, dir, one)
	cfg, err := img.ConfigFile()
	require.NoError(t, err)
	require.Equal(t, []string{"python", "main.py"}, cfg.Config.Cmd)
	require.Equal(t, one.Local, cfg.Config.Labels[domain.LabelBuild])
	require.Equal(t, map[string]string{"app/main.py": "print()"}, filesOf(t, img))

	// The base is another one when it is built again: from the same folder, whatever
	// it is called, and without saying where.
	based := b.model("based", domain.BuildTemplate{BaseImage: baseImage, Files: map[string]string{"lib.py": "1"}})
	first := b.build(actions.BuildImageAction{Name: "i", ModelID: based, Store: "oci:" + dir})
	store, ok := transfertest.Open(t, "oci:"+dir).(port.Builder)
	require.True(t, ok)
	require.NoError(t, store.Untag(t.Context(), baseImage))
	transfertest.PutLayout(t, dir, baseImage, transfertest.Image(t, domain.HostArchitecture(), map[string]string{"etc/base": "2"}))
	t.Chdir(t.TempDir())
	_, err = b.BuildImage(b.ctx, actions.BuildImageAction{Name: "i", ModelID: based, Store: "oci:layout", Overwrite: true})
	require.Equal(t, "image_elsewhere", domain.ReasonOf(err), "%v", err)
	again := b.build(actions.BuildImageAction{Name: "i", ModelID: based, Overwrite: true})
	require.Equal(t, []any{first.ID, first.Local, first.Store}, []any{again.ID, again.Local, again.Store})
	require.NotEqual(t, first.Digest, again.Digest)
	require.Equal(t, map[string]string{"app/lib.py": "1"}, filesOf(t, imageOf(t, dir, again)))

	for _, row := range []domain.BuiltImage{one, again} {
		res, err := b.DeleteBuiltImage(b.ctx, actions.DeleteBuiltImageAction{ID: row.ID, Cascade: true})
		require.NoError(t, err)
		require.Empty(t, res.Removed)
		require.NotContains(t, transfertest.NamesOfLayout(t, dir), row.Local)
	}
	require.Equal(t, []string{baseImage}, slices.Collect(maps.Keys(transfertest.NamesOfLayout(t, dir))))
	list, err := b.ListBuiltImages(b.ctx, actions.ListBuiltImagesAction{})
	require.NoError(t, err)
	require.Empty(t, list.Images)
}

func TestWhatCannotBeBuiltWithoutAnEngineLeavesNothing(t *testing.T) {
	b := newBench(t)
	dir := t.TempDir()
	plain := b.model("plain", domain.BuildTemplate{BaseImage: "scratch", Files: map[string]string{"a": "b"}})
	needs := b.model("needs", domain.BuildTemplate{BaseImage: "scratch", Requirements: []string{"numpy"}})
	for name, c := range map[string]struct {
		action actions.BuildImageAction
		reason string
	}{
		"requirements":            {actions.BuildImageAction{ModelID: needs, Store: "oci:" + dir}, "build_unsupported"},
		"an archive":              {actions.BuildImageAction{ModelID: plain, Store: "archive:" + filepath.Join(dir, "a.tar")}, "build_unsupported"},
		"a layout without a path": {actions.BuildImageAction{ModelID: plain, Store: "oci:"}, "store_invalid"},
		"a path that is not text": {actions.BuildImageAction{ModelID: plain, Store: "oci:" + dir + "/\xff"}, "store_invalid"},
		"a store of no kind":      {actions.BuildImageAction{ModelID: plain, Store: "podman"}, "store_invalid"},
		"a store and an agent":    {actions.BuildImageAction{ModelID: plain, Store: "oci:" + dir, AgentID: "a1"}, "store_invalid"},
		"in the background":       {actions.BuildImageAction{ModelID: plain, Store: "oci:" + dir, Background: true}, "background_store"},
	} {
		c.action.Name = "i"
		_, err := b.BuildImage(b.ctx, c.action)
		require.Equal(t, c.reason, domain.ReasonOf(err), "%s: %v", name, err)
	}
	_, err := b.BuildImage(b.ctx, actions.BuildImageAction{Name: "i", ModelID: plain})
	require.Equal(t, "build_agent_unset", domain.ReasonOf(err))
	require.Contains(t, domain.MessageOf(err), "--store", "it says what to do where there is no agent")
	list, err := b.ListBuiltImages(b.ctx, actions.ListBuiltImagesAction{})
	require.NoError(t, err)
	require.Empty(t, list.Images)
	require.Empty(t, transfertest.NamesOfLayout(t, dir))
}
