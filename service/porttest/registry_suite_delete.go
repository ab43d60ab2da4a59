package porttest

import (
	"context"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// tagDeleter returns the ability, and nil when it is rightly missing.
func (r *registryRun) tagDeleter() port.TagDeleter {
	d, can := r.port.(port.TagDeleter)
	require.True(r, can || !r.h.TagDelete, "the registry can delete tags, and its port cannot")
	return d
}

func (r *registryRun) deleteTag() {
	d := r.tagDeleter()
	if d == nil {
		r.Skip("the port does not delete tags")
	}
	want := r.push("plain", "x", "1", "2", "latest")
	other := r.push("other", "x", "1")
	index := r.reg.Push(r, RegistryContent{
		Repository: r.repo("index"), Tags: []string{"1", "2"}, Index: true,
		Images: []RegistryImage{{Architecture: "amd64"}, {Architecture: "arm64"}},
	})
	if !r.h.TagDelete {
		r.fails(d.DeleteTag(r.Context(), r.ref("plain", "1")), domain.CodePrecondition, "tag_delete_unsupported")
		require.Equal(r, []string{"1", "2", "latest"}, r.tagged("plain"), "nothing changed")
		r.describes(r.ref("plain", "1"), want)
		return
	}
	r.fails(d.DeleteTag(domain.MarkTx(r.Context()), r.ref("plain", "1")), domain.CodeInternal, "inside_transaction")
	r.fails(d.DeleteTag(r.Context(), r.ref("plain", "")), domain.CodeInvalid)
	canceled, cancel := context.WithCancel(r.Context())
	cancel()
	r.fails(d.DeleteTag(canceled, r.ref("plain", "1")), domain.CodeCanceled)
	require.Equal(r, []string{"1", "2", "latest"}, r.tagged("plain"), "nothing changed")

	require.NoError(r, d.DeleteTag(r.Context(), r.ref("plain", "1")))
	require.NoError(r, d.DeleteTag(r.Context(), r.ref("index", "1")))
	_, err := r.port.Describe(r.Context(), r.ref("plain", "1"), "")
	r.fails(err, domain.CodeNotFound, "tag_not_found")
	_, err = r.port.Describe(r.Context(), r.ref("plain", "1"), want.Digest)
	r.fails(err, domain.CodeNotFound, "tag_not_found")
	require.Equal(r, []string{"2", "latest"}, r.tagged("plain"))
	require.Equal(r, []string{"2"}, r.tagged("index"))

	for name, d := range map[string]domain.Description{"plain": want, "index": index} { // the digest and its other tags stay
		r.describes(r.ref(name, "2"), d)
		byDigest := r.ref(name, "")
		byDigest.Digest = d.Digest
		r.describes(byDigest, d)
	}
	r.describes(r.ref("other", "1"), other)
}

func (r *registryRun) deleteTagAgain() {
	d := r.tagDeleter()
	if d == nil || !r.h.TagDelete {
		r.Skip("the registry does not delete tags")
	}
	want := r.push("plain", "x", "1", "2")
	require.NoError(r, d.DeleteTag(r.Context(), r.ref("plain", "1")))
	require.NoError(r, d.DeleteTag(r.Context(), r.ref("plain", "1")), "gone already")
	require.NoError(r, d.DeleteTag(r.Context(), r.ref("plain", "never-was")))
	require.NoError(r, d.DeleteTag(r.Context(), r.ref("never-was", "1")))
	r.describes(r.ref("plain", "2"), want)

	require.NoError(r, d.DeleteTag(r.Context(), r.ref("plain", "2"))) // the last one
	if err := r.failedTags(r.Context(), r.repo("plain")); err != nil {
		r.fails(err, domain.CodeNotFound, "repository_not_found")
	} else {
		require.Empty(r, r.tagged("plain"))
	}
	again := r.push("plain", "x", "1")
	require.Equal(r, want.Digest, again.Digest, "the harness")
	r.describes(r.ref("plain", "1"), want)
}

func (r *registryRun) deleteDigest() {
	d, can := r.port.(port.DigestDeleter)
	if !can {
		require.False(r, r.h.DigestDelete, "the registry can delete digests, and its port cannot")
		r.Skip("the port does not delete digests")
	}
	gone := r.push("plain", "gone", "1", "2")
	stays := r.push("plain", "stays", "3")
	elsewhere := r.push("other", "gone", "1") // the same digest in another repository
	if !r.h.DigestDelete {
		r.fails(d.DeleteDigest(r.Context(), r.repo("plain"), gone.Digest), domain.CodePrecondition, "delete_disabled")
		r.describes(r.ref("plain", "1"), gone)
		return
	}
	r.fails(d.DeleteDigest(domain.MarkTx(r.Context()), r.repo("plain"), gone.Digest), domain.CodeInternal, "inside_transaction")
	r.fails(d.DeleteDigest(r.Context(), r.repo("plain"), "1"), domain.CodeInvalid)
	r.describes(r.ref("plain", "1"), gone)

	for range 2 { // gone already is no error
		require.NoError(r, d.DeleteDigest(r.Context(), r.repo("plain"), gone.Digest))
	}
	require.NoError(r, d.DeleteDigest(r.Context(), r.repo("plain"), DigestOf("nothing")))
	byDigest := r.ref("plain", "")
	byDigest.Digest = gone.Digest
	_, err := r.port.Describe(r.Context(), byDigest, "")
	r.fails(err, domain.CodeNotFound, "tag_not_found")
	if r.h.DigestTakesTags {
		require.Equal(r, []string{"3"}, r.tagged("plain"))
		_, err := r.port.Describe(r.Context(), r.ref("plain", "1"), gone.Digest)
		r.fails(err, domain.CodeNotFound, "tag_not_found")
	}
	r.describes(r.ref("plain", "3"), stays)
	r.describes(r.ref("other", "1"), elsewhere)
}
