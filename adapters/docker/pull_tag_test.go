package docker_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

// pullsTags makes the engine pull tags: the name moves to what came.
func (f *fake) pullsTags(architecture string) {
	f.answer(createPath, func(_ http.ResponseWriter, r *http.Request) {
		name := r.FormValue("fromImage") + ":" + r.FormValue("tag")
		f.untag(name)
		f.add("config", []string{name}, nil)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.images[len(f.images)-1]["Architecture"] = architecture
	})
}

func (f *fake) untag(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, i := range f.images {
		tags, _ := i["RepoTags"].([]string)
		i["RepoTags"] = slices.DeleteFunc(slices.Clone(tags), func(tag string) bool { return tag == name })
	}
}

// changes are the requests that change something.
func (f *fake) changes() (changes []string) {
	for _, r := range f.requests() {
		if r.Method != http.MethodGet && r.URL.Path != "/v1.41/images/create" {
			changes = append(changes, r.Method+" "+r.URL.RequestURI())
		}
	}
	return changes
}

// This engine cannot ask a registry what a tag points to.
func TestPullOfATagByTheEngineItself(t *testing.T) {
	old, config := porttest.DigestOf("old").String(), porttest.DigestOf("config").String()
	own, other := "cr.example.org/team/tool:1", "10.0.0.1:5000/team/tool:1"
	tagOwn := "POST /v1.41/images/" + config + "/tag?repo=cr.example.org%2Fteam%2Ftool&tag=1"
	for name, c := range map[string]struct {
		url          string
		architecture string
		before       string // what the tag that is pulled names already
		changes      []string
		reason       string
	}{
		"new":                            {"", "amd64", "", []string{tagOwn}, ""},
		"newer than what is there":       {"", "amd64", own, []string{tagOwn}, ""},
		"for another platform":           {"", "arm64", "", []string{"DELETE /v1.41/images/" + own}, "platform_mismatch"},
		"that was for this platform":     {"", "arm64", own, []string{"POST /v1.41/images/" + old + "/tag?repo=cr.example.org%2Fteam%2Ftool&tag=1"}, "platform_mismatch"},
		"from another host":              {"http://10.0.0.1:5000", "amd64", "", []string{tagOwn, "DELETE /v1.41/images/" + other}, ""},
		"from a host that is used there": {"http://10.0.0.1:5000", "amd64", other, []string{tagOwn, "POST /v1.41/images/" + old + "/tag?repo=10.0.0.1%3A5000%2Fteam%2Ftool&tag=1"}, ""},
	} {
		t.Run("a tag "+name, func(t *testing.T) {
			f := newFake(t)
			if c.before != "" {
				f.add("old", []string{c.before}, nil)
			}
			f.pullsTags(c.architecture)
			r := request()
			r.Manifest, r.Registry.URL = "", c.url
			out, err := f.open(t).Pull(t.Context(), r, nil)
			require.Equal(t, c.changes, f.changes())
			if c.reason != "" {
				fails(t, err, domain.CodePrecondition, c.reason)
				return
			}
			require.NoError(t, err)
			require.Equal(t, domain.PullOutcome{Digest: porttest.DigestOf("config"), SizeBytes: 100}, out)
			require.NotNil(t, f.find(own))
		})
	}
}

func TestPullOfATagThatIsThere(t *testing.T) {
	f := newFake(t)
	f.pullsTags("amd64")
	r := request()
	r.Manifest = ""
	a := f.open(t)
	for _, unchanged := range []bool{false, true} {
		out, err := a.Pull(t.Context(), r, nil)
		require.NoError(t, err)
		require.Equal(t, unchanged, out.Unchanged)
	}
}

// To Podman a name by digest is one like a tag: it would keep the image when
// the last tag is gone.
func TestPodmanKeepsNoNameByDigest(t *testing.T) {
	f := newFake(t)
	f.product = "Podman Engine"
	f.pulls()
	_, err := f.open(t).Pull(t.Context(), request(), nil)
	require.NoError(t, err)
	changes := f.changes()
	require.Len(t, changes, 2)
	require.Contains(t, changes[1], "DELETE /v1.41/images/cr.example.org/team/tool@"+porttest.DigestOf("manifest").String())
}

// What stands before an engine may let through only what is needed.
func TestAnEngineThatDoesNotTellItsProduct(t *testing.T) {
	f := newFake(t)
	f.answer("GET /version", func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusForbidden, "no") })
	_, err := f.open(t).Inventory(t.Context())
	require.NoError(t, err)
}
