package integration_test

import (
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/tests/containers"
)

// heard keeps what the callbacks of a transfer are told, in its order.
type heard []any

func (h *heard) Pull(data sdkProgressPull) { *h = append(*h, data) }
func (h *heard) Push(data sdkProgressPush) { *h = append(*h, data) }
func (h *heard) Step(data sdkProgressStep) { *h = append(*h, data) }

// begins checks that the transfer is told first and its layers after it, and
// forgets them.
func (h *heard) begins(t *testing.T, first any) {
	t.Helper()
	require.Greater(t, len(*h), 1)
	require.Equal(t, first, (*h)[0])
	for _, e := range (*h)[1:] {
		step, is := e.(sdkProgressStep)
		require.True(t, is, "%#v", e)
		require.NotEmpty(t, step.LayerID)
		require.Contains(t, step.Message, step.LayerID)
	}
	*h = nil
}

// layersOf is what the layers of an image weigh in its registry.
func layersOf(t *testing.T, reference string) (bytes int64) {
	t.Helper()
	ref, err := name.ParseReference(reference, name.Insecure)
	require.NoError(t, err)
	img, err := remote.Image(ref, remote.WithContext(t.Context()))
	require.NoError(t, err)
	m, err := img.Manifest()
	require.NoError(t, err)
	for _, l := range m.Layers {
		bytes += l.Size
	}
	return bytes
}

func TestTheDocumentedSubsystemOfImagesOverTheActions(t *testing.T) {
	host := containers.Registry(t, containers.RegistryOptions{Delete: true})
	clusters := domain.Clusters{All: []domain.Cluster{
		{Name: "one", Registry: host, Project: "proj"},
		{Name: "two", Registry: host, Org: "acme", Project: "lab"},
	}}
	y := newYard(t, false, clusters.All...)
	_, err := y.CreateRegistry(y.root, actions.CreateRegistryAction{Name: host, URL: "http://" + host})
	require.NoError(t, err)
	y.prefix = strings.TrimPrefix(y.prefix, "localhost/") // a name without a host goes to the cluster
	repository := y.prefix + "app"
	built := y.build(t, repository+":1", "some words")
	y.build(t, repository+":other", "other words")
	var images sdkImages = overActions{svc: y.ImageService, clusters: clusters, store: "docker:" + containers.Docker(t)}
	local := domain.LocalImage{Name: repository, Tag: "1"}
	var told heard

	// push, where to is computed
	pushed, err := images.Push(y.root, local, nil, &told)
	require.NoError(t, err)
	platform := func(cluster, org, project, tag string) domain.RemoteImage {
		i, err := domain.NewPlatformImage(repository, host, cluster, org, project, tag)
		require.NoError(t, err)
		return i
	}
	require.Equal(t, platform("one", "", "proj", "1"), pushed)
	require.Equal(t, "proj", pushed.Owner())
	require.Equal(t, host+"/proj/"+repository+":1", pushed.AsDockerURL(false))
	require.Equal(t, "https://"+host+"/proj/"+repository+":1", pushed.AsDockerURL(true))
	told.begins(t, sdkProgressPush{local, pushed})

	// push, where to is said
	second := platform("one", "", "proj", "second")
	other := platform("two", "acme", "lab", "other")
	got, err := images.Push(y.root, local, &second, nil)
	require.NoError(t, err)
	require.Equal(t, second, got)
	got, err = images.Push(y.root, domain.LocalImage{Name: repository, Tag: "other"}, &other, &told)
	require.NoError(t, err)
	require.Equal(t, other, got)
	require.Equal(t, "acme", got.OrgName)
	told.begins(t, sdkProgressPush{domain.LocalImage{Name: repository, Tag: "other"}, other})

	// digest, size, tag_info
	digest, err := images.Digest(y.root, pushed)
	require.NoError(t, err)
	same, err := images.Digest(y.root, second)
	require.NoError(t, err)
	require.Equal(t, digest, same)
	size, err := images.Size(y.root, pushed)
	require.NoError(t, err)
	require.Equal(t, layersOf(t, pushed.AsDockerURL(false)), size)
	info, err := images.TagInfo(y.root, second)
	require.NoError(t, err)
	require.Equal(t, sdkTag{"second", size}, info)

	// list, tags
	untagged, elsewhere := platform("one", "", "proj", ""), platform("two", "acme", "lab", "")
	for _, cluster := range []string{"", "one", "two"} { // of one registry
		list, err := images.List(y.root, cluster)
		require.NoError(t, err)
		require.ElementsMatch(t, []domain.RemoteImage{untagged, elsewhere}, list)
	}
	tags, err := images.Tags(y.root, untagged)
	require.NoError(t, err)
	require.Equal(t, []domain.RemoteImage{pushed, second}, tags)
	tags, err = images.Tags(y.root, elsewhere)
	require.NoError(t, err)
	require.Equal(t, []domain.RemoteImage{other}, tags)

	// pull, the name is computed; and said
	require.NoError(t, y.store.Untag(t.Context(), local.String()))
	pulled, err := images.Pull(y.root, pushed, nil, &told)
	require.NoError(t, err)
	require.Equal(t, local, pulled)
	told.begins(t, sdkProgressPull{pushed, local})
	has, _ := y.find(t, local.String())
	require.Equal(t, built.Digest, has)
	named := domain.LocalImage{Name: y.prefix + "named", Tag: "v1"}
	pulled, err = images.Pull(y.root, second, &named, nil)
	require.NoError(t, err)
	require.Equal(t, named, pulled)
	has, _ = y.find(t, named.String())
	require.Equal(t, built.Digest, has)

	// rm, by digest
	_, err = images.Rm(y.root, pushed, digest)
	requireReason(t, err, domain.CodePrecondition, "digest_shared")
	gone, err := images.Digest(y.root, other)
	require.NoError(t, err)
	removed, err := images.Rm(y.root, other, gone)
	require.NoError(t, err)
	require.Equal(t, gone, removed)
	_, err = images.Digest(y.root, other)
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(err))
	_, err = images.Pull(y.root, other, nil, nil)
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(err))
	still, err := images.Digest(y.root, second)
	require.NoError(t, err)
	require.Equal(t, digest, still, "and no other with it")

	_, err = images.Push(y.root, domain.LocalImage{Name: repository, Tag: "none"}, nil, nil)
	requireReason(t, err, domain.CodeNotFound, "image_not_found")
	_, err = images.List(y.root, "nowhere")
	requireReason(t, err, domain.CodeInvalid, "cluster_unknown")
}
