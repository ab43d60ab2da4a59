package service_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/porttest"
)

// plainSealer keeps passwords recognisable, so that a leak shows.
type plainSealer struct{}

func (plainSealer) Seal(plain, _ string) (string, error) { return "sealed:" + plain, nil }
func (plainSealer) Open(sealed, _ string) (string, error) {
	return strings.TrimPrefix(sealed, "sealed:"), nil
}

func TestASuccessfulChangeLeavesOneEntryThatNamesTheImage(t *testing.T) {
	t.Parallel()
	clock := newStubClock()
	f := newFleet(t, func(c *service.Config) { c.Now = clock.Now })
	img := f.image("python:3.12")[0]
	ctx := domain.WithEnvelope(t.Context(), domain.Envelope{Actor: domain.Actor{ID: "alice", Role: "admin", Domain: "default"}, RequestID: "req-7"})
	_, err := f.ForgetImage(ctx, actions.ForgetImageAction{Reference: img.Canonical()})
	require.NoError(t, err)

	trail := f.audit("image.forget")
	require.Len(t, trail, 1)
	e := trail[0]
	require.True(t, domain.IsID(string(e.ID)))
	e.ID = ""
	require.JSONEq(t, `{"reference":"cr.example.org/python:3.12"}`, string(e.Params))
	e.Params = nil
	require.Equal(t, domain.AuditEntry{
		At: clock.Now(), Actor: "alice", Role: "admin", Domain: "default", Action: "image.forget", Status: domain.AuditOK,
		Rule: "porttest.AllowAll", Target: []string{string(img.ID)}, Count: 1, ReqID: "req-7",
	}, e)
}

func TestReadsLeaveNoEntryUnlessTheyAreDenied(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("python:3.12")[0]
	get := actions.GetImageAction{Reference: img.Canonical()}
	_, err := f.GetImage(f.root, get)
	require.NoError(t, err)
	_, err = f.GetImage(f.root, actions.GetImageAction{Reference: "nobody:knows"})
	require.Error(t, err)
	require.Empty(t, f.audit("image.get"))

	_, err = f.again(func(c *service.Config) { c.Authorizer = porttest.DenyAll{} }).GetImage(f.root, get)
	require.ErrorIs(t, err, domain.ErrForbidden)
	trail := f.audit("image.get")
	require.Len(t, trail, 1)
	require.Equal(t, domain.AuditDenied, trail[0].Status)
}

func TestAFailedChangeLeavesOneEntry(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	_, err := f.ForgetImage(f.root, actions.ForgetImageAction{Reference: "nobody:knows"})
	require.ErrorIs(t, err, domain.ErrNotFound)
	trail := f.audit("image.forget")
	require.Len(t, trail, 1)
	require.Equal(t, domain.AuditFailed, trail[0].Status)
	require.Equal(t, domain.CodeNotFound, trail[0].Code)
	require.Equal(t, "image_not_found", trail[0].Reason)
	require.Empty(t, trail[0].Target)
}

func TestADryRunOfAChangeLeavesNoEntry(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("python:3.12")[0]
	_, err := f.AliasImage(f.root, actions.AliasImageAction{Alias: "py", ImageCanonical: string(img.ID)})
	require.NoError(t, err)
	f.node("a1", "x86_64")
	reg := f.register("other.example.org", "")
	for name, dry := range map[string]func() (any, error){
		"image.forget": func() (any, error) {
			return f.ForgetImage(f.root, actions.ForgetImageAction{Reference: "py", DryRun: true})
		},
		"image.forget_by_id": func() (any, error) {
			return f.ForgetImageByID(f.root, actions.ForgetImageByIDAction{ImageID: img.ID, DryRun: true})
		},
		"image.forget_many": func() (any, error) {
			return f.ForgetImages(f.root, actions.ForgetImagesAction{ImageIDs: []domain.ImageID{img.ID}, DryRun: true})
		},
		"image.clear": func() (any, error) {
			return f.ClearImages(f.root, actions.ClearImagesAction{Registry: fleetHost, DryRun: true})
		},
		"alias.delete": func() (any, error) {
			return f.DealiasImage(f.root, actions.DealiasImageAction{Alias: "py", DryRun: true})
		},
		"agent.remove": func() (any, error) {
			return f.RemoveAgent(f.root, actions.RemoveAgentAction{AgentID: "a1", DryRun: true})
		},
		"registry.delete": func() (any, error) {
			return f.DeleteRegistry(f.root, actions.DeleteRegistryAction{RegistryID: reg.ID, DryRun: true})
		},
	} {
		res, err := dry()
		require.NoError(t, err, name)
		require.Contains(t, fleetJSON(t, res), `"dry_run":true`)
		require.Empty(t, f.audit(name), name)
	}
	f.requireStatus(img.ID, domain.ImageAlive)
}

// However many transactions and images it has, one call is one entry.
func TestACallOfManyTransactionsIsCountedOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	a, b, c := f.image("a:1")[0], f.image("b:1")[0], f.image("c:1")[0]
	f.inStatus(b, domain.ImageForgotten)
	_, err := f.ForgetImages(f.root, actions.ForgetImagesAction{ImageIDs: []domain.ImageID{a.ID, b.ID, c.ID}}) // b changes nothing
	require.NoError(t, err)
	trail := f.audit("image.forget_many")
	require.Len(t, trail, 1)
	require.ElementsMatch(t, []string{string(a.ID), string(c.ID)}, trail[0].Target)
	require.Equal(t, 1, trail[0].Count)
}

func TestAnExternalEffectThatChangesNothingIsCountedOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("a:1")[0]
	f.node("a1", "x86_64", img)
	before := len(f.audit("agent.report"))
	_, err := f.ReportInventory(f.root, actions.ReportInventoryAction{AgentID: "a1"})
	require.NoError(t, err)
	trail := f.audit("agent.report")
	require.Len(t, trail, before+1)
	require.Equal(t, 1, trail[before].Count)
}

func TestAnExternalEffectIsRecordedBeforeItStarts(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("a:1")[0]
	node := f.node("a1", "x86_64", img)
	var during []domain.AuditEntry
	node.SetHook(func(_ context.Context, op, _ string) error {
		if op == porttest.OpRemove {
			during = f.audit("agent.purge_images")
		}
		return nil
	})
	purge := actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{{AgentID: "a1", Images: []actions.ImageRef{{Name: img.Canonical()}}}}}
	_, err := f.PurgeImages(f.root, purge)
	require.NoError(t, err)
	require.Len(t, during, 1)
	require.Equal(t, domain.AuditStarted, during[0].Status)
	after := f.audit("agent.purge_images")
	require.Len(t, after, 1)
	require.Equal(t, during[0].ID, after[0].ID)
	require.Equal(t, domain.AuditOK, after[0].Status)
	require.Equal(t, 1, after[0].Count)
}

func TestAnExternalEffectThatCannotBeRecordedDoesNotStart(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	s := &stub{tb: t, forbidden: true, record: func(context.Context, domain.AuditEntry) error { return full }}
	_, err := externalCall.call(alice(t), s.service())
	require.ErrorIs(t, err, full)
	require.NotContains(t, s.played(), "handler")
	require.NotEmpty(t, s.lines("audit entry lost"))
}

func TestAnExternalEffectIsFinishedAlthoughTheCallerIsGone(t *testing.T) {
	t.Parallel()
	for name, handle := range map[string]func(context.Context) error{
		"ok":     func(context.Context) error { return nil },
		"failed": func(ctx context.Context) error { return ctx.Err() },
	} {
		ctx, cancel := context.WithCancel(alice(t))
		s := &stub{tb: t}
		s.handle = func(ctx context.Context) error {
			cancel()
			return handle(ctx)
		}
		var settled context.Context
		s.record = func(ctx context.Context, _ domain.AuditEntry) error {
			settled = ctx
			return ctx.Err()
		}
		_, _ = externalCall.call(ctx, s.service())
		trail := s.trail()
		require.Len(t, trail, 2)
		require.Equal(t, domain.AuditStarted, trail[0].Status)
		require.Equal(t, domain.AuditStatus(name), trail[1].Status)
		require.Equal(t, trail[0].ID, trail[1].ID)
		require.Zero(t, trail[1].Count, "it was counted when it started")
		_, bounded := settled.Deadline()
		require.True(t, bounded, "nobody waits for the trail for ever")
	}
}

func TestAnEntryThatIsLostIsLogged(t *testing.T) {
	t.Parallel()
	s := &stub{tb: t, record: func(_ context.Context, e domain.AuditEntry) error {
		if e.Status == domain.AuditStarted {
			return nil
		}
		return errors.New("disk full")
	}}
	_, err := externalCall.call(alice(t), s.service())
	require.NoError(t, err, "what was done was done")
	lines := s.lines("audit entry lost")
	require.Len(t, lines, 1)
	require.Equal(t, "agent.report", lines[0]["action"])
	require.Equal(t, "alice", lines[0]["actor"])
}

func TestRepeatedRefusalsWithinAMinuteAreOneEntry(t *testing.T) {
	t.Parallel()
	clock := newStubClock()
	f := newFleet(t, func(c *service.Config) {
		c.Now, c.Authorizer = clock.Now, porttest.Grants{"user": {"image.forget": domain.ReachNone}}
	})
	knock := func(n int, user domain.UserID, reference string) {
		for range n {
			_, err := f.ForgetImage(f.as(domain.Actor{ID: user, Role: "user"}), actions.ForgetImageAction{Reference: reference})
			require.ErrorIs(t, err, domain.ErrForbidden)
		}
	}
	for range 4 {
		knock(25, "mallory", "a:1")
		clock.pass(14 * time.Second)
	}
	clock.pass(4 * time.Second) // the next minute
	knock(3, "mallory", "a:1")
	knock(2, "mallory", "b:1")
	knock(1, "eve", "a:1")

	page, _, err := f.admin().Read().Audit.List(t.Context(), domain.Where("action", domain.Eq, "image.forget"), domain.Page{})
	require.NoError(t, err)
	var counts []int
	for _, e := range page {
		require.Equal(t, domain.AuditDenied, e.Status)
		counts = append(counts, e.Count)
	}
	require.ElementsMatch(t, []int{100, 3, 2, 1}, counts)
}

func TestAPasswordIsNeverShown(t *testing.T) {
	t.Parallel()
	const password = "correct horse battery staple"
	f := newFleet(t, func(c *service.Config) { c.Sealer = plainSealer{} })
	create := actions.CreateRegistryAction{Name: "cr.example.net", Username: "robot", Password: password}
	res, err := f.CreateRegistry(f.root, create)
	require.NoError(t, err)
	_, err = f.CreateRegistry(f.root, create)
	require.ErrorIs(t, err, domain.ErrConflict)
	_, denied := f.again(func(c *service.Config) { c.Authorizer = porttest.DenyAll{} }).CreateRegistry(f.root, create)
	require.ErrorIs(t, denied, domain.ErrForbidden)
	mod, modErr := f.ModifyRegistry(f.root, actions.ModifyRegistryAction{RegistryID: res.Registry.ID, Password: domain.Set(domain.Secret(password + "!"))})
	require.NoError(t, modErr)

	trail := append(f.audit("registry.create"), f.audit("registry.modify")...)
	require.Len(t, trail, 4)
	require.Contains(t, string(trail[0].Params), `"password":"***"`)
	for _, shown := range []string{fleetJSON(t, trail), fleetJSON(t, res), fleetJSON(t, mod), f.logs.String(), err.Error(), denied.Error(), domain.MessageOf(err)} {
		require.NotContains(t, shown, "horse")
	}
}

func TestParametersOfAnEntryAreBounded(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	for _, n := range []int{3800, 5000, 1 << 20} {
		_, err := f.ForgetImage(f.root, actions.ForgetImageAction{Reference: strings.Repeat("x", n)})
		require.Error(t, err)
	}
	trail := f.audit("image.forget")
	require.Len(t, trail, 3)
	omitted := 0
	for _, e := range trail {
		require.LessOrEqual(t, len(e.Params), 4<<10)
		require.True(t, json.Valid(e.Params))
		if strings.Contains(string(e.Params), "omitted_bytes") {
			omitted++
		}
	}
	require.Equal(t, 2, omitted)
}

func TestCredentialsInAURLDoNotReachTheTrail(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	_, err := f.CreateRegistry(f.root, actions.CreateRegistryAction{Name: fleetHost, URL: "https://robot:hunter2@" + fleetHost})
	require.ErrorIs(t, err, domain.ErrInvalid)
	trail := f.audit("registry.create")
	require.Len(t, trail, 1)
	require.NotContains(t, string(trail[0].Params), "hunter2")
	require.Contains(t, string(trail[0].Params), "https://***@"+fleetHost)
}
