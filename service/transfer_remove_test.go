package service_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/porttest"
)

func (s *shared) remove(ctx context.Context, svc *service.ImageService, a actions.RemoveRemoteImageAction) []actions.RemovedRemote {
	s.tb.Helper()
	for i := range a.Images {
		a.Images[i] = fleetHost + "/" + a.Images[i]
	}
	res, err := svc.RemoveRemoteImage(ctx, a)
	require.NoError(s.tb, err)
	return res.Outcomes
}

func (s *shared) has(tags ...string) {
	s.tb.Helper()
	res, err := s.ListImageTags(s.root, actions.ListImageTagsAction{Image: fleetHost + "/ml/app"})
	require.NoError(s.tb, err)
	var have []string
	for _, t := range res.Tags {
		have = append(have, t.Name)
	}
	require.Equal(s.tb, tags, have)
}

func TestADigestThatOthersNameIsRemovedWhenForcedOnly(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	same := porttest.RegistryContent{Repository: "ml/app", Tags: []string{"a", "b"}, Images: []porttest.RegistryImage{{Architecture: "amd64", Content: "same"}}}
	d := s.hub.Push(same)
	row := s.scan(fleetHost + "/ml/app:b")[0]

	out := s.remove(s.root, s.ImageService, actions.RemoveRemoteImageAction{Images: []string{"ml/app:a"}})
	require.Equal(t, "digest_shared", out[0].Problem.Reason)
	require.Contains(t, out[0].Problem.Message, "tags b go with it")
	require.Equal(t, []string{"a", "b"}, out[0].Tags)
	out = s.remove(s.root, s.ImageService, actions.RemoveRemoteImageAction{Images: []string{"ml/app@" + string(d.Digest)}})
	require.Equal(t, "digest_shared", out[0].Problem.Reason, "nor by its digest")
	out = s.remove(s.root, s.ImageService, actions.RemoveRemoteImageAction{Images: []string{"ml/app:a"}, Digest: d.Digest, DryRun: true, Force: true})
	require.Equal(t, actions.RemoteWouldRemove, out[0].Did)
	require.Nil(t, out[0].Problem)
	s.has("1", "a", "b", "mine", "new", "new-mine", "new-theirs", "theirs")

	out = s.remove(s.root, s.ImageService, actions.RemoveRemoteImageAction{Images: []string{"ml/app:a", "ml/app:b"}})
	require.Len(t, out, 1, "one digest is removed once")
	require.Equal(t, actions.RemovedRemote{Image: fleetHost + "/ml/app", Digest: d.Digest, Tags: []string{"a", "b"}, Did: actions.RemoteRemoved}, out[0])
	require.Len(t, s.hub.Calls(porttest.OpDeleteDigest), 1)
	s.has("1", "mine", "new", "new-mine", "new-theirs", "theirs")
	s.requireStatus(row.ID, domain.ImageMissing)

	out = s.remove(s.root, s.ImageService, actions.RemoveRemoteImageAction{Images: []string{"ml/app:a"}})
	require.Equal(t, actions.RemoteGone, out[0].Did, "what is gone counts as done")
	require.Nil(t, out[0].Problem)
}

func TestOnlyWhatIsOnesOwnIsRemoved(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	outside := domain.Actor{ID: "alice", Role: domain.RoleUser, Domain: "default", Projects: []string{"other"}}
	for name, c := range map[string]struct {
		svc    *service.ImageService
		ctx    context.Context
		image  string
		did    actions.RemoteDid
		reason string
	}{
		"one's own customized image":                       {s.own, s.as(outside), "ml/app:mine", actions.RemoteRemoved, ""},
		"the same, which the catalogue does not know":      {s.own, s.as(outside), "ml/app:new-mine", actions.RemoteRemoved, ""},
		"an image of everybody":                            {s.own, s.as(outside), "ml/app:1", actions.RemoteFailed, "image_out_of_reach"},
		"the same, which the catalogue does not know, too": {s.own, s.as(outside), "ml/app:new", actions.RemoteFailed, "image_out_of_reach"},
		"another's looks as if it were gone":               {s.own, s.alice(), "ml/app:theirs", actions.RemoteGone, ""},
		"and so does one that the catalogue does not know": {s.svc, s.alice(), "ml/app:new-theirs", actions.RemoteGone, ""},
	} {
		out := s.remove(c.ctx, c.svc, actions.RemoveRemoteImageAction{Images: []string{c.image}, Force: true})
		require.Len(t, out, 1, name)
		require.Equal(t, c.did, out[0].Did, name)
		if c.reason != "" {
			require.Equal(t, c.reason, out[0].Problem.Reason, name)
		}
	}
	s.has("1", "new", "new-theirs", "theirs")
	out := s.remove(s.alice(), s.own, actions.RemoveRemoteImageAction{Images: []string{"ml/app:new"}})
	require.Equal(t, actions.RemoteRemoved, out[0].Did, "a project's repository is its members'")
	out = s.remove(s.alice(), s.own, actions.RemoveRemoteImageAction{Images: []string{"ml/app"}})
	require.Len(t, out, 1, "every tag that one may know of")
	s.has("new-theirs", "theirs")
}

func TestForceIsNotForOtherPeoplesImages(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	content := func(tag string) porttest.RegistryContent {
		return porttest.RegistryContent{Repository: "ml/app", Tags: []string{tag}, Images: []porttest.RegistryImage{{
			Architecture: "amd64", Content: "same", Labels: map[string]string{"a": "b"},
		}}}
	}
	s.hub.Push(content("x"))
	theirs := s.hub.Push(content("y"))
	row := s.scan(fleetHost + "/ml/app:y")[0]
	_, err := s.ModifyImageByID(s.root, actions.ModifyImageByIDAction{ImageID: row.ID, Modifier: actions.ImageModifier{
		Labels: domain.Set(map[string]string{domain.LabelCustomizedOwner: "user:bob"}),
	}})
	require.NoError(t, err)
	out := s.remove(s.alice(), s.svc, actions.RemoveRemoteImageAction{Images: []string{"ml/app:x"}, Force: true})
	require.Equal(t, actions.RemoteFailed, out[0].Did)
	require.Equal(t, domain.CodeForbidden, out[0].Problem.Code)
	require.Empty(t, out[0].Tags, "not a word about what is hidden")
	require.Empty(t, s.hub.Calls(porttest.OpDeleteDigest), theirs.Digest)
}

func TestAnIndexIsNotBrokenByRemovingOneOfItsManifests(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	d := s.hub.Push(porttest.RegistryContent{Repository: "ml/multi", Tags: []string{"1"}, Index: true, Images: []porttest.RegistryImage{
		{Architecture: "arm64", Content: "a"}, {Architecture: "amd64", Content: "b"},
	}})
	s.hub.Push(porttest.RegistryContent{Repository: "ml/multi", Tags: []string{"amd64"}, Images: []porttest.RegistryImage{{Architecture: "amd64", Content: "b"}}})
	s.scan(fleetHost + "/ml/multi:1")
	out := s.remove(s.root, s.ImageService, actions.RemoveRemoteImageAction{Images: []string{"ml/multi:amd64"}})
	require.Equal(t, "digest_shared", out[0].Problem.Reason)
	require.Equal(t, []string{"1", "amd64"}, out[0].Tags)
	require.NotEqual(t, d.Digest, out[0].Digest)
}

func TestNotKnowingTheNeighboursIsNoLicence(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	s.hub.SetHook(func(_ context.Context, op, _ string) error {
		if op == porttest.OpTags {
			return domain.Errorf(domain.CodeUnavailable, "registry_failed", fleetHost, "502")
		}
		return nil
	})
	out := s.remove(s.root, s.ImageService, actions.RemoveRemoteImageAction{Images: []string{"ml/app:1"}, Force: true})
	require.Equal(t, actions.RemoteFailed, out[0].Did)
	require.Equal(t, "registry_failed", out[0].Problem.Reason)
	require.Empty(t, s.hub.Calls(porttest.OpDeleteDigest))
}
