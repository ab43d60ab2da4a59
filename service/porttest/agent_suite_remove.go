package porttest

import (
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

func (r *agentRun) removeOne() {
	one, two := r.push("1", "same", r.both()...), r.push("2", "same", r.both()...)
	require.Equal(r, one[0].Config, two[0].Config, "the harness pushes the same content")
	all := append(one, two...)
	for _, p := range all {
		r.pull(p)
	}
	for len(all) > 0 {
		r.remove(all[0].Removal())
		all = all[1:]
		r.holds(all...)
	}
}

func (r *agentRun) removeNothing() {
	p := r.push("1", "a", intel)[0]
	_, err := r.agent.Remove(r.Context(), p.Removal())
	r.fails(err, domain.CodeNotFound, "image_not_found")

	r.pull(p)
	missing := []domain.RemoveRequest{p.Removal(), p.Removal(), p.Removal()}
	missing[0].Architecture = arm64
	missing[1].Canonical += "0"
	missing[2].Canonical, missing[2].Force = p.Image().Canonical+"0", true
	for _, m := range missing {
		_, err := r.agent.Remove(r.Context(), m)
		r.fails(err, domain.CodeNotFound, "image_not_found")
	}
	r.holds(p)
	r.remove(p.Removal())
	_, err = r.agent.Remove(r.Context(), p.Removal())
	r.fails(err, domain.CodeNotFound, "image_not_found")
}

func (r *agentRun) inUse() {
	// Another tag names the same content: only the tag that a container was made
	// of is in use, and force takes only the tag that it is told.
	used, sibling := r.push("used", "same", intel)[0], r.push("sibling", "same", intel)[0]
	free := r.push("free", "other", intel)[0]
	for _, p := range []PushedImage{used, sibling, free} {
		r.pull(p)
	}
	container := r.h.Use(r, r.agent, r.holds(used, sibling, free)[0])
	require.Contains(r, r.holds(used, sibling, free)[0].Containers, container)
	require.Empty(r, r.holds(used, sibling, free)[2].Containers)

	_, err := r.agent.Remove(r.Context(), used.Removal())
	r.fails(err, domain.CodeConflict, "image_in_use")
	require.Contains(r, r.holds(used, sibling, free)[0].Containers, container)

	r.remove(free.Removal())
	forced := used.Removal()
	forced.Force = true
	r.remove(forced)
	r.holds(sibling)
	forced = sibling.Removal()
	forced.Force = true // on some engines a container uses content, whatever its tag
	r.remove(forced)
	r.holds()
}

func (r *agentRun) noPrune() {
	p, stays := r.push("1", "a", intel)[0], r.push("2", "b", intel)[0]
	r.pull(p)
	r.pull(stays)
	removal := p.Removal()
	removal.NoPrune = true
	r.remove(removal)
	r.holds(stays)
	_, err := r.agent.Remove(r.Context(), removal)
	r.fails(err, domain.CodeNotFound, "image_not_found")
	require.False(r, r.pull(p).Unchanged, "an image that was removed is not there")
	r.holds(p, stays)
}

func (r *agentRun) comeBack() {
	p, shares := r.push("1", "a", intel)[0], r.push("2", "a", intel)[0]
	r.pull(p)
	r.pull(shares)
	for range 2 {
		r.remove(p.Removal())
		r.holds(shares)
		out := r.pull(p)
		require.False(r, out.Unchanged)
		require.Equal(r, p.Config, out.Digest)
		r.holds(p, shares)
	}
}
