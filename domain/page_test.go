package domain_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wharf-project/wharf/domain"
)

func TestAPageHasDefaults(t *testing.T) {
	t.Parallel()
	p, err := domain.Page{}.Check(domain.ImageFields, "canonical")
	require.NoError(t, err)
	require.Equal(t, domain.Page{Limit: domain.DefaultPageSize, Sort: "canonical"}, p)
	p, err = domain.Page{Limit: domain.MaxPageSize, Sort: "size_bytes", Desc: true, Count: true}.Check(domain.ImageFields, "canonical")
	require.NoError(t, err)
	require.Equal(t, domain.Page{Limit: domain.MaxPageSize, Sort: "size_bytes", Desc: true, Count: true}, p)
}

func TestAPageThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	cursor := domain.Cursor{Sort: "name", Key: "a", ID: "1"}.String()
	for _, c := range []struct {
		page   domain.Page
		reason string
	}{
		{domain.Page{Limit: -1}, "page_invalid"},
		{domain.Page{Limit: domain.MaxPageSize + 1}, "page_invalid"},
		{domain.Page{Sort: "tag"}, "sort_invalid"},        // a field, but not sortable
		{domain.Page{Sort: "label"}, "sort_invalid"},      // a map
		{domain.Page{Sort: "name; DROP"}, "sort_invalid"}, // no field
		{domain.Page{After: cursor}, "cursor_invalid"},    // of another order
		{domain.Page{After: cursor, Sort: "name", Desc: true}, "cursor_invalid"},
		{domain.Page{After: "%%%"}, "cursor_invalid"},
		{domain.Page{After: strings.Repeat("A", 5000)}, "cursor_invalid"},
	} {
		_, err := c.page.Check(domain.ImageFields, "canonical")
		requireInvalid(t, err, c.reason)
	}
	_, err := domain.Page{Sort: "x"}.Check(domain.ImageFields, "canonical")
	require.Contains(t, domain.MessageOf(err), "canonical, created_at, last_used_at, name, size_bytes, updated_at")
	_, err = domain.Page{After: cursor, Sort: "name"}.Check(domain.ImageFields, "canonical")
	require.NoError(t, err)
}

func TestCursorsReadBackAsTheyWere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.Rune().Filter(func(r rune) bool { return r != 0 }))
		want := domain.Cursor{
			Sort: text.Draw(t, "sort"), Desc: rapid.Bool().Draw(t, "desc"), Key: text.Draw(t, "key"),
			ID: text.Filter(func(s string) bool { return s != "" }).Draw(t, "id"),
		}
		s := want.String()
		if len(s) > 4096 {
			return
		}
		got, err := domain.ParseCursor(s, want.Sort, want.Desc)
		require.NoError(t, err)
		require.Equal(t, want, got)
		_, err = domain.ParseCursor(s, want.Sort, !want.Desc)
		requireInvalid(t, err, "cursor_invalid")
		_, err = domain.ParseCursor(s, want.Sort+"x", want.Desc)
		requireInvalid(t, err, "cursor_invalid")
	})
}

// The names that sites give may be as long as references are: a cursor over
// them must still be readable by the list that made it.
func TestTheCursorOfTheLongestNamesReadsBack(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("파", 255) // three bytes each: a name of 255 characters that were not counted in bytes
	c := domain.Cursor{Sort: "canonical", Key: longest + "/" + longest + ":" + strings.Repeat("t", 128), ID: string(domain.NewID[domain.ImageID]())}
	got, err := domain.ParseCursor(c.String(), "canonical", false)
	require.NoError(t, err)
	require.Equal(t, c, got)
}

func TestACursorThatIsNotOneIsRefused(t *testing.T) {
	t.Parallel()
	encode := base64.RawURLEncoding.EncodeToString
	for _, s := range []string{
		"", "abc", encode([]byte(`{}`)), encode([]byte(`{"s":"a","k":"b"}`)), encode([]byte(`[]`)), encode([]byte(`{"s":1,"i":"x"}`)),
		encode([]byte(`{"s":"a","i":"x"}`)) + "=", encode([]byte(`{"s":"b","i":"x"}`)), encode([]byte(`{"s":"a","k":"\u0000","i":"x"}`)),
	} {
		c, err := domain.ParseCursor(s, "a", false)
		requireInvalid(t, err, "cursor_invalid")
		require.Equal(t, "after", domain.OnOf(err))
		require.Zero(t, c)
	}
}

func TestCursorTimesKeepMicrosecondsAndOrder(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 12, 0, 0, 123456789, time.FixedZone("KST", 9*3600))
	require.Equal(t, "2026-01-31T03:00:00.123456Z", domain.CursorTime(at))
	got, err := domain.ParseCursorTime(domain.CursorTime(at))
	require.NoError(t, err)
	require.True(t, got.Equal(at.Truncate(time.Microsecond)))
	require.Less(t, domain.CursorTime(at), domain.CursorTime(at.Add(time.Microsecond)))
	for _, s := range []string{"", "2026-01-31", "2026-01-31T03:00:00Z", "2026-01-31T03:00:00.123456+09:00"} {
		_, err := domain.ParseCursorTime(s)
		requireInvalid(t, err, "cursor_invalid")
	}
}

func TestPageInfoSaysNothingAboutWhatWasNotAsked(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(domain.PageInfo{})
	require.NoError(t, err)
	require.JSONEq(t, `{}`, string(b))
	none := 0
	b, err = json.Marshal(domain.PageInfo{Total: &none})
	require.NoError(t, err)
	require.JSONEq(t, `{"total":0}`, string(b))
}

func FuzzParseCursor(f *testing.F) {
	for _, c := range []domain.Cursor{{Sort: "name", Key: "a", ID: "1"}, {Sort: "", Desc: true, ID: "x"}, {Sort: "at", Key: domain.CursorTime(time.Unix(0, 0)), ID: "2"}} {
		f.Add(c.String(), c.Sort, c.Desc)
	}
	f.Add("e30", "", false)
	f.Add("!", "name", true)
	f.Fuzz(func(t *testing.T, text, sort string, desc bool) {
		c, err := domain.ParseCursor(text, sort, desc)
		if err != nil {
			requireInvalid(t, err, "cursor_invalid")
			require.Zero(t, c)
			return
		}
		require.Equal(t, sort, c.Sort)
		require.Equal(t, desc, c.Desc)
		require.NotEmpty(t, c.ID)
		if again := c.String(); len(again) <= 4096 {
			same, err := domain.ParseCursor(again, sort, desc)
			require.NoError(t, err)
			require.Equal(t, c, same)
		}
		_, _ = domain.ParseCursorTime(c.Key)
	})
}
