package parity_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// stranger is somebody of another tenant, under a policy.
type stranger struct {
	name, policy string
	actor        domain.Actor
	images       string // how many they see
}

func strangers() []stranger {
	admin := mallory
	admin.Role = domain.RoleAdmin
	return []stranger{
		{"a user", "", mallory, "1"},
		{"an admin of another domain", "", admin, "1"},
		{"who may do everything to what is visible", "p, superadmin, *, any\np, user, *, visible\n", mallory, "1"},
		{"who may do everything to what is their own", "p, superadmin, *, any\np, user, *, own\n", mallory, "0"},
	}
}

func (s stranger) world(t *testing.T) *world {
	t.Helper()
	return newWorld(t, func(c *app.Config) { c.Policy = s.policy })
}

// hidden are names and ids of the first tenant, each with one that nobody has.
func (s *site) hidden() [][2]string {
	pairs := [][2]string{
		{"python", "pythom"}, {"torch", "torcj"}, {"old:1", "olz:1"}, {"app:", "apz:"}, {"cr.example.org", "cz.example.org"}, {"empty.example.org", "emptz.example.org"},
		{`"snake"`, `"snbke"`}, {`"rack-1"`, `"rick-1"`}, {`"rack-2"`, `"rick-2"`}, {"auditor", "zuditor"}, {"warden", "wardez"}, {"bob", "zob"}, {"alice", "zlice"}, {`"default"`, `"defaulz"`}, {`"gpu"`, `"gpz"`},
	}
	for _, name := range []string{"$PY", "$TORCH", "$OLD", "$APP", "$HUB", "$EMPTY", "$KEY", "$TASK", "$FAILED"} {
		pairs = append(pairs, [2]string{s.ids[name], absentID(s.ids[name])})
	}
	return pairs
}

// absentID is an id that nothing has.
func absentID(id string) string { return id[:len(id)-4] + "0000" }

// without replaces what exists by what does not, and tells if anything did.
func (s *site) without(input string) (string, bool) {
	was := input
	for _, p := range s.hidden() {
		input = strings.ReplaceAll(input, p[0], p[1])
	}
	return input, input != was
}

// blurred is a text in which what exists and what does not look the same.
func (s *site) blurred(text string) string {
	text = aTime.ReplaceAllString(anID.ReplaceAllString(text, "ID"), `"then"`)
	for _, p := range s.hidden() {
		text = strings.ReplaceAll(text, strings.Trim(p[1], `"`), strings.Trim(p[0], `"`))
	}
	return text
}

// mustNotTell requires that a text tells nothing of the first tenant but what the
// caller has said themselves.
func (s *site) mustNotTell(t *testing.T, said, text string) {
	t.Helper()
	for _, p := range s.hidden() {
		if !strings.Contains(said, strings.Trim(p[0], `"`)) {
			assert.NotContains(t, text, p[0], said)
		}
	}
}

// asked is how a leg answers, by whatever way it has. False: it has none.
func (l leg) asked(w *world, e service.Entry, as domain.Actor, input string) (outcome, bool) {
	w.t.Helper()
	if l.name == "graphql" && lacking[e.Spec.Name] != "" {
		return documented(w, e, as, input)
	}
	return l.call(w, e, as, input), true
}

func TestWhatIsAnotherTenantsIsAsIfItWereNot(t *testing.T) {
	t.Parallel()
	for _, s := range strangers() {
		for i, l := range legs() {
			if s.policy == "" && s.actor.Role == domain.RoleUser && i > 2 {
				continue // the command line adds nothing to what a user may do
			}
			t.Run(s.name+" by "+l.name, func(t *testing.T) {
				t.Parallel()
				w, tried := s.world(t), map[string]bool{}
				for _, c := range append(examples(), probes()...) {
					input := w.fill(c.input)
					absent, changed := w.without(input)
					if !changed {
						continue
					}
					e := entryOf(t, c.action)
					there, can := l.asked(w, e, s.actor, input)
					if !can {
						continue
					}
					missing, _ := l.asked(w, e, s.actor, absent)
					w.requireHidden(t, e, there)
					assert.Equal(t, w.blurred(missing.body), w.blurred(there.body), "%s %s", c.action, input)
					w.mustNotTell(t, input, there.body)
					tried[c.action] = true
				}
				require.Greater(t, len(tried), 40)
				w.requireUntouched(t)
			})
		}
	}
}

// probes ask for the first tenant's rows in more ways, some from within the
// stranger's own domain.
func probes() []example {
	list := []example{}
	for _, p := range [][2]string{
		{"role.bind", `{"user":"carol","role":"auditor","domain":"elsewhere"}`}, {"role.bind", `{"user":"bob","role":"user","domain":"default"}`},
		{"role.unbind", `{"user":"bob","role":"auditor","domain":"elsewhere"}`},
		{"role.create", `{"name":"mine","inherits":["auditor"],"rules":[{"permission":"image.get","reach":"visible","domain":"elsewhere"}]}`},
		{"role.modify", `{"name":"auditor","rules":[{"permission":"image.get","reach":"visible","domain":"elsewhere"}],"revision":1}`},
		{"role.delete", `{"name":"auditor","dry_run":true}`}, {"role.list", `{"where":{"field":"name","op":"eq","value":"auditor"},"count":true}`},
		{"role.bindings", `{"where":{"field":"user","op":"eq","value":"bob"},"count":true}`},
		{"access.simulate", `{"add_bindings":[{"user":"carol","role":"auditor","domain":"elsewhere"}]}`},
		{"access.simulate", `{"add_bindings":[{"user":"carol","role":"warden","domain":"elsewhere"}]}`}, {"role.get", `{"name":"warden"}`},
		{"access.simulate", `{"add_rules":[{"role":"auditor","permission":"image.get","reach":"visible","domain":"elsewhere"}]}`},
		{"access.who_can", `{"permission":"image.get","domain":"default"}`}, {"access.explain", `{"permission":"image.get","actor":{"id":"bob","role":"auditor","domain":"default"}}`},
		{"key.create", `{"name":"x","user":"bob","role":"auditor","domain":"elsewhere"}`}, {"key.list", `{"where":{"field":"name","op":"eq","value":"ci"},"count":true}`},
		{"image.list", `{"domain":"default","count":true}`}, {"image.list", `{"scaling_group":"gpu","count":true}`},
		{"image.list", `{"where":{"field":"canonical","op":"eq","value":"cr.example.org/python:3.12"},"count":true}`},
		{"alias.search", `{"where":{"field":"alias","op":"eq","value":"snake"},"count":true}`},
		{"alias.create_by_id", `{"alias":"own","image_id":"$PY"}`}, {"image.get", `{"reference":"python:3.12"}`}, {"image.get", `{"reference":"snake","architecture":"arm64"}`},
		{"image.forget_by_id", `{"image_id":"$HUB"}`}, {"image.modify_by_id", `{"image_id":"$PY","modifier":{"labels":{"a":"b"}},"revision":1}`},
		{"registry.list", `{"where":{"field":"name","op":"eq","value":"cr.example.org"},"count":true}`},
		{"agent.list", `{"where":{"field":"id","op":"eq","value":"rack-1"},"count":true}`}, {"task.list", `{"where":{"field":"id","op":"eq","value":"$TASK"},"count":true}`},
	} {
		list = append(list, example{action: p[0], input: p[1]})
	}
	return list
}

// Names that are of the whole installation can be taken. That they are is all
// that is told.
func TestATakenNameTellsNothingButThatItIsTaken(t *testing.T) {
	t.Parallel()
	s := strangers()[2]
	w := s.world(t)
	for _, l := range legs() {
		for action, input := range map[string]string{
			"alias.create_by_id": `{"alias":"snake","image_id":"$BASE"}`,
			"role.create":        `{"name":"auditor","rules":[{"permission":"image.get","reach":"visible","domain":"elsewhere"}]}`,
		} {
			got := l.call(w, entryOf(t, action), s.actor, w.fill(input))
			require.Equal(t, "conflict", got.Code, "%s by %s: %s", action, l.name, got.body)
			w.mustNotTell(t, input, got.body)
		}
	}
}

// requireHidden requires one of the answers that hide: not found, or refused
// before anything is looked up, or a list without it.
func (w *world) requireHidden(t *testing.T, e service.Entry, got outcome) {
	t.Helper()
	switch {
	case got.Code == "not_found", got.Code == "" && got.Message != "": // in words
	case got.Code == "forbidden":
		assert.Contains(t, []string{"permission_missing", "reach_too_small", "domain_out_of_reach", "domain_filter"}, got.Reason, "%s: %s", e.Spec.Name, got.Message)
	case got.Code == "invalid", got.Code == "precondition":
		// about the input alone: the answers to what is not there are compared
	case got.Code != "":
		assert.Fail(t, "an answer that tells something", "%s: %s/%s: %s", e.Spec.Name, got.Code, got.Reason, got.Message)
	}
}

// requireUntouched requires that the site is as it was.
func (w *world) requireUntouched(t *testing.T) {
	t.Helper()
	fresh := newWorld(t)
	for _, c := range []string{"image.list", "alias.search", "registry.list", "agent.list", "agent.intents", "scaling_group.list", "role.list", "role.bindings", "task.list"} {
		input := `{}`
		if c == "image.list" {
			input = `{"statuses":["alive","forgotten","missing"]}`
		}
		e := entryOf(t, c)
		require.Equal(t, viaGo(fresh, e, root, input).Data, viaGo(w, e, root, input).Data, c)
	}
}

func TestNoCountCountsWhatIsAnotherTenants(t *testing.T) {
	t.Parallel()
	for _, s := range strangers() {
		w := s.world(t)
		for _, l := range legs() {
			for _, e := range service.Catalogue() {
				if f, ok := e.Action.FieldByName("Page"); !ok || f.Type.Name() != "Page" || e.Spec.Name == "task.get" || e.Spec.Name == "audit.search" || strings.HasPrefix(e.Spec.Name, "remote.") {
					continue
				}
				got := l.callList(w, e, s.actor)
				w.mustNotTell(t, "", got.body)
				if got.Code != "" {
					require.Equal(t, "forbidden", got.Code, "%s by %s: %s", e.Spec.Name, l.name, got.Message)
					continue
				}
				want := "0"
				switch e.Spec.Name {
				case "image.list":
					want = s.images
				case "registry.list":
					want = "1"
				}
				total := got.Data.(map[string]any)["total"]
				require.Equal(t, want, asText(total), "%s for %s by %s: %s", e.Spec.Name, s.name, l.name, got.body)
			}
		}
	}
}

func (l leg) callList(w *world, e service.Entry, as domain.Actor) outcome {
	w.t.Helper()
	got, _ := l.asked(w, e, as, `{"count":true}`)
	return got
}

// doors are what transports have beside the actions, by names that the first
// tenant has.
func doors() []string {
	return []string{
		`GET /v1/image/get?reference=snake`, `GET /v1/image/get?reference=$PY`, `GET /v1/task/get?task_id=$TASK`, `GET /v1/role/get?name=auditor`,
		`GET /events/background-task?taskId=$TASK`, `GET /events/background-task?taskId=$FAILED`,
		`{ image(reference: "snake") { name installed_agents } }`, `{ image(reference: "$PY") { name } }`, `{ images { name registry installed_agents } }`,
		`{ images(domain: "default") { name } }`, `{ images(scaling_group: "gpu") { name } }`,
		`mutation { rescan_images(registry: "cr.example.org") { ok msg task_id } }`,
		`mutation { preload_image(reference: "snake", target_agents: "rack-1") { ok msg task_id } }`,
		`mutation { unload_image(reference: "snake", target_agents: "rack-1") { ok msg task_id } }`,
		`mutation { forget_image(reference: "snake") { ok msg } }`, `mutation { alias_image(alias: "own", target: "$PY") { ok msg } }`,
		`mutation { dealias_image(alias: "snake") { ok msg } }`,
		`subscription { task_events(task_id: "$TASK") { seq } }`, `subscription { task_events(task_id: "$FAILED") { seq } }`,
	}
}

func TestNoOtherDoorShowsWhatIsAnotherTenants(t *testing.T) {
	t.Parallel()
	for _, s := range strangers() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w := s.world(t)
			for _, door := range doors() {
				door = w.fill(door)
				absent, changed := w.without(strings.ReplaceAll(door, "=snake", "=snbke"))
				there := w.knock(s.actor, door)
				w.mustNotTell(t, door, there)
				if changed {
					missing := w.knock(s.actor, absent)
					assert.Equal(t, strings.ReplaceAll(w.blurred(missing), "snbke", "snake"), strings.ReplaceAll(w.blurred(there), "snbke", "snake"), door)
				}
			}
			w.requireUntouched(t)
		})
	}
}

// knock sends a GET, or a query of GraphQL, and returns all that came back.
func (w *world) knock(as domain.Actor, door string) string {
	w.t.Helper()
	rec := httptest.NewRecorder()
	var r *http.Request
	if path, ok := strings.CutPrefix(door, "GET "); ok {
		r = httptest.NewRequestWithContext(w.t.Context(), "GET", path, nil)
	} else {
		r = httptest.NewRequestWithContext(w.t.Context(), "POST", "/graphql", strings.NewReader(`{"query":`+text(w.t, door)+`}`))
		r.Header.Set("Content-Type", "application/json")
		if strings.HasPrefix(door, "subscription") {
			r.Header.Set("Accept", "text/event-stream")
		}
	}
	r.Header.Set("Authorization", "Bearer "+tokenOf(as))
	w.handler().ServeHTTP(rec, r)
	return rec.Body.String()
}
