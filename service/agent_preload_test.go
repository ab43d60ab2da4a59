package service_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

func (f *fleet) preload(targets string, names ...string) actions.PreloadImagesResult {
	f.tb.Helper()
	res, err := f.PreloadImages(f.root, actions.PreloadImagesAction{Images: fleetKey("", names...).Images, TargetAgents: targets})
	require.NoError(f.tb, err)
	require.Equal(f.tb, len(res.Outcomes), res.Account.Seen)
	require.Equal(f.tb, res.Account.Seen, res.Account.Done+res.Account.Unchanged+res.Account.Failed+res.Account.Deferred)
	return res
}

// fleetOutcomes is "agent image architecture did [code/reason]" of each.
func fleetOutcomes(list []actions.AgentOutcome) []string {
	out := []string{}
	for _, o := range list {
		s := string(o.AgentID) + " " + o.Image + " " + o.Architecture + " " + string(o.Did)
		if o.Problem != nil {
			s += " " + string(o.Problem.Code) + "/" + o.Problem.Reason
		}
		out = append(out, s)
	}
	return out
}

func TestEachAgentIsGivenItsOwnArchitecture(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	rows := f.image("app:1", "amd64", "arm64")
	f.node("intel", "x86_64")
	f.node("arm", "aarch64")
	f.node("power", "ppc64le")
	res := f.preload("*", "cr.example.org/app:1")
	require.Equal(t, []string{
		"arm cr.example.org/app:1 aarch64 pulled",
		"intel cr.example.org/app:1 x86_64 pulled",
		"power cr.example.org/app:1 ppc64le failed not_found/image_not_found",
	}, fleetOutcomes(res.Outcomes), "by agent")
	require.Equal(t, actions.Account{Seen: 3, Done: 2, Failed: 1}, res.Account)
	require.Equal(t, []string{"cr.example.org/app:1 aarch64"}, f.holds("arm"))
	require.Equal(t, f.holds("arm"), f.known("arm"))
	for _, row := range rows {
		require.Equal(t, 1, f.stored(row.ID).InstalledCount)
	}

	one, err := f.PreloadImages(f.root, actions.PreloadImagesAction{
		Images: []actions.ImageRef{{Name: "cr.example.org/app:1", Architecture: "amd64"}}, TargetAgents: "arm",
	})
	require.NoError(t, err)
	require.Equal(t, []string{"arm cr.example.org/app:1 x86_64 pulled"}, fleetOutcomes(one.Outcomes), "asked for by name, also a foreign one")
	foreign := f.preload("power", string(rows[0].ID))
	require.Equal(t, 1, foreign.Account.Failed, "an id does not make a node run what it cannot")
}

func TestWhatANodeHoldsAlreadyIsLeftAlone(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.node("a", "x86_64")
	require.Equal(t, []string{"a " + img.Canonical() + " x86_64 pulled"}, fleetOutcomes(f.preload("a", img.Canonical()).Outcomes))
	again := f.preload("a", img.Canonical(), img.Canonical())
	require.Equal(t, []string{"a " + img.Canonical() + " x86_64 unchanged"}, fleetOutcomes(again.Outcomes), "asked twice, there once")
	require.Len(t, f.agents["a"].Calls(porttest.OpPull), 1)

	f.registries[fleetHost].Push(fleetContent("app:1", "newer", "amd64"))
	f.scan(img.Canonical())
	held, err := f.GetImageInstalledAgents(f.root, actions.GetImageInstalledAgentsAction{ImageIDs: []domain.ImageID{img.ID}})
	require.NoError(t, err)
	require.True(t, held.Agents[img.ID][0].Stale)
	require.Equal(t, actions.DidPull, f.preload("a", img.Canonical()).Outcomes[0].Did, "a stale copy is not the image")
	held, err = f.GetImageInstalledAgents(f.root, actions.GetImageInstalledAgentsAction{ImageIDs: []domain.ImageID{img.ID}})
	require.NoError(t, err)
	require.False(t, held.Agents[img.ID][0].Stale)
}

func TestAPreloadFailsOnlyWhereItFails(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img, moved := f.image("app:1")[0], f.image("app:2")[0]
	forgotten, missing := f.inStatus(f.image("app:3")[0], domain.ImageForgotten), f.inStatus(f.image("app:4")[0], domain.ImageMissing)
	f.shelf.Put(porttest.Shelved{Canonical: moved.Canonical(), Architecture: "x86_64", Manifest: porttest.DigestOf("other")})
	f.node("fine", "x86_64")
	f.node("offline", "x86_64")
	_, err := f.ModifyAgent(f.root, actions.ModifyAgentAction{AgentID: "offline", Status: domain.Set(domain.AgentOffline)})
	require.NoError(t, err)

	res := f.preload("offline,fine", moved.Canonical(), forgotten.Canonical(), missing.Canonical(), "never:heard", img.Canonical())
	require.Equal(t, []string{
		"fine " + moved.Canonical() + " x86_64 failed precondition/digest_mismatch",
		"fine " + forgotten.Canonical() + " x86_64 failed precondition/image_forgotten",
		"fine " + missing.Canonical() + " x86_64 failed precondition/image_missing",
		"fine docker.io/library/never:heard x86_64 failed not_found/image_not_found",
		"fine " + img.Canonical() + " x86_64 pulled",
	}, fleetOutcomes(res.Outcomes[:5]))
	require.Equal(t, []string{
		"offline " + moved.Canonical() + " x86_64 deferred",
		"offline " + forgotten.Canonical() + " x86_64 failed precondition/image_forgotten",
		"offline " + missing.Canonical() + " x86_64 failed precondition/image_missing",
		"offline docker.io/library/never:heard x86_64 failed not_found/image_not_found",
		"offline " + img.Canonical() + " x86_64 deferred",
	}, fleetOutcomes(res.Outcomes[5:]))
	require.Equal(t, actions.Account{Seen: 10, Done: 1, Failed: 7, Deferred: 2}, res.Account)
	require.Equal(t, []string{img.Canonical() + " x86_64"}, f.known("fine"))
	require.Empty(t, f.known("offline"))
	require.Empty(t, f.agents["offline"].Calls(porttest.OpPull))
}

func TestADryRunOfAPreloadPullsNothing(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	one, two := f.image("app:1")[0], f.image("app:2")[0]
	f.node("a", "x86_64", one)
	res, err := f.PreloadImages(f.root, actions.PreloadImagesAction{
		Images: fleetKey("", one.Canonical(), two.Canonical(), "never:heard").Images, TargetAgents: "a", DryRun: true,
	})
	require.NoError(t, err)
	require.Equal(t, []string{
		"a " + one.Canonical() + " x86_64 unchanged", "a " + two.Canonical() + " x86_64 planned",
		"a docker.io/library/never:heard x86_64 failed not_found/image_not_found",
	}, fleetOutcomes(res.Outcomes))
	require.Equal(t, two.SizeBytes, res.Outcomes[1].Bytes)
	require.True(t, res.DryRun)
	require.Empty(t, f.agents["a"].Calls(porttest.OpPull))
	require.Equal(t, []string{one.Canonical() + " x86_64"}, f.known("a"))
}

func TestTargetsAreIdsOrAll(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	_, err := f.PreloadImages(f.root, actions.PreloadImagesAction{Images: fleetKey("", img.Canonical()).Images, TargetAgents: "*"})
	fleetError(t, err, domain.CodeInvalid, "target_empty")
	for _, id := range []domain.AgentID{"a", "b", "c"} {
		f.node(id, "x86_64")
	}
	for expr, want := range map[string]int{"a": 1, "c, a ,c": 2, "*": 3, "a,*": 3, "[ab]": 2, "!a": 2, "scaling-group:*,!c": 2, "arch:amd64": 3} {
		require.Len(t, f.preload(expr, img.Canonical()).Outcomes, want, expr)
	}
	for expr, want := range map[string]string{"a,nobody": "not_found/agent_not_found", "a,,b": "invalid/target_invalid", "a b": "invalid/target_invalid", "z*": "invalid/target_empty", "!*": "invalid/target_empty"} {
		for _, err := range []error{
			fleetErr(f.PreloadImages(f.root, actions.PreloadImagesAction{Images: fleetKey("", img.Canonical()).Images, TargetAgents: expr})),
			fleetErr(f.UnloadImages(f.root, actions.UnloadImagesAction{Images: fleetKey("", img.Canonical()).Images, TargetAgents: expr})),
		} {
			require.Equal(t, want, string(domain.CodeOf(err))+"/"+domain.ReasonOf(err), expr)
			require.NotEmpty(t, domain.OnOf(err))
		}
	}
}

func TestANodeThatVanishesDuringAPreloadKeepsWhatItGot(t *testing.T) {
	t.Parallel()
	f := newFleet(t, func(c *service.Config) { c.Fleet.AgentPulls = 1 })
	images := f.images(3)
	f.node("a", "x86_64").SetHook(func(_ context.Context, op, key string) error {
		if op == porttest.OpPull && key != images[0].Canonical()+" (x86_64)" {
			return fleetVanished("a")
		}
		return nil
	})
	f.node("b", "x86_64").SetHook(func(_ context.Context, op, key string) error {
		if op == porttest.OpPull && key == images[1].Canonical()+" (x86_64)" {
			panic("defect")
		}
		return nil
	})
	res := f.preload("*", fleetNames(images)...)
	require.Equal(t, []string{
		"a " + images[0].Canonical() + " x86_64 pulled",
		"a " + images[1].Canonical() + " x86_64 deferred",
		"a " + images[2].Canonical() + " x86_64 deferred",
		"b " + images[0].Canonical() + " x86_64 pulled",
		"b " + images[1].Canonical() + " x86_64 failed internal/panic",
		"b " + images[2].Canonical() + " x86_64 pulled",
	}, fleetOutcomes(res.Outcomes))
	require.Len(t, f.agents["a"].Calls(porttest.OpPull), 2, "not asked again")
	require.Equal(t, f.holds("a"), f.known("a"))
	require.Equal(t, f.holds("b"), f.known("b"))
	require.Equal(t, actions.Account{Seen: 6, Done: 3, Unchanged: 3}, f.preload("*", fleetNames(images)...).Account, "the next one does what is left")
}

func TestAPullThatHangsTimesOutAndTheNextImageIsTried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, func(c *service.Config) { c.Fleet.AgentPull, c.Fleet.PullStall = 10*time.Minute, time.Hour })
		images := f.images(2)
		f.node("a", "x86_64").SetHook(fleetHang(porttest.OpPull, images[0].Canonical()+" (x86_64)"))
		start := time.Now()
		res := f.preload("a", fleetNames(images)...)
		require.Equal(t, 10*time.Minute, time.Since(start))
		require.Equal(t, []string{
			"a " + images[0].Canonical() + " x86_64 failed timeout/timeout", "a " + images[1].Canonical() + " x86_64 pulled",
		}, fleetOutcomes(res.Outcomes))
	})
}

// fleetPulls keeps what an agent was asked to pull.
type fleetPulls struct {
	port.Agent
	mu   *sync.Mutex
	seen *[]domain.PullRequest
}

func (p fleetPulls) Pull(ctx context.Context, r domain.PullRequest, progress domain.Progress) (domain.PullOutcome, error) {
	p.mu.Lock()
	*p.seen = append(*p.seen, r)
	p.mu.Unlock()
	return p.Agent.Pull(ctx, r, progress)
}

func TestAPullCarriesTheRegistrysPasswordAndNothingElseDoes(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []domain.PullRequest
	f := newFleet(t, func(c *service.Config) {
		c.Sealer = fleetSealer(t, "a")
		open := c.Agents[domain.AgentOCILayout]
		c.Agents[domain.AgentOCILayout] = func(ctx context.Context, row domain.Agent) (port.Agent, error) {
			a, err := open(ctx, row)
			return fleetPulls{a, &mu, &seen}, err
		}
	})
	f.registries[fleetHost] = porttest.NewRegistry()
	_, err := f.CreateRegistry(f.root, actions.CreateRegistryAction{Name: fleetHost, Username: "robot", Password: fleetPassword})
	require.NoError(t, err)
	img := f.image("app:1")[0]
	f.node("a", "x86_64")
	res := f.preload("a", img.Canonical())
	require.Equal(t, actions.DidPull, res.Outcomes[0].Did)
	require.Len(t, seen, 1)
	require.Equal(t, fleetPassword, seen[0].Registry.Password.Reveal())
	require.Equal(t, "robot", seen[0].Registry.Username)
	require.Equal(t, img.ManifestDigest, seen[0].Manifest)
	require.Equal(t, img.Reference(), seen[0].Reference)
	for _, text := range []string{fleetJSON(t, res), fleetJSON(t, f.audit("agent.preload_images")), f.logs.String()} {
		require.NotContains(t, text, fleetPassword)
	}
}

func TestAPasswordThatCannotBeOpenedFailsItsImagesOnly(t *testing.T) {
	t.Parallel()
	f := newFleet(t, func(c *service.Config) { c.Sealer = fleetSealer(t, "a") })
	open := f.image("app:1")[0]
	f.registries["sealed.example.org"] = porttest.NewRegistry()
	_, err := f.CreateRegistry(f.root, actions.CreateRegistryAction{Name: "sealed.example.org", Username: "robot", Password: fleetPassword})
	require.NoError(t, err)
	f.registries["sealed.example.org"].Push(fleetContent("app:1", "", "amd64"))
	sealed := f.scan("sealed.example.org/app:1")[0]
	f.node("a", "x86_64")

	lost := f.again(func(c *service.Config) { c.Sealer = fleetSealer(t, "b") }) // the key was lost
	res, err := lost.PreloadImages(f.root, actions.PreloadImagesAction{Images: fleetKey("", sealed.Canonical(), open.Canonical()).Images, TargetAgents: "a"})
	require.NoError(t, err)
	require.Equal(t, []string{"a " + sealed.Canonical() + " x86_64 failed internal/unseal_failed", "a " + open.Canonical() + " x86_64 pulled"}, fleetOutcomes(res.Outcomes))
}
