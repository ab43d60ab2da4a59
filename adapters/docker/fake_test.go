package docker_test

import (
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/wharf-project/wharf/adapters/docker"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// dialStdio makes this test binary a stand-in for ssh: it joins its standard
// streams with the unix socket that the variable names. Where there is none it
// says what dialSays holds, and fails.
const (
	dialStdio = "WHARF_TEST_DIAL_STDIO"
	dialSays  = "WHARF_TEST_DIAL_SAYS"
)

func TestMain(m *testing.M) {
	if socket := os.Getenv(dialStdio); socket != "" {
		os.Exit(joinStdio(socket))
	}
	goleak.VerifyTestMain(m)
}

// fake is an engine of API 1.41 as far as an agent sees it. What a test puts
// into answers comes first; keys are "METHOD /path" without the version.
type fake struct {
	socket      string
	server      *httptest.Server
	connections atomic.Int32 // that were ever made

	mu         sync.Mutex
	version    string
	product    string
	images     []map[string]any // as inspect shows them; the list is made of them
	containers []map[string]any
	answers    map[string]http.HandlerFunc
	seen       []*http.Request
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{version: "1.41", product: "Engine", answers: map[string]http.HandlerFunc{}}
	// Not t.TempDir: the path of a socket is short.
	dir, err := os.MkdirTemp("", "wharf")
	require.NoError(t, err)
	f.socket = filepath.Join(dir, "e.sock")
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", f.socket)
	require.NoError(t, err)
	f.server = httptest.NewUnstartedServer(f)
	f.server.Listener = l
	f.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	f.server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			f.connections.Add(1)
		}
	}
	f.server.Start()
	t.Cleanup(func() { f.server.CloseClientConnections(); f.server.Close(); _ = os.RemoveAll(dir) })
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Api-Version", f.version)
	path := regexp.MustCompile(`^/v[0-9.]+/`).ReplaceAllString(r.URL.Path, "/")
	f.mu.Lock()
	f.seen = append(f.seen, r)
	answer := f.answers[r.Method+" "+path]
	f.mu.Unlock()
	name, isInspect := strings.CutSuffix(strings.TrimPrefix(path, "/images/"), "/json")
	isInspect = isInspect && strings.HasPrefix(path, "/images/")
	switch {
	case answer != nil:
		answer(w, r)
	case path == "/_ping":
	case path == "/version":
		reply(w, http.StatusOK, map[string]any{"ApiVersion": f.version, "Components": []map[string]string{{"Name": f.product}}})
	case path == "/containers/json":
		reply(w, http.StatusOK, f.containers)
	case path == "/images/json":
		reply(w, http.StatusOK, f.list())
	case r.Method == http.MethodGet && isInspect:
		if i := f.find(name); i != nil {
			reply(w, http.StatusOK, i)
			return
		}
		refuse(w, http.StatusNotFound, "No such image: "+name)
	case r.Method == http.MethodPost && strings.HasSuffix(path, "/tag"):
		f.tag(strings.TrimSuffix(strings.TrimPrefix(path, "/images/"), "/tag"), r.FormValue("repo")+":"+r.FormValue("tag"))
		w.WriteHeader(http.StatusCreated)
	case r.Method == http.MethodDelete:
		reply(w, http.StatusOK, []map[string]string{{"Untagged": name}})
	default:
		refuse(w, http.StatusNotFound, "page not found")
	}
}

// list is without what a vanished image would need: its inspect alone fails.
func (f *fake) list() []map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := []map[string]any{}
	for _, i := range f.images {
		list = append(list, map[string]any{"Id": i["Id"], "RepoTags": i["RepoTags"], "RepoDigests": i["RepoDigests"], "Labels": nil})
	}
	return list
}

func (f *fake) find(name string) map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, i := range f.images {
		tags, _ := i["RepoTags"].([]string)
		digests, _ := i["RepoDigests"].([]string)
		if i["Id"] == name || slices.Contains(tags, name) || slices.Contains(digests, name) {
			return i
		}
	}
	return nil
}

func (f *fake) tag(id, name string) {
	i := f.find(id)
	f.mu.Lock()
	defer f.mu.Unlock()
	tags, _ := i["RepoTags"].([]string)
	i["RepoTags"] = append(tags, name)
}

// only sets what a request gets, and takes the other answers away.
func (f *fake) only(request string, h http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers = map[string]http.HandlerFunc{request: h}
}

// answer sets what a request gets.
func (f *fake) answer(request string, h http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[request] = h
}

// add puts an image of x86_64 in place.
func (f *fake) add(content string, tags, digests []string) domain.Digest {
	id := porttest.DigestOf(content)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.images = append(f.images, map[string]any{
		"Id": id.String(), "RepoTags": tags, "RepoDigests": digests, "Architecture": "amd64", "Os": "linux", "Size": 100,
	})
	return id
}

// requests returns what was asked since the last time, the first contact aside.
func (f *fake) requests() (seen []*http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.seen {
		if r.URL.Path != "/_ping" && !strings.HasSuffix(r.URL.Path, "/version") {
			seen = append(seen, r)
		}
	}
	f.seen = nil
	return seen
}

func (f *fake) open(t *testing.T) port.Agent {
	t.Helper()
	return open(t, docker.Options{}, "unix://"+f.socket)
}

func open(t *testing.T, o docker.Options, address string) port.Agent {
	t.Helper()
	a, err := docker.Opener(o)(t.Context(), domain.Agent{ID: "node1", Kind: domain.AgentDocker, Address: address})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.(io.Closer).Close()) })
	return a
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func refuse(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]string{"message": message})
}

// request is one for an image of a registry that wants credentials.
func request() domain.PullRequest {
	return domain.PullRequest{
		Reference:    domain.Reference{Registry: "cr.example.org", Path: "team/tool", Tag: "1"},
		Architecture: "x86_64", Manifest: porttest.DigestOf("manifest"),
		Registry: domain.Registry{Name: "cr.example.org", Type: domain.RegistryOCI, Username: "robot", Password: "hunter2"},
	}
}

func fails(t *testing.T, err error, code domain.Code, reason string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, string(code)+" "+reason, string(domain.CodeOf(err))+" "+domain.ReasonOf(err), "%v", err)
	require.NotContains(t, err.Error(), "hunter2")
}
