package integration_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
)

// What a client of the documented resource knows: these fields and no others.
type (
	pageImage struct {
		Name         string     `json:"name"`
		ID           int        `json:"id"`
		ModelID      int        `json:"model_id"`
		Author       string     `json:"author"`
		CreationDate string     `json:"creation_date"`
		Params       pageParams `json:"params"`
	}
	pageParams struct {
		Type       string       `json:"type"`
		Name       string       `json:"name"`
		Tag        string       `json:"tag"`
		Repository string       `json:"repository"`
		Registry   pageRegistry `json:"registry"`
	}
	pageRegistry struct {
		Type string `json:"type"`
	}
	pageOfModel struct {
		Name    string `json:"name"`
		ModelID int    `json:"model_id"`
	}
	pageOfPipeline struct {
		Name       string `json:"name"`
		PipelineID int    `json:"pipeline_id"`
	}
	pageName struct {
		Name string `json:"name"`
	}
)

// pageClient speaks the resource, and refuses what it does not know.
type pageClient struct {
	t   *testing.T
	url string
}

// do sends a body, unless that is nil, and decodes an answer of 200 or 201.
func (c pageClient) do(method, path string, body, into any) (status int) {
	c.t.Helper()
	var sent bytes.Buffer
	if body != nil {
		require.NoError(c.t, json.NewEncoder(&sent).Encode(body))
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, &sent)
	require.NoError(c.t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(c.t, err)
	defer res.Body.Close()
	if res.StatusCode == http.StatusOK || res.StatusCode == http.StatusCreated {
		strict := json.NewDecoder(res.Body)
		strict.DisallowUnknownFields()
		require.NoError(c.t, strict.Decode(into))
	}
	return res.StatusCode
}

func (c pageClient) list(task int64) (status int, images []pageImage) {
	c.t.Helper()
	status = c.do("GET", fmt.Sprintf("/images?task_id=%d", task), nil, &images)
	return status, images
}

func (c pageClient) get(id int) (status int, image pageImage) {
	c.t.Helper()
	status = c.do("GET", fmt.Sprintf("/images/%d", id), nil, &image)
	return status, image
}

func (c pageClient) build(body any) (status int, image pageImage) {
	c.t.Helper()
	status = c.do("POST", "/images", body, &image)
	return status, image
}

func (c pageClient) rename(id int, name string) (status int) {
	c.t.Helper()
	return c.do("PATCH", fmt.Sprintf("/images/%d", id), pageName{name}, nil)
}

func (c pageClient) remove(id int, query string) (status int) {
	c.t.Helper()
	return c.do("DELETE", fmt.Sprintf("/images/%d%s", id, query), nil, nil)
}

func TestAClientOfTheDocumentedImagesOfTasks(t *testing.T) {
	y := newYard(t, false)
	task, empty := y.task(t, "task_one"), y.task(t, "task_two")
	source := y.directory(t, "net", "")
	model, pipeline := int(y.model(t, task, "net", source)), int(y.pipeline(t, task, "nightly", source))
	c := pageClient{t, y.url}
	status, list := c.list(empty)
	require.Equal(t, 200, status)
	require.Equal(t, []pageImage{}, list, "an empty list, and not null")
	status, _ = c.list(77)
	require.Equal(t, 404, status)

	// of a model
	start := time.Now().UTC().Truncate(time.Microsecond)
	status, first := c.build(pageOfModel{"image_name", model})
	require.Equal(t, 201, status)
	made, err := time.Parse("2006-01-02 15:04:05.000000 ", first.CreationDate)
	require.NoError(t, err)
	require.WithinRange(t, made, start, time.Now().UTC())
	want := pageImage{
		Name: "image_name:latest", ID: first.ID, ModelID: model, Author: "root", CreationDate: first.CreationDate,
		Params: pageParams{
			Type: "ebonite.build.docker.DockerImage", Name: "image_name", Tag: "latest",
			Registry: pageRegistry{"ebonite.build.docker.DefaultDockerRegistry"},
		},
	}
	require.Equal(t, want, first)
	require.Positive(t, first.ID)

	// of a pipeline
	status, second := c.build(pageOfPipeline{"image_name", pipeline})
	require.Equal(t, 201, status)
	want.ID, want.ModelID, want.CreationDate = second.ID, 0, second.CreationDate
	require.Equal(t, want, second)
	require.NotEqual(t, first.ID, second.ID)

	for _, again := range []any{pageOfModel{"image_name", model}, pageOfPipeline{"image_name", pipeline}} {
		status, _ = c.build(again)
		require.Equal(t, 400, status, "the name is taken")
	}

	// of somebody who says where it belongs
	res, err := y.BuildImage(y.root, actions.BuildImageAction{Name: "image_name_2", ModelID: int64(model), Repository: "task_one", SkipBuild: true})
	require.NoError(t, err)
	status, third := c.get(int(res.Image.ID))
	require.Equal(t, 200, status)
	require.Equal(t, "task_one/image_name_2:latest", third.Name)
	require.Equal(t, "task_one", third.Params.Repository)

	for _, one := range []pageImage{first, second} {
		status, got := c.get(one.ID)
		require.Equal(t, 200, status)
		require.Equal(t, one, got)
	}
	status, list = c.list(task)
	require.Equal(t, 200, status)
	require.Equal(t, []pageImage{first, second, third}, list)
	status, _ = c.get(77)
	require.Equal(t, 404, status)

	// of somebody who pushes it
	host := y.registry(t)
	res, err = y.BuildImage(y.root, actions.BuildImageAction{Name: "image_name_3", ModelID: int64(model), Push: true, Remote: host + "/team/net:1"})
	require.NoError(t, err)
	status, fourth := c.get(int(res.Image.ID))
	require.Equal(t, 200, status)
	require.Equal(t, "image_name_3:latest", fourth.Name)
	status, list = c.list(task)
	require.Equal(t, 200, status)
	require.Equal(t, []pageImage{first, second, third, fourth}, list)

	require.Equal(t, 204, c.rename(first.ID, "first image"))
	_, renamed := c.get(first.ID)
	require.Equal(t, "first image:latest", renamed.Name)
	require.Equal(t, "first image", renamed.Params.Name)
	require.Equal(t, 404, c.rename(77, "first image"))

	row, _ := y.built(t, int64(first.ID))
	container, _ := y.run(t, row.Local, true)
	require.Equal(t, 400, c.remove(first.ID, ""), "an instance runs")
	require.Equal(t, 400, c.remove(first.ID, "?cascade=0"))
	require.True(t, y.runs(t, container)[container])
	require.Equal(t, 204, c.remove(first.ID, "?cascade=1"))
	require.Empty(t, y.runs(t, container))
	require.Equal(t, 404, c.remove(first.ID, "?cascade=1"))
	require.Equal(t, 204, c.remove(second.ID, "?meta_only=1"))
	require.Equal(t, 404, c.remove(second.ID, ""))
	require.Equal(t, 204, c.remove(third.ID, ""))
	require.Equal(t, 204, c.remove(fourth.ID, ""))
	_, list = c.list(task)
	require.Empty(t, list)
}
