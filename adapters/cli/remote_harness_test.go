package cli_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// asked is a request that a server got.
type asked struct {
	method, path, body string
	header             http.Header
}

// peer is a server that answers as a test says, and what it was asked.
type peer struct {
	*httptest.Server

	t      *testing.T
	log    *safeBuffer // of the client
	mu     sync.Mutex
	asked  []asked
	answer func(n int, w http.ResponseWriter, r *http.Request)
}

// newPeer answers the n-th request, from 1 on.
func newPeer(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request)) *peer {
	t.Helper()
	p := &peer{t: t, log: &safeBuffer{}, answer: answer}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	p.asked = append(p.asked, asked{r.Method, r.URL.Path, string(body), r.Header.Clone()})
	n := len(p.asked)
	p.mu.Unlock()
	p.answer(n, w, r)
}

func (p *peer) requests() []asked {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]asked(nil), p.asked...)
}

// remote is the peer as a service, whose log is kept.
func (p *peer) remote(change ...func(*cli.RemoteConfig)) cli.Service {
	p.t.Helper()
	c := cli.RemoteConfig{
		Server: cli.Server{URL: p.URL}, Version: "1.2.3",
		Logger: slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&c)
	}
	svc, err := cli.Remote(c)
	require.NoError(p.t, err)
	p.t.Cleanup(func() { require.NoError(p.t, svc.Close()) })
	return svc
}

// gives answers with JSON.
func gives(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// problem answers with a problem.
func problem(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": domain.MessageOf(err),
		"code": domain.CodeOf(err), "reason": domain.ReasonOf(err), "on": domain.OnOf(err), "request_id": "r",
	})
}

func entryOf(t *testing.T, name string) service.Entry {
	t.Helper()
	for _, e := range service.Catalogue() {
		if e.Spec.Name == name {
			return e
		}
	}
	t.Fatalf("no action %s", name)
	return service.Entry{}
}

// filled is a value of a type in which everything that the wire shows is set.
func filled(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	fillAll(v, 0)
	return v
}

func fillAll(v reflect.Value, depth int) {
	if depth > 8 { // types may contain themselves
		return
	}
	switch at := v.Addr().Interface().(type) {
	case *time.Time:
		*at = time.Date(2026, 3, 1, 12, 30, 0, 5000, time.UTC)
		return
	case *domain.Reach:
		*at = domain.ReachVisible
		return
	case *json.RawMessage:
		*at = json.RawMessage(`{"a":[1,"<&>"]}`)
		return
	case *domain.Limit:
		*at = domain.Limit{Min: "1", Max: "2"}
		return
	case *domain.Secret:
		*at = "hunter2"
		return
	case *domain.Patch[domain.Secret]:
		*at = domain.Set(domain.Secret("hunter2"))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("é<x> \x1b\" " + v.Type().Name())
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(1 << 6)
		if v.Kind() == reflect.Int64 {
			v.SetInt(1<<53 + 1) // more than a float can tell
		}
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(1)
	case reflect.Float64:
		v.SetFloat(0.1)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillAll(v.Elem(), depth+1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fillAll(v.Index(0), depth+1)
		fillAll(v.Index(1), depth+1)
	case reflect.Map:
		key, elem := filled(v.Type().Key()), reflect.New(v.Type().Elem()).Elem()
		fillAll(elem, depth+1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, elem)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Tag.Get("json") != "-" {
				fillAll(v.Field(i), depth+1)
			}
		}
	}
}

// wire is a value as JSON.
func wire(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, json.NewEncoder(&b).Encode(v))
	return strings.TrimSpace(b.String())
}
