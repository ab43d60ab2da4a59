package porttest

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// BuilderHarness is what [RunBuilder] needs of an implementation of
// [port.Builder].
type BuilderHarness struct {
	// New returns a builder. It may hold anything but what begins with Prefix,
	// and whatever does is removed when the test ends.
	New func(tb testing.TB) port.Builder
	// Prefix is what the names of the suite's images begin with, such as
	// localhost/test/.
	Prefix string
	// Find returns the configuration of the image that has a name, and its
	// labels; "" when there is none.
	Find func(tb testing.TB, b port.Builder, name string) (domain.Digest, map[string]string)
	// Broken returns a source of a build that says something and then fails.
	Broken func(tb testing.TB) domain.BuildSource
	// Use makes a container use an image; nil where there are no containers.
	Use func(tb testing.TB, b port.Builder, name string)
	// Dockerfiles: it builds from folders and archives.
	Dockerfiles bool
}

// RunBuilder checks the contract of [port.Builder].
func RunBuilder(t *testing.T, h BuilderHarness) {
	for _, c := range []struct {
		name string
		test func(*builderRun)
	}{
		{"a build names what it made", (*builderRun).builds},
		{"a build takes over the name", (*builderRun).takesOver},
		{"a build that fails leaves the name alone", (*builderRun).failure},
		{"builds of one name at the same time agree", (*builderRun).together},
		{"a template stays in its working directory", (*builderRun).hostile},
		{"a Dockerfile comes in a folder or an archive", (*builderRun).dockerfiles},
		{"a source that is not there is not_found", (*builderRun).noSource},
		{"a name is taken from an image", (*builderRun).untags},
		{"a name that a container uses stays", (*builderRun).inUse},
		{"a context that has ended builds nothing", (*builderRun).ended},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(&builderRun{T: t, h: h, builder: h.New(t)}) })
	}
}

type builderRun struct {
	*testing.T
	h       BuilderHarness
	builder port.Builder
}

// template is one that every builder can do.
func template(content string) domain.BuildSource {
	return domain.BuildSource{Type: domain.BuildFromTemplate, Template: &domain.BuildTemplate{
		BaseImage: "scratch", Files: map[string]string{"data/content": content, "$HOME/\"x\"": "odd"}, Command: []string{"/app/run", "a \"b\" \\"},
	}}
}

func (r *builderRun) name(tag string) string { return r.h.Prefix + "built:" + tag }

func (r *builderRun) request(tag string, s domain.BuildSource) domain.BuildRequest {
	return domain.BuildRequest{Name: r.name(tag), Source: s, Labels: map[string]string{"org.example.test": "a 'b' \"c\" $d"}}
}

func (r *builderRun) build(tag string, s domain.BuildSource) domain.BuildOutcome {
	r.Helper()
	out, err := r.builder.Build(r.Context(), r.request(tag, s), nil)
	require.NoError(r, err)
	return out
}

func (r *builderRun) find(tag string) domain.Digest {
	r.Helper()
	d, _ := r.h.Find(r, r.builder, r.name(tag))
	return d
}

func (r *builderRun) builds() {
	var events []domain.TransferEvent
	request := r.request("1", template("a"))
	out, err := r.builder.Build(r.Context(), request, func(e domain.TransferEvent) { events = append(events, e) })
	require.NoError(r, err)
	require.Positive(r, out.SizeBytes)
	digest, labels := r.h.Find(r, r.builder, request.Name)
	require.Equal(r, digest, out.Digest)
	require.Equal(r, request.Labels["org.example.test"], labels["org.example.test"])
	for _, e := range events {
		if e.Kind == domain.TransferBuild {
			require.NotEmpty(r, e.Message)
			require.NotContains(r, e.Message, "\n", "an event is a line")
		}
	}
	_, err = r.builder.Build(r.Context(), domain.BuildRequest{Name: r.name("1") + "@" + DigestOf("x").String(), Source: template("b")}, nil)
	requireCoded(r, err, domain.CodeInvalid, "")
	_, err = r.builder.Build(r.Context(), domain.BuildRequest{Name: r.name("2"), Source: domain.BuildSource{Type: "other"}}, nil)
	require.Contains(r, []domain.Code{domain.CodeInvalid, domain.CodePrecondition}, domain.CodeOf(err), "%v", err)
	require.Equal(r, out.Digest, r.find("1"))
}

func (r *builderRun) takesOver() {
	one, other := r.build("1", template("a")), r.build("2", template("a"))
	now := r.build("1", template("b"))
	require.NotEqual(r, one.Digest, now.Digest)
	require.Equal(r, now.Digest, r.find("1"))
	require.Equal(r, other.Digest, r.find("2"), "other names stay")
}

func (r *builderRun) failure() {
	var said []string
	before := r.build("1", template("a"))
	for _, tag := range []string{"1", "new"} {
		_, err := r.builder.Build(r.Context(), r.request(tag, r.h.Broken(r)), func(e domain.TransferEvent) {
			if e.Kind == domain.TransferBuild {
				said = append(said, e.Message)
			}
		})
		requireCoded(r, err, domain.CodePrecondition, "build_failed")
		require.NotEmpty(r, said)
		require.Contains(r, domain.MessageOf(err), said[len(said)-1], "the last lines are in the error")
	}
	require.Equal(r, before.Digest, r.find("1"))
	require.Empty(r, r.find("new"))
}

func (r *builderRun) together() {
	var mu sync.Mutex
	made := map[domain.Digest]bool{}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			out, err := r.builder.Build(r.Context(), r.request("1", template([]string{"a", "b"}[i%2])), nil)
			if err != nil {
				r.Errorf("build %d: %v", i, err)
			}
			mu.Lock()
			defer mu.Unlock()
			made[out.Digest] = true
		})
	}
	wg.Wait()
	require.True(r, made[r.find("1")], "the name is of one of them")
}

func (r *builderRun) hostile() {
	for why, t := range map[string]domain.BuildTemplate{
		"a file outside":               {BaseImage: "scratch", Files: map[string]string{"../x": ""}},
		"a file further outside":       {BaseImage: "scratch", Files: map[string]string{"a/../../x": ""}},
		"an absolute file":             {BaseImage: "scratch", Files: map[string]string{"/etc/x": ""}},
		"a file without a name":        {BaseImage: "scratch", Files: map[string]string{"": ""}},
		"a file of two lines":          {BaseImage: "scratch", Files: map[string]string{"a\nb": ""}},
		"a base of two lines":          {BaseImage: "scratch\nRUN false"},
		"no base":                      {},
		"a requirement of two lines":   {BaseImage: "localhost/base:1", Requirements: []string{"a\n--index-url=x"}},
		"an option as a requirement":   {BaseImage: "localhost/base:1", Requirements: []string{"--index-url=x"}},
		"a requirement without a word": {BaseImage: "localhost/base:1", Requirements: []string{""}},
	} {
		_, err := r.builder.Build(r.Context(), r.request("1", domain.BuildSource{Type: domain.BuildFromTemplate, Template: &t}), nil)
		require.Equal(r, domain.CodeInvalid, domain.CodeOf(err), "%s: %v", why, err)
	}
	require.Empty(r, r.find("1"))
}

func (r *builderRun) untags() {
	r.build("1", template("a"))
	stays := r.build("2", template("a"))
	for range 2 { // gone is nil
		require.NoError(r, r.builder.Untag(r.Context(), r.name("1")))
		require.Empty(r, r.find("1"))
		require.Equal(r, stays.Digest, r.find("2"))
	}
	require.NoError(r, r.builder.Untag(r.Context(), r.name("2")))
	require.Empty(r, r.find("2"))
	requireCoded(r, r.builder.Untag(r.Context(), r.name("2")+"@x"), domain.CodeInvalid, "")
}

func (r *builderRun) inUse() {
	if r.h.Use == nil {
		r.Skip("there are no containers")
	}
	out := r.build("1", template("a"))
	r.h.Use(r, r.builder, r.name("1"))
	requireCoded(r, r.builder.Untag(r.Context(), r.name("1")), domain.CodeConflict, "image_in_use")
	require.Equal(r, out.Digest, r.find("1"))
}

func (r *builderRun) ended() {
	before := r.build("1", template("a"))
	endedContexts(r.T, func(ctx context.Context, code domain.Code) {
		_, err := r.builder.Build(ctx, r.request("1", template("b")), nil)
		requireCoded(r, err, code, "")
		requireCoded(r, r.builder.Untag(ctx, r.name("1")), code, "")
	})
	require.Equal(r, before.Digest, r.find("1"))
}

// endedContexts calls f with one context of each kind that has ended.
func endedContexts(t *testing.T, f func(ctx context.Context, code domain.Code)) {
	t.Helper()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	f(canceled, domain.CodeCanceled)
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	f(late, domain.CodeTimeout)
}

// requireCoded checks the code and, unless it is empty, the reason of an error.
func requireCoded(tb testing.TB, err error, code domain.Code, reason string) {
	tb.Helper()
	var coded *domain.Error
	require.ErrorAs(tb, err, &coded, "errors of a port are coded")
	require.Equal(tb, code, coded.Code, "%v", err)
	if reason != "" {
		require.Equal(tb, reason, domain.ReasonOf(err), "%v", err)
	}
	require.False(tb, strings.Contains(domain.MessageOf(err), "\x1b"), "messages are for terminals, too")
}
