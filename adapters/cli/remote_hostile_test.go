package cli_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// refusing is a service that gives one error.
func refusing(err error) fake {
	return func(context.Context, service.Entry, actions.Action) (any, error) { return nil, err }
}

// cut ends an answer in its middle.
func cut(w http.ResponseWriter, announced int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", fmt.Sprint(announced))
	_, _ = io.WriteString(w, text)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func sends(status int, media, body string) func(int, http.ResponseWriter, *http.Request) {
	return func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{media}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestServersThatAreNone(t *testing.T) {
	t.Parallel()
	const html, js, pj = "text/html; charset=utf-8", "application/json", "application/problem+json"
	for name, c := range map[string]struct {
		answer func(int, http.ResponseWriter, *http.Request)
		reason string
		says   string
		tries  int
	}{
		"a page":                          {sends(200, html, "<html>log in"), "server_reply_invalid", "status 200", 1},
		"a page of a proxy":               {sends(502, html, "<html>bad gateway"), "server_reply_invalid", "status 502", 3},
		"a busy proxy":                    {sends(503, html, ""), "server_reply_invalid", "status 503", 3},
		"a slow proxy":                    {sends(504, "", ""), "server_reply_invalid", "status 504", 3},
		"a page that was not found":       {sends(404, html, ""), "server_reply_invalid", "status 404", 1},
		"another status of success":       {sends(201, js, "{}"), "server_reply_invalid", "status 201", 1},
		"no content":                      {sends(204, "", ""), "server_reply_invalid", "status 204", 1},
		"an error that is none of ours":   {sends(500, js, `{"error":"x"}`), "server_reply_invalid", "status 500", 1},
		"a problem of somebody else":      {sends(400, pj, `{"title":"Bad Request"}`), "server_reply_invalid", "without a code of ours", 1},
		"a code that nobody knows":        {sends(400, pj, `{"code":"success"}`), "server_reply_invalid", "without a code of ours", 1},
		"a problem that is no JSON":       {sends(503, pj, `<html>`), "server_reply_invalid", "status 503", 3},
		"a problem that is a success":     {sends(200, pj, `{"code":"invalid"}`), "server_reply_invalid", "status 200", 1},
		"a path that it does not have":    {sends(404, pj, `{"code":"not_found","reason":"path_not_found","detail":"no such path"}`), "action_unknown", "does not know image.forget", 1},
		"nothing":                         {sends(200, js, ""), "server_reply_invalid", "not the JSON", 1},
		"null":                            {sends(200, js, "null"), "server_reply_invalid", "not the JSON", 1},
		"a list":                          {sends(200, js, "[]"), "server_reply_invalid", "not the JSON", 1},
		"half of it":                      {sends(200, js, `{"image":{`), "server_reply_invalid", "not the JSON", 1},
		"something after it":              {sends(200, js, `{"changed":true} {}`), "server_reply_invalid", "not the JSON", 1},
		"a type that is wrong":            {sends(200, js, `{"changed":"hunter2"}`), "server_reply_invalid", "not the JSON", 1},
		"somebody else's JSON":            {sends(200, js, `{"status":"ok"}`), "server_reply_invalid", "not the JSON", 1},
		"JSON that is deep":               {sends(200, js, `{"x":`+strings.Repeat("[", 20_000)), "server_reply_invalid", "not the JSON", 1},
		"a problem without an end":        {sends(400, pj, `{"detail":"`+strings.Repeat("x", 2<<20)), "server_reply_invalid", "status 400", 1},
		"too much":                        {sends(200, js, `{"image":{"name":"`+strings.Repeat("x", 128<<10)+`"}}`), "server_reply_invalid", "more than 65536 bytes", 1},
		"too much that nobody asked for":  {sends(200, js, `{"x":"`+strings.Repeat("x", 128<<10)+`"}`), "server_reply_invalid", "more than 65536 bytes", 1},
		"too much nothing":                {sends(200, js, strings.Repeat(" ", 128<<10)), "server_reply_invalid", "more than 65536 bytes", 1},
		"a connection that ends":          {func(int, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "server_unreachable", "cannot be reached", 3},
		"an answer that is cut off":       {func(_ int, w http.ResponseWriter, _ *http.Request) { cut(w, 100, `{"changed":tr`) }, "server_unreachable", "was cut off", 3},
		"an answer that is cut off early": {func(_ int, w http.ResponseWriter, _ *http.Request) { cut(w, 100, `{"changed":true}`) }, "server_unreachable", "was cut off", 3},
		"another place on the same host":  {func(_ int, w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }, "server_reply_invalid", "redirects to another path", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, c.answer)
			svc, err := cli.RemoteOf(cli.RemoteConfig{Server: cli.Server{URL: p.URL}}, 64<<10)
			require.NoError(t, err)
			defer svc.Close()
			e := entryOf(t, "image.forget")
			result, err := svc.Invoke(t.Context(), e, e.New())
			require.Nil(t, result)
			require.Equal(t, c.reason, domain.ReasonOf(err), "%v", err)
			require.Contains(t, domain.MessageOf(err), c.says)
			require.Contains(t, domain.MessageOf(err), p.URL, "which server")
			require.NotContains(t, domain.MessageOf(err), "hunter2")
			if c.reason != "action_unknown" {
				require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err))
			}
			asked := p.requests()
			require.Len(t, asked, c.tries)
			for _, a := range asked {
				require.Equal(t, asked[0].header.Get("Idempotency-Key"), a.header.Get("Idempotency-Key"), "one key for one call")
				require.Equal(t, asked[0].body, a.body)
			}
			require.Equal(t, c.tries > 1, strings.Contains(domain.MessageOf(err), "may have been done"))
		})
	}
}

// A token goes to the server that it is for, wherever that one points.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	other := newPeer(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		gives(w, actions.ForgetImageResult{Changed: true})
	})
	for _, status := range []int{301, 302, 303, 307, 308} {
		p := newPeer(t, func(_ int, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+r.URL.Path+"?token=hunter2", status)
		})
		e := entryOf(t, "image.forget")
		_, err := p.remote(func(c *cli.RemoteConfig) { c.Token = "whk_hunter2" }).Invoke(t.Context(), e, e.New())
		require.Equal(t, "server_reply_invalid", domain.ReasonOf(err))
		require.Contains(t, domain.MessageOf(err), "it redirects to "+other.URL+";")
		require.NotContains(t, err.Error(), "hunter2")
	}
	require.Empty(t, other.requests())
}

func TestCalledOffWhileItWaits(t *testing.T) {
	t.Parallel()
	for name, slow := range map[string]func(w http.ResponseWriter, r *http.Request){
		"for an answer":      func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"for the rest of it": func(w http.ResponseWriter, r *http.Request) { drip(w); <-r.Context().Done() },
		"for the time to come by": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "50")
			problem(w, 429, domain.ErrRateLimited)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reached := make(chan struct{}, 10)
			p := newPeer(t, func(_ int, w http.ResponseWriter, r *http.Request) {
				reached <- struct{}{}
				slow(w, r)
			})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				<-reached
				cancel()
			}()
			e := entryOf(t, "image.forget")
			began := time.Now()
			_, err := p.remote().Invoke(ctx, e, e.New())
			require.Equal(t, domain.CodeCanceled, domain.CodeOf(err))
			require.Less(t, time.Since(began), 10*time.Second)
			require.Len(t, p.requests(), 1)

			w := newWorld(t)
			w.env = []string{"WHARF_SERVER=" + p.URL}
			if name != "for the time to come by" { // which is told at once
				w.run("image", "forget", "x", "--timeout", "200ms").exits(11).says("the time was up")
			}
		})
	}
}

func drip(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"changed":`)
	_ = http.NewResponseController(w).Flush()
}

func TestTheServersCertificate(t *testing.T) {
	t.Parallel()
	asked := 0
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		require.Equal(t, 2, r.ProtoMajor)
		gives(w, actions.ListImagesResult{Images: []domain.ImageDetail{}})
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	w := &world{t: t, env: []string{"WHARF_SERVER=" + server.URL, "WHARF_TOKEN=hunter2"}}
	w.run("image", "list").exits(9).says("is not trusted").says("see server_ca").silent("hunter2")
	require.Zero(t, asked)
	w.run("image", "list", "--server-insecure").exits(9).says("is not trusted")
	ca := pemFile(t, server.Certificate().Raw)
	w.run("image", "list", "--server-ca", ca).ok()
	w.run("image", "list", "--server", strings.Replace(server.URL, "https", "http", 1)).exits(9).says("status 400")
}

func TestAServerWithoutTLS(t *testing.T) {
	t.Parallel()
	p := newPeer(t, nil)
	e := entryOf(t, "image.forget")
	_, err := p.remote(func(c *cli.RemoteConfig) { c.URL = strings.Replace(p.URL, "http", "https", 1) }).Invoke(t.Context(), e, e.New())
	require.Equal(t, "server_unreachable", domain.ReasonOf(err))
	require.Contains(t, domain.MessageOf(err), "HTTP response to HTTPS client")
	require.NotContains(t, domain.MessageOf(err), "may have been done")
	require.Empty(t, p.log.String(), "no second try")
}

func TestErrorsOfAnswersAreForOperators(t *testing.T) {
	t.Parallel()
	p := newPeer(t, sends(200, "application/json", `{"changed":"hunter2"}`))
	e := entryOf(t, "image.forget")
	_, err := p.remote().Invoke(t.Context(), e, e.New())
	require.Error(t, errors.Unwrap(err), "the cause is kept for the log")
}
