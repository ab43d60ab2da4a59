package integration_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
	"github.com/wharf-project/wharf/tests/containers"
)

// shore is the local engine with a registry to push to and fetch from.
type shore struct {
	*localEngine
	remote *realEngine
}

func newShore(t *testing.T, auth *containers.BasicAuth) *shore {
	t.Helper()
	return &shore{newLocalEngine(t), newRealEngine(t, containers.RegistryOptions{Auth: auth})}
}

func (s *shore) ref(path, tag string) domain.Reference {
	return domain.Reference{Registry: s.remote.host, Path: path, Tag: tag}
}

func (s *shore) push(local, path, tag string) domain.PushRequest {
	return domain.PushRequest{Local: s.prefix + local, Remote: s.ref(path, tag), Registry: s.remote.row()}
}

// has returns what a tag names in the registry, "" for nothing.
func (s *shore) has(tb testing.TB, ref domain.Reference) domain.Digest {
	tb.Helper()
	r, err := name.ParseReference(ref.Canonical(), name.Insecure)
	require.NoError(tb, err)
	d, err := remote.Head(r, remote.WithContext(tb.Context()), remote.WithAuth(s.remote.login()))
	if err != nil {
		return ""
	}
	return domain.Digest(d.Digest.String())
}

// left are names of the registry's images that the engine has.
func (s *shore) left(tb testing.TB) (names []string) {
	tb.Helper()
	list, err := s.api.ImageList(context.WithoutCancel(tb.Context()), client.ImageListOptions{All: true})
	require.NoError(tb, err)
	for _, i := range list.Items {
		for _, n := range append(i.RepoTags, i.RepoDigests...) {
			if strings.HasPrefix(n, s.remote.host+"/") {
				names = append(names, n)
			}
		}
	}
	return names
}

func TestARealEnginePushes(t *testing.T) {
	s := newShore(t, nil)
	built := s.build(t, s.prefix+"app:1", "one")
	var events []domain.TransferEvent
	r := s.push("app:1", "team/app", "1")
	out, err := s.store.Push(t.Context(), r, func(e domain.TransferEvent) { events = append(events, e) })
	require.NoError(t, err)
	require.Equal(t, s.has(t, r.Remote), out.Digest)
	require.Positive(t, out.SizeBytes)
	require.EqualValues(t, -1, out.SentBytes)
	require.False(t, out.Unchanged)
	require.Equal(t, domain.TransferEvent{Kind: domain.TransferPush, Src: s.prefix + "app:1", Dst: r.Remote.Canonical()}, events[0])
	layers := map[string]bool{}
	for _, e := range events[1:] {
		require.Equal(t, domain.TransferStep, e.Kind)
		require.Len(t, e.LayerID, 12)
		layers[e.LayerID] = true
	}
	require.NotEmpty(t, layers)
	require.Empty(t, s.left(t), "no name of the registry is left")

	again, err := s.store.Push(t.Context(), r, nil)
	require.NoError(t, err)
	require.Equal(t, domain.PushOutcome{Digest: out.Digest, SizeBytes: out.SizeBytes, Unchanged: true}, again)

	// The tag that the push needs is another image's.
	s.build(t, s.prefix+"app:2", "two")
	_, err = s.api.ImageTag(t.Context(), client.ImageTagOptions{Source: string(built.Digest), Target: r.Remote.Canonical()})
	require.NoError(t, err)
	moved, err := s.store.Push(t.Context(), s.push("app:2", "team/app", "1"), nil)
	require.NoError(t, err)
	require.NotEqual(t, out.Digest, moved.Digest)
	require.Equal(t, moved.Digest, s.has(t, r.Remote))
	now, _ := s.find(t, r.Remote.Canonical())
	require.Equal(t, built.Digest, now, "it has its tag back")

	_, err = s.store.Push(t.Context(), s.push("none:1", "team/app", "1"), nil)
	requireReason(t, err, domain.CodeNotFound, "image_not_found")
	other := r
	other.Architecture = "aarch64"
	_, err = s.store.Push(t.Context(), other, nil)
	requireReason(t, err, domain.CodeNotFound, "image_not_found")
	require.Equal(t, moved.Digest, s.has(t, r.Remote), "nothing of this moved the tag")
}

func TestARealEnginePushesWithTheRowsCredentials(t *testing.T) {
	s := newShore(t, onlyRobot)
	s.build(t, s.prefix+"app:1", "one")
	r := s.push("app:1", "team/app", "1")
	wrong, none, foreign := r, r, r
	wrong.Registry.Password = "guess"
	none.Registry.Username, none.Registry.Password = "", ""
	foreign.Registry.Name = "cr.example.org"
	for _, refused := range []domain.PushRequest{wrong, none} {
		_, err := s.store.Push(t.Context(), refused, nil)
		requireReason(t, err, domain.CodePrecondition, "registry_credentials")
		require.NotContains(t, err.Error(), "s3cret")
	}
	_, err := s.store.Push(t.Context(), foreign, nil)
	requireReason(t, err, domain.CodeInvalid, "registry_mismatch")
	require.Empty(t, s.left(t))
	out, err := s.store.Push(t.Context(), r, nil)
	require.NoError(t, err)
	require.Equal(t, s.has(t, r.Remote), out.Digest)
	require.Empty(t, s.left(t))
}

// A base image that wants credentials.
func TestARealEngineBuildsOnAPrivateImage(t *testing.T) {
	s := newShore(t, onlyRobot)
	s.build(t, s.prefix+"base:1", "base")
	r := s.push("base:1", "team/base", "1")
	pushed, err := s.store.Push(t.Context(), r, nil)
	require.NoError(t, err)
	require.NoError(t, s.store.Untag(t.Context(), s.prefix+"base:1"))

	row := s.remote.row()
	dockerfile := sleeper(t, "FROM "+r.Remote.Canonical()+"\nCOPY sleeper /sleeper\n")
	tmpl := func(base string) domain.BuildSource {
		return domain.BuildSource{Type: domain.BuildFromTemplate, Template: &domain.BuildTemplate{BaseImage: base, Files: map[string]string{"more": "1"}}}
	}
	for what, source := range map[string]domain.BuildSource{
		"a Dockerfile": dockerfile, "a template": tmpl(r.Remote.Canonical()), "a pinned template": tmpl(s.remote.host + "/team/base@" + pushed.Digest.String()),
	} {
		t.Run(what, func(t *testing.T) {
			s.remote.sweep(t)
			request := domain.BuildRequest{Name: s.prefix + "onbase:1", Source: source}
			_, err := s.store.Build(t.Context(), request, nil)
			requireReason(t, err, domain.CodePrecondition, "build_failed")
			request.Base = &row
			_, err = s.store.Build(t.Context(), request, nil)
			require.NoError(t, err)
			require.NoError(t, s.store.Untag(t.Context(), request.Name))
		})
	}
}

func TestARealEnginePushesOneImageTwiceAtATime(t *testing.T) {
	s := newShore(t, nil)
	s.build(t, s.prefix+"app:1", "one")
	var group errgroup.Group
	for range 4 {
		group.Go(func() error {
			_, err := s.store.Push(t.Context(), s.push("app:1", "team/app", "1"), nil)
			return err
		})
	}
	require.NoError(t, group.Wait())
	require.NotEmpty(t, s.has(t, s.ref("team/app", "1")))
	require.Empty(t, s.left(t))
}

// Nobody listens, or the caller gives up when the first bytes move.
func TestAPushThatFailsLeavesNoName(t *testing.T) {
	s := newShore(t, nil)
	content := make([]byte, 4<<20) // to be seen on its way
	_, err := rand.Read(content)
	require.NoError(t, err)
	s.build(t, s.prefix+"app:1", base64.StdEncoding.EncodeToString(content))
	nobody := domain.Registry{Name: "127.0.0.1:1", URL: "http://127.0.0.1:1"}
	r := domain.PushRequest{Local: s.prefix + "app:1", Remote: domain.Reference{Registry: nobody.Name, Path: "team/app", Tag: "1"}, Registry: nobody}
	_, err = s.store.Push(t.Context(), r, nil)
	requireReason(t, err, domain.CodeUnavailable, "registry_failed")
	is, err := s.api.ImageInspect(t.Context(), s.prefix+"app:1")
	require.NoError(t, err)
	require.Equal(t, []string{s.prefix + "app:1"}, is.RepoTags)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err = s.store.Push(ctx, s.push("app:1", "team/app", "1"), func(e domain.TransferEvent) {
		if e.Kind == domain.TransferStep {
			cancel()
		}
	})
	requireReason(t, err, domain.CodeCanceled, "canceled")
	require.Empty(t, s.left(t))
	_, err = s.store.Push(t.Context(), s.push("app:1", "team/app", "1"), nil)
	require.NoError(t, err, "and it can be done again")
}

func TestARealEngineFetches(t *testing.T) {
	s := newShore(t, nil)
	built := s.build(t, s.prefix+"app:1", "one")
	pushed, err := s.store.Push(t.Context(), s.push("app:1", "team/app", "1"), nil)
	require.NoError(t, err)
	require.NoError(t, s.store.Untag(t.Context(), s.prefix+"app:1"))

	other := s.build(t, s.prefix+"fetched:1", "another")
	r := domain.FetchRequest{Remote: s.ref("team/app", "1"), Registry: s.remote.row(), Manifest: pushed.Digest, Local: s.prefix + "fetched:1"}
	wrong := r
	wrong.Manifest = porttest.DigestOf("of nothing")
	_, err = s.store.Fetch(t.Context(), wrong, nil)
	requireReason(t, err, domain.CodePrecondition, "digest_mismatch")
	now, _ := s.find(t, r.Local)
	require.Equal(t, other.Digest, now, "what had the name keeps it")

	byTag, byDigest := r, r
	byTag.Manifest, byDigest.Manifest = "", ""
	byDigest.Remote.Tag, byDigest.Remote.Digest = "", pushed.Digest
	for i, r := range []domain.FetchRequest{r, byTag, byDigest} {
		var events []domain.TransferEvent
		out, err := s.store.Fetch(t.Context(), r, func(e domain.TransferEvent) { events = append(events, e) })
		require.NoError(t, err)
		require.Equal(t, pushed.Digest, out.Digest)
		require.Equal(t, built.Digest, out.Config)
		require.Equal(t, i > 0, out.Unchanged)
		require.Equal(t, domain.TransferEvent{Kind: domain.TransferPull, Src: r.Remote.Canonical(), Dst: r.Local}, events[0])
		now, _ := s.find(t, r.Local)
		require.Equal(t, built.Digest, now)
		require.Empty(t, s.left(t), "it has the one name")
	}
	missing := byTag
	missing.Remote.Tag = "2"
	_, err = s.store.Fetch(t.Context(), missing, nil)
	requireReason(t, err, domain.CodeNotFound, "tag_not_found")

	// A name of the registry that was there before stays.
	_, err = s.api.ImageTag(t.Context(), client.ImageTagOptions{Source: string(built.Digest), Target: r.Remote.Canonical()})
	require.NoError(t, err)
	_, err = s.store.Fetch(t.Context(), byTag, nil)
	require.NoError(t, err)
	require.Equal(t, []string{r.Remote.Canonical()}, s.left(t))
}

// A registry of another name: the row says where it is.
func TestARealEnginePushesUnderTheRowsName(t *testing.T) {
	s := newShore(t, nil)
	s.build(t, s.prefix+"app:1", "one")
	r := s.push("app:1", "team/app", "1")
	r.Remote.Registry, r.Registry.Name = "cr.wharf-renamed.example", "cr.wharf-renamed.example"
	out, err := s.store.Push(t.Context(), r, nil)
	require.NoError(t, err)
	require.Equal(t, s.has(t, s.ref("team/app", "1")), out.Digest)
	require.Empty(t, s.left(t))
	is, err := s.api.ImageInspect(t.Context(), s.prefix+"app:1")
	require.NoError(t, err)
	require.Empty(t, is.RepoDigests)
}
