package docker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

const (
	pushPath  = "POST /images/cr.example.org/team/tool/push"
	buildPath = "POST /build"
)

// works makes the engine push, build and commit with success. It knows images by
// the canonical spelling, too, and forgets the tags that are removed.
func (f *fake) works() {
	f.answer("GET /images/docker.io/library/python:3/json", func(w http.ResponseWriter, _ *http.Request) {
		if i := f.find("python:3"); i != nil {
			reply(w, http.StatusOK, i)
			return
		}
		refuse(w, http.StatusNotFound, "No such image")
	})
	f.answer("DELETE /images/cr.example.org/team/tool:1", func(w http.ResponseWriter, _ *http.Request) {
		f.untag("cr.example.org/team/tool:1")
		reply(w, http.StatusOK, []map[string]string{})
	})
	f.answer(pushPath, func(w http.ResponseWriter, _ *http.Request) { tells(w, pushed) })
	f.answer(buildPath, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		f.add("built", nil, nil)
		tells(w, fmt.Sprintf(`{"aux":{"ID":%q}}`, porttest.DigestOf("built")))
	})
	f.answer("GET /containers/c1/json", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]any{"Id": "c1", "Config": map[string]any{"Labels": map[string]string{"a": "1"}}})
	})
	f.answer("POST /commit", func(w http.ResponseWriter, _ *http.Request) {
		f.add("committed", nil, nil)
		reply(w, http.StatusCreated, map[string]any{"Id": porttest.DigestOf("committed")})
	})
}

var pushed = fmt.Sprintf(`{"status":"1: digest: x size: 3"}`+"\n"+`{"progressDetail":{},"aux":{"Tag":"1","Digest":%q,"Size":3}}`, porttest.DigestOf("manifest"))

func tells(w io.Writer, lines ...string) {
	for _, l := range lines {
		_, _ = fmt.Fprintln(w, l)
	}
}

func pushRequest() domain.PushRequest {
	r := request()
	return domain.PushRequest{Local: "python:3", Remote: r.Reference, Registry: r.Registry}
}

func (f *fake) push(t *testing.T, ctx context.Context, r domain.PushRequest, sink domain.TransferSink) (domain.PushOutcome, error) { //nolint:revive // the test comes first, as everywhere
	t.Helper()
	return f.open(t).(port.Pusher).Push(ctx, r, sink)
}

// tags are those of the fake's images, sorted.
func (f *fake) tags() (tags []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, i := range f.images {
		has, _ := i["RepoTags"].([]string)
		tags = append(tags, has...)
	}
	slices.Sort(tags)
	return tags
}

func TestPushErrorsInTheStream(t *testing.T) {
	f := newFake(t)
	f.works()
	f.add("a", []string{"python:3"}, nil)
	for message, want := range map[string][2]string{
		"denied: requested access to the resource is denied":          {"forbidden", "push_denied"},
		"unknown: unexpected status: 403 Forbidden":                   {"forbidden", "push_denied"},
		"unsupported: The operation is unsupported.":                  {"forbidden", "push_denied"},
		"unauthorized: authentication required":                       {"precondition", "registry_credentials"},
		"no basic auth credentials":                                   {"precondition", "registry_credentials"},
		"denied":                                                      {"forbidden", "push_denied"}, // a code with its usual message
		"unsupported":                                                 {"forbidden", "push_denied"},
		"unauthorized":                                                {"precondition", "registry_credentials"},
		"toomanyrequests":                                             {"rate_limited", "registry_limited"},
		"errors:\ndenied\nname unknown\n":                             {"forbidden", "push_denied"},
		"toomanyrequests: denied: slow down":                          {"rate_limited", "registry_limited"},
		"dial tcp 127.0.0.1:1: connect: connection refused":           {"unavailable", "registry_failed"},
		"received unexpected HTTP status: 503 Service Unavailable":    {"unavailable", "registry_failed"},
		"name unknown: The repository with name 'x' does not exist":   {"not_found", "repository_not_found"},
		"An image does not exist locally with the tag: x":             {"not_found", "image_not_found"},
		"something about cr.example.org/denied/unauthorized:1":        {"unavailable", "registry_failed"},
		"write /var/lib/docker/tmp/x: no space left on device":        {"unavailable", "agent_storage"},
		`error parsing HTTP 404 response body: invalid character '<'`: {"unavailable", "registry_malformed"},
	} {
		raw, _ := json.Marshal(message)
		for how, answer := range map[string]http.HandlerFunc{
			"in the stream": func(w http.ResponseWriter, _ *http.Request) {
				tells(w, line("Pushing", "a", 1, 2), fmt.Sprintf(`{"errorDetail":{"message":%s},"error":%s}`, raw, raw))
			},
			"by status": func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusInternalServerError, message) },
		} {
			f.answer(pushPath, answer)
			_, err := f.push(t, t.Context(), pushRequest(), nil)
			fails(t, err, domain.Code(want[0]), want[1])
			require.Equal(t, []string{"python:3"}, f.tags(), "%s: the extra tag is gone: %s", how, message)
		}
	}
}

func TestEngineThatDiesInAPush(t *testing.T) {
	f := newFake(t)
	f.works()
	f.add("a", []string{"python:3"}, nil)
	f.answer(pushPath, func(w http.ResponseWriter, _ *http.Request) {
		tells(w, line("Pushing", "a", 1, 2))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	_, err := f.push(t, t.Context(), pushRequest(), nil)
	fails(t, err, domain.CodeUnavailable, "agent_unavailable")
	require.Equal(t, []string{"python:3"}, f.tags())
}

func TestAPushThatIsCanceled(t *testing.T) {
	f := newFake(t)
	f.works()
	f.add("a", []string{"python:3"}, nil)
	f.answer(pushPath, func(w http.ResponseWriter, r *http.Request) {
		tells(w, line("Pushing", "a", 1, 2))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := f.push(t, ctx, pushRequest(), func(e domain.TransferEvent) {
		if e.Kind == domain.TransferStep {
			cancel()
		}
	})
	fails(t, err, domain.CodeCanceled, "canceled")
	require.Equal(t, []string{"python:3"}, f.tags())
}

func TestAPushTellsWhatItDid(t *testing.T) {
	f := newFake(t)
	f.works()
	f.add("a", []string{"python:3", "cr.example.org/team/tool:1"}, nil)
	f.answer(pushPath, func(w http.ResponseWriter, r *http.Request) {
		auth, err := authconfig.Decode(r.Header.Get("X-Registry-Auth"))
		if err != nil || auth.Password != "hunter2" || auth.ServerAddress != "cr.example.org" || r.FormValue("tag") != "1" {
			refuse(w, http.StatusInternalServerError, "not what was asked for")
			return
		}
		tells(w, `{"status":"The push refers to repository [cr.example.org/team/tool]"}`, `{"status":"Preparing","progressDetail":{},"id":"5f70bf18a086"}`,
			line("Pushing", "5f70bf18a086", 512, 1024), `{"status":"Pushed","progressDetail":{},"id":"5f70bf18a086"}`, pushed)
	})
	var events []domain.TransferEvent
	out, err := f.push(t, t.Context(), pushRequest(), func(e domain.TransferEvent) { events = append(events, e) })
	require.NoError(t, err)
	require.Equal(t, domain.PushOutcome{Digest: porttest.DigestOf("manifest"), SizeBytes: 100, SentBytes: -1}, out)
	step := domain.TransferEvent{Kind: domain.TransferStep, LayerID: "5f70bf18a086", Status: "Preparing", Message: "5f70bf18a086: Preparing"}
	moving, done := step, step
	moving.Status, moving.Message, moving.Current, moving.Total = "Pushing", "5f70bf18a086: Pushing", 512, 1024
	done.Status, done.Message = "Pushed", "5f70bf18a086: Pushed"
	require.Equal(t, []domain.TransferEvent{{Kind: domain.TransferPush, Src: "python:3", Dst: "cr.example.org/team/tool:1"}, step, moving, done}, events)
	require.Equal(t, []string{"cr.example.org/team/tool:1", "python:3"}, f.tags(), "a tag that was there stays")
}

func TestPushesThatAreRefusedAskNobody(t *testing.T) {
	f := newFake(t)
	for reason, change := range map[string]func(*domain.PushRequest){
		"registry_mismatch":    func(r *domain.PushRequest) { r.Remote.Registry = "evil.example.org" },
		"reference_invalid":    func(r *domain.PushRequest) { r.Local = "../containers/x" },
		"tag_invalid":          func(r *domain.PushRequest) { r.Remote.Tag = "" },
		"repository_invalid":   func(r *domain.PushRequest) { r.Remote.Path = "Team/../x" },
		"architecture_invalid": func(r *domain.PushRequest) { r.Architecture = "?" },
		"registry_invalid":     func(r *domain.PushRequest) { r.Registry.URL = "ftp://cr.example.org" },
	} {
		r := pushRequest()
		change(&r)
		_, err := f.push(t, t.Context(), r, nil)
		fails(t, err, domain.CodeInvalid, reason)
	}
	require.Empty(t, f.requests())
}

func TestAPushOfAnArchitectureThatIsNotThere(t *testing.T) {
	f := newFake(t)
	f.works()
	f.add("a", []string{"python:3"}, nil)
	r := pushRequest()
	r.Architecture = "riscv64"
	_, err := f.push(t, t.Context(), r, nil)
	fails(t, err, domain.CodeNotFound, "image_not_found")
	require.Contains(t, domain.MessageOf(err), "x86_64")
}

func TestAPushWhoseTagFails(t *testing.T) {
	f := newFake(t)
	f.works()
	id := f.add("a", []string{"python:3"}, nil).String()
	for status, want := range map[int][2]string{
		http.StatusNotFound: {"not_found", "image_not_found"}, http.StatusConflict: {"unavailable", "agent_failed"}, http.StatusInternalServerError: {"unavailable", "agent_failed"},
	} {
		f.answer("POST /images/"+id+"/tag", func(w http.ResponseWriter, _ *http.Request) { refuse(w, status, "no") })
		_, err := f.push(t, t.Context(), pushRequest(), nil)
		fails(t, err, domain.Code(want[0]), want[1])
	}
	require.False(t, slices.ContainsFunc(f.requests(), func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/push") }))
	_, err := f.push(t, domain.MarkTx(t.Context()), pushRequest(), nil)
	require.ErrorIs(t, err, domain.ErrInternal)
}

func TestAnImageThatNamesNoArchitectureIsPushedAllTheSame(t *testing.T) {
	f := newFake(t)
	f.works()
	f.add("a", []string{"python:3"}, nil)
	f.images[0]["Architecture"] = ""
	_, err := f.push(t, t.Context(), pushRequest(), nil)
	require.NoError(t, err)
}
