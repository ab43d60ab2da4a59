package porttest

import (
	"cmp"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

func (r *registryRun) empty() {
	require.Empty(r, r.listed(r.port))
	if !r.h.Shared {
		require.Empty(r, r.listed(r.reg.Open(r, "")))
	}
}

// sizes are lengths of listings that have shown faults: full pages, and one more.
func (r *registryRun) sizes() []int {
	page := cmp.Or(r.h.PageSize, 3)
	return []int{page, 2 * page, 2*page + 1}
}

func (r *registryRun) repositories() {
	var want []string
	for _, size := range r.sizes() {
		for _, name := range numbered("nested/repo-", size)[len(want):] {
			r.push(name, "same content", "latest")
			want = append(want, r.repo(name))
		}
		require.Equal(r, want, r.listed(r.port))
		all := r.listed(r.reg.Open(r, ""))
		if r.h.Shared {
			all = slices.DeleteFunc(all, func(name string) bool { return !slices.Contains(want, name) })
		}
		require.Equal(r, want, all, "a row without a project has all")
	}
}

func (r *registryRun) boundary() {
	r.push("inside", "a", "1")
	r.push("nested/inside", "a", "1")
	for _, outside := range []string{r.project + "x/outside", r.project + "-x/outside", "x/" + r.project + "/outside"} {
		r.reg.Push(r, RegistryContent{Repository: outside, Tags: []string{"1"}, Images: []RegistryImage{{Architecture: "amd64"}}})
	}
	require.Equal(r, []string{r.repo("inside"), r.repo("nested/inside")}, r.listed(r.port))
	require.Equal(r, []string{r.repo("nested/inside")}, r.listed(r.reg.Open(r, r.repo("nested"))))
}

func (r *registryRun) tags() {
	var want []string
	for _, size := range r.sizes() {
		for _, tag := range numbered("v1.", size)[len(want):] {
			r.push("tagged", "content of "+tag, tag)
			want = append(want, tag)
		}
		require.Equal(r, want, r.tagged("tagged"))
	}
	r.push("tagged/below", "x", "other") // has nothing to do with it
	require.Equal(r, want, r.tagged("tagged"))
}

func (r *registryRun) untagged() {
	r.push("untagged", "x")
	if err := r.failedTags(r.Context(), r.repo("untagged")); err != nil { // some registries know repositories by their tags
		r.fails(err, domain.CodeNotFound, "repository_not_found")
		return
	}
	require.Empty(r, r.tagged("untagged"))
}

func (r *registryRun) leave() {
	names := numbered("repo-", 3)
	for _, name := range names {
		r.push(name, "x", names...)
	}
	repositories, tags := r.port.Repositories(r.Context()), r.port.Tags(r.Context(), r.repo(names[0]))
	for range 2 {
		for _, err := range repositories {
			require.NoError(r, err)
			break
		}
		for _, err := range tags {
			require.NoError(r, err)
			break
		}
	}
	count := 0
	for _, err := range repositories {
		require.NoError(r, err)
		count++
	}
	for _, err := range tags {
		require.NoError(r, err)
		count++
	}
	require.Equal(r, 6, count)
}

func (r *registryRun) noRepository() {
	r.push("known", "x", "1")
	r.fails(r.failedTags(r.Context(), r.repo("unknown")), domain.CodeNotFound, "repository_not_found")
}
