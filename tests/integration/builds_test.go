package integration_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// post has an image built over HTTP, and returns its id.
func (y *yard) post(t *testing.T, name, kind string, of int64) int64 {
	t.Helper()
	status, h, body := y.ask(t, http.MethodPost, "/images", fmt.Sprintf(`{"name":%q,"%s_id":%d}`, name, kind, of), "")
	require.Equal(t, http.StatusCreated, status, body)
	var made struct {
		ID int64 `json:"id"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &made))
	require.Equal(t, fmt.Sprintf("/images/%d", made.ID), h.Get("Location"))
	return made.ID
}

func TestImagesAreBuiltOfEverySource(t *testing.T) {
	y := newYard(t, true)
	task := y.task(t, "mnist")
	directory := y.directory(t, "net", "")
	for _, c := range []struct {
		what, kind string
		of         int64
	}{
		{"a directory", "model", y.model(t, task, "net", directory)},
		{"a tarball", "pipeline", y.pipeline(t, task, "nightly", y.tarball(t, "nightly.tar"))},
		{"a template", "model", y.model(t, task, "served", y.template(t))},
	} {
		t.Run("of "+c.what, func(t *testing.T) {
			id := y.post(t, "image", c.kind, c.of)
			row, has := y.built(t, id)
			require.Equal(t, domain.BuildDone, row.State)
			require.Equal(t, domain.AgentID("builder"), row.AgentID)
			require.Equal(t, row.Digest, has)
			require.Equal(t, c.of, row.SourceID())
			_, labels := y.find(t, row.Local)
			require.Equal(t, row.Local, labels[domain.LabelBuild])
			container, _ := y.run(t, row.Local, true)
			require.True(t, y.runs(t, container)[container], "it is a program that goes on")
		})
	}
	t.Run("without waiting", func(t *testing.T) {
		of := y.model(t, task, "later", directory)
		status, h, body := y.ask(t, http.MethodPost, "/images", fmt.Sprintf(`{"name":"later","model_id":%d}`, of), "Prefer: respond-async")
		require.Equal(t, http.StatusAccepted, status, body)
		at, err := url.Parse(h.Get("Location"))
		require.NoError(t, err)
		ended := actions.GetTaskResult{}
		require.Eventually(t, func() bool {
			status, _, body := y.ask(t, http.MethodGet, at.RequestURI(), "", "")
			return status == http.StatusOK && json.Unmarshal([]byte(body), &ended) == nil && ended.Task.State.Finished()
		}, 30*time.Second, 20*time.Millisecond)
		require.Equal(t, domain.TaskDone, ended.Task.State)
		list, err := y.ListBuiltImages(y.root, actions.ListBuiltImagesAction{TaskID: task, Where: domain.Where("name", domain.Eq, "later")})
		require.NoError(t, err)
		require.Len(t, list.Images, 1)
		row, has := y.built(t, list.Images[0].ID)
		require.Equal(t, domain.BuildDone, row.State)
		require.Equal(t, row.Digest, has)
	})
}

func TestAnImageGoesWithItsContainersAndWithNoOthers(t *testing.T) {
	y := newYard(t, false)
	one, two := y.task(t, "one"), y.task(t, "two")
	same := y.directory(t, "net", "")
	mine := y.post(t, "image", "model", y.model(t, one, "net", same))
	theirs := y.post(t, "image", "pipeline", y.pipeline(t, two, "nightly", same))
	row, _ := y.built(t, mine)
	other, _ := y.built(t, theirs)
	require.NotEqual(t, row.Digest, other.Digest, "the same layers, and yet two images")
	child := y.prefix + "child:1"
	_, err := y.store.Build(t.Context(), domain.BuildRequest{Name: child, Source: domain.BuildSource{
		Type: domain.BuildFromTemplate, Template: &domain.BuildTemplate{BaseImage: row.Local, Files: map[string]string{"more": "1"}},
	}}, nil)
	require.NoError(t, err)
	first, name := y.run(t, row.Local, true)
	second, _ := y.run(t, row.Local, true)
	never, _ := y.run(t, row.Local, false)
	foreign, _ := y.run(t, other.Local, true)
	above, _ := y.run(t, child, true)
	all := []string{first, second, never, foreign, above}
	before := map[string]bool{first: true, second: true, never: false, foreign: true, above: true}
	require.Equal(t, before, y.runs(t, all...))

	path := fmt.Sprintf("/images/%d", mine)
	for _, query := range []string{"", "?cascade=0", "?cascade=0&meta_only=0"} {
		status, _, body := y.ask(t, http.MethodDelete, path+query, "", "")
		require.Equal(t, http.StatusBadRequest, status, body)
		require.Contains(t, body, name)
		require.Equal(t, before, y.runs(t, all...))
	}
	_, has := y.built(t, mine)
	require.Equal(t, row.Digest, has)

	status, _, body := y.ask(t, http.MethodDelete, path+"?cascade=1", "", "")
	require.Equal(t, http.StatusNoContent, status, body)
	require.Empty(t, body)
	require.Equal(t, map[string]bool{foreign: true, above: true}, y.runs(t, all...))
	has, _ = y.find(t, row.Local)
	require.Empty(t, has)
	for _, query := range []string{"?cascade=1", "", "?meta_only=1"} {
		status, _, body = y.ask(t, http.MethodDelete, path+query, "", "")
		require.Equal(t, http.StatusNotFound, status, body)
	}

	path = fmt.Sprintf("/images/%d", theirs)
	status, _, body = y.ask(t, http.MethodDelete, path+"?meta_only=1", "", "")
	require.Equal(t, http.StatusNoContent, status, body)
	require.Equal(t, map[string]bool{foreign: true, above: true}, y.runs(t, all...))
	has, _ = y.find(t, other.Local)
	require.Equal(t, other.Digest, has, "the engine has it still")
	status, _, _ = y.ask(t, http.MethodGet, path, "", "")
	require.Equal(t, http.StatusNotFound, status)
}

func TestABuildThatFailsLeavesWhatWasThere(t *testing.T) {
	y := newYard(t, false)
	of := y.model(t, y.task(t, "mnist"), "net", y.directory(t, "net", ""))
	id := y.post(t, "image", "model", of)
	before, _ := y.built(t, id)
	container, _ := y.run(t, before.Local, true)
	overwrite := fmt.Sprintf(`{"name":"image","model_id":%d,"builder_args":{"force_overwrite":true}}`, of)

	y.directory(t, "net", "RUN [\"/none\"]\n")
	status, _, body := y.ask(t, http.MethodPost, "/images", overwrite, "")
	require.Equal(t, http.StatusBadRequest, status, body)
	require.Contains(t, body, "/none", "the last words of the builder")
	status, _, body = y.ask(t, http.MethodPost, "/images", fmt.Sprintf(`{"name":"new","model_id":%d}`, of), "")
	require.Equal(t, http.StatusBadRequest, status, body)
	list, err := y.ListBuiltImages(y.root, actions.ListBuiltImagesAction{})
	require.NoError(t, err)
	require.Len(t, list.Images, 1, "no row is left of what was never there")
	after, has := y.built(t, id)
	require.Equal(t, domain.BuildDone, after.State)
	require.Equal(t, before.Digest, after.Digest)
	require.Equal(t, before.Local, after.Local)
	require.Equal(t, before.Digest, has)

	y.directory(t, "net", "ENV GENERATION=2\n")
	status, _, body = y.ask(t, http.MethodPost, "/images", overwrite, "")
	require.Equal(t, http.StatusCreated, status, body)
	after, has = y.built(t, id)
	require.NotEqual(t, before.Digest, after.Digest)
	require.Equal(t, after.Digest, has)
	require.True(t, y.runs(t, container)[container], "what runs goes on with the image that it was made of")
}

func TestABuiltImageThatIsPushedIsThatOfTheCatalogue(t *testing.T) {
	y := newYard(t, false)
	host := y.registry(t)
	of := y.model(t, y.task(t, "mnist"), "net", y.directory(t, "net", ""))
	remote := host + "/team/net:1"
	res, err := y.BuildImage(y.root, actions.BuildImageAction{Name: "image", ModelID: of, Push: true, Remote: remote})
	require.NoError(t, err)
	require.Equal(t, remote, res.Image.Pushed)
	require.Equal(t, host, res.Image.RegistryHost)
	row, has := y.built(t, res.Image.ID)
	require.Equal(t, row.Digest, has)
	require.Empty(t, row.ImageID, "the catalogue has not seen it")
	digest, err := y.GetImageDigest(y.root, actions.GetImageDigestAction{Image: remote})
	require.NoError(t, err)
	require.Equal(t, digest.Digest, row.ManifestDigest)

	scanned, err := y.ScanImage(y.root, actions.ScanImageAction{Reference: remote})
	require.NoError(t, err)
	require.Len(t, scanned.Images, 1)
	row, _ = y.built(t, res.Image.ID)
	require.Equal(t, scanned.Images[0].Image.ID, row.ImageID)
	require.Equal(t, row.Digest, scanned.Images[0].Image.ConfigDigest)

	status, _, body := y.ask(t, http.MethodDelete, fmt.Sprintf("/images/%d", row.ID), "", "")
	require.Equal(t, http.StatusNoContent, status, body)
	again, err := y.GetImageDigest(y.root, actions.GetImageDigestAction{Image: remote})
	require.NoError(t, err)
	require.Equal(t, digest.Digest, again.Digest, "what was pushed stays")
}
