package porttest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// LocalHarness is what [RunLocal] needs of an implementation of [port.Local].
type LocalHarness struct {
	// New returns a store that holds nothing, or that may hold other names than
	// those of the suite when Shared.
	New func(tb testing.TB) port.Local
	// Put puts an image into a store under a name, in whatever way but a fetch.
	Put func(tb testing.TB, l port.Local, name string, i LocalImage) LocalContent
	// Names returns what the store holds, Digest or Config by name. Names of no
	// interest to the suite may be there.
	Names func(tb testing.TB, l port.Local) map[string]domain.Digest
	// Remote returns the reference of a tag in a registry that the stores reach,
	// and the registry's row. Each test has repositories of its own.
	Remote func(tb testing.TB, repository, tag string) (domain.Reference, domain.Registry)
	// Publish puts an image into that registry, in whatever way but a push.
	Publish func(tb testing.TB, r domain.Reference, i LocalImage) LocalContent
	// Tagged tells what a tag of the registry names; zero for nothing.
	Tagged func(tb testing.TB, r domain.Reference) LocalContent
	// Denied returns the row of the same registry with credentials that may not
	// push, or a registry that takes nothing; nil leaves the test out.
	Denied func(tb testing.TB, r domain.Reference) (domain.Reference, domain.Registry)
	// Spoil makes the registry give other content for a layer of the image; nil
	// leaves the test out.
	Spoil func(tb testing.TB, r domain.Reference)
	// Shared: the stores of New are one engine.
	Shared bool
	// OneArchitecture: a name stands for one architecture, and "" in a fetch is
	// the store's own.
	OneArchitecture bool
	// ByConfig: Names tells digests of configurations, for the store makes
	// manifests only when it pushes.
	ByConfig bool
	// Uncounted: the store cannot tell SentBytes and ReceivedBytes.
	Uncounted bool
}

// LocalImage says what to put or to publish. Content makes the difference: the
// same words, the same layers and configs, and so the same digests.
type LocalImage struct {
	Architectures []string // one: a plain manifest; more: an index
	Content       string
}

// LocalContent is what a name or a tag stands for.
type LocalContent struct {
	Digest  domain.Digest   // of the manifest or the index; "" when not known before a push
	Configs []domain.Digest // of the architectures, in the order of the image
}

// RunLocal checks the contract of [port.Pusher] and [port.Fetcher].
func RunLocal(t *testing.T, h LocalHarness) {
	for _, c := range []struct {
		name string
		test func(*localRun)
	}{
		{"a push makes the tag name the image", (*localRun).push},
		{"a push of what is there changes nothing", (*localRun).pushAgain},
		{"a push moves its tag and no other", (*localRun).pushMoves},
		{"content that the registry has is not sent again", (*localRun).pushTwice},
		{"a push of an index sends all of it", (*localRun).pushIndex},
		{"a push sends the architecture that was asked for", (*localRun).pushOne},
		{"a push of what the store lacks is image_not_found", (*localRun).pushNothing},
		{"a push that is refused is push_denied", (*localRun).pushDenied},
		{"a fetch makes the name stand for the image", (*localRun).fetch},
		{"a fetch of what is there changes nothing", (*localRun).fetchAgain},
		{"a fetch of a tag that moved replaces the image", (*localRun).fetchMoved},
		{"a fetch of something unexpected is digest_mismatch", (*localRun).fetchUnexpected},
		{"a fetch takes the architecture that was asked for", (*localRun).fetchOne},
		{"a fetch of what the registry lacks is not_found", (*localRun).fetchNothing},
		{"a fetch of spoiled content installs nothing", (*localRun).fetchSpoiled},
		{"what was fetched can be pushed", (*localRun).roundTrip},
		{"events come in order and one at a time", (*localRun).events},
		{"fetches at the same time agree", (*localRun).together},
		{"a context that has ended changes nothing", (*localRun).ended},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &localRun{T: t, h: h, store: h.New(t)}
			r.repo = "wharf-local/" + strings.NewReplacer(" ", "-", "_", "-").Replace(strings.ToLower(c.name))
			c.test(r)
		})
	}
}

// localRun is one test of the suite on one store.
type localRun struct {
	*testing.T
	h     LocalHarness
	store port.Local
	repo  string
}

// name makes a name of the test in the store.
func (r *localRun) name(tag string) string { return "localhost/" + r.repo + ":" + tag }

func (r *localRun) put(name, content string, architectures ...string) LocalContent {
	r.Helper()
	c := r.h.Put(r, r.store, name, LocalImage{Architectures: architectures, Content: content})
	require.Len(r, c.Configs, len(architectures), "the harness tells every configuration")
	return c
}

func (r *localRun) publish(tag, content string, architectures ...string) (domain.FetchRequest, LocalContent) {
	r.Helper()
	ref, row := r.h.Remote(r, r.repo, tag)
	c := r.h.Publish(r, ref, LocalImage{Architectures: architectures, Content: content})
	require.Len(r, c.Configs, len(architectures), "the harness tells every configuration")
	require.NotEmpty(r, c.Digest)
	return domain.FetchRequest{Remote: ref, Registry: row, Local: r.name(tag)}, c
}

// to is a request to push a name of the test to a tag of the same text.
func (r *localRun) to(name, tag string) domain.PushRequest {
	ref, row := r.h.Remote(r, r.repo, tag)
	return domain.PushRequest{Local: name, Remote: ref, Registry: row}
}

func (r *localRun) mustPush(p domain.PushRequest) domain.PushOutcome {
	r.Helper()
	out, err := r.store.Push(r.Context(), p, nil)
	require.NoError(r, err)
	require.NotEmpty(r, out.Digest)
	if !r.h.Uncounted {
		require.Positive(r, out.SizeBytes)
		require.GreaterOrEqual(r, out.SentBytes, int64(0))
	}
	return out
}

func (r *localRun) mustFetch(f domain.FetchRequest) domain.FetchOutcome {
	r.Helper()
	out, err := r.store.Fetch(r.Context(), f, nil)
	require.NoError(r, err)
	require.Positive(r, out.SizeBytes)
	return out
}

// tagged checks what a tag names.
func (r *localRun) tagged(ref domain.Reference, digest domain.Digest, want LocalContent) {
	r.Helper()
	got := r.h.Tagged(r, ref)
	require.Equal(r, digest, got.Digest, "what %s names", ref)
	require.Equal(r, want.Configs, got.Configs, "configurations behind %s", ref)
	if want.Digest != "" {
		require.Equal(r, want.Digest, got.Digest, "the digest is kept")
	}
}

// holds checks what the name of a fetch stands for.
func (r *localRun) holds(f domain.FetchRequest, want LocalContent) {
	r.Helper()
	digest := want.Digest
	if r.h.ByConfig {
		digest = want.Configs[0]
	}
	require.Equal(r, digest, r.h.Names(r, r.store)[f.Local], "what %s stands for", f.Local)
}

func (r *localRun) lacks(f domain.FetchRequest) {
	r.Helper()
	require.NotContains(r, r.h.Names(r, r.store), f.Local)
}

// fails checks the code, and the reason unless that is "".
func (r *localRun) fails(err error, code domain.Code, reason string) {
	r.Helper()
	require.Error(r, err)
	require.Equal(r, code, domain.CodeOf(err), "%v", err)
	if reason != "" {
		require.Equal(r, reason, domain.ReasonOf(err), "%v", err)
	}
}
