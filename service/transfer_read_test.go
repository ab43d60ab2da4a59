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

// shared is a registry that alice, bob and their project see, with images that
// are somebody's: of the catalogue, and of the registry alone.
type shared struct {
	*fleet
	hub   *porttest.Registry
	row   domain.Registry
	svc   *service.ImageService // whoever asks reaches what is visible
	own   *service.ImageService // the same, what is their own
	mover *mover
}

func newShared(tb testing.TB) *shared {
	tb.Helper()
	s := &shared{fleet: newFleet(tb), mover: &mover{}}
	s.row = s.register(fleetHost, "")
	s.hub = s.registries[fleetHost]
	_, err := s.AllowRegistry(s.root, actions.AllowRegistryAction{RegistryID: s.row.ID, Domain: "default"})
	require.NoError(tb, err)
	modified, err := s.ModifyRegistry(s.root, actions.ModifyRegistryAction{RegistryID: s.row.ID, IsGlobal: domain.Set(true)})
	require.NoError(tb, err)
	s.row = modified.Registry
	s.svc = s.again(withMover(s.mover), withAuthorizer(reaching(domain.ReachVisible)))
	s.own = s.again(withMover(s.mover), withAuthorizer(reaching(domain.ReachOwn)))
	s.content("ml/app", "1", "")
	s.content("ml/app", "mine", "alice")
	s.content("ml/app", "theirs", "bob")
	s.rescan()
	s.content("ml/app", "new", "")
	s.content("ml/app", "new-mine", "alice")
	s.content("ml/app", "new-theirs", "bob")
	s.content("secret/app", "1", "bob")
	s.rescanOnly("secret/app:1")
	return s
}

func (s *shared) rescanOnly(name string) { s.scan(fleetHost + "/" + name) }

// content pushes a tag, customized by a user if there is one.
func (s *shared) content(repo, tag, owner string) domain.Description {
	labels := map[string]string{}
	if owner != "" {
		labels[domain.LabelCustomizedOwner] = "user:" + owner
	}
	return s.hub.Push(porttest.RegistryContent{
		Repository: repo, Tags: []string{tag}, Images: []porttest.RegistryImage{{Architecture: "amd64", Content: repo + tag, Labels: labels}},
	})
}

func (s *shared) alice() context.Context {
	return s.as(domain.Actor{ID: "alice", Role: domain.RoleUser, Domain: "default", Projects: []string{"ml"}})
}

func (s *shared) stranger() context.Context {
	return s.as(domain.Actor{ID: "eve", Role: domain.RoleUser, Domain: "elsewhere", Projects: []string{"ml"}})
}

func TestTheTagsOfARepositoryAreThoseThatOneMayKnowOf(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	names := func(svc *service.ImageService, ctx context.Context, p domain.Page) (list []string) {
		res, err := svc.ListImageTags(ctx, actions.ListImageTagsAction{Image: fleetHost + "/ml/app", Page: p})
		require.NoError(t, err)
		for _, tag := range res.Tags {
			require.Equal(t, fleetHost+"/ml/app:"+tag.Name, tag.Image)
			list = append(list, tag.Name)
		}
		return list
	}
	require.Equal(t, []string{"1", "mine", "new", "new-mine"}, names(s.svc, s.alice(), domain.Page{}))
	require.Equal(t, []string{"1", "mine", "new", "new-mine", "new-theirs", "theirs"}, names(s.ImageService, s.root, domain.Page{}))
	require.Equal(t, []string{"theirs", "new-theirs"}, names(s.ImageService, s.root, domain.Page{Limit: 2, Desc: true}))

	page := domain.Page{Limit: 4, Count: true}
	first, err := s.ListImageTags(s.root, actions.ListImageTagsAction{Image: fleetHost + "/ml/app", Page: page})
	require.NoError(t, err)
	require.Equal(t, 6, *first.Total)
	page.After = first.Next
	require.Equal(t, []string{"new-theirs", "theirs"}, names(s.ImageService, s.root, page))

	_, err = s.svc.ListImageTags(s.stranger(), actions.ListImageTagsAction{Image: fleetHost + "/ml/app"})
	fleetError(t, err, domain.CodeNotFound, "registry_not_found")
	_, err = s.svc.ListImageTags(s.alice(), actions.ListImageTagsAction{Image: fleetHost + "/ml/app:1"})
	fleetError(t, err, domain.CodeInvalid, "tag_not_allowed")

	s.hub.Push(porttest.RegistryContent{Repository: "ml/empty", Tags: []string{"x"}, Images: []porttest.RegistryImage{{Architecture: "amd64"}}})
	s.hub.Remove("ml/empty", "x")
	res, err := s.svc.ListImageTags(s.alice(), actions.ListImageTagsAction{Image: fleetHost + "/ml/empty"})
	require.NoError(t, err)
	require.NotNil(t, res.Tags)
	require.Empty(t, res.Tags)
}

func TestSizesOfTagsAreAskedForByName(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	s.hub.Push(porttest.RegistryContent{Repository: "ml/app", Tags: []string{"windows"}, Images: []porttest.RegistryImage{{OS: "windows", Architecture: "amd64"}}})
	res, err := s.ListImageTags(s.root, actions.ListImageTagsAction{Image: fleetHost + "/ml/app", Sizes: true, Page: domain.Page{Sort: "tag", Desc: true, Limit: 1}})
	require.NoError(t, err)
	require.Nil(t, res.Tags[0].SizeBytes)
	require.Equal(t, "no_image", res.Tags[0].Problem.Reason)
	res, err = s.ListImageTags(s.root, actions.ListImageTagsAction{Image: fleetHost + "/ml/app", Sizes: true, Page: domain.Page{Limit: 1}})
	require.NoError(t, err)
	require.EqualValues(t, 400+len("ml/app1"), *res.Tags[0].SizeBytes, "of the layers, without the configuration")
}

func TestWhatTheCatalogueHidesIsNotToBeHadFromTheRegistry(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	hidden, err := s.GetImageDigest(s.root, actions.GetImageDigestAction{Image: fleetHost + "/ml/app:theirs"})
	require.NoError(t, err)
	unknown, err := s.GetImageDigest(s.root, actions.GetImageDigestAction{Image: fleetHost + "/ml/app:new-theirs"})
	require.NoError(t, err)
	for _, name := range []string{"ml/app:absent", "ml/app:theirs", "ml/app:new-theirs", "ml/app@" + string(hidden.Digest), "ml/app@" + string(unknown.Digest)} {
		for what, ask := range map[string]func() error{
			"digest": func() error {
				_, err := s.svc.GetImageDigest(s.alice(), actions.GetImageDigestAction{Image: fleetHost + "/" + name})
				return err
			},
			"size": func() error {
				_, err := s.svc.GetImageSize(s.alice(), actions.GetImageSizeAction{Image: fleetHost + "/" + name})
				return err
			},
			"tag info": func() error {
				_, err := s.svc.GetTagInfo(s.alice(), actions.GetTagInfoAction{Image: fleetHost + "/" + name})
				return err
			},
			"pull": func() error {
				_, err := s.svc.PullImage(s.alice(), actions.PullImageAction{Remote: fleetHost + "/" + name})
				return err
			},
		} {
			err := ask()
			fleetError(t, err, domain.CodeNotFound, "image_not_found")
			require.NotContains(t, err.Error(), "bob", what)
		}
	}
	require.Empty(t, s.mover.fetched)
	for _, name := range []string{"ml/app:1", "ml/app:mine", "ml/app:new", "ml/app:new-mine"} {
		_, err := s.svc.GetImageDigest(s.alice(), actions.GetImageDigestAction{Image: fleetHost + "/" + name})
		require.NoError(t, err, name)
	}
}

func TestARegistryThatIsHiddenHidesItsPartOfTheHost(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	s.content("ml/private/tool", "1", "")
	s.register(fleetHost, "ml/private") // for no domain
	_, err := s.svc.GetImageDigest(s.alice(), actions.GetImageDigestAction{Image: fleetHost + "/ml/private/tool:1"})
	fleetError(t, err, domain.CodeNotFound, "registry_not_found")
	require.Equal(t, fleetHost, domain.OnOf(err), "not the id of what is hidden")
	res, err := s.svc.ListRemoteImages(s.alice(), actions.ListRemoteImagesAction{Registry: fleetHost})
	require.NoError(t, err)
	require.Equal(t, []actions.RemoteRepository{{Image: fleetHost + "/ml/app", Repository: "ml/app", RegistryID: s.row.ID}}, res.Images,
		"neither the other registration's, nor those in which all is somebody else's")
}

func TestRepositoriesAreListedInPagesAndByPattern(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	for _, repo := range []string{"ml/b", "ml/c", "ops/a", "Bad/Name"} {
		s.content(repo, "1", "")
	}
	names := func(a actions.ListRemoteImagesAction) (list []string, next string) {
		a.Registry = fleetHost
		res, err := s.ListRemoteImages(s.root, a)
		require.NoError(t, err)
		require.Equal(t, 1, res.Skipped, "what is no name is counted")
		for _, i := range res.Images {
			list = append(list, i.Repository)
		}
		return list, res.Next
	}
	list, next := names(actions.ListRemoteImagesAction{Name: "ml/.*", Page: domain.Page{Limit: 2}})
	require.Equal(t, []string{"ml/app", "ml/b"}, list)
	list, next = names(actions.ListRemoteImagesAction{Name: "ml/.*", Page: domain.Page{Limit: 2, After: next}})
	require.Equal(t, []string{"ml/c"}, list)
	require.Empty(t, next)
	list, _ = names(actions.ListRemoteImagesAction{Name: "ml"})
	require.Empty(t, list, "the pattern is for the whole name")
	_, err := s.ListRemoteImages(s.root, actions.ListRemoteImagesAction{Registry: fleetHost, Name: "("})
	fleetError(t, err, domain.CodeInvalid, "pattern_invalid")
}

func TestTheSizeOfAnIndexIsThatOfOnePlatform(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	s.hub.Push(porttest.RegistryContent{Repository: "ml/multi", Tags: []string{"1"}, Index: true, Images: []porttest.RegistryImage{
		{Architecture: "arm64", Content: "longer"}, {Architecture: "amd64", Content: "x"},
	}})
	info, err := s.GetTagInfo(s.root, actions.GetTagInfoAction{Image: fleetHost + "/ml/multi:1"})
	require.NoError(t, err)
	require.Equal(t, "x86_64", info.Architecture, "the installation's")
	require.EqualValues(t, 401, info.SizeBytes)
	require.Len(t, info.Platforms, 2)
	size, err := s.GetImageSize(s.root, actions.GetImageSizeAction{Image: fleetHost + "/ml/multi:1", Architecture: "arm64"})
	require.NoError(t, err)
	require.EqualValues(t, 406, size.SizeBytes)
	_, err = s.GetTagInfo(s.root, actions.GetTagInfoAction{Image: fleetHost + "/ml/multi:1", Architecture: "s390x"})
	fleetError(t, err, domain.CodeNotFound, "image_not_found")
}

func TestARegistryThatLimitsIsNotOneThatHasNothing(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	limited := domain.Errorf(domain.CodeRateLimited, "registry_limited", fleetHost, "slow down")
	s.hub.SetHook(func(context.Context, string, string) error { return limited })
	_, err := s.GetImageDigest(s.root, actions.GetImageDigestAction{Image: fleetHost + "/ml/app:1"})
	fleetError(t, err, domain.CodeRateLimited, "registry_limited")
	_, err = s.ListImageTags(s.root, actions.ListImageTagsAction{Image: fleetHost + "/ml/app"})
	fleetError(t, err, domain.CodeRateLimited, "registry_limited")
	res, err := s.RemoveRemoteImage(s.root, actions.RemoveRemoteImageAction{Images: []string{fleetHost + "/ml/app:1"}})
	require.NoError(t, err)
	require.Equal(t, actions.RemoteFailed, res.Outcomes[0].Did)
	require.Equal(t, domain.CodeRateLimited, res.Outcomes[0].Problem.Code)
}

func TestNamesOfAClusterStandForItsRegistry(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	in := func(c ...domain.Cluster) *service.ImageService {
		return s.again(withMover(s.mover), func(cfg *service.Config) { cfg.References.Clusters.All = c })
	}
	_, err := s.ListRemoteImages(s.root, actions.ListRemoteImagesAction{})
	fleetError(t, err, domain.CodeInvalid, "field_required")
	lab := in(domain.Cluster{Name: "lab", Registry: fleetHost, Project: "ml"})
	list, err := lab.ListRemoteImages(s.root, actions.ListRemoteImagesAction{})
	require.NoError(t, err)
	require.Equal(t, "image://lab/ml/app", list.Images[0].URI)
	tags, err := lab.ListImageTags(s.root, actions.ListImageTagsAction{Image: "image:app", Page: domain.Page{Limit: 1}})
	require.NoError(t, err)
	require.Equal(t, "image://lab/ml/app:1", tags.Tags[0].URI)
	_, err = lab.ListImageTags(s.root, actions.ListImageTagsAction{Image: "image:app:1"})
	fleetError(t, err, domain.CodeInvalid, "tag_not_allowed")
	_, err = lab.GetImageDigest(s.root, actions.GetImageDigestAction{Image: "image://elsewhere/ml/app"})
	fleetError(t, err, domain.CodeInvalid, "cluster_unknown")

	pushed, err := lab.PushImage(s.root, actions.PushImageAction{Local: "tool:3"})
	require.NoError(t, err)
	require.Equal(t, fleetHost+"/ml/tool:3", pushed.Image)
	digest, err := lab.GetImageDigest(s.root, actions.GetImageDigestAction{Image: "image:app:1"})
	require.NoError(t, err)
	for remote, local := range map[string]string{
		"image:app:1": "app:1", fleetHost + "/ml/app:1": "app:1", fleetHost + "/ml/app@" + string(digest.Digest): "app:latest", fleetHost + "/secret/app:1": "app:1",
	} {
		pulled, err := lab.PullImage(s.root, actions.PullImageAction{Remote: remote})
		require.NoError(t, err)
		require.Equal(t, local, pulled.Local, "the name without registry and project")
	}
	_, err = s.again(withMover(s.mover)).PushImage(s.root, actions.PushImageAction{Local: "tool:3"})
	fleetError(t, err, domain.CodeInvalid, "field_required")
}
