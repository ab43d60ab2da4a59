package rest_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// workshop is an agent that builds whatever it is told, and runs what a test
// says.
type workshop struct {
	*porttest.Agent
	mu         sync.Mutex
	built      []string
	containers []domain.Container
	fails      error
}

func (s *workshop) Build(_ context.Context, r domain.BuildRequest, _ domain.TransferSink) (domain.BuildOutcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.built = append(s.built, r.Name)
	return domain.BuildOutcome{Digest: domain.Digest("sha256:" + strings.Repeat("0", 63) + strconv.Itoa(len(s.built)))}, s.fails
}

func (s *workshop) Push(context.Context, domain.PushRequest, domain.TransferSink) (domain.PushOutcome, error) {
	return domain.PushOutcome{Digest: domain.Digest("sha256:" + strings.Repeat("a", 64))}, nil
}

func (s *workshop) Untag(context.Context, string) error { return nil }

func (s *workshop) Containers(context.Context, ...domain.Digest) ([]domain.Container, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.containers, nil
}

func (s *workshop) StopContainer(context.Context, string) error { return nil }

func (s *workshop) RemoveContainer(context.Context, string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.containers = nil
	return nil
}

// newWorkshop is a world where images can be built: the task 1, with the model
// 1 and the pipeline 2, and the task 2 with nothing in it.
func newWorkshop(t *testing.T) (*world, *workshop) {
	t.Helper()
	shop := &workshop{Agent: porttest.NewAgent(nil)}
	w := newWorld(t, at{cfg: func(c *service.Config) {
		c.Agents[domain.AgentDocker] = func(context.Context, domain.Agent) (port.Agent, error) { return shop, nil }
		c.Now = func() time.Time { return time.Date(2026, 1, 31, 12, 30, 15, 7000, time.FixedZone("", 3600)) }
	}})
	_, err := w.svc.RegisterAgent(w.root, actions.RegisterAgentAction{AgentID: "d1", Kind: domain.AgentDocker, Address: "unix:///d", ScalingGroup: "gpu"})
	require.NoError(t, err)
	for _, name := range []string{"task_one", "empty"} {
		_, err = w.svc.CreateBuildTask(w.root, actions.CreateBuildTaskAction{Name: name})
		require.NoError(t, err)
	}
	source := domain.BuildSource{Type: domain.BuildFromTemplate, Template: &domain.BuildTemplate{BaseImage: "scratch"}}
	_, err = w.svc.CreateModel(w.root, actions.CreateModelAction{TaskID: 1, Name: "net", Source: source})
	require.NoError(t, err)
	_, err = w.svc.CreatePipeline(w.root, actions.CreatePipelineAction{TaskID: 1, Name: "nightly", Source: source})
	require.NoError(t, err)
	return w, shop
}

// errormsg checks the form of an error of this resource, and returns its text.
func (a *answer) errormsg(status int) string {
	a.t.Helper()
	require.Equal(a.t, status, a.StatusCode, "%s", a.body)
	require.Equal(a.t, "application/json", a.Header.Get("Content-Type"))
	m := a.object()
	require.Len(a.t, m, 1)
	text, _ := m["errormsg"].(string)
	require.NotEmpty(a.t, text)
	return text
}

// like compares a body with a golden file, byte for byte.
func (a *answer) like(status int, name string) {
	a.t.Helper()
	require.Equal(a.t, status, a.StatusCode, "%s", a.body)
	require.Equal(a.t, "application/json", a.Header.Get("Content-Type"))
	path := filepath.Join("testdata", "images", name+".json")
	if *update {
		require.NoError(a.t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(a.t, os.WriteFile(path, a.body, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(a.t, err, "go test ./adapters/rest -update writes it")
	require.Equal(a.t, string(want), string(a.body))
}

func TestImagesAreAsTheirClientsKnowThem(t *testing.T) {
	t.Parallel()
	w, _ := newWorkshop(t)
	res := w.do("POST", "/images", `{"name":"image_name","model_id":1}`)
	res.like(201, "build_model")
	require.Equal(t, "/images/1", res.Header.Get("Location"))
	w.do("POST", "/images", `{"name":"image_name","pipeline_id":2}`).like(201, "build_pipeline")
	_, err := w.svc.BuildImage(w.root, actions.BuildImageAction{Name: "image <2>", ModelID: 1, Repository: "task_one", Tag: "2"})
	require.NoError(t, err)
	w.do("GET", "/images?task_id=1", "").like(200, "list")
	w.do("GET", "/images?task_id=2", "").like(200, "list_empty")
	w.do("GET", "/images/3", "").like(200, "get")
	w.do("GET", "/images/77", "").like(404, "not_found")
	w.do("POST", "/images", `{"name":"image_name","model_id":1}`).like(400, "duplicate")

	res = w.do("PATCH", "/images/1", `{"name":"first image"}`)
	require.Equal(t, 204, res.StatusCode)
	require.Empty(t, res.body)
	w.do("GET", "/images/1", "").like(200, "renamed")
	w.do("PATCH", "/images/1", `{"name":"image <2>"}`).errormsg(400)
	w.do("PATCH", "/images/77", `{"name":"x"}`).errormsg(404)

	res = w.do("DELETE", "/images/1", "")
	require.Equal(t, 204, res.StatusCode)
	require.Empty(t, res.body)
	w.do("DELETE", "/images/1", "").errormsg(404)
	require.Equal(t, 200, w.do("HEAD", "/images/2", "").StatusCode)
}

func TestAnImageThatWasPushedReadsLikeAnyOther(t *testing.T) {
	t.Parallel()
	w, _ := newWorkshop(t)
	_, err := w.svc.CreateRegistry(w.root, actions.CreateRegistryAction{Name: "cr.example.org"})
	require.NoError(t, err)
	_, err = w.svc.BuildImage(w.root, actions.BuildImageAction{Name: "image_name", ModelID: 1, Push: true, Remote: "cr.example.org/net:1"})
	require.NoError(t, err)
	w.do("GET", "/images/1", "").like(200, "pushed")
}

func TestABuildTakesBothBodies(t *testing.T) {
	t.Parallel()
	w, shop := newWorkshop(t)
	const model, pipeline = `"type":"ebonite.build.provider.ml_model.ModelBuildable","server_type":"flask"`, `"type":"ebonite.build.provider.pipeline.PipelineBuildable","server_type":"flask"`
	for body, status := range map[string]int{
		`{"name":"a","model_id":1}`:                                                          201,
		`{"name":"b","pipeline_id":2}`:                                                       201,
		`{"name":"c","buildable":{` + model + `,"model_id":1,"debug":true}}`:                 201,
		`{"name":"d","buildable":{` + pipeline + `,"pipeline_id":2}}`:                        201,
		`{"name":"e","model_id":1,"buildable":null,"builder_args":{"force_overwrite":true}}`: 201,
		`{"name":"f","model_id":77}`:                                                         404,
		`{"name":"f","pipeline_id":1}`:                                                       404,
		`{"name":"f","buildable":{` + model + `,"model_id":77}}`:                             404,
		`{"name":"f"}`:                                                       422,
		`{"model_id":1}`:                                                     422,
		`{"name":null,"model_id":1}`:                                         422,
		`{"name":"","model_id":1}`:                                           422,
		`{"name":"f","model_id":0}`:                                          422,
		`{"name":"f","model_id":"1"}`:                                        422,
		`{"name":"f","model_id":1.5}`:                                        422,
		`{"name":"f","model_id":-1}`:                                         422,
		`{"name":"f","model_id":1,"pipeline_id":2}`:                          422,
		`{"name":"f","model_id":1,"extra":2}`:                                422,
		`{"name":"f","model_id":1,"builder_args":{"run_cmd":"x"}}`:           422,
		`{"name":"f","model_id":1,"buildable":{` + model + `,"model_id":1}}`: 422,
		`{"name":"f","buildable":{"server_type":"flask","model_id":1}}`:      422,
		`{"name":"f","buildable":{"type":"os.system","server_type":"flask","model_id":1}}`: 422,
		`{"name":"f","buildable":{` + strings.Split(model, ",")[0] + `,"model_id":1}}`:     422,
		`{"name":"f","buildable":{` + model + `}}`:                                         422,
		`{"name":"f","buildable":{` + model + `,"pipeline_id":2}}`:                         422,
		`{"name":"f","buildable":{` + pipeline + `,"model_id":1}}`:                         422,
		`{"name":"f",`:                422,
		`[]`:                          422,
		``:                            422,
		`{"name":"f","model_id":1} x`: 422,
	} {
		res := w.do("POST", "/images", body)
		require.Equal(t, status, res.StatusCode, "%s: %s", body, res.body)
		if status >= 400 {
			res.errormsg(status)
		}
	}
	require.Len(t, shop.built, 5)
	require.Equal(t, 201, w.do("POST", "/images", `{"name":"a","model_id":1,"builder_args":{"force_overwrite":true}}`).StatusCode)
	require.Equal(t, 201, w.do("POST", "/images?skip_build=1", `{"name":"g","model_id":1}`, "Content-Type: text/plain").StatusCode)
	require.Len(t, shop.built, 6)
	shop.fails = domain.Errorf(domain.CodePrecondition, "build_failed", "d1", "RUN false")
	require.Contains(t, w.do("POST", "/images", `{"name":"h","model_id":1}`).errormsg(400), "RUN false")
	shop.fails = domain.Errorf(domain.CodeUnavailable, "engine_unavailable", "d1", "the engine does not answer")
	w.do("POST", "/images", `{"name":"h","model_id":1}`).errormsg(503)
}

func TestWhatIsNoFlagIsRefused(t *testing.T) {
	t.Parallel()
	w, shop := newWorkshop(t)
	w.do("POST", "/images", `{"name":"i","model_id":1}`).ok(201)
	for query, status := range map[string]int{
		"?cascade=2": 422, "?cascade=true": 422, "?cascade=": 422, "?cascade": 422, "?cascade=1&cascade=0": 422, "?cascde=1": 422,
		"?meta_only=-1": 422, "?meta_only=yes": 422, "?%zz": 422,
	} {
		res := w.do("DELETE", "/images/1"+query, "")
		require.Equal(t, status, res.StatusCode, query)
		res.errormsg(status)
	}
	for query, status := range map[string]int{"": 422, "?task_id=": 422, "?task_id=x": 422, "?task_id=1.5": 422, "?task_id=1&task_id=2": 422, "?task=1": 422, "?task_id=77": 404, "?task_id=0": 404, "?task_id=-1": 404} {
		w.do("GET", "/images"+query, "").errormsg(status)
	}
	w.do("POST", "/images?skip_build=2", `{"name":"j","model_id":1}`).errormsg(422)
	w.do("PATCH", "/images/1", `{}`).errormsg(422)
	w.do("PATCH", "/images/1", `{"name":1}`).errormsg(422)
	w.do("PATCH", "/images/1", `{"name":"x","author":"y"}`).errormsg(422)
	for _, path := range []string{"/images/", "/images/x", "/images/-1", "/images/+1", "/images/0", "/images/1/", "/images/1%2f", "/images/99999999999999999999"} {
		w.do("GET", path, "").errormsg(404)
	}
	require.Equal(t, "GET, HEAD, POST", w.do("DELETE", "/images", "").Header.Get("Allow"))
	w.do("PUT", "/images/1", `{}`).errormsg(405)
	require.Len(t, shop.built, 1)
}

func TestRunningInstancesKeepAnImageUnlessTheyGoWithIt(t *testing.T) {
	t.Parallel()
	w, shop := newWorkshop(t)
	w.do("POST", "/images", `{"name":"i","model_id":1}`).ok(201)
	img, err := w.svc.GetBuiltImage(w.root, actions.GetBuiltImageAction{ID: 1})
	require.NoError(t, err)
	shop.containers = []domain.Container{{ID: "c", Name: "net-1", Image: img.Image.Digest, Running: true}}
	require.Contains(t, w.do("DELETE", "/images/1", "").errormsg(400), "net-1")
	w.do("DELETE", "/images/1?cascade=0", "").errormsg(400)
	require.Equal(t, 204, w.do("DELETE", "/images/1?cascade=1", "").StatusCode)
	require.Empty(t, shop.containers)

	w.do("POST", "/images", `{"name":"i","model_id":1}`).ok(201)
	img, err = w.svc.GetBuiltImage(w.root, actions.GetBuiltImageAction{ID: 2})
	require.NoError(t, err)
	shop.containers = []domain.Container{{ID: "c", Image: img.Image.Digest, Running: true}}
	require.Equal(t, 204, w.do("DELETE", "/images/2?meta_only=1", "").StatusCode)
	require.Len(t, shop.containers, 1)
}

func TestABuildThatNeedNotBeWaitedForIsATask(t *testing.T) {
	t.Parallel()
	w, shop := newWorkshop(t)
	res := w.do("POST", "/images", `{"name":"i","model_id":1}`, "Prefer: respond-async")
	id, _ := res.ok(202)["task_id"].(string)
	require.Equal(t, "/v1/task/get?task_id="+id, res.Header.Get("Location"))
	require.Equal(t, "respond-async", res.Header.Get("Preference-Applied"))
	require.Empty(t, shop.built)
	w.do("POST", "/images", `{"name":"i","model_id":77}`, "Prefer: respond-async").errormsg(404)
	res = w.do("POST", "/images", `{"name":"k","model_id":1}`, "Idempotency-Key: k")
	again := w.do("POST", "/images", `{"name":"k","model_id":1}`, "Idempotency-Key: k")
	require.Equal(t, res.ok(201), again.ok(201))
	require.Len(t, shop.built, 1)
}

func TestForeignImagesAreNotThere(t *testing.T) {
	t.Parallel()
	w, _ := newWorkshop(t)
	w.do("POST", "/images", `{"name":"i","model_id":1}`).ok(201)
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/images/1", ""}, {"GET", "/images?task_id=1", ""}, {"DELETE", "/images/1?cascade=1", ""},
		{"PATCH", "/images/1", `{"name":"x"}`}, {"POST", "/images", `{"name":"x","model_id":1}`},
	} {
		w.do(c.method, c.path, c.body, "X-Test-User: mallory").errormsg(404)
		w.do(c.method, c.path, c.body, "X-Test-User: -").errormsg(401)
	}
}

func TestEveryCodeHasAStatusOfThisResource(t *testing.T) {
	t.Parallel()
	want := map[domain.Code]int{
		domain.CodeInvalid: 422, domain.CodeUnauthenticated: 401, domain.CodeForbidden: 403, domain.CodeNotFound: 404,
		domain.CodeConflict: 400, domain.CodePrecondition: 400, domain.CodeRateLimited: 429, domain.CodeCanceled: 499,
		domain.CodeInternal: 500, domain.CodeUnavailable: 503, domain.CodeTimeout: 504,
	}
	require.Len(t, domain.Codes(), len(want))
	for _, code := range domain.Codes() {
		w := newWorld(t, at{door: failing(&domain.Error{Code: code, Message: "do this", RetryAfter: time.Second, Op: "secret", Err: errors.New("secret")})})
		for _, c := range []struct{ method, path, body string }{
			{"GET", "/images/1", ""}, {"GET", "/images?task_id=1", ""}, {"DELETE", "/images/1", ""},
			{"PATCH", "/images/1", `{"name":"x"}`}, {"POST", "/images", `{"name":"x","model_id":1}`},
		} {
			res := w.do(c.method, c.path, c.body)
			require.Equal(t, "do this", res.errormsg(want[code]))
			require.Equal(t, "1", res.Header.Get("Retry-After"))
			require.Equal(t, want[code] == http.StatusUnauthorized, res.Header.Get("WWW-Authenticate") != "")
			require.NotContains(t, string(res.body), "secret")
		}
	}
}
