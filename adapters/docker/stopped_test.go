package docker_test

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/docker"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

type call func(ctx context.Context, a port.Agent) error

func callInventory(ctx context.Context, a port.Agent) error {
	_, err := a.Inventory(ctx)
	return err
}

func callPull(ctx context.Context, a port.Agent) error {
	_, err := a.Pull(ctx, request(), nil)
	return err
}

func callPullOfATag(ctx context.Context, a port.Agent) error {
	r := request()
	r.Manifest = ""
	_, err := a.Pull(ctx, r, nil)
	return err
}

func callRemove(ctx context.Context, a port.Agent) error {
	_, err := a.Remove(ctx, domain.RemoveRequest{Canonical: "docker.io/library/python:3", Architecture: "x86_64"})
	return err
}

func callPush(ctx context.Context, a port.Agent) error {
	_, err := a.(port.Pusher).Push(ctx, pushRequest(), nil)
	return err
}

func callBuild(ctx context.Context, a port.Agent) error {
	_, err := a.(port.Builder).Build(ctx, domain.BuildRequest{Name: "app:2", Source: templateOf(domain.BuildTemplate{BaseImage: "scratch"})}, nil)
	return err
}

func callUntag(ctx context.Context, a port.Agent) error {
	return a.(port.Builder).Untag(ctx, "python:3")
}

func callContainers(ctx context.Context, a port.Agent) error {
	_, err := a.(port.Containers).Containers(ctx, porttest.DigestOf("a"))
	return err
}

func callStop(ctx context.Context, a port.Agent) error {
	return a.(port.Containers).StopContainer(ctx, "c1")
}

func callRemoveContainer(ctx context.Context, a port.Agent) error {
	return a.(port.Containers).RemoveContainer(ctx, "c1")
}

func callContainer(ctx context.Context, a port.Agent) error {
	_, err := a.(port.Committer).Container(ctx, "c1")
	return err
}

func callCommit(ctx context.Context, a port.Agent) error {
	_, err := a.(port.Committer).Commit(ctx, domain.CommitRequest{Container: "c1", Name: "app:2"}, nil)
	return err
}

// calls are the requests that each call makes, in their order, with the
// beginning of an answer; "" where there is no body that matters.
func calls() []struct {
	name     string
	call     call
	requests [][2]string
} {
	image := "/images/" + porttest.DigestOf("a").String()
	pulled := "/images/cr.example.org/team/tool@" + porttest.DigestOf("manifest").String()
	const list, one, stream = `[{"Id":`, `{"Id":`, `{"status":"Downloading","id":"a"}` + "\n" + `{"sta`
	return []struct {
		name     string
		call     call
		requests [][2]string
	}{
		{"an inventory", callInventory, [][2]string{
			{"HEAD /_ping"}, {"GET /version", one}, {"GET /images/json", list}, {"GET /containers/json", list}, {"GET " + image + "/json", one},
		}},
		{"a pull", callPull, [][2]string{
			{"HEAD /_ping"}, {"GET /images/cr.example.org/team/tool:1/json", one}, {"GET " + pulled + "/json", one},
			{createPath, stream}, {"POST /images/" + porttest.DigestOf("config").String() + "/tag"},
		}},
		{"a pull of a tag", callPullOfATag, [][2]string{
			{"GET /distribution/cr.example.org/team/tool:1/json", one}, {createPath, stream},
		}},
		{"a removal", callRemove, [][2]string{
			{"GET /images/json", list}, {"GET /images/python:3/json", one}, {"GET /containers/json", list}, {"DELETE /images/python:3", list},
		}},
		{"a push", callPush, [][2]string{
			{"GET /images/docker.io/library/python:3/json", one}, {"GET /images/cr.example.org/team/tool:1/json", one},
			{"POST /images/" + porttest.DigestOf("a").String() + "/tag"}, {pushPath, stream},
		}},
		{"a build", callBuild, [][2]string{{buildPath, stream}, {"GET /images/" + porttest.DigestOf("built").String() + "/json", one}, {"POST /images/" + porttest.DigestOf("built").String() + "/tag"}}},
		{"an untagging", callUntag, [][2]string{{"GET /images/json", list}, {"DELETE /images/python:3", list}}},
		{"a list of containers", callContainers, [][2]string{{"GET /containers/json", list}}},
		{"a container's stop", callStop, [][2]string{{"POST /containers/c1/stop"}}},
		{"a container's removal", callRemoveContainer, [][2]string{{"DELETE /containers/c1"}}},
		{"a container", callContainer, [][2]string{{"GET /containers/c1/json", one}}},
		{"a commit", callCommit, [][2]string{{"GET /containers/c1/json", one}, {"POST /commit", one}, {"GET /images/" + porttest.DigestOf("committed").String() + "/json", one}}},
	}
}

// An engine may stop at any request, before it answers or while it does. What
// is left running is found when all tests are over.
func TestAnEngineThatStops(t *testing.T) {
	for _, c := range calls() {
		for _, r := range c.requests {
			t.Run(c.name+" at "+r[0]+" before the answer", func(t *testing.T) { t.Parallel(); stop(t, c.call, r[0], "") })
			if r[1] != "" {
				t.Run(c.name+" at "+r[0]+" in the answer", func(t *testing.T) { t.Parallel(); stop(t, c.call, r[0], r[1]) })
			}
		}
	}
}

func stop(t *testing.T, call call, at, part string) {
	t.Helper()
	f := newFake(t)
	f.add("a", []string{"python:3"}, nil)
	f.pulls(line("Downloading", "a", 1, 2))
	f.works()
	reached := make(chan struct{}, 100)
	var hangs atomic.Bool
	ends := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or nobody sees that the other side hangs up
		reached <- struct{}{}
		if part != "" {
			_, _ = io.WriteString(w, part)
			_ = http.NewResponseController(w).Flush()
		}
		if !hangs.Load() {
			panic(http.ErrAbortHandler)
		}
		<-r.Context().Done()
	}
	f.answer(at, ends)
	f.answer("GET /_ping", f.answers["HEAD /_ping"]) // is tried when the other fails
	a := open(t, docker.Options{CleanUp: 10 * time.Millisecond}, "unix://"+f.socket)
	fails(t, call(t.Context(), a), domain.CodeUnavailable, "agent_unavailable")
	require.NotEmpty(t, reached)
	hangs.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	fails(t, call(ctx, a), domain.CodeTimeout, "timeout")
	require.Less(t, time.Since(began), 5*time.Second)
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	for len(reached) > 0 {
		<-reached
	}
	go func() { <-reached; cancel() }()
	fails(t, call(ctx, a), domain.CodeCanceled, "canceled")
}
