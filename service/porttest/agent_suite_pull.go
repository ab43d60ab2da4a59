package porttest

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

func (r *agentRun) unchanged() {
	p := r.push("1", "a", r.both()...)[0]
	r.pull(p)
	again := r.pull(p)
	require.True(r, again.Unchanged)
	require.Equal(r, p.Config, again.Digest)
	require.Equal(r, r.holds(p)[0].SizeBytes, again.SizeBytes)

	p.Request.Manifest = "" // the registry decides
	require.True(r, r.pull(p).Unchanged)
	r.holds(p)
}

func (r *agentRun) moved() {
	old, other := r.push("1", "old", intel)[0], r.push("other", "old", intel)[0]
	r.pull(old)
	r.pull(other)
	now := r.push("1", "new", intel)[0]
	require.NotEqual(r, old.Config, now.Config, "the harness pushes what it is told")
	out := r.pull(now)
	require.False(r, out.Unchanged)
	require.Equal(r, now.Config, out.Digest)
	r.holds(now, other)
}

func (r *agentRun) mismatch() {
	p := r.push("1", "a", r.both()...)[0]
	wrong := p.Request
	wrong.Manifest = DigestOf("of another image")
	_, err := r.agent.Pull(r.Context(), wrong, nil)
	r.fails(err, domain.CodePrecondition, "digest_mismatch")
	r.holds()

	r.pull(p)
	_, err = r.agent.Pull(r.Context(), wrong, nil)
	r.fails(err, domain.CodePrecondition, "digest_mismatch")
	r.holds(p) // a refused pull leaves alone what was there
}

func (r *agentRun) architectures() {
	names := []string{intel, arm64, "arm/v7", "arm/v6"}
	for i, p := range r.push("1", "a", names...) {
		out := r.pull(p)
		require.Equal(r, p.Config, out.Digest, names[i])
		if r.h.OneArchitecture {
			r.holds(p)
		}
	}
	single := r.push("2", "b", arm64)[0]
	single.Request.Architecture = "arm64" // another name for the same
	r.pull(single)
	single.Request.Architecture = arm64
	if r.h.OneArchitecture {
		r.holds(r.push("1", "a", names...)[3], single)
		return
	}
	r.holds(append(r.push("1", "a", names...), single)...)
}

func (r *agentRun) absent() {
	p := r.push("1", "a", r.both()...)[0]
	missing := p.Request
	missing.Reference.Tag, missing.Manifest = "no-such-tag", ""
	_, err := r.agent.Pull(r.Context(), missing, nil)
	r.fails(err, domain.CodeNotFound, "")

	foreign := p.Request
	foreign.Architecture, foreign.Manifest = "riscv64", ""
	_, err = r.agent.Pull(r.Context(), foreign, nil)
	require.Error(r, err)
	require.Contains(r, []domain.Code{domain.CodeNotFound, domain.CodePrecondition}, domain.CodeOf(err), "%v", err)
	r.holds()
}

func (r *agentRun) progress() {
	p := r.push("1", "a", intel)[0]
	var steps []domain.ProgressStep
	var inside atomic.Int32
	sink := func(s domain.ProgressStep) {
		if inside.Add(1) != 1 {
			r.Error("progress came from two goroutines at once")
		}
		steps = append(steps, s)
		inside.Add(-1)
	}
	_, err := r.agent.Pull(r.Context(), p.Request, sink)
	require.NoError(r, err)
	got := len(steps)
	require.Positive(r, got, "a pull that fetches reports something")
	for i, s := range steps {
		require.GreaterOrEqual(r, s.Current, int64(0))
		require.True(r, s.Total == 0 || s.Current <= s.Total, "step %d: %d of %d", i, s.Current, s.Total)
		require.True(r, i == 0 || s.Current >= steps[i-1].Current, "step %d went down to %d", i, s.Current)
	}
	r.holds(p)
	r.remove(p.Removal())
	require.Len(r, steps, got, "no report after the pull")
}

func (r *agentRun) together() {
	stays := r.push("stays", "s", intel)[0]
	r.pull(stays)
	p, q := r.push("1", "a", r.both()...)[0], r.push("2", "b", intel)[0]
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			want := []PushedImage{p, q}[i%2]
			out, err := r.agent.Pull(r.Context(), want.Request, nil)
			if err != nil || out.Digest != want.Config {
				r.Errorf("pull %d: %+v, %v", i, out, err)
			}
			inventory, err := r.agent.Inventory(r.Context())
			if err != nil {
				r.Errorf("inventory %d: %v", i, err)
			}
			seen := map[string]bool{}
			for _, image := range inventory.Images {
				seen[image.Canonical] = true
			}
			if !seen[stays.Image().Canonical] || !seen[want.Image().Canonical] {
				r.Errorf("inventory %d lacks an image: %v", i, seen)
			}
		})
	}
	wg.Wait()
	if r.h.Shared {
		r.pull(p) // for the cleanup
		r.pull(q)
	}
	r.holds(stays, p, q)
}

func (r *agentRun) ended() {
	p := r.push("1", "a", intel)[0]
	more := r.push("2", "b", intel)[0]
	r.pull(p)
	canceled, cancel := context.WithCancel(r.Context())
	cancel()
	late, cancel := context.WithDeadline(r.Context(), time.Unix(0, 0))
	defer cancel()
	for code, ctx := range map[domain.Code]context.Context{domain.CodeCanceled: canceled, domain.CodeTimeout: late} {
		inventory, err := r.agent.Inventory(ctx)
		r.fails(err, code, "")
		require.Empty(r, inventory.Images, "an inventory is complete or an error")
		_, err = r.agent.Pull(ctx, more.Request, nil)
		r.fails(err, code, "")
		_, err = r.agent.Remove(ctx, p.Removal())
		r.fails(err, code, "")
	}
	r.holds(p)
}
