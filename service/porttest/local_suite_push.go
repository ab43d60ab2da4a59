package porttest

import (
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

func (r *localRun) push() {
	want := r.put(r.name("1"), "a", intel)
	p := r.to(r.name("1"), "1")
	out := r.mustPush(p)
	require.False(r, out.Unchanged)
	if !r.h.Uncounted {
		require.Equal(r, out.SizeBytes, out.SentBytes, "an empty repository takes all of it")
	}
	r.tagged(p.Remote, out.Digest, want)
}

func (r *localRun) pushAgain() {
	want := r.put(r.name("1"), "a", intel)
	p := r.to(r.name("1"), "1")
	first := r.mustPush(p)
	out := r.mustPush(p)
	require.True(r, out.Unchanged, "the tag named it already")
	require.Equal(r, first.Digest, out.Digest)
	if !r.h.Uncounted {
		require.Zero(r, out.SentBytes)
		require.Equal(r, first.SizeBytes, out.SizeBytes)
	}
	r.tagged(p.Remote, out.Digest, want)
}

func (r *localRun) pushMoves() {
	old := r.put(r.name("1"), "old", intel)
	stays, moves := r.to(r.name("1"), "stays"), r.to(r.name("1"), "moves")
	first := r.mustPush(stays)
	r.mustPush(moves)
	now := r.put(r.name("2"), "new", intel)
	moves.Local = r.name("2")
	out := r.mustPush(moves)
	require.False(r, out.Unchanged)
	r.tagged(moves.Remote, out.Digest, now)
	r.tagged(stays.Remote, first.Digest, old)
}

func (r *localRun) pushTwice() {
	want := r.put(r.name("1"), "a", intel)
	first := r.mustPush(r.to(r.name("1"), "1"))
	again := r.to(r.name("1"), "2")
	out := r.mustPush(again)
	require.False(r, out.Unchanged, "the tag is new")
	require.Equal(r, first.Digest, out.Digest)
	if !r.h.Uncounted {
		require.Zero(r, out.SentBytes)
	}
	r.tagged(again.Remote, out.Digest, want)
}

func (r *localRun) pushIndex() {
	if r.h.OneArchitecture {
		r.Skip("a name stands for one architecture")
	}
	want := r.put(r.name("1"), "a", intel, arm64)
	p := r.to(r.name("1"), "1")
	out := r.mustPush(p)
	r.tagged(p.Remote, out.Digest, want)
	require.True(r, r.mustPush(p).Unchanged)
}

func (r *localRun) pushOne() {
	architectures := []string{intel, arm64}
	if r.h.OneArchitecture {
		architectures = architectures[:1]
	}
	want := r.put(r.name("1"), "a", architectures...)
	for n, arch := range architectures {
		p := r.to(r.name("1"), "of-"+arch[:3])
		p.Architecture = arch
		out := r.mustPush(p)
		r.tagged(p.Remote, out.Digest, LocalContent{Configs: want.Configs[n : n+1]})
	}
	p := r.to(r.name("1"), "other")
	p.Architecture = "riscv64"
	_, err := r.store.Push(r.Context(), p, nil)
	r.fails(err, domain.CodeNotFound, "image_not_found")
	require.Empty(r, r.h.Tagged(r, p.Remote))
}

func (r *localRun) pushNothing() {
	r.put(r.name("1"), "a", intel)
	for _, name := range []string{r.name("2"), "localhost/no-such-image:1"} {
		p := r.to(name, "1")
		_, err := r.store.Push(r.Context(), p, nil)
		r.fails(err, domain.CodeNotFound, "image_not_found")
		require.Empty(r, r.h.Tagged(r, p.Remote))
	}
}

func (r *localRun) pushDenied() {
	if r.h.Denied == nil {
		r.Skip("no registry that refuses")
	}
	r.put(r.name("1"), "a", intel)
	p := r.to(r.name("1"), "1")
	p.Remote, p.Registry = r.h.Denied(r, p.Remote)
	_, err := r.store.Push(r.Context(), p, nil)
	r.fails(err, domain.CodeForbidden, "push_denied")
}
