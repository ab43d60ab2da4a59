package service_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

// fleetKey names images on one agent.
func fleetKey(agent domain.AgentID, names ...string) actions.PurgeImagesKey {
	k := actions.PurgeImagesKey{AgentID: agent}
	for _, n := range names {
		k.Images = append(k.Images, actions.ImageRef{Name: n})
	}
	return k
}

func (f *fleet) purge(a actions.PurgeImagesAction) actions.PurgeImagesResult {
	f.tb.Helper()
	res, err := f.PurgeImages(f.root, a)
	require.NoError(f.tb, err)
	return res
}

// fleetVanished is what an adapter says of a node that is gone.
func fleetVanished(id domain.AgentID) error {
	return domain.Errorf(domain.CodeUnavailable, "agent_unavailable", string(id), "%s does not answer", id)
}

// fleetErrors is "agent image code/reason" of each error, in the result's order.
func fleetErrors(list []actions.AgentError) []string {
	out := []string{}
	for _, e := range list {
		out = append(out, string(e.AgentID)+" "+e.Image+" "+string(e.Problem.Code)+"/"+e.Problem.Reason)
	}
	return out
}

func TestImagesOfManyAgentsArePurgedAsInTheScenario(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.register("docker.io", "")
	hub := f.registries["docker.io"]
	hub.Push(fleetContent("library/app:old", "", "amd64"))
	hub.Push(fleetContent("library/cache:old", "", "amd64"))
	hub.Push(fleetContent("library/app:new", "", "amd64"))
	app, cache, kept := f.scan("app:old")[0], f.scan("cache:old")[0], f.scan("app:new")[0]
	f.node("agent-1", "x86_64", app, cache, kept)
	f.node("agent-2", "x86_64", app, kept)
	f.node("agent-3", "x86_64", app)

	res := f.purge(actions.PurgeImagesAction{
		Keys: []actions.PurgeImagesKey{
			{AgentID: "agent-1", Images: []actions.ImageRef{{Name: "app:old", Architecture: "x86_64"}, {Name: "cache:old", Architecture: "x86_64"}}},
			{AgentID: "agent-2", Images: []actions.ImageRef{{Name: "app:old", Architecture: "x86_64"}}},
		},
		Force: true,
	})
	require.Equal(t, actions.PurgeImagesResult{
		PurgedImages: []actions.PurgedImages{
			{AgentID: "agent-1", PurgedImages: []string{"docker.io/library/app:old", "docker.io/library/cache:old"}, FreedBytes: app.SizeBytes + cache.SizeBytes},
			{AgentID: "agent-2", PurgedImages: []string{"docker.io/library/app:old"}, FreedBytes: app.SizeBytes},
		},
		FreedBytes: 2*app.SizeBytes + cache.SizeBytes, Errors: []actions.AgentError{},
	}, res)
	require.Equal(t, []string{kept.Canonical() + " x86_64"}, f.holds("agent-1"))
	require.Equal(t, []string{kept.Canonical() + " x86_64"}, f.known("agent-1"), "the catalogue knows at once")
	require.Equal(t, []string{app.Canonical() + " x86_64"}, f.holds("agent-3"), "nobody asked for that one")
	require.Equal(t, 1, f.stored(app.ID).InstalledCount)
	require.JSONEq(t, `{"purged_images": [
		{"agent_id": "agent-1", "purged_images": ["docker.io/library/app:old", "docker.io/library/cache:old"], "freed_bytes": 2032},
		{"agent_id": "agent-2", "purged_images": ["docker.io/library/app:old"], "freed_bytes": 1015}], "freed_bytes": 3047, "errors": []}`, fleetJSON(t, res))
}

func TestTheResultOfAPurgeIsInTheOrderOfTheRequest(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	one, two := f.image("a:1")[0], f.image("a:2")[0]
	for _, id := range []domain.AgentID{"z", "m", "a"} {
		f.node(id, "x86_64", one, two)
	}
	res := f.purge(actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{
		fleetKey("z", two.Canonical()), fleetKey("a", one.Canonical(), two.Canonical()), fleetKey("m", one.Canonical()), fleetKey("z", one.Canonical()),
	}})
	require.Empty(t, res.Errors)
	require.Equal(t, []actions.PurgedImages{
		{AgentID: "z", PurgedImages: []string{two.Canonical(), one.Canonical()}, FreedBytes: one.SizeBytes + two.SizeBytes},
		{AgentID: "a", PurgedImages: []string{one.Canonical(), two.Canonical()}, FreedBytes: one.SizeBytes + two.SizeBytes},
		{AgentID: "m", PurgedImages: []string{one.Canonical()}, FreedBytes: one.SizeBytes},
	}, res.PurgedImages, "an agent that is named twice comes once")
}

func TestWhatIsAskedTwiceIsPurgedOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.alias("app", img.Canonical())
	f.node("a", "x86_64", img)
	absent := string(domain.NewID[domain.ImageID]())
	res := f.purge(actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{
		fleetKey("a", img.Canonical(), "app", string(img.ID), absent, absent),
		{AgentID: "a", Images: []actions.ImageRef{{Name: img.Canonical(), Architecture: "amd64"}}},
	}})
	require.Equal(t, []string{img.Canonical()}, res.PurgedImages[0].PurgedImages)
	require.Equal(t, []string{img.Canonical() + " (x86_64)"}, f.agents["a"].Calls(porttest.OpRemove))
	require.Equal(t, []string{"a " + absent + " not_found/image_not_found"}, fleetErrors(res.Errors))
}

func TestAPurgeFailsOnlyWhereItFails(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img, elsewhere := f.image("app:1")[0], f.image("app:2")[0]
	f.node("fine", "x86_64", img)
	f.node("offline", "x86_64", img)
	_, err := f.ModifyAgent(f.root, actions.ModifyAgentAction{AgentID: "offline", Status: domain.Set(domain.AgentOffline)})
	require.NoError(t, err)
	f.node("vanished", "x86_64", img).SetHook(func(context.Context, string, string) error { return fleetVanished("vanished") })

	absent := domain.NewID[domain.ImageID]()
	res := f.purge(actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{
		fleetKey("offline", img.Canonical(), "other"), fleetKey("vanished", img.Canonical()), fleetKey("unknown", img.Canonical()),
		fleetKey("fine", elsewhere.Canonical(), "never:heard", string(absent), "no reference", img.Canonical()),
	}})
	require.Equal(t, []actions.PurgedImages{{AgentID: "fine", PurgedImages: []string{img.Canonical()}, FreedBytes: img.SizeBytes}}, res.PurgedImages)
	require.Equal(t, img.SizeBytes, res.FreedBytes, "failures never count")
	require.Equal(t, []string{
		"offline " + img.Canonical() + " unavailable/agent_offline",
		"offline docker.io/library/other:latest unavailable/agent_offline",
		"vanished " + img.Canonical() + " unavailable/agent_unavailable",
		"unknown " + img.Canonical() + " not_found/agent_not_found",
		"fine " + elsewhere.Canonical() + " not_found/image_not_found",
		"fine docker.io/library/never:heard not_found/image_not_found",
		"fine " + string(absent) + " not_found/image_not_found",
		"fine no reference invalid/reference_invalid",
	}, fleetErrors(res.Errors))
	for _, e := range res.Errors {
		require.NotEmpty(t, e.Problem.Message)
		require.NotEmpty(t, e.Problem.On, "%v", e)
		require.ErrorIs(t, e, &domain.Error{Code: e.Problem.Code})
	}
	require.Equal(t, []string{img.Canonical() + " x86_64"}, f.known("vanished"), "what could not be asked is still there, as far as anybody knows")
}

func TestAnImageThatTheCatalogueDoesNotKnowIsPurgedByItsName(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.agents["a"] = porttest.NewAgent(f.shelf, domain.InventoryImage{Canonical: "old.example.org/legacy/app:0.1", Architecture: "amd64", SizeBytes: 42})
	_, err := f.RegisterAgent(f.root, actions.RegisterAgentAction{AgentID: "a", Kind: domain.AgentOCILayout, Address: "/x", ScalingGroup: "default", Architecture: "x86_64"})
	require.NoError(t, err)
	res := f.purge(actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{fleetKey("a", "old.example.org/legacy/app:0.1")}})
	require.Equal(t, []actions.PurgedImages{{AgentID: "a", PurgedImages: []string{"old.example.org/legacy/app:0.1"}, FreedBytes: 42}}, res.PurgedImages)
	require.Empty(t, f.holds("a"))
}

func TestOnlyTheArchitectureThatIsMeantIsPurged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		refs func(rows map[string]domain.Image) []actions.ImageRef
		left []string
	}{
		"the agent's own when none is named": {func(rows map[string]domain.Image) []actions.ImageRef {
			return []actions.ImageRef{{Name: rows["x86_64"].Canonical()}}
		}, []string{"aarch64"}},
		"the one that is named": {func(rows map[string]domain.Image) []actions.ImageRef {
			return []actions.ImageRef{{Name: rows["x86_64"].Canonical(), Architecture: "linux/arm64"}}
		}, []string{"x86_64"}},
		"both": {func(rows map[string]domain.Image) []actions.ImageRef {
			return []actions.ImageRef{{Name: rows["x86_64"].Canonical(), Architecture: "arm64"}, {Name: rows["x86_64"].Canonical(), Architecture: "amd64"}}
		}, []string{}},
		"that of an id": {func(rows map[string]domain.Image) []actions.ImageRef {
			return []actions.ImageRef{{Name: string(rows["aarch64"].ID)}}
		}, []string{"x86_64"}},
		"that of an alias": {func(map[string]domain.Image) []actions.ImageRef {
			return []actions.ImageRef{{Name: "arm-app"}}
		}, []string{"x86_64"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			list := f.image("app:1", "amd64", "arm64")
			rows := map[string]domain.Image{}
			for _, r := range list {
				rows[r.Architecture] = r
			}
			_, err := f.AliasImageByID(f.root, actions.AliasImageByIDAction{Alias: "arm-app", ImageID: rows["aarch64"].ID})
			require.NoError(t, err)
			f.node("a", "x86_64", list...) // it can run the other by emulation
			res := f.purge(actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{{AgentID: "a", Images: c.refs(rows)}}})
			require.Empty(t, res.Errors)
			want := []string{}
			for _, arch := range c.left {
				want = append(want, fleetHost+"/app:1 "+arch)
			}
			require.Equal(t, want, f.holds("a"))
		})
	}
}

func TestAnImageInUseIsKeptUnlessForced(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	used, free := f.image("app:1")[0], f.image("app:2")[0]
	f.node("a", "x86_64", used, free).Use("session-7", used.Canonical(), "x86_64")
	request := actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{fleetKey("a", used.Canonical(), free.Canonical())}, DryRun: true}

	dry := f.purge(request)
	require.True(t, dry.DryRun)
	require.Equal(t, []string{"a " + used.Canonical() + " conflict/image_in_use"}, fleetErrors(dry.Errors), "it names what protects it")
	require.Equal(t, []string{free.Canonical()}, dry.PurgedImages[0].PurgedImages)
	require.Equal(t, free.SizeBytes, dry.FreedBytes)
	require.Len(t, f.holds("a"), 2)
	require.Empty(t, f.agents["a"].Calls(porttest.OpRemove))
	require.Len(t, f.known("a"), 2)

	request.Force = true
	dry = f.purge(request)
	require.Empty(t, dry.Errors)
	require.Len(t, f.holds("a"), 2)

	request.Force, request.DryRun = false, false
	res := f.purge(request)
	require.Equal(t, []string{"a " + used.Canonical() + " conflict/image_in_use"}, fleetErrors(res.Errors))
	require.Equal(t, free.SizeBytes, res.FreedBytes)
	require.Equal(t, []string{used.Canonical() + " x86_64"}, f.holds("a"))
	require.Equal(t, f.holds("a"), f.known("a"))

	request.Force = true
	res = f.purge(request)
	require.Equal(t, []string{"a " + free.Canonical() + " not_found/image_not_found"}, fleetErrors(res.Errors))
	require.Empty(t, f.holds("a"))
}

func TestNoPruneIsPassedOn(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	one, two := f.image("app:1")[0], f.image("app:2")[0]
	f.node("a", "x86_64", one, two)
	res := f.purge(actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{fleetKey("a", one.Canonical())}, NoPrune: true})
	require.Equal(t, []string{one.Canonical()}, res.PurgedImages[0].PurgedImages)
	require.Zero(t, res.FreedBytes, "the layers are still there")
	res = f.purge(actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{fleetKey("a", two.Canonical())}})
	require.Equal(t, one.SizeBytes+two.SizeBytes, res.FreedBytes)
}
