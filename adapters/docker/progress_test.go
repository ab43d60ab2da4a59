package docker_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

const mb = 1 << 20

// line is what an engine says of a layer.
func line(status, id string, current, total int64) string {
	return fmt.Sprintf(`{"status":%q,"id":%q,"progressDetail":{"current":%d,"total":%d}}`, status, id, current, total)
}

// steps pulls from an engine that says this, and returns what was reported.
func steps(t *testing.T, lines ...string) (got []domain.ProgressStep) {
	t.Helper()
	f := newFake(t)
	f.pulls(lines...)
	_, err := f.open(t).Pull(t.Context(), request(), func(s domain.ProgressStep) { got = append(got, s) })
	require.NoError(t, err)
	return got
}

// at is a report in MiB.
func at(current, total float64) domain.ProgressStep {
	return domain.ProgressStep{Current: int64(current * mb), Total: int64(total * mb), Message: "pulling"}
}

func done(total float64) domain.ProgressStep {
	return domain.ProgressStep{Current: int64(total * mb), Total: int64(total * mb), Message: "pulled"}
}

func TestProgressAddsUpTheLayers(t *testing.T) {
	require.Equal(t, []domain.ProgressStep{
		at(0, 0), at(.5, 4), at(1, 6), at(1.5, 6), at(3, 6), at(3.5, 6), at(4, 6), at(6, 6), done(6),
	}, steps(t,
		line("Downloading", "a", mb, 4*mb), line("Downloading", "b", mb, 2*mb), line("Already exists", "d", 0, 0),
		line("Downloading", "b", 2*mb, 2*mb), line("Download complete", "b", 0, 0), line("Download complete", "a", 0, 0),
		line("Extracting", "b", mb, 2*mb), line("Pull complete", "b", 0, 0),
		line("Extracting", "a", 4*mb, 4*mb), line("Pull complete", "a", 0, 0),
	))
}

func TestProgressCountsLayersOfUnknownSize(t *testing.T) {
	require.Equal(t, []domain.ProgressStep{at(0, 0), at(.5, 1), at(1.5, 3), at(3, 3), done(3)}, steps(t,
		line("Downloading", "a", mb, -1), line("Downloading", "a", 3*mb, 0), line("Pull complete", "a", 0, 0),
	))
}

func TestProgressOfADownloadThatBroke(t *testing.T) {
	// What is missing: an engine that goes on counts the rest alone.
	require.Equal(t, []domain.ProgressStep{at(0, 0), at(2, 8), at(2.5, 8), at(3.5, 8), at(4, 8), done(8)}, steps(t,
		line("Downloading", "a", 4*mb, 8*mb), line("Downloading", "a", 8*mb, 8*mb), // as it says in the moment that it breaks
		line("Downloading", "a", mb, 4*mb), line("Downloading", "a", 3*mb, 4*mb),
		line("Downloading", "a", 4*mb, 4*mb), line("Download complete", "a", 0, 0),
	))
	// All of it again, which is spread over what is missing.
	require.Equal(t, []domain.ProgressStep{at(0, 0), at(2, 8), at(2.5, 8), at(3, 8), at(4, 8), done(8)}, steps(t,
		line("Downloading", "a", 4*mb, 8*mb), line("Downloading", "a", 2*mb, 8*mb), line("Downloading", "a", 4*mb, 8*mb),
		line("Download complete", "a", 0, 0),
	))
}

func TestProgressDoesNotGrowWithoutBytes(t *testing.T) {
	lines := []string{line("Downloading", "a", mb, 4*mb)}
	for range 50 {
		lines = append(lines,
			line("Downloading", "a", mb, 4*mb), line("Retrying in 5 seconds", "a", 0, 0), line("Waiting", "b", 0, 0),
			line("Verifying Checksum", "a", 0, 0), line("Pulling fs layer", "c", 0, 0), line("Downloading", "", 9*mb, 9*mb),
			`{"status":"Extracting","id":"a","progressDetail":{"current":7000000,"units":"s"}}`, // the time it takes
			`{"status":"Downloading","id":"a"}`, line("Pull complete", "e", 0, 0), `{"aux":{"current":1}}`,
		)
	}
	require.Equal(t, []domain.ProgressStep{at(0, 0), at(.5, 4), done(4)}, steps(t, lines...))
	require.Equal(t, []domain.ProgressStep{at(0, 0), {Current: 100, Total: 100, Message: "pulled"}}, steps(t,
		line("Pulling fs layer", "a", 0, 0), line("Downloading", "a", 0, 0), line("Download complete", "a", 0, 0),
	), "an engine that tells no bytes: the end alone is known")
}

// A pull that is slow beside its size is told from one that stands still: few
// bytes are reported as well, though not with every line.
func TestProgressOfASlowPull(t *testing.T) {
	f := newFake(t)
	reported := make(chan domain.ProgressStep, 1)
	written := 0
	f.answer(createPath, func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for len(reported) == 0 && r.Context().Err() == nil {
			written++
			_, _ = fmt.Fprintln(w, line("Downloading", "a", int64(2*written), 1<<40))
			_ = http.NewResponseController(w).Flush()
			<-tick.C
		}
		f.add("config", nil, []string{r.FormValue("fromImage") + "@" + r.FormValue("tag")})
	})
	reports := 0
	_, err := f.open(t).Pull(t.Context(), request(), func(s domain.ProgressStep) {
		if reports++; reports == 2 {
			reported <- s
		}
	})
	require.NoError(t, err)
	require.Less(t, (<-reported).Current, int64(64<<10))
	require.Greater(t, written, 10, "not every line is a report")
}
