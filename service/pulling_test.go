package service_test

import (
	"context"
	"fmt"
	"sync/atomic"
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

// puller is an agent whose pulls are a function.
type puller struct {
	*porttest.Agent
	pull func(ctx context.Context, p domain.Progress) error
}

func (a puller) Pull(ctx context.Context, r domain.PullRequest, p domain.Progress) (domain.PullOutcome, error) {
	if err := a.pull(ctx, p); err != nil {
		return domain.PullOutcome{}, err
	}
	return a.Agent.Pull(ctx, r, nil)
}

// pulling makes every node of a fleet pull by a function.
func (f *fleet) pulling(pull func(ctx context.Context, p domain.Progress) error) func(*service.Config) {
	return func(c *service.Config) {
		c.Agents = map[domain.AgentKind]port.OpenAgent{domain.AgentOCILayout: func(_ context.Context, a domain.Agent) (port.Agent, error) {
			return puller{f.agents[a.ID], pull}, nil
		}}
	}
}

func TestAPullThatStandsStillEndsAndASlowOneDoesNot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		steps  []int64 // one a minute
		reason string
	}{
		"slow":             {[]int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, ""},
		"still":            {[]int64{1, 2, 2, 2, 2, 2, 2, 2, 2, 2}, "pull_stalled"},
		"chatting":         {[]int64{0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, "pull_stalled"},
		"beginning anew":   {[]int64{5, 1, 2, 3, 6, 1, 2, 3}, ""},
		"done at the last": {[]int64{0, 0, 0, 0}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t)
				img := f.image("app:1")[0]
				f.node("a", "x86_64")
				svc := f.again(func(c *service.Config) { c.Fleet.PullStall, c.Fleet.PullAttempts = 5*time.Minute, 1 }, f.pulling(func(ctx context.Context, p domain.Progress) error {
					for _, n := range c.steps {
						select {
						case <-time.After(time.Minute):
							p.Report(n, 100, "")
						case <-ctx.Done():
							return ctx.Err()
						}
					}
					return nil
				}))
				res, err := svc.PreloadImages(f.root, actions.PreloadImagesAction{Images: fleetKey("", img.Canonical()).Images, TargetAgents: "a"})
				require.NoError(t, err)
				if c.reason == "" {
					require.Nil(t, res.Outcomes[0].Problem)
					return
				}
				require.Equal(t, c.reason, res.Outcomes[0].Problem.Reason)
				require.Equal(t, domain.CodeTimeout, res.Outcomes[0].Problem.Code)
				require.Contains(t, res.Outcomes[0].Problem.Message, "5m0s")
			})
		})
	}
}

func TestErrorsThatPassAreTriedAgainAndOthersAreNot(t *testing.T) {
	t.Parallel()
	busy := domain.Errorf(domain.CodeRateLimited, "registry_rate_limited", "cr", "slow down")
	away := domain.Errorf(domain.CodeUnavailable, "registry_unavailable", "cr", "away")
	no := domain.Errorf(domain.CodeForbidden, "registry_forbidden", "cr", "no")
	for name, c := range map[string]struct {
		errs  []error
		tries int
		waits time.Duration // at most, at least half of it
		code  domain.Code
	}{
		"busy, then fine":          {[]error{busy, nil}, 2, time.Second, ""},
		"away and busy, then fine": {[]error{away, busy, nil}, 3, 3 * time.Second, ""},
		"busy all the time":        {[]error{busy, busy, busy, nil}, 3, 3 * time.Second, domain.CodeRateLimited},
		"refused":                  {[]error{no, nil}, 1, 0, domain.CodeForbidden},
		"busy, then refused":       {[]error{busy, no, nil}, 2, time.Second, domain.CodeForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t)
				img := f.image("app:1")[0]
				f.node("a", "x86_64")
				tries := 0
				svc := f.again(f.pulling(func(context.Context, domain.Progress) error { tries++; return c.errs[tries-1] }))
				start := time.Now()
				res, err := svc.PreloadImages(f.root, actions.PreloadImagesAction{Images: fleetKey("", img.Canonical()).Images, TargetAgents: "a"})
				require.NoError(t, err)
				require.Equal(t, c.tries, tries)
				require.LessOrEqual(t, time.Since(start), c.waits)
				require.GreaterOrEqual(t, time.Since(start), c.waits/2)
				if c.code == "" {
					require.Nil(t, res.Outcomes[0].Problem)
				} else {
					require.Equal(t, c.code, res.Outcomes[0].Problem.Code)
				}
			})
		})
	}
}

func TestPullsAreBoundedPerNodeAndPerRegistryOverAllCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		images := f.images(4)
		for i := range 8 {
			f.node(domain.AgentID(fmt.Sprintf("n%d", i)), "x86_64")
		}
		var now, peak atomic.Int64
		svc := f.again(func(c *service.Config) { c.Fleet.AgentPulls, c.Fleet.RegistryPulls = 2, 5 }, f.pulling(func(context.Context, domain.Progress) error {
			peak.Store(max(peak.Load(), now.Add(1)))
			time.Sleep(time.Second)
			now.Add(-1)
			return nil
		}))
		start := time.Now()
		done := make(chan actions.Account, 2)
		for _, targets := range []string{"n0,n1,n2,n3", "n3,n4,n5,n6,n7"} { // two calls, one node in both
			go func() {
				res, err := svc.PreloadImages(f.root, actions.PreloadImagesAction{Images: fleetKey("", fleetNames(images)...).Images, TargetAgents: targets})
				if err != nil {
					t.Error(err)
				}
				done <- res.Account
			}()
		}
		first, second := <-done, <-done
		require.Equal(t, 36, first.Done+first.Unchanged+second.Done+second.Unchanged)
		require.EqualValues(t, 5, peak.Load(), "as many at once as one registry may serve, over both calls")
		require.GreaterOrEqual(t, time.Since(start), 7*time.Second)
		for id, a := range f.agents {
			require.LessOrEqual(t, a.Peak(porttest.OpPull), 2, id)
		}
	})
}

// An agent that says it pulled something else is not believed.
func TestWhatANodeSaysItPulledIsCompared(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.shelf.Put(porttest.Shelved{Canonical: img.Canonical(), Architecture: "x86_64", Manifest: img.ManifestDigest, Config: porttest.DigestOf("other")})
	f.node("a", "x86_64")
	res := f.preload("a", img.Canonical())
	require.Equal(t, "digest_mismatch", res.Outcomes[0].Problem.Reason)
	require.Empty(t, f.known("a"))
}
