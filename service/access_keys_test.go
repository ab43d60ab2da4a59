package service_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/repository/bunstore"
	"github.com/wharf-project/wharf/service"
)

// newKey makes a key and returns the context of who calls with it.
func (f *fleet) newKey(who context.Context, a actions.CreateKeyAction) (context.Context, actions.CreateKeyResult) {
	f.tb.Helper()
	if a.Name == "" {
		a.Name = "ci"
	}
	res, err := f.CreateKey(who, a)
	require.NoError(f.tb, err)
	actor, err := service.AuthenticateKey(f.tb.Context(), f.ImageService, domain.Secret(res.Secret))
	require.NoError(f.tb, err)
	return f.as(actor), res
}

func TestAKeyActsAsItsOwner(t *testing.T) {
	t.Parallel()
	f := newAccess(t)
	alice := f.as(fleetAlice)
	_, made := f.newKey(alice, actions.CreateKeyAction{Name: "laptop"})
	actor, err := service.AuthenticateKey(t.Context(), f.ImageService, domain.Secret(made.Secret))
	require.NoError(t, err)
	require.Equal(t, fleetAlice, actor)
	require.WithinDuration(t, time.Now().Add(domain.DefaultKeyLife), made.Key.ExpiresAt, time.Minute)
	require.True(t, strings.HasPrefix(string(made.Secret), "whk_"+strings.ReplaceAll(string(made.Key.ID), "-", "")+"_"))

	list, err := f.ListKeys(alice, actions.ListKeysAction{})
	require.NoError(t, err)
	require.Len(t, list.Keys, 1)
	require.WithinDuration(t, time.Now(), list.Keys[0].LastUsedAt, time.Minute)
	bobs, err := f.ListKeys(f.as(fleetBob), actions.ListKeysAction{})
	require.NoError(t, err)
	require.Empty(t, bobs.Keys)
	_, err = f.RevokeKey(f.as(fleetBob), actions.RevokeKeyAction{KeyID: made.Key.ID})
	fleetError(t, err, domain.CodeNotFound, "key_not_found")
}

// Wherever the secret could have been left behind, it is not.
func TestASecretIsToldOnceAndKeptNowhere(t *testing.T) {
	t.Parallel()
	data, err := fleetTemplate()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "wharf.db")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	st, err := bunstore.OpenSQLite(t.Context(), path)
	require.NoError(t, err)
	defer st.Close()
	f := newFleetOn(t, st)
	f.ImageService = f.again(withRoles(t, f, nil))
	once := domain.WithEnvelope(t.Context(), domain.Envelope{Actor: fleetAlice, IdempotencyKey: "k1"})
	first, err := f.CreateKey(once, actions.CreateKeyAction{Name: "ci"})
	require.NoError(t, err)
	require.NotEmpty(t, first.Secret)
	again, err := f.CreateKey(once, actions.CreateKeyAction{Name: "ci"})
	require.NoError(t, err)
	require.Equal(t, first.Key, again.Key, "the same key")
	require.Empty(t, again.Secret)

	list, err := f.ListKeys(f.as(fleetAlice), actions.ListKeysAction{})
	require.NoError(t, err)
	require.Len(t, list.Keys, 1)
	random := string(first.Secret)[len("whk_")+33:]
	require.NotContains(t, fleetJSON(t, list), random)
	require.NotContains(t, fleetJSON(t, f.audit("key.create")), random)
	require.NotContains(t, f.logs.String(), random)
	var content []byte
	for _, file := range []string{path, path + "-wal"} {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		content = append(content, b...)
	}
	require.Contains(t, string(content), string(first.Key.ID), "the database was looked at")
	require.NotContains(t, string(content), random)

	require.NotContains(t, slogText(first.Secret), random)
	require.Contains(t, fleetJSON(t, first), random, "the result tells it")
}

// slogText is a value as slog writes it.
func slogText(v any) string {
	var b strings.Builder
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
	return b.String()
}

// Results with a secret to tell say what may be kept of them.
func TestEveryResultThatTellsASecretCanBeKeptWithoutIt(t *testing.T) {
	t.Parallel()
	told := 0
	for _, e := range service.Catalogue() {
		if !tells(e.Result, map[reflect.Type]bool{}) {
			continue
		}
		told++
		res := reflect.New(e.Result).Elem()
		for i := range res.NumField() {
			if res.Field(i).Type() == reflect.TypeFor[domain.ToldSecret]() {
				res.Field(i).SetString("s3cret")
			}
		}
		keeper, ok := res.Interface().(interface{ Kept() any })
		require.True(t, ok, "%s would be stored with its secret", e.Result)
		b, err := json.Marshal(keeper.Kept())
		require.NoError(t, err)
		require.NotContains(t, string(b), "s3cret")
	}
	require.Equal(t, 2, told)
}

func tells(typ reflect.Type, seen map[reflect.Type]bool) bool {
	if typ == reflect.TypeFor[domain.ToldSecret]() {
		return true
	}
	if seen[typ] {
		return false
	}
	seen[typ] = true
	switch typ.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return tells(typ.Elem(), seen)
	case reflect.Struct:
		for i := range typ.NumField() {
			if tells(typ.Field(i).Type, seen) {
				return true
			}
		}
	}
	return false
}

// Whatever is wrong with a key, the answer is the same.
func TestAKeyThatIsNotValidIsRefusedInOneWay(t *testing.T) {
	t.Parallel()
	clock := newStubClock()
	f := newAccess(t, func(c *service.Config) { c.Now = clock.Now })
	alice := f.as(fleetAlice)
	makeKey := func(a actions.CreateKeyAction) actions.CreateKeyResult {
		a.Name = "ci"
		res, err := f.CreateKey(alice, a)
		require.NoError(t, err)
		return res
	}
	good, revoked := makeKey(actions.CreateKeyAction{}), makeKey(actions.CreateKeyAction{})
	expired := makeKey(actions.CreateKeyAction{ExpiresAt: clock.Now().Add(time.Hour)})
	for _, changed := range []bool{true, false} {
		res, err := f.RevokeKey(alice, actions.RevokeKeyAction{KeyID: revoked.Key.ID})
		require.NoError(t, err)
		require.Equal(t, changed, res.Changed)
	}
	_, err := service.AuthenticateKey(t.Context(), f.ImageService, domain.Secret(expired.Secret))
	require.NoError(t, err, "until it expires")
	clock.pass(time.Hour)

	text := string(good.Secret)
	refused := domain.Error{}
	for what, secret := range map[string]string{
		"revoked": string(revoked.Secret), "expired": string(expired.Secret), "unknown": domain.NewKeySecret(domain.NewID[domain.KeyID]()).Reveal(),
		"another secret of the same key": domain.NewKeySecret(good.Key.ID).Reveal(),
		"empty":                          "", "a password": "hunter2", "mistyped": text[:50] + "x" + text[51:], "cut": text[:len(text)-1], "longer": text + "0", "in capitals": strings.ToUpper(text),
		"with space": " " + text, "NUL": strings.Repeat("\x00", len(text)),
	} {
		actor, err := service.AuthenticateKey(t.Context(), f.ImageService, domain.Secret(secret))
		require.Zero(t, actor, what)
		fleetError(t, err, domain.CodeUnauthenticated, "key_refused")
		var e *domain.Error
		require.ErrorAs(t, err, &e)
		if refused.Code == "" {
			refused = *e
		}
		require.Equal(t, refused, *e, what)
	}
	_, err = service.AuthenticateKey(t.Context(), f.ImageService, domain.Secret(good.Secret))
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = service.AuthenticateKey(ctx, f.ImageService, domain.Secret(good.Secret))
	require.Equal(t, domain.CodeCanceled, domain.CodeOf(err), "who cannot look says so: %v", err)
}

// countedUses counts what is written about the use of keys, and may refuse it.
type countedUses struct {
	repository.Store
	n    int
	fail bool
}

func (c *countedUses) KeyUsed(ctx context.Context, id domain.KeyID, at time.Time) error {
	c.n++
	if c.fail {
		return &domain.Error{Code: domain.CodeUnavailable, Reason: "database_unavailable"}
	}
	return c.Store.KeyUsed(ctx, id, at)
}

func TestUsingAKeyCostsOneWriteAMinute(t *testing.T) {
	t.Parallel()
	clock := newStubClock()
	f := newFleet(t)
	store := &countedUses{Store: f.store}
	f.ImageService = f.again(withRoles(t, f, nil), func(c *service.Config) { c.Now, c.Store = clock.Now, store })
	res, err := f.CreateKey(f.as(fleetAlice), actions.CreateKeyAction{Name: "ci"})
	require.NoError(t, err)
	for i := range 12 { // two minutes
		_, err := service.AuthenticateKey(t.Context(), f.ImageService, domain.Secret(res.Secret))
		require.NoError(t, err)
		require.Equal(t, 1+i/6, store.n)
		clock.pass(10 * time.Second)
	}
	clock.pass(time.Hour)
	store.fail = true
	_, err = service.AuthenticateKey(t.Context(), f.ImageService, domain.Secret(res.Secret))
	require.NoError(t, err, "a note that is lost locks nobody out")
}

func TestHowLongAKeyLives(t *testing.T) {
	t.Parallel()
	clock := newStubClock()
	f := newAccess(t, func(c *service.Config) { c.Now = clock.Now })
	for what, c := range map[string]struct {
		who context.Context
		in  time.Duration
		bad bool
	}{
		"a year": {f.as(fleetAlice), domain.MaxKeyLife, false}, "longer": {f.as(fleetAlice), domain.MaxKeyLife + time.Second, true},
		"longer, over everything": {f.root, 10 * domain.MaxKeyLife, false},
		"now":                     {f.root, 0, true}, "past": {f.as(fleetAlice), -time.Second, true}, "a second": {f.as(fleetAlice), time.Second, false},
	} {
		res, err := f.CreateKey(c.who, actions.CreateKeyAction{Name: "ci", ExpiresAt: clock.Now().Add(c.in)})
		if c.bad {
			fleetError(t, err, domain.CodeInvalid, "expiry_invalid")
			continue
		}
		require.NoError(t, err, what)
		require.True(t, res.Key.ExpiresAt.Equal(clock.Now().Add(c.in)), what)
	}
}

func TestAKeyDoesWhatItsScopesAndItsOwnerMay(t *testing.T) {
	t.Parallel()
	f := newAccess(t)
	require.NoError(t, f.bind(f.root, "alice", "monitor", ""))
	key, _ := f.newKey(f.as(fleetAlice), actions.CreateKeyAction{Scopes: []string{"image.list", "audit.*", "agent.register", "key.*"}})
	require.NoError(t, fleetErr(f.ListImages(key, actions.ListImagesAction{})))
	require.NoError(t, fleetErr(f.SearchAudit(key, actions.SearchAuditAction{})))
	_, err := f.ListAgents(key, actions.ListAgentsAction{})
	fleetError(t, err, domain.CodeForbidden, "scope_too_small")
	require.Equal(t, "agent.list", domain.OnOf(err))
	require.Equal(t, "scope_too_small", f.audit("agent.list")[0].Reason, "refusals are in the trail")
	_, err = f.RegisterAgent(key, actions.RegisterAgentAction{AgentID: "a", Address: "/x", ScalingGroup: "g"})
	fleetError(t, err, domain.CodeForbidden, "permission_missing") // scopes grant nothing

	actor := fleetAlice
	actor.Scopes = []string{"image.list"}
	for permission, want := range map[string]domain.Reach{"image.list": domain.ReachAny, "agent.list": domain.ReachNone} {
		require.Equal(t, want, f.may(actor, permission), permission)
	}
	require.NoError(t, f.unbind(f.root, "alice", "monitor", ""))
	_, err = f.SearchAudit(key, actions.SearchAuditAction{})
	fleetError(t, err, domain.CodeForbidden, "permission_missing") // what the owner lost, the key lost

	narrow, made := f.newKey(key, actions.CreateKeyAction{})
	require.Equal(t, []string{"image.list", "audit.*", "agent.register", "key.*"}, made.Key.Actor.Scopes, "no wider when it says nothing")
	for _, wider := range [][]string{{"*"}, {"image.*"}, {"image.get"}, {"image.list", "task.get"}} {
		_, err = f.CreateKey(key, actions.CreateKeyAction{Name: "x", Scopes: wider})
		fleetError(t, err, domain.CodeForbidden, "scope_too_small")
	}
	narrower, _ := f.newKey(narrow, actions.CreateKeyAction{Scopes: []string{"audit.search", "image.list"}})
	_, err = f.ListKeys(narrower, actions.ListKeysAction{})
	fleetError(t, err, domain.CodeForbidden, "scope_too_small")
	_, err = f.CreateKey(f.as(fleetAlice), actions.CreateKeyAction{Name: "x", Scopes: []string{"image.steal"}})
	fleetError(t, err, domain.CodeInvalid, "permission_unknown")
}

// What a scoped key lets others do is within its scopes too.
func TestAScopedKeyGivesNothingBeyondItsScopes(t *testing.T) {
	t.Parallel()
	f := newAccess(t)
	key, _ := f.newKey(f.root, actions.CreateKeyAction{Scopes: []string{"role.*", "image.get", "key.*"}})
	require.NoError(t, f.makeRole(key, "getter", ruleOf("image.get", domain.ReachAny, "")))
	fleetError(t, f.makeRole(key, "lister", ruleOf("image.list", domain.ReachOwn, "")), domain.CodeForbidden, "grant_not_held")
	fleetError(t, f.bind(key, "bob", "user", ""), domain.CodeForbidden, "grant_not_held")
	_, err := f.CreateKey(key, actions.CreateKeyAction{Name: "x", User: "bob", Role: domain.RoleUser, Scopes: []string{"image.list"}})
	fleetError(t, err, domain.CodeForbidden, "scope_too_small")
}

func TestAKeyForSomebodyElseIsLimitedToWhatItsMakerMayDoWithEverything(t *testing.T) {
	t.Parallel()
	f := newAccess(t)
	olga := f.as(fleetOfficer)
	forBob := actions.CreateKeyAction{Name: "ci", User: "bob", Role: domain.RoleUser, Domain: "default", Projects: []string{"web"}}
	_, err := f.CreateKey(f.as(fleetAlice), forBob)
	fleetError(t, err, domain.CodeForbidden, "reach_too_small")
	_, err = f.CreateKey(olga, forBob)
	fleetError(t, err, domain.CodeForbidden, "grant_not_held") // whatever bob may do one day
	for scope, reason := range map[string]string{"image.get": "", "role.*": "", "image.forget": "grant_not_held", "image.*": "grant_not_held", "*": "grant_not_held"} {
		forBob.Scopes = []string{scope}
		_, err := f.CreateKey(olga, forBob)
		if reason == "" {
			require.NoError(t, err, scope)
			continue
		}
		fleetError(t, err, domain.CodeForbidden, reason)
	}
	forBob.Scopes = nil
	as, made := f.newKey(f.root, forBob)
	require.Equal(t, domain.UserID("root"), made.Key.CreatedBy)
	mine, err := f.ListKeys(as, actions.ListKeysAction{})
	require.NoError(t, err)
	require.Len(t, mine.Keys, 3, "bob sees the keys that act as him")
	_, err = f.RevokeKey(as, actions.RevokeKeyAction{KeyID: made.Key.ID})
	require.NoError(t, err, "and ends them")
}

// A task acts as who submitted it, with the scopes of then.
func TestATaskKeepsTheScopesOfItsActor(t *testing.T) {
	t.Parallel()
	f := newFleet(t, quick)
	f.ImageService = f.again(withRoles(t, f, nil), quick)
	f.register(fleetHost, "")
	key, _ := f.newKey(f.root, actions.CreateKeyAction{Scopes: []string{"registry.rescan", "task.*"}})
	res, err := f.RescanImages(key, actions.RescanImagesAction{Background: true})
	require.NoError(t, err)
	other := f.store.Scoped(repository.Unit{Now: time.Now(), Scope: domain.Scope{
		Reach: domain.ReachAny, Actor: domain.Actor{ID: "root", Role: domain.RoleSuperadmin, Scopes: []string{"task.*"}},
	}})
	var smuggled domain.Task
	require.NoError(t, other.InTx(t.Context(), func(ctx context.Context, tx repository.View) (err error) {
		smuggled, _, err = tx.Tasks.Submit(ctx, repository.NewTask{Kind: "registry.rescan", Action: []byte(`{"registry":"` + fleetHost + `"}`), Class: domain.TaskBulk})
		return err
	}))
	runTasks(t, f.ImageService)
	done, _ := f.ended(res.TaskID)
	require.Equal(t, domain.TaskDone, done.State)
	require.Equal(t, []string{"registry.rescan", "task.*"}, done.Actor.Scopes)
	failed, _ := f.ended(smuggled.ID)
	require.Equal(t, domain.TaskFailed, failed.State)
	require.Equal(t, "scope_too_small", failed.Problem.Reason)
}
