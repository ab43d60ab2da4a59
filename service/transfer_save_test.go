package service_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

func TestAContainerIsSavedAsAnImageOfWhoAsked(t *testing.T) {
	t.Parallel()
	s := newSaves(t)
	var kinds []domain.TransferKind
	ctx := domain.WithTransferSink(s.alice(), func(e domain.TransferEvent) { kinds = append(kinds, e.Kind) })
	a := s.action("saved")
	a.Labels = map[string]string{"team": "ml"}
	res, err := s.own.SaveImage(ctx, a)
	require.NoError(t, err)
	require.Equal(t, []domain.TransferKind{domain.TransferSave, domain.TransferCommitStarted, domain.TransferCommitFinished, domain.TransferPush}, kinds)
	require.Equal(t, fleetHost+"/ml/app:saved", res.Image)
	require.NotEmpty(t, res.Config)
	require.EqualValues(t, 7, res.SentBytes)
	require.Empty(t, s.node.saved(t))

	got, err := s.svc.GetImage(s.alice(), actions.GetImageAction{Reference: res.Image})
	require.NoError(t, err, "the owner sees it at once")
	require.Equal(t, res.Digest, got.Image.TagDigest)
	require.Equal(t, domain.UserID("alice"), got.Image.Owner)
	require.Equal(t, "ml", got.Image.Labels["team"])
	require.Equal(t, "saved", got.Image.Labels[domain.LabelCustomizedName])
	require.Len(t, got.Image.Labels[domain.LabelCustomizedID], 32)
	require.Empty(t, got.Image.Labels[domain.LabelOwnerUserID], "a container of it is nobody's until somebody says so")
	bob := s.as(domain.Actor{ID: "bob", Role: domain.RoleUser, Domain: "default", Projects: []string{"ml"}})
	_, err = s.svc.GetImage(bob, actions.GetImageAction{Reference: res.Image})
	fleetError(t, err, domain.CodeNotFound, "image_not_found")

	again, err := s.own.SaveImage(s.alice(), s.action("saved"))
	require.NoError(t, err, "one's own image is replaced")
	require.NotEqual(t, res.Digest, again.Digest)
	require.Equal(t, again.Digest, s.stored(got.Image.ID).TagDigest)
}

func TestOnlyOnesOwnContainersAreSaved(t *testing.T) {
	t.Parallel()
	s := newSaves(t)
	s.fleet.node("a2", "x86_64")
	for container, agent := range map[string]domain.AgentID{s.bobs: "a1", s.nobodys: "a1", s.everybodys: "a1", "c99": "a1", s.mine: "nowhere"} {
		a := s.action("saved")
		a.Container, a.AgentID = container, agent
		_, err := s.own.SaveImage(s.alice(), a)
		fleetError(t, err, domain.CodeNotFound, "container_not_found")
		require.NotContains(t, err.Error(), "bob")
	}
	nameless := s.as(domain.Actor{ID: "a b", Role: domain.RoleUser, Domain: "default", Projects: []string{"ml"}})
	_, err := s.own.SaveImage(nameless, s.action("saved"))
	fleetError(t, err, domain.CodePrecondition, "owner_invalid")
	require.Empty(t, s.node.Calls(porttest.OpCommit))

	for i, container := range []string{s.bobs, s.nobodys} {
		_, err := s.SaveImage(s.root, actions.SaveImageAction{AgentID: "a1", Container: container, Remote: fleetHost + "/ml/app:root" + string(rune('a'+i))})
		require.NoError(t, err)
	}
	_, err = s.SaveImage(s.root, actions.SaveImageAction{AgentID: "nowhere", Container: "c1", Remote: fleetHost + "/ml/app:x"})
	fleetError(t, err, domain.CodeNotFound, "agent_not_found")
	_, err = s.SaveImage(s.root, actions.SaveImageAction{AgentID: "a2", Container: "c1", Remote: fleetHost + "/ml/app:x"})
	fleetError(t, err, domain.CodePrecondition, "save_unsupported")
}

func TestASaveReplacesNobodysImage(t *testing.T) {
	t.Parallel()
	s := newSaves(t)
	s.content("ops/app", "mine", "alice")
	for remote, want := range map[string]string{
		"ml/app:2":          "",
		"ml/app:mine":       "",
		"ml/app:new-mine":   "",
		"ops/app:mine":      "", // also where one may not push
		"ml/app:1":          "forbidden/tag_out_of_reach",
		"ml/app:new":        "forbidden/tag_out_of_reach",
		"ml/app:theirs":     "forbidden/tag_out_of_reach",
		"ml/app:new-theirs": "forbidden/tag_out_of_reach",
		"ops/app:1":         "forbidden/repository_out_of_reach",
		"ml/app":            "invalid/tag_required",
		"ml/app@" + porttest.DigestOf("x").String(): "invalid/reference_invalid",
	} {
		_, err := s.own.SaveImage(s.alice(), actions.SaveImageAction{AgentID: "a1", Container: s.mine, Remote: fleetHost + "/" + remote})
		require.Equal(t, strings.TrimPrefix(want, "/"), strings.Trim(string(domain.CodeOf(err))+"/"+domain.ReasonOf(err), "/"), remote)
	}
	_, err := s.SaveImage(s.root, s.action("theirs"))
	fleetError(t, err, domain.CodeForbidden, "tag_out_of_reach")
	_, err = s.own.SaveImage(s.stranger(), s.action("2"))
	fleetError(t, err, domain.CodeNotFound, "registry_not_found")
}

func TestASaveWithoutATargetGoesBesideTheImage(t *testing.T) {
	t.Parallel()
	s := newSaves(t)
	a := s.action("")
	a.Remote = ""
	res, err := s.own.SaveImage(s.alice(), a)
	require.NoError(t, err)
	require.Regexp(t, `^`+fleetHost+`/ml/app:1-customized_[0-9a-f]{32}$`, res.Image)
	// What was saved already is not called so twice.
	image := s.scan(res.Image)[0]
	_, err = s.node.Pull(t.Context(), domain.PullRequest{Reference: image.Reference(), Architecture: "x86_64"}, nil)
	require.NoError(t, err)
	c, ok := s.node.Run(res.Image, true, map[string]string{domain.LabelOwnerUserID: "alice"})
	require.True(t, ok)
	a.Container = c.ID
	again, err := s.own.SaveImage(s.alice(), a)
	require.NoError(t, err)
	require.Regexp(t, `^`+fleetHost+`/ml/app:1-customized_[0-9a-f]{32}$`, again.Image)
	require.NotEqual(t, res.Image, again.Image)
}

// An engine may call the image of a container anything.
func TestTheNameThatASaveMakesIsATagInReach(t *testing.T) {
	t.Parallel()
	s := newSaves(t)
	digest := porttest.DigestOf("x")
	const end = `customized_[0-9a-f]{32}$`
	for image, want := range map[string]string{
		fleetHost + "/ml/app:2":                               `/ml/app:2-` + end,
		fleetHost + "/ml/app":                                 `/ml/app:latest-` + end,
		fleetHost + "/ml/app@" + digest.String():              `/ml/app:` + end,
		fleetHost + "/ml/app:2@" + digest.String():            `/ml/app:2-` + end,
		fleetHost + "/ml/app:" + strings.Repeat("x", 128):     `/ml/app:x{84}-` + end,
		fleetHost + "/ml/app:customized_" + digest.Hex()[:32]: `/ml/app:` + end,
		fleetHost + "/ops/app:1":                              "repository_out_of_reach",
		"elsewhere.example.org/ml/app:1":                      "registry_not_found",
		"":                                                    "field_required",
		"../../x":                                             "field_required",
		digest.String():                                       "field_required",
		fleetHost + "/ml/app:a b":                             "field_required",
	} {
		s.node.named = map[string]string{s.mine: image}
		res, err := s.own.SaveImage(s.alice(), actions.SaveImageAction{AgentID: "a1", Container: s.mine, DryRun: true})
		if err != nil {
			require.Equal(t, want, domain.ReasonOf(err), image)
			continue
		}
		require.Regexp(t, "^"+fleetHost+want, res.Image, image)
	}
}

func TestThePlaceOfAFailedSaveIsFree(t *testing.T) {
	t.Parallel()
	away := domain.Errorf(domain.CodeUnavailable, "agent_unavailable", "a1", "the node does not answer")
	started, finished := domain.TransferEvent{Kind: domain.TransferCommitStarted}, domain.TransferEvent{Kind: domain.TransferCommitFinished}
	tells := func(events ...domain.TransferEvent) func(*saves) {
		return func(s *saves) {
			s.node.commit = func(_ context.Context, sink domain.TransferSink) error {
				for _, e := range events {
					sink(e)
				}
				return nil
			}
		}
	}
	at := func(op string) func(*saves) {
		return func(s *saves) {
			s.node.SetHook(func(_ context.Context, now, _ string) error {
				if now == op {
					return away
				}
				return nil
			})
		}
	}
	for name, c := range map[string]struct {
		fault  func(*saves)
		reason string
	}{
		"the node does not know the container": {at(porttest.OpContainer), "agent_unavailable"},
		"the commit fails":                     {at(porttest.OpCommit), "agent_unavailable"},
		"the commit says nothing":              {tells(), "agent_failed"},
		"the commit ends before it begins":     {tells(finished, started), "agent_failed"},
		"the commit does not end":              {tells(started), "agent_failed"},
		"the commit ends twice":                {tells(started, finished, finished), "agent_failed"},
		"the commit panics":                    {func(s *saves) { s.node.commit = func(context.Context, domain.TransferSink) error { panic("x") } }, "panic"},
		"the commit is of nothing":             {tells(started, finished), "image_not_found"},
		"the push is refused": {func(s *saves) {
			s.node.hook = func(context.Context, domain.TransferSink) error {
				return domain.Errorf(domain.CodeForbidden, "push_denied", "", "no")
			}
		}, "push_denied"},
		"the registry fails after the push": {func(s *saves) { s.hubFails() }, "registry_failed"},
		"somebody else pushes to the tag":   {func(s *saves) { s.rival("") }, "tag_moved"},
		"somebody else saves to the tag":    {func(s *saves) { s.rival("bob") }, "tag_moved"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSaves(t)
			svc := s.again(withAuthorizer(reaching(domain.ReachOwn)), func(c *service.Config) { c.Fleet.PullAttempts = 1 })
			c.fault(s)
			_, err := svc.SaveImage(s.alice(), s.action("saved"))
			require.Equal(t, c.reason, domain.ReasonOf(err), "%v", err)
			s.node.SetHook(nil)
			s.node.commit, s.node.hook = nil, nil
			s.hub.SetHook(nil)
			s.clear()
		})
	}
}

// hubFails has the registry fail from the first push on.
func (s *saves) hubFails() {
	s.node.hook = func(context.Context, domain.TransferSink) error {
		s.hub.SetHook(func(context.Context, string, string) error {
			return domain.Errorf(domain.CodeUnavailable, "registry_failed", fleetHost, "the registry fails")
		})
		return nil
	}
}

// rival has somebody push to the tag as soon as it is there.
func (s *saves) rival(owner string) {
	var once sync.Once
	s.hub.SetHook(func(_ context.Context, _, _ string) error {
		if len(s.node.pushed) > 0 {
			once.Do(func() { s.content("ml/app", "saved", owner) })
		}
		return nil
	})
}

func TestHostileLabelsAreRefused(t *testing.T) {
	t.Parallel()
	s := newSaves(t)
	for label, reason := range map[string]string{
		domain.LabelCustomizedOwner: "label_reserved", domain.LabelCustomizedID: "label_reserved",
		domain.LabelCustomizedUserEmail: "label_reserved", "ai.backend.customized-image.new": "label_reserved",
		domain.LabelOwnerUserID: "label_reserved", domain.LabelOwnerProjectID: "label_reserved",
		"": "name_invalid", "a b": "name_invalid", "a\x00": "name_invalid", strings.Repeat("x", 256): "name_invalid",
	} {
		a := s.action("saved")
		a.Labels = map[string]string{label: "user:bob"}
		_, err := s.own.SaveImage(s.alice(), a)
		fleetError(t, err, domain.CodeInvalid, reason)
	}
	for _, value := range []string{"a\x00b", "\xff", strings.Repeat("x", 1<<17)} {
		a := s.action("saved")
		a.Labels = map[string]string{"a": value}
		_, err := s.own.SaveImage(s.alice(), a)
		require.ErrorIs(t, err, domain.ErrInvalid)
	}
}

func TestADryRunOfASaveTellsTheNameAndTakesNothing(t *testing.T) {
	t.Parallel()
	s := newSaves(t, func(c *service.Config) { c.Save.Quota = 1 })
	a := s.action("saved")
	a.DryRun = true
	_, err := s.own.SaveImage(s.alice(), a)
	fleetError(t, err, domain.CodePrecondition, "quota_exceeded")
	a.Remote = fleetHost + "/ml/app:mine"
	res, err := s.own.SaveImage(s.alice(), a)
	require.NoError(t, err)
	require.Equal(t, actions.SaveImageResult{Image: a.Remote, DryRun: true}, res)
	require.Empty(t, s.node.Calls(porttest.OpCommit))
	s.clear()
}

var _ interface {
	port.Builder
	port.Committer
	port.Pusher
} = (*savingNode)(nil)
