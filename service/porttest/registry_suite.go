package porttest

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// RegistryHarness is what [RunRegistry] needs of an implementation of
// [port.Registry], and what it may expect of the registry behind it.
type RegistryHarness struct {
	// New returns a registry that is empty, or that holds other things than
	// those of the suite when Shared.
	New func(tb testing.TB) RegistryUnderTest
	// Shared: the registries of New are one.
	Shared bool
	// PageSize is how many names the implementation asks for at once; the suite
	// lists full pages and one name more. 0 when it does not page.
	PageSize int
	// TagDelete: one tag can be deleted. Else trying is
	// precondition/tag_delete_unsupported and changes nothing.
	TagDelete bool
	// DigestDelete: a manifest can be deleted. Else trying is
	// precondition/delete_disabled and changes nothing.
	DigestDelete bool
	// DigestTakesTags: a manifest that is deleted takes its tags along, as the
	// specification wants it.
	DigestTakesTags bool
}

// RegistryUnderTest is one registry.
type RegistryUnderTest struct {
	// Host is what references to it start with.
	Host string
	// Open opens it as a row with that project does.
	Open func(tb testing.TB, project string) port.Registry
	// Push pushes content and returns what the port is to say of it.
	Push func(tb testing.TB, c RegistryContent) domain.Description
	// Requests returns the requests that it has seen, each starting with its
	// HTTP method; nil when nobody counts.
	Requests func() []string
}

// RunRegistry checks the contract of [port.Registry], and those of
// [port.TagDeleter] and [port.DigestDeleter] where they are implemented.
func RunRegistry(t *testing.T, h RegistryHarness) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*registryRun)
	}{
		{"a registry that holds nothing lists nothing", (*registryRun).empty},
		{"the listing of repositories is complete", (*registryRun).repositories},
		{"a project ends at a slash", (*registryRun).boundary},
		{"the listing of tags is complete", (*registryRun).tags},
		{"a repository without tags has none", (*registryRun).untagged},
		{"a listing can be left and taken again", (*registryRun).leave},
		{"tags of an unknown repository are not_found", (*registryRun).noRepository},
		{"a plain image is described", (*registryRun).plain},
		{"a digest is described", (*registryRun).byDigest},
		{"an index is described by its images", (*registryRun).index},
		{"what is no image is skipped", (*registryRun).skipped},
		{"an unchanged tag costs one HEAD", (*registryRun).unchanged},
		{"a tag that moved is described anew", (*registryRun).moved},
		{"an unknown image is not_found", (*registryRun).noImage},
		{"a malformed reference is invalid", (*registryRun).malformed},
		{"a context that has ended is told apart", (*registryRun).ended},
		{"a transaction keeps the registry away", (*registryRun).transaction},
		{"calls at the same time agree", (*registryRun).together},
		{"a deleted tag leaves its siblings", (*registryRun).deleteTag},
		{"a tag that is gone can be deleted", (*registryRun).deleteTagAgain},
		{"a deleted digest leaves other digests", (*registryRun).deleteDigest},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &registryRun{T: t, h: h, reg: h.New(t)}
			r.project = "wharf-" + strings.ToLower(rand.Text()[:8])
			r.port = r.reg.Open(t, r.project)
			c.test(r)
		})
	}
}

// registryRun is one test of the suite on one registry, in a project of its own.
type registryRun struct {
	*testing.T
	h       RegistryHarness
	reg     RegistryUnderTest
	port    port.Registry
	project string
}

func (r *registryRun) repo(name string) string { return domain.JoinPath(r.project, name) }

func (r *registryRun) ref(name, tag string) domain.Reference {
	return domain.Reference{Registry: r.reg.Host, Path: r.repo(name), Tag: tag}
}

// push pushes a plain image below the project.
func (r *registryRun) push(name, content string, tags ...string) domain.Description {
	r.Helper()
	return r.reg.Push(r, RegistryContent{Repository: r.repo(name), Tags: tags, Images: []RegistryImage{{Architecture: "amd64", Content: content}}})
}

// listed returns the repositories of a listing, sorted.
func (r *registryRun) listed(reg port.Registry) []string {
	r.Helper()
	var names []string
	for name, err := range reg.Repositories(r.Context()) {
		require.NoError(r, err)
		names = append(names, name)
	}
	return sortedOnce(r, names)
}

// tagged returns the tags of a repository, sorted. Digests that come with them
// must be right.
func (r *registryRun) tagged(name string) []string {
	r.Helper()
	var tags []string
	for row, err := range r.port.Tags(r.Context(), r.repo(name)) {
		require.NoError(r, err)
		if row.Digest != "" {
			d, err := r.port.Describe(r.Context(), r.ref(name, row.Tag), "")
			require.NoError(r, err)
			require.Equal(r, d.Digest, row.Digest, "the digest that the listing tells")
		}
		tags = append(tags, row.Tag)
	}
	return sortedOnce(r, tags)
}

func sortedOnce(t *registryRun, names []string) []string {
	t.Helper()
	slices.Sort(names)
	require.Len(t, slices.Compact(slices.Clone(names)), len(names), "every name is listed once: %v", names)
	return names
}

// describes checks what the registry says of a reference. The order of images
// is free, the wording of reasons too.
func (r *registryRun) describes(ref domain.Reference, want domain.Description) {
	r.Helper()
	got, err := r.port.Describe(r.Context(), ref, "")
	require.NoError(r, err)
	require.Equal(r, want.Digest, got.Digest)
	require.False(r, got.Unchanged)
	require.Equal(r, byArchitecture(want), byArchitecture(got))
	require.ElementsMatch(r, skippedDigests(want), skippedDigests(got), "what was skipped")
	for _, s := range got.Skipped {
		require.NotEmpty(r, s.Reason, "why %s was skipped", s.Digest)
	}
}

func byArchitecture(d domain.Description) []domain.DescribedImage {
	images := cloneDescription(d).Images
	slices.SortFunc(images, func(a, b domain.DescribedImage) int { return cmp.Compare(a.Architecture, b.Architecture) })
	for n := range images {
		if images[n].Labels == nil {
			images[n].Labels = map[string]string{}
		}
	}
	return images
}

func skippedDigests(d domain.Description) []domain.Digest {
	digests := []domain.Digest{}
	for _, s := range d.Skipped {
		digests = append(digests, s.Digest)
	}
	return digests
}

// fails checks the code and the reason of an error; any of the reasons will do.
func (r *registryRun) fails(err error, code domain.Code, reasons ...string) {
	r.Helper()
	var coded *domain.Error
	require.ErrorAs(r, err, &coded, "errors of a port are coded")
	require.Equal(r, code, coded.Code, "%v", err)
	if len(reasons) > 0 {
		require.Contains(r, reasons, domain.ReasonOf(err), "%v", err)
	}
}

// failedTags returns the error that ends a listing of tags.
func (r *registryRun) failedTags(ctx context.Context, repo string) error {
	r.Helper()
	var failure error
	for row, err := range r.port.Tags(ctx, repo) {
		require.NoError(r, failure, "nothing follows the error of a listing")
		require.True(r, err == nil || row == domain.TagRow{}, "an error comes without a row")
		failure = err
	}
	return failure
}

// numbered returns n names.
func numbered(prefix string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s%03d", prefix, i)
	}
	return names
}
