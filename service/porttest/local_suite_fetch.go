package porttest

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

func (r *localRun) fetch() {
	f, want := r.publish("1", "a", intel)
	r.lacks(f)
	before := r.h.Names(r, r.store)
	out := r.mustFetch(f)
	after := r.h.Names(r, r.store)
	delete(after, f.Local)
	for name := range before {
		delete(after, name)
	}
	require.True(r, r.h.Shared || len(after) == 0, "nothing else has a name that did not before: %v", after)
	require.False(r, out.Unchanged)
	require.Equal(r, want.Digest, out.Digest)
	require.Equal(r, want.Configs[0], out.Config)
	if !r.h.Uncounted {
		require.Equal(r, out.SizeBytes, out.ReceivedBytes)
	}
	r.holds(f, want)
	f.Remote.Tag, f.Remote.Digest, f.Local = "", want.Digest, r.name("by-digest")
	require.Equal(r, want.Digest, r.mustFetch(f).Digest)
	r.holds(f, want)
}

func (r *localRun) fetchAgain() {
	f, want := r.publish("1", "a", intel)
	first := r.mustFetch(f)
	out := r.mustFetch(f)
	require.True(r, out.Unchanged, "the store had it under that name")
	require.Equal(r, first.Digest, out.Digest)
	require.Equal(r, first.Config, out.Config)
	if !r.h.Uncounted {
		require.Zero(r, out.ReceivedBytes)
	}
	f.Local = r.name("other")
	require.False(r, r.mustFetch(f).Unchanged, "the name is new")
	r.holds(f, want)
}

func (r *localRun) fetchMoved() {
	f, old := r.publish("1", "old", intel)
	other := f
	other.Local = r.name("other")
	r.mustFetch(f)
	r.mustFetch(other)
	_, now := r.publish("1", "new", intel)
	require.NotEqual(r, old.Digest, now.Digest, "the harness publishes what it is told")
	out := r.mustFetch(f)
	require.False(r, out.Unchanged)
	require.Equal(r, now.Digest, out.Digest)
	r.holds(f, now)
	r.holds(other, old)
}

func (r *localRun) fetchUnexpected() {
	f, want := r.publish("1", "a", intel)
	f.Manifest = want.Digest
	wrong := f
	wrong.Manifest = DigestOf("of another image")
	_, err := r.store.Fetch(r.Context(), wrong, nil)
	r.fails(err, domain.CodePrecondition, "digest_mismatch")
	r.lacks(f)
	r.mustFetch(f)
	_, err = r.store.Fetch(r.Context(), wrong, nil)
	r.fails(err, domain.CodePrecondition, "digest_mismatch")
	r.holds(f, want)
}

func (r *localRun) fetchOne() {
	f, want := r.publish("1", "a", intel, arm64)
	for n, arch := range []string{"amd64", arm64} { // the first by another name
		f.Architecture, f.Local = arch, r.name(arch)
		out := r.mustFetch(f)
		require.Equal(r, want.Digest, out.Digest, "of what the reference names")
		require.Equal(r, want.Configs[n], out.Config)
		require.True(r, r.mustFetch(f).Unchanged)
	}
	if !r.h.OneArchitecture {
		f.Architecture, f.Local = "", r.name("whole")
		r.mustFetch(f)
		r.holds(f, want)
	}
	single, _ := r.publish("2", "b", intel)
	for _, g := range []domain.FetchRequest{f, single} {
		g.Architecture, g.Local = "riscv64", r.name("none")
		_, err := r.store.Fetch(r.Context(), g, nil)
		require.Error(r, err)
		require.Contains(r, []domain.Code{domain.CodeNotFound, domain.CodePrecondition}, domain.CodeOf(err), "%v", err)
		r.lacks(g)
	}
}

func (r *localRun) fetchNothing() {
	f, _ := r.publish("1", "a", intel)
	f.Remote.Tag, f.Local = "no-such-tag", r.name("none")
	_, err := r.store.Fetch(r.Context(), f, nil)
	r.fails(err, domain.CodeNotFound, "")
	r.lacks(f)
}

func (r *localRun) fetchSpoiled() {
	if r.h.Spoil == nil {
		r.Skip("no registry that gives wrong content")
	}
	f, _ := r.publish("1", "a", intel)
	r.h.Spoil(r, f.Remote)
	_, err := r.store.Fetch(r.Context(), f, nil)
	r.fails(err, domain.CodePrecondition, "digest_mismatch")
	require.Regexp(r, "^sha256:", domain.OnOf(err), "the error names the digest")
	r.lacks(f)
}

func (r *localRun) roundTrip() {
	f, want := r.publish("1", "a", intel)
	r.mustFetch(f)
	p := r.to(f.Local, "2")
	p.Remote, p.Registry = r.h.Remote(r, r.repo+"/elsewhere", "2")
	out := r.mustPush(p)
	if r.h.ByConfig {
		want.Digest = ""
	}
	r.tagged(p.Remote, out.Digest, want)
}

func (r *localRun) events() {
	var events []domain.TransferEvent
	var inside atomic.Int32
	sink := func(e domain.TransferEvent) {
		if inside.Add(1) != 1 {
			r.Error("events came from two goroutines at once")
		}
		events = append(events, e)
		inside.Add(-1)
	}
	check := func(first domain.TransferKind) {
		require.NotEmpty(r, events)
		require.Equal(r, first, events[0].Kind, "the first event")
		require.NotEmpty(r, events[0].Src)
		require.NotEmpty(r, events[0].Dst)
		require.Greater(r, len(events), 1, "what moves is told")
		for _, e := range events[1:] {
			require.Equal(r, domain.TransferStep, e.Kind)
			require.NotEmpty(r, e.Status)
			require.GreaterOrEqual(r, e.Current, int64(0))
			require.True(r, e.Total == 0 || e.Current <= e.Total, "%d of %d", e.Current, e.Total)
		}
		events = nil
	}
	f, _ := r.publish("1", "a", intel)
	_, err := r.store.Fetch(r.Context(), f, sink)
	require.NoError(r, err)
	check(domain.TransferPull)
	r.put(r.name("2"), "b", intel)
	_, err = r.store.Push(r.Context(), r.to(r.name("2"), "2"), sink)
	require.NoError(r, err)
	check(domain.TransferPush)
	r.mustPush(r.to(r.name("2"), "3"))
	require.Empty(r, events, "no event after the end")
}

func (r *localRun) together() {
	f, a := r.publish("1", "a", intel)
	g, b := r.publish("2", "b", intel)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			request, want := f, a
			if i%2 == 1 {
				request, want = g, b
			}
			out, err := r.store.Fetch(r.Context(), request, nil)
			if err != nil || out.Digest != want.Digest {
				r.Errorf("fetch %d: %+v, %v", i, out, err)
			}
		})
	}
	wg.Wait()
	r.holds(f, a)
	r.holds(g, b)
}

func (r *localRun) ended() {
	r.put(r.name("1"), "a", intel)
	f, _ := r.publish("f", "b", intel)
	p := r.to(r.name("1"), "p")
	canceled, cancel := context.WithCancel(r.Context())
	cancel()
	late, cancel := context.WithDeadline(r.Context(), time.Unix(0, 0))
	defer cancel()
	for code, ctx := range map[domain.Code]context.Context{
		domain.CodeCanceled: canceled, domain.CodeTimeout: late, domain.CodeInternal: domain.MarkTx(r.Context()),
	} {
		_, err := r.store.Push(ctx, p, nil)
		r.fails(err, code, "")
		_, err = r.store.Fetch(ctx, f, nil)
		r.fails(err, code, "")
	}
	require.Empty(r, r.h.Tagged(r, p.Remote))
	r.lacks(f)
}
