package oci_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/registry/oci"
	"github.com/wharf-project/wharf/domain"
)

// lister answers listings with names and a Link header, "" for none.
func lister(names func(r *http.Request) (names []string, link string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		page, link := names(r)
		if link != "" {
			w.Header().Set("Link", link)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"name": "a", "tags": page, "repositories": page})
	}
}

// bothListings checks that tags and repositories end with the same code.
func bothListings(t *testing.T, c *oci.Client, code domain.Code, reason string) {
	t.Helper()
	_, err := tags(t, c, "a")
	requireCode(t, err, code, reason)
	_, err = repositories(t, c)
	requireCode(t, err, code, reason)
}

func TestListingsThatDoNotEnd(t *testing.T) {
	for name, h := range map[string]func(n int, r *http.Request) ([]string, string){
		"a link to itself": func(_ int, r *http.Request) ([]string, string) {
			return []string{"x"}, "<" + r.URL.RequestURI() + `>; rel="next"`
		},
		"the same page for ever": func(n int, r *http.Request) ([]string, string) {
			return []string{"x"}, fmt.Sprintf(`<%s?page=%d>; rel=next`, r.URL.Path, n)
		},
		"empty pages for ever": func(n int, r *http.Request) ([]string, string) {
			return nil, fmt.Sprintf(`<%s?page=%d>; rel=next`, r.URL.Path, n)
		},
		"new names for ever": func(n int, r *http.Request) ([]string, string) {
			return []string{"x" + strconv.Itoa(n)}, fmt.Sprintf(`<%s?page=%d>; rel=next`, r.URL.Path, n)
		},
		"two pages in a circle": func(n int, r *http.Request) ([]string, string) {
			return []string{"x" + strconv.Itoa(n)}, fmt.Sprintf(`<%s?page=%d>; rel=next`, r.URL.Path, n%2)
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			s := serve(t, lister(func(r *http.Request) ([]string, string) { n++; return h(n, r) }))
			bothListings(t, open(t, domain.Registry{URL: s.URL}, oci.Options{MaxPages: 20}), domain.CodeUnavailable, "registry_malformed")
			require.LessOrEqual(t, len(s.lines()), 40)
		})
	}
}

func TestListingsThatLeadElsewhere(t *testing.T) {
	other := serve(t, lister(func(*http.Request) ([]string, string) { return []string{"y"}, "" }))
	for _, link := range []string{
		other.URL + "/v2/_catalog", strings.TrimPrefix(other.URL, "http:") + "/v2/_catalog", "http://169.254.169.254/v2/x",
		"/latest/meta-data", "//user:secret@127.0.0.1/v2/", "javascript:alert(1)", "http://[::1",
	} {
		s := serve(t, lister(func(*http.Request) ([]string, string) { return []string{"x"}, "<" + link + `>; rel="next"` }))
		bothListings(t, open(t, domain.Registry{URL: s.URL}, oci.Options{}), domain.CodeUnavailable, "registry_malformed")
	}
	require.Empty(t, other.lines())
}

func TestLinksOfTheRegistryItself(t *testing.T) {
	for name, link := range map[string]func(r *http.Request) string{
		"a path":                    func(r *http.Request) string { return `<` + r.URL.Path + `?last=x>; rel="next"` },
		"a query":                   func(*http.Request) string { return `<?last=x>; rel="next"` },
		"a URL":                     func(r *http.Request) string { return `<http://` + r.Host + r.URL.Path + `?last=x>;rel=next` },
		"a URL of the wrong scheme": func(r *http.Request) string { return `<https://` + r.Host + r.URL.Path + `?last=x>; rel="next"` },
		"one of several": func(r *http.Request) string {
			return `</v2/a>; rel="prev", <` + r.URL.Path + `?last=x>; title="a, b"; rel="last next"`
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := answers(t, lister(func(r *http.Request) ([]string, string) {
				if r.URL.Query().Get("last") == "x" {
					return []string{"y"}, ""
				}
				return []string{"x"}, link(r)
			}))
			names, err := tags(t, c, "a")
			require.NoError(t, err)
			require.Equal(t, []string{"x", "y"}, names)
			names, err = repositories(t, c)
			require.NoError(t, err)
			require.Equal(t, []string{"x", "y"}, names)
		})
	}
}

func TestNullIsEmptyAndRubbishIsNot(t *testing.T) {
	body := ""
	c := answers(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
	for _, body = range []string{`{"name":"a","tags":null,"repositories":null}`, `{"name":"a","tags":[],"repositories":[]}`} {
		names, err := tags(t, c, "a")
		require.NoError(t, err)
		require.Empty(t, names)
		names, err = repositories(t, c)
		require.NoError(t, err)
		require.Empty(t, names)
	}
	for _, body = range []string{``, `null`, `{}`, `[]`, `<html>`, `{"errors":[{"code":"DENIED"}]}`, `{"tags":"x","repositories":7}`, `{"tags":["a","b`, `{"tags":[1],"repositories":[1]}`} {
		bothListings(t, c, domain.CodeUnavailable, "registry_malformed")
	}
	body = `{"name":"a"}` // no tags, left out
	names, err := tags(t, c, "a")
	require.NoError(t, err)
	require.Empty(t, names)
}

func TestPagesWithoutLinks(t *testing.T) {
	all := []string{"a", "b", "c", "d", "e", "f"}
	after := func(last string, n int) []string {
		from := 0
		for from < len(all) && all[from] <= last {
			from++
		}
		return all[from:min(len(all), from+n)]
	}
	size := func(r *http.Request) int {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		return n
	}
	for name, h := range map[string]func(r *http.Request) []string{
		"goes on after last": func(r *http.Request) []string { return after(r.URL.Query().Get("last"), size(r)) },
		"starts over after the final name": func(r *http.Request) []string {
			last := r.URL.Query().Get("last")
			if last >= "f" {
				last = ""
			}
			return after(last, size(r))
		},
		"ignores the size": func(*http.Request) []string { return all },
	} {
		t.Run(name, func(t *testing.T) {
			for pageSize := 2; pageSize <= 7; pageSize++ {
				s := serve(t, lister(func(r *http.Request) ([]string, string) { return h(r), "" }))
				names, err := tags(t, open(t, domain.Registry{URL: s.URL}, oci.Options{PageSize: pageSize}), "a")
				require.NoError(t, err)
				require.Equal(t, all, names)
			}
		})
	}
	ignored := answersWith(t, oci.Options{PageSize: 3}, lister(func(r *http.Request) ([]string, string) { return after("", size(r)), "" }))
	bothListings(t, ignored, domain.CodeUnavailable, "registry_malformed") // an end cannot be told from a beginning
}

func answersWith(t *testing.T, o oci.Options, h http.HandlerFunc) *oci.Client {
	t.Helper()
	return open(t, domain.Registry{URL: serve(t, h).URL}, o)
}

func TestPageSizeThatIsRefused(t *testing.T) {
	c := answers(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("n") {
			fail(w, http.StatusBadRequest, "PAGINATION_NUMBER_INVALID")
			return
		}
		_, _ = w.Write([]byte(`{"tags":["1"],"repositories":["a"]}`))
	})
	names, err := tags(t, c, "a")
	require.NoError(t, err)
	require.Equal(t, []string{"1"}, names)
	names, err = repositories(t, c)
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, names)
}

func TestNamesThatNoReferenceSpells(t *testing.T) {
	odd := []string{"", "UPPER", "a b", "../../etc", "\x1b[31m", strings.Repeat("x", 300)}
	c := answers(t, lister(func(*http.Request) ([]string, string) { return odd, "" }))
	names, err := repositories(t, c)
	require.NoError(t, err)
	require.Equal(t, odd, names, "a listing is not broken by one name")
	for _, name := range odd {
		_, err := tags(t, c, name)
		requireCode(t, err, domain.CodeInvalid, "repository_invalid")
		_, err = describe(t, c, name, "1")
		requireCode(t, err, domain.CodeInvalid, "repository_invalid")
		if name != "UPPER" {
			_, err = describe(t, c, "a", name)
			requireCode(t, err, domain.CodeInvalid, "tag_invalid")
		}
	}
}
