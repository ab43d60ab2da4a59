package porttest

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

func (r *registryRun) plain() {
	for _, docker := range []bool{false, true} {
		for _, i := range []RegistryImage{
			{Architecture: "amd64", Content: "no labels"},
			{Architecture: "arm64", Variant: "v8", Labels: map[string]string{"ai.backend.role": "COMPUTE", "empty": "", "text": "ü \"\n"}},
			{Architecture: "arm", Variant: "v6"},
		} {
			want := r.reg.Push(r, RegistryContent{Repository: r.repo("plain"), Tags: []string{"1"}, Images: []RegistryImage{i}, Docker: docker})
			require.Len(r, want.Images, 1)
			require.Equal(r, domain.ArchitectureOf(i.Architecture, i.Variant), want.Images[0].Architecture, "the harness")
			r.describes(r.ref("plain", "1"), want)
		}
	}
}

func (r *registryRun) byDigest() {
	want := r.push("plain", "old", "1")
	r.push("plain", "new", "1")
	ref := r.ref("plain", "")
	ref.Digest = want.Digest
	r.describes(ref, want)
	ref.Tag = "1" // the digest counts
	r.describes(ref, want)
}

func (r *registryRun) index() {
	for _, docker := range []bool{false, true} {
		want := r.reg.Push(r, RegistryContent{
			Repository: r.repo("index"), Tags: []string{"1"}, Index: true, Docker: docker,
			Images: []RegistryImage{
				{Architecture: "amd64", Labels: map[string]string{"arch": "amd64"}, Content: "intel"},
				{Architecture: "arm64", Labels: map[string]string{"arch": "arm64"}},
				{Architecture: "arm", Variant: "v6"},
				{Architecture: "arm", Variant: "v7"},
				{Architecture: "riscv64", NoPlatform: true},
			},
		})
		require.Len(r, want.Images, 5, "the harness")
		r.describes(r.ref("index", "1"), want)
	}
	want := r.reg.Push(r, RegistryContent{Repository: r.repo("index"), Tags: []string{"one"}, Index: true, Images: []RegistryImage{{Architecture: "amd64"}}})
	r.describes(r.ref("index", "one"), want)
}

func (r *registryRun) skipped() {
	want := r.reg.Push(r, RegistryContent{
		Repository: r.repo("index"), Tags: []string{"1"}, Index: true,
		Images: []RegistryImage{
			{Architecture: "amd64", Annotations: map[string]string{"org.opencontainers.image.title": "an image with annotations"}},
			{Attestation: true, Content: "of the first", Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest"}},
			{OS: "windows", Architecture: "amd64"},
			{Architecture: "arm64"},
			{Architecture: "arm64", Content: "a second one"},
		},
	})
	require.Len(r, want.Images, 2, "the harness")
	require.Len(r, want.Skipped, 3, "the harness")
	r.describes(r.ref("index", "1"), want)
}

func (r *registryRun) unchanged() {
	want := r.push("plain", "x", "1")
	other := r.ref("plain", "")
	other.Digest = want.Digest
	for _, ref := range []domain.Reference{r.ref("plain", "1"), other} {
		before := 0
		if r.reg.Requests != nil {
			before = len(r.reg.Requests())
		}
		got, err := r.port.Describe(r.Context(), ref, want.Digest)
		require.NoError(r, err)
		require.Equal(r, domain.Description{Digest: want.Digest, Unchanged: true}, got)
		if r.reg.Requests != nil {
			made := r.reg.Requests()[before:]
			require.Len(r, made, 1, "%v", made)
			require.True(r, strings.HasPrefix(made[0], "HEAD "), "%v", made)
		}
	}
}

func (r *registryRun) moved() {
	old := r.push("plain", "old", "1")
	want := r.push("plain", "new", "1")
	require.NotEqual(r, old.Digest, want.Digest, "the harness")
	got, err := r.port.Describe(r.Context(), r.ref("plain", "1"), old.Digest)
	require.NoError(r, err)
	require.False(r, got.Unchanged)
	require.Equal(r, want.Digest, got.Digest)
	require.Equal(r, byArchitecture(want), byArchitecture(got))
}

func (r *registryRun) noImage() {
	have := r.push("plain", "x", "1")
	absent := r.ref("plain", "")
	absent.Digest = DigestOf("nothing")
	for _, known := range []domain.Digest{"", have.Digest} {
		_, err := r.port.Describe(r.Context(), r.ref("plain", "2"), known)
		r.fails(err, domain.CodeNotFound, "tag_not_found")
		_, err = r.port.Describe(r.Context(), absent, known)
		r.fails(err, domain.CodeNotFound, "tag_not_found")
		_, err = r.port.Describe(r.Context(), r.ref("unknown", "1"), known) // registries do not agree which of the two it is
		r.fails(err, domain.CodeNotFound, "repository_not_found", "tag_not_found")
	}
}

func (r *registryRun) malformed() {
	r.push("plain", "x", "1")
	for _, ref := range []domain.Reference{r.ref("plain", ""), r.ref("plain", "../1"), r.ref("plain", "-1")} {
		_, err := r.port.Describe(r.Context(), ref, "")
		r.fails(err, domain.CodeInvalid)
	}
}

func (r *registryRun) ended() {
	want := r.push("plain", "x", "1")
	canceled, cancel := context.WithCancel(r.Context())
	cancel()
	late, cancel := context.WithDeadline(r.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for ctx, code := range map[context.Context]domain.Code{canceled: domain.CodeCanceled, late: domain.CodeTimeout} {
		listings := 0
		for _, err := range r.port.Repositories(ctx) {
			r.fails(err, code)
			listings++
		}
		require.Equal(r, 1, listings, "a listing that fails says so once")
		r.fails(r.failedTags(ctx, r.repo("plain")), code)
		_, err := r.port.Describe(ctx, r.ref("plain", "1"), "")
		r.fails(err, code)
		_, err = r.port.Describe(ctx, r.ref("plain", "1"), want.Digest)
		r.fails(err, code)
	}
	r.describes(r.ref("plain", "1"), want)
}

func (r *registryRun) transaction() {
	r.push("plain", "x", "1")
	ctx := domain.MarkTx(r.Context())
	_, err := r.port.Describe(ctx, r.ref("plain", "1"), "")
	r.fails(err, domain.CodeInternal, "inside_transaction")
	r.fails(r.failedTags(ctx, r.repo("plain")), domain.CodeInternal, "inside_transaction")
	for _, err := range r.port.Repositories(ctx) {
		r.fails(err, domain.CodeInternal, "inside_transaction")
	}
}

func (r *registryRun) together() {
	want := map[string]domain.Description{}
	for _, name := range numbered("repo-", 4) {
		want[name] = r.push(name, name, "1")
	}
	var wg sync.WaitGroup
	for range 4 {
		for name, w := range want {
			wg.Go(func() {
				d, err := r.port.Describe(r.Context(), r.ref(name, "1"), "")
				if err != nil || d.Digest != w.Digest {
					r.Errorf("%s: %v, %v", name, d.Digest, err)
				}
				for _, err := range r.port.Tags(r.Context(), r.repo(name)) {
					if err != nil {
						r.Error(err)
					}
				}
			})
		}
		wg.Go(func() {
			n := 0
			for _, err := range r.port.Repositories(r.Context()) {
				if err != nil {
					r.Error(err)
				}
				n++
			}
			if n != len(want) {
				r.Errorf("%d repositories of %d", n, len(want))
			}
		})
	}
	wg.Wait()
}
