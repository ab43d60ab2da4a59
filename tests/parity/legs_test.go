package parity_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// outcome is how a call ended, as its caller sees it.
type outcome struct {
	Code, Reason, On, Message string // of an error
	Data                      any    // of a result: its JSON, normalised

	body string // all that the caller got to read
}

// leg is a way to call an action. Its input is the action's JSON.
type leg struct {
	name string
	call func(w *world, e service.Entry, as domain.Actor, action string) outcome
}

func legs() []leg {
	return []leg{{"go", viaGo}, {"rest", viaREST}, {"graphql", viaGraphQL}, {"cli", viaCLI}, {"cli to a server", viaRemote}}
}

func viaGo(w *world, e service.Entry, as domain.Actor, action string) outcome {
	w.t.Helper()
	a := e.New()
	require.NoError(w.t, json.Unmarshal([]byte(action), a), action)
	res, err := e.Invoke(domain.WithActor(w.t.Context(), as), w.ImageService, a)
	if err != nil {
		return outcome{Code: string(domain.CodeOf(err)), Reason: domain.ReasonOf(err), On: domain.OnOf(err), Message: domain.MessageOf(err), body: domain.ProblemOf(err).Error()}
	}
	text, err := json.Marshal(res)
	require.NoError(w.t, err)
	return outcome{Data: w.normal(text), body: string(text)}
}

// statuses is what the codes are to HTTP and to a shell.
var statuses = map[string][2]int{
	"invalid": {400, 2}, "unauthenticated": {401, 3}, "forbidden": {403, 4}, "not_found": {404, 5}, "conflict": {409, 6},
	"precondition": {412, 7}, "rate_limited": {429, 8}, "unavailable": {503, 9}, "canceled": {499, 10}, "timeout": {504, 11}, "internal": {500, 1},
}

func viaREST(w *world, e service.Entry, as domain.Actor, action string) outcome {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), "POST", pathOf(e.Spec.Name), strings.NewReader(action))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+tokenOf(as))
	rec := httptest.NewRecorder()
	w.handler().ServeHTTP(rec, r)
	if rec.Code < 300 {
		return outcome{Data: w.normal(rec.Body.Bytes()), body: rec.Body.String()}
	}
	var p struct{ Code, Reason, On, Detail string }
	require.NoError(w.t, json.Unmarshal(rec.Body.Bytes(), &p), rec.Body.String())
	require.Equal(w.t, statuses[p.Code][0], rec.Code, p.Code)
	return outcome{Code: p.Code, Reason: p.Reason, On: p.On, Message: p.Detail, body: rec.Body.String()}
}

func viaCLI(w *world, e service.Entry, as domain.Actor, action string) outcome {
	w.t.Helper()
	who := string(as.ID) + ":" + string(as.Role) + ":" + as.Domain + ":" + strings.Join(as.Projects, ",")
	return w.command(e, action, nil, "--as", who)
}

func viaRemote(w *world, e service.Entry, as domain.Actor, action string) outcome {
	w.t.Helper()
	server := httptest.NewServer(w.handler())
	defer server.Close()
	return w.command(e, action, []string{"WHARF_SERVER=" + server.URL, "WHARF_TOKEN=" + tokenOf(as)})
}

// command runs the command of an action.
func (w *world) command(e service.Entry, action string, env []string, flags ...string) outcome {
	w.t.Helper()
	noun, verb, _ := strings.Cut(strings.ReplaceAll(e.Spec.Name, "_", "-"), ".")
	args := append([]string{noun, verb, "--action-json", "-", "--json"}, flags...)
	_, plans := e.Action.FieldByName("DryRun")
	if plans && !strings.HasPrefix(verb, "forget") && !strings.HasPrefix(verb, "preload") && verb != "save" {
		args = append(args, "--yes")
	}
	var out, diagnostics bytes.Buffer
	status := cli.Run(w.t.Context(), cli.Config{
		Open: func(context.Context, cli.Settings) (cli.Service, error) {
			return cli.Embedded(w.ImageService, nil), nil
		},
		Stdin: strings.NewReader(action), Stdout: &out, Stderr: &diagnostics, Env: env, Version: "test", User: "root",
	}, args)
	if status == 0 || status == 12 { // 12: some items failed, as the result says
		require.NotEmpty(w.t, out.String(), "%v: %s", args, diagnostics.String())
		return outcome{Data: w.normal(out.Bytes()), body: out.String() + diagnostics.String()}
	}
	var f struct {
		Error struct{ Code, Reason, On, Message string }
	}
	require.NoError(w.t, json.Unmarshal(diagnostics.Bytes(), &f), "%v: %d %s%s", args, status, out.String(), diagnostics.String())
	require.Equal(w.t, statuses[f.Error.Code][1], status, f.Error.Code)
	return outcome{Code: f.Error.Code, Reason: f.Error.Reason, On: f.Error.On, Message: f.Error.Message, body: out.String() + diagnostics.String()}
}

var (
	anID     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)
	aTime    = regexp.MustCompile(`"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})"`)
	aSecret  = regexp.MustCompile(`"whk_[^"]+"`)
	aCounter = regexp.MustCompile(`"(revision|inventory_revision|next)": ?("[^"]*"|[0-9]+)`)
)

// normal decodes a result without what differs from call to call: ids that the
// site does not begin with, times, revisions and secrets.
func (w *world) normal(text []byte) any {
	w.t.Helper()
	var known []string
	for _, id := range w.ids {
		known = append(known, id)
	}
	s := anID.ReplaceAllStringFunc(string(text), func(id string) string {
		if slices.Contains(known, id) {
			return id
		}
		return "new"
	})
	s = aTime.ReplaceAllString(s, `"then"`)
	s = aSecret.ReplaceAllString(s, `"secret"`)
	s = aCounter.ReplaceAllString(s, `"$1":"counted"`)
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	require.NoError(w.t, d.Decode(&v), s)
	return v
}

// text is a normalised result as JSON, for messages and searches.
func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}
