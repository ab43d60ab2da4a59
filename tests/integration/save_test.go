package integration_test

import (
	"context"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// berth is an installation with a real engine as its node, and with a registry
// that users of the domain default see.
type berth struct {
	*shore
	*app.App
	root, alice, bob context.Context
}

func newBerth(t *testing.T, quota int) *berth {
	t.Helper()
	b := &berth{shore: newShore(t, nil)}
	var err error
	b.App, err = app.Open(t.Context(), app.Config{Dir: t.TempDir(), Service: service.Config{Save: service.Save{Quota: quota}}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	as := func(id domain.UserID, r domain.Role) context.Context {
		return domain.WithActor(t.Context(), domain.Actor{ID: id, Role: r, Domain: "default", Projects: []string{"team"}})
	}
	b.root, b.alice, b.bob = as("root", domain.RoleSuperadmin), as("alice", domain.RoleUser), as("bob", domain.RoleUser)
	_, err = b.RegisterAgent(b.root, actions.RegisterAgentAction{
		AgentID: "node1", Kind: domain.AgentDocker, Address: b.remote.address, ScalingGroup: "default", Architecture: "x86_64",
	})
	require.NoError(t, err)
	row, err := b.CreateRegistry(b.root, actions.CreateRegistryAction{Name: b.remote.host, URL: "http://" + b.remote.host, IsGlobal: new(true)})
	require.NoError(t, err)
	_, err = b.AllowRegistry(b.root, actions.AllowRegistryAction{RegistryID: row.Registry.ID, Domain: "default"})
	require.NoError(t, err)
	return b
}

// session starts a container as whoever starts them for users does.
func (b *berth) session(t *testing.T, image string, owner string) (id string) {
	t.Helper()
	made, err := b.api.ContainerCreate(t.Context(), client.ContainerCreateOptions{Config: &container.Config{
		Image: image, Labels: map[string]string{domain.LabelOwnerUserID: owner, "wharf.test": b.prefix},
	}})
	require.NoError(t, err)
	_, err = b.api.ContainerStart(t.Context(), made.ID, client.ContainerStartOptions{})
	require.NoError(t, err)
	return made.ID
}

// named are the names that saving gives to images on a node.
func (b *berth) named(t *testing.T) (names []string) {
	t.Helper()
	list, err := b.api.ImageList(t.Context(), client.ImageListOptions{})
	require.NoError(t, err)
	for _, i := range list.Items {
		for _, n := range i.RepoTags {
			if strings.HasPrefix(n, "localhost/wharf-saved:") {
				names = append(names, n)
			}
		}
	}
	return names
}

func TestAContainerOfARealEngineIsSaved(t *testing.T) {
	b := newBerth(t, 1)
	base := b.prefix + "base:1"
	_, err := b.store.Build(t.Context(), domain.BuildRequest{Name: base, Source: sleeper(t, sleeps), Labels: map[string]string{"wharf.test": b.prefix}}, nil)
	require.NoError(t, err)
	id := b.session(t, base, "alice")

	var kinds []domain.TransferKind
	ctx := domain.WithTransferSink(b.alice, func(e domain.TransferEvent) {
		if len(kinds) == 0 || kinds[len(kinds)-1] != e.Kind {
			kinds = append(kinds, e.Kind)
		}
	})
	a := actions.SaveImageAction{AgentID: "node1", Container: id, Remote: b.ref("team/saved", "1").Canonical(), Labels: map[string]string{"made.by": "a 'b'\n\"c\""}}
	_, err = b.SaveImage(b.bob, a)
	requireReason(t, err, domain.CodeNotFound, "container_not_found")
	res, err := b.SaveImage(ctx, a)
	require.NoError(t, err)
	require.Equal(t, []domain.TransferKind{
		domain.TransferSave, domain.TransferCommitStarted, domain.TransferCommitFinished, domain.TransferPush, domain.TransferStep,
	}, kinds)
	require.Equal(t, b.has(t, b.ref("team/saved", "1")), res.Digest)
	require.Positive(t, res.SizeBytes)
	require.Empty(t, b.named(t), "nothing is left on the node")
	require.Empty(t, b.left(t))

	got, err := b.GetImage(b.alice, actions.GetImageAction{Reference: res.Image})
	require.NoError(t, err)
	require.Equal(t, res.Config, got.Image.ConfigDigest)
	require.Equal(t, domain.UserID("alice"), got.Image.Owner)
	require.Equal(t, a.Labels["made.by"], got.Image.Labels["made.by"])
	require.Equal(t, b.prefix, got.Image.Labels["wharf.test"])
	require.Empty(t, got.Image.Labels[domain.LabelOwnerUserID])
	_, err = b.GetImage(b.bob, actions.GetImageAction{Reference: res.Image})
	requireReason(t, err, domain.CodeNotFound, "image_not_found")
	is, err := b.api.ContainerInspect(t.Context(), id, client.ContainerInspectOptions{})
	require.NoError(t, err)
	require.True(t, is.Container.State.Running && !is.Container.State.Paused, "the container goes on")

	a.Remote = b.ref("team/saved", "2").Canonical()
	_, err = b.SaveImage(b.alice, a)
	requireReason(t, err, domain.CodePrecondition, "quota_exceeded")
	a.Remote = res.Image
	again, err := b.SaveImage(b.alice, a)
	require.NoError(t, err, "what is replaced needs no place")
	require.NotEqual(t, res.Digest, again.Digest)
	require.Equal(t, again.Digest, b.has(t, b.ref("team/saved", "1")))
	require.Empty(t, b.named(t))

	// A container of what was saved is nobody's, until its label says whose it is.
	_, err = b.store.Fetch(t.Context(), domain.FetchRequest{Remote: b.ref("team/saved", "1"), Registry: b.remote.row(), Local: b.prefix + "again:1"}, nil)
	require.NoError(t, err)
	nobodys, _ := b.run(t, b.prefix+"again:1", true)
	a.Container = nobodys
	_, err = b.SaveImage(b.alice, a)
	requireReason(t, err, domain.CodeNotFound, "container_not_found")
}
