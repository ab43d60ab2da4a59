package integration_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/adapters/registry/transfer/transfertest"
	"github.com/wharf-project/wharf/adapters/rest"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/tests/containers"
)

// yard is an installation that builds on the machine's engine, behind HTTP. What
// it built goes away with the test.
type yard struct {
	*localEngine
	*app.App
	root    context.Context // as superadmin
	url     string
	sources string
}

// newYard also works off tasks when it runs.
func newYard(t *testing.T, runs bool, clusters ...domain.Cluster) *yard {
	t.Helper()
	y := &yard{
		localEngine: newLocalEngine(t), sources: t.TempDir(),
		root: domain.WithActor(t.Context(), domain.Actor{ID: "root", Role: domain.RoleSuperadmin}),
	}
	var err error
	y.App, err = app.Open(t.Context(), app.Config{Dir: t.TempDir(), AtHand: true, Service: service.Config{
		Build: service.Build{Sources: y.sources}, References: domain.ReferenceParser{Clusters: domain.Clusters{All: clusters}},
	}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, y.Close()) })
	t.Cleanup(func() { y.clear(t) })
	if runs {
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		ran := make(chan error, 1)
		go func() { ran <- service.NewRunner(y.ImageService).Run(ctx) }()
		t.Cleanup(func() { cancel(); <-ran })
	}
	_, err = y.RegisterAgent(y.root, actions.RegisterAgentAction{AgentID: "builder", Kind: domain.AgentDocker, Address: containers.Docker(t), ScalingGroup: "default"})
	require.NoError(t, err)

	api, err := rest.New(y.ImageService, rest.Options{})
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		root := domain.Actor{ID: "root", Role: domain.RoleSuperadmin}
		api.ServeHTTP(w, r.WithContext(domain.WithEnvelope(r.Context(), domain.Envelope{Actor: root, RequestID: "r"})))
	}))
	t.Cleanup(server.Close)
	y.url = server.URL
	return y
}

// clear removes what was built of the test's sources, which have a label.
func (y *yard) clear(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	of := client.Filters{}.Add("label", "wharf.test="+y.prefix)
	used, err := y.api.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: of})
	require.NoError(t, err)
	for _, c := range used.Items {
		_, err := y.api.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true})
		require.NoError(t, err)
	}
	built, err := y.api.ImageList(ctx, client.ImageListOptions{Filters: of})
	require.NoError(t, err)
	for _, i := range built.Items {
		_, _ = y.api.ImageRemove(ctx, i.ID, client.ImageRemoveOptions{Force: true, PruneChildren: true}) // one may have gone with another
	}
	left, err := y.api.ImageList(ctx, client.ImageListOptions{Filters: of})
	require.NoError(t, err)
	require.Empty(t, left.Items)
}

// directory is a folder of sources whose image sleeps; more ends its Dockerfile.
func (y *yard) directory(t *testing.T, name, more string) domain.BuildSource {
	t.Helper()
	made := sleeper(t, "FROM scratch\nLABEL wharf.test=\""+y.prefix+"\"\nCOPY sleeper /sleeper\nCMD [\"/sleeper\"]\n"+more).Path
	dir := filepath.Join(y.sources, name)
	require.NoError(t, os.RemoveAll(dir))
	require.NoError(t, os.CopyFS(dir, os.DirFS(made)))
	return domain.BuildSource{Type: domain.BuildFromDirectory, Path: name}
}

// tarball is such a folder in an archive.
func (y *yard) tarball(t *testing.T, name string) domain.BuildSource {
	t.Helper()
	dir := y.directory(t, name+".d", "LABEL packed=1\n").Path
	transfertest.Pack(t, filepath.Join(y.sources, dir), filepath.Join(y.sources, name))
	return domain.BuildSource{Type: domain.BuildFromTarball, Path: name}
}

// template stands on an image that the engine has.
func (y *yard) template(t *testing.T) domain.BuildSource {
	t.Helper()
	base := y.directory(t, "base", "")
	base.Path = filepath.Join(y.sources, base.Path)
	_, err := y.store.Build(t.Context(), domain.BuildRequest{Name: y.prefix + "base:1", Source: base}, nil)
	require.NoError(t, err)
	return domain.BuildSource{Type: domain.BuildFromTemplate, Template: &domain.BuildTemplate{BaseImage: y.prefix + "base:1", Files: map[string]string{"etc/words": "some"}}}
}

// registry is a registry in a container, and a row of it.
func (y *yard) registry(t *testing.T) (host string) {
	t.Helper()
	host = containers.Registry(t, containers.RegistryOptions{Delete: true})
	_, err := y.CreateRegistry(y.root, actions.CreateRegistryAction{Name: host, URL: "http://" + host})
	require.NoError(t, err)
	return host
}

func (y *yard) task(t *testing.T, name string) int64 {
	t.Helper()
	res, err := y.CreateBuildTask(y.root, actions.CreateBuildTaskAction{Name: name})
	require.NoError(t, err)
	return res.Task.ID
}

func (y *yard) model(t *testing.T, task int64, name string, source domain.BuildSource) int64 {
	t.Helper()
	res, err := y.CreateModel(y.root, actions.CreateModelAction{TaskID: task, Name: name, Source: source})
	require.NoError(t, err)
	return res.Model.ID
}

func (y *yard) pipeline(t *testing.T, task int64, name string, source domain.BuildSource) int64 {
	t.Helper()
	res, err := y.CreatePipeline(y.root, actions.CreatePipelineAction{TaskID: task, Name: name, Source: source})
	require.NoError(t, err)
	return res.Pipeline.ID
}

// ask makes one request, with a header "Name: value" or "".
func (y *yard) ask(t *testing.T, method, path, body, header string) (status int, h http.Header, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, y.url+path, strings.NewReader(body))
	require.NoError(t, err)
	if name, value, ok := strings.Cut(header, ": "); ok {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, res.Header, string(text)
}

// built returns the row of the image that a path names, and what the engine has
// under its name.
func (y *yard) built(t *testing.T, id int64) (row domain.BuiltImage, has domain.Digest) {
	t.Helper()
	res, err := y.GetBuiltImage(y.root, actions.GetBuiltImageAction{ID: id})
	require.NoError(t, err)
	has, _ = y.find(t, res.Image.Local)
	return res.Image, has
}

// runs tells of each container whether it runs; those that are gone are left out.
func (y *yard) runs(t *testing.T, ids ...string) map[string]bool {
	t.Helper()
	running := map[string]bool{}
	for _, id := range ids {
		if is, err := y.api.ContainerInspect(t.Context(), id, client.ContainerInspectOptions{}); err == nil {
			running[id] = is.Container.State.Running
		}
	}
	return running
}
