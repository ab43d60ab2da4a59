package service_test

import (
	"context"
	"fmt"
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

// fleetNames are the canonical names of images.
func fleetNames(images []domain.Image) []string {
	list := []string{}
	for _, i := range images {
		list = append(list, i.Canonical())
	}
	return list
}

// images makes n one-architecture images.
func (f *fleet) images(n int) []domain.Image {
	f.tb.Helper()
	list := make([]domain.Image, n)
	for i := range list {
		list[i] = f.image(fmt.Sprintf("app:%d", i+1))[0]
	}
	return list
}

// fleetHang makes a node stop answering one operation on one image.
func fleetHang(op, key string) porttest.AgentHook {
	return func(ctx context.Context, o, k string) error {
		if o != op || key != "" && k != key {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}
}

func TestANodeThatVanishesDuringAPurgeKeepsWhatIsLeft(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	images := f.images(4)
	f.node("a", "x86_64", images...).SetHook(func(_ context.Context, op, key string) error {
		if op == porttest.OpRemove && key != images[0].Canonical()+" (x86_64)" {
			return fleetVanished("a")
		}
		return nil
	})
	f.node("b", "x86_64", images...)

	res := f.purge(actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{fleetKey("a", fleetNames(images)...), fleetKey("b", fleetNames(images)...)}})
	require.Equal(t, []actions.PurgedImages{
		{AgentID: "a", PurgedImages: fleetNames(images[:1]), FreedBytes: images[0].SizeBytes},
		{AgentID: "b", PurgedImages: fleetNames(images), FreedBytes: 4 * images[0].SizeBytes},
	}, res.PurgedImages)
	require.Equal(t, []string{
		"a " + images[1].Canonical() + " unavailable/agent_unavailable",
		"a " + images[2].Canonical() + " unavailable/agent_unavailable",
		"a " + images[3].Canonical() + " unavailable/agent_unavailable",
	}, fleetErrors(res.Errors))
	require.Len(t, f.agents["a"].Calls(porttest.OpRemove), 2, "a node that does not answer is not asked again")
	require.Len(t, f.known("a"), 3, "the catalogue knows what went")
	require.Equal(t, f.holds("a"), f.known("a"))

	res = f.purge(actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{fleetKey("a", fleetNames(images)...)}})
	require.Len(t, res.PurgedImages[0].PurgedImages, 3, "and it can be repeated")
	require.Equal(t, []string{"a " + images[0].Canonical() + " not_found/image_not_found"}, fleetErrors(res.Errors))
}

func TestANodeThatHangsTimesOutAloneAndInTime(t *testing.T) {
	t.Parallel()
	for name, op := range map[string]string{"at its inventory": porttest.OpInventory, "at a removal": porttest.OpRemove} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t)
				images := f.images(3)
				f.node("fine", "x86_64", images...)
				f.node("hangs", "x86_64", images...).SetHook(fleetHang(op, ""))
				start := time.Now()
				res := f.purge(actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{fleetKey("hangs", fleetNames(images)...), fleetKey("fine", fleetNames(images)...)}})
				require.Equal(t, time.Minute, time.Since(start), "one deadline, whatever the number of images")
				require.Len(t, res.PurgedImages, 1)
				require.Equal(t, fleetNames(images), res.PurgedImages[0].PurgedImages)
				require.Len(t, res.Errors, 3)
				for _, e := range res.Errors {
					require.Equal(t, domain.CodeTimeout, e.Problem.Code)
					require.NotEmpty(t, e.Problem.Message)
				}
				require.Len(t, f.holds("hangs"), 3)
			})
		})
	}
}

func TestTheDeadlineOfAnAgentCallCanBeSet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, func(c *service.Config) { c.Fleet.AgentCall = 3 * time.Second })
		img := f.image("app:1")[0]
		f.node("hangs", "x86_64", img).SetHook(fleetHang(porttest.OpRemove, ""))
		start := time.Now()
		f.purge(actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{fleetKey("hangs", img.Canonical())}})
		require.Equal(t, 3*time.Second, time.Since(start))
	})
}

func TestADefectOfAnAgentFailsItsItemOnly(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	images := f.images(3)
	f.node("a", "x86_64", images...).SetHook(func(_ context.Context, op, key string) error {
		if op == porttest.OpRemove && key == images[1].Canonical()+" (x86_64)" {
			panic("defect")
		}
		return nil
	})
	f.node("b", "x86_64", images...).SetHook(func(context.Context, string, string) error { panic("defect") })
	res := f.purge(actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{fleetKey("a", fleetNames(images)...), fleetKey("b", images[0].Canonical())}})
	require.Equal(t, []string{images[0].Canonical(), images[2].Canonical()}, res.PurgedImages[0].PurgedImages)
	require.Equal(t, []string{"a " + images[1].Canonical() + " internal/panic", "b " + images[0].Canonical() + " internal/panic"}, fleetErrors(res.Errors))
	require.NotContains(t, fleetJSON(t, res), "defect")
	require.Equal(t, []string{images[1].Canonical() + " x86_64"}, f.known("a"))
}

// fleetHalfway is an agent that frees something and fails all the same.
type fleetHalfway struct{ port.Agent }

func (fleetHalfway) Remove(context.Context, domain.RemoveRequest) (domain.RemoveOutcome, error) {
	return domain.RemoveOutcome{FreedBytes: 99}, domain.Errorf(domain.CodeUnavailable, "disk_failed", "a", "a disk failed")
}

func TestWhatAFailureFreedDoesNotCount(t *testing.T) {
	t.Parallel()
	f := newFleet(t, func(c *service.Config) {
		open := c.Agents[domain.AgentOCILayout]
		c.Agents[domain.AgentOCILayout] = func(ctx context.Context, row domain.Agent) (port.Agent, error) {
			a, err := open(ctx, row)
			return fleetHalfway{a}, err
		}
	})
	img := f.image("app:1")[0]
	f.node("a", "x86_64", img)
	res := f.purge(actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{fleetKey("a", img.Canonical())}})
	require.Equal(t, []string{"a " + img.Canonical() + " unavailable/disk_failed"}, fleetErrors(res.Errors))
	require.Empty(t, res.PurgedImages)
	require.Zero(t, res.FreedBytes)
	out := f.unload(actions.UnloadImagesAction{Images: fleetKey("", img.Canonical()).Images, TargetAgents: "a"}).Outcomes[0]
	require.Zero(t, out.Bytes)
	require.Equal(t, actions.DidFail, out.Did)
}

// fleetPace makes every call on nodes last, and counts those at the same time.
type fleetPace struct {
	mu            sync.Mutex
	running, peak int
}

func (p *fleetPace) hook(last time.Duration) porttest.AgentHook {
	return func(ctx context.Context, _, _ string) error {
		p.mu.Lock()
		p.running++
		p.peak = max(p.peak, p.running)
		p.mu.Unlock()
		select {
		case <-time.After(last):
		case <-ctx.Done():
		}
		p.mu.Lock()
		p.running--
		p.mu.Unlock()
		return ctx.Err()
	}
}

func TestAgentsWorkAtTheSameTimeWithinTheBoundAndEachDoesOneThing(t *testing.T) {
	t.Parallel()
	for bound, want := range map[int]time.Duration{3: 4 * 3 * time.Second, 100: 3 * time.Second} {
		t.Run(fmt.Sprint(bound), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, func(c *service.Config) { c.Fleet.Agents = bound })
				images := f.images(2)
				var pace fleetPace
				var keys []actions.PurgeImagesKey
				for i := range 10 {
					id := domain.AgentID(fmt.Sprintf("a%d", i))
					f.node(id, "x86_64", images...).SetHook(pace.hook(time.Second))
					keys = append(keys, fleetKey(id, fleetNames(images)...))
				}
				start := time.Now()
				res := f.purge(actions.PurgeImagesAction{Keys: keys})
				require.Empty(t, res.Errors)
				require.Equal(t, want, time.Since(start), "an inventory and two removals each")
				require.Equal(t, min(bound, 10), pace.peak)
				for id, agent := range f.agents {
					require.Equal(t, 1, agent.Peak(""), "%s does one thing at a time", id)
				}
			})
		})
	}
}

func TestACanceledPurgeStopsAndSaysWhatItDid(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	images := f.images(3)
	ctx, cancel := context.WithCancel(f.root)
	f.node("a", "x86_64", images...).SetHook(func(_ context.Context, op, key string) error {
		if op == porttest.OpRemove && key == images[1].Canonical()+" (x86_64)" {
			cancel()
		}
		return nil
	})
	res, err := f.PurgeImages(ctx, actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{fleetKey("a", fleetNames(images)...)}})
	require.NoError(t, err)
	require.Equal(t, fleetNames(images[:1]), res.PurgedImages[0].PurgedImages)
	require.Equal(t, []string{"a " + images[1].Canonical() + " canceled/canceled", "a " + images[2].Canonical() + " canceled/canceled"}, fleetErrors(res.Errors))
	require.Len(t, f.holds("a"), 2)
	require.Equal(t, f.holds("a"), f.known("a"), "what was done is recorded although the caller is gone")
}

func TestTheProgressOfAPurgeCountsEveryItemOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	images := f.images(4)
	f.node("a", "x86_64", images...)
	f.node("b", "x86_64", images...).SetHook(func(_ context.Context, op, _ string) error {
		if op == porttest.OpRemove {
			return fleetVanished("b")
		}
		return nil
	})
	f.node("c", "x86_64").SetHook(func(context.Context, string, string) error { panic("defect") })
	p := &fleetProgress{tb: t}
	_, err := f.PurgeImages(domain.WithProgress(f.root, p.report), actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{
		fleetKey("a", fleetNames(images)...), fleetKey("b", fleetNames(images)...), fleetKey("c", fleetNames(images)...), fleetKey("unknown", "x"),
	}})
	require.NoError(t, err)
	require.Equal(t, [2]int64{13, 13}, p.last())
	seen := map[string]int{}
	for _, s := range p.steps {
		seen[s.Message]++
	}
	for _, id := range []string{"a", "b", "c"} {
		for _, img := range images {
			require.Equal(t, 1, seen[id+": "+img.Canonical()])
		}
	}
}
