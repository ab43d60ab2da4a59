package parity_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

func TestEveryActionHasACallThatGoesWellAndOneThatDoesNot(t *testing.T) {
	t.Parallel()
	well, badly := map[string]bool{}, map[string]bool{}
	for _, c := range examples() {
		well[c.action] = well[c.action] || c.want.fails == ""
		badly[c.action] = badly[c.action] || c.want.fails != ""
	}
	for _, e := range service.Catalogue() {
		require.True(t, well[e.Spec.Name], "no example of %s goes well", e.Spec.Name)
		require.True(t, badly[e.Spec.Name], "no example of %s fails", e.Spec.Name)
		delete(well, e.Spec.Name)
	}
	require.Empty(t, well, "examples of no action")
}

// What is said to be lacking is to be lacking.
func TestNoExcuseIsOutOfDate(t *testing.T) {
	t.Parallel()
	s := schema()
	for _, e := range service.Catalogue() {
		_, f := fieldOf(s, e)
		if lacking[e.Spec.Name] == "" {
			require.NotNil(t, f, "%s has no field that takes all of it, and no excuse", e.Spec.Name)
			continue
		}
		require.Nil(t, f, "%s has a field that takes all of it, and an excuse", e.Spec.Name)
	}
	for name := range lacking {
		entryOf(t, name)
	}
}

func TestEveryTransportDoesAndSaysTheSame(t *testing.T) {
	t.Parallel()
	for _, c := range examples() {
		t.Run(c.action+" "+c.input, func(t *testing.T) {
			t.Parallel()
			compare(t, c)
		})
	}
}

// compare runs one example by every leg, each on a site of its own; the Go API
// comes first, and the others have to end as it did.
func compare(t *testing.T, c example) {
	t.Helper()
	e, input := entryOf(t, c.action), theSite(t).fill(c.input)
	var first outcome
	for _, l := range legs() {
		w := newWorld(t)
		switch {
		case l.name == "go":
			first = l.call(w, e, c.as, input)
			require.Equal(t, c.want.fails, strings.Trim(first.Code+"/"+first.Reason, "/"), "%s: %s", first.Message, text(t, first.Data))
			if c.want.fails == "" {
				require.Contains(t, text(t, first.Data), c.want.has)
			} else {
				require.NotEmpty(t, first.Message)
			}
		case l.name == "graphql" && lacking[c.action] != "":
			if got, can := documented(w, e, c.as, input); can {
				if c.action != "image.list" { // told in words
					require.Equal(t, first.Message, got.Message)
					continue
				}
				requireSame(t, l.name, first, got)
			}
		default:
			requireSame(t, l.name, first, l.call(w, e, c.as, input))
		}
	}
}

// What tells GraphQL's answers from the others' sees more and less, and other
// values, below lists and pairs too.
func TestDifferencesAreSeen(t *testing.T) {
	t.Parallel()
	pair := map[string]any{"key": "a", "value": "b"}
	want := map[string]any{"image": map[string]any{"labels": map[string]any{"a": "b"}, "size": json.Number("7"), "tags": []any{"x"}}}
	got := func(size, tag string, more any) any {
		return map[string]any{"image": map[string]any{"labels": []any{pair}, "size": size, "tags": []any{tag}, "more": more}}
	}
	require.Empty(t, differences("", got("7", "x", nil), want))
	require.Len(t, differences("", got("8", "y", "z"), want), 3)
	require.Equal(t, []string{".image is null, not " + text(t, want["image"])}, differences("", map[string]any{"image": nil}, want))
	require.Equal(t, []string{".image is missing"}, differences("", map[string]any{}, want))
	delete(pair, "value")
	require.NotEmpty(t, differences("", got("7", "x", nil), want))
}

func requireSame(t *testing.T, by string, want, got outcome) {
	t.Helper()
	if by == "graphql" && want.Code == "" && got.Code == "" {
		assert.Empty(t, differences("", got.Data, want.Data), "by %s", by)
		return
	}
	want.body, got.body = "", ""
	assert.Equal(t, want, got, "by %s", by)
}

// Whoever may do nothing hears so of every action, whatever it says.
func TestWhoMayDoNothingHearsTheSameEverywhere(t *testing.T) {
	t.Parallel()
	for _, l := range legs() {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for _, c := range examples() {
				if l.name == "graphql" && lacking[c.action] != "" {
					continue
				}
				e := entryOf(t, c.action)
				got := l.call(w, e, nobody, w.fill(c.input))
				require.Equal(t, outcome{
					Code: string(domain.CodeForbidden), Reason: "permission_missing", On: e.Spec.Requires(), Message: got.Message, body: got.body,
				}, got, c.action)
				require.NotEmpty(t, got.Message)
			}
		})
	}
}
