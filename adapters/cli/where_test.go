package cli_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/domain"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestParseWhere(t *testing.T) {
	is := domain.Where
	for text, want := range map[string]domain.Filter{
		"":                                     {},
		"  ":                                   {},
		"name=python":                          is("name", domain.Eq, "python"),
		"name != python":                       is("name", domain.Ne, "python"),
		"name~py":                              is("name", domain.Contains, "py"),
		"name ^= lab/":                         is("name", domain.Prefix, "lab/"),
		"name$=-gpu":                           is("name", domain.Suffix, "-gpu"),
		"size_bytes>2g":                        is("size_bytes", domain.Gt, "2147483648"),
		"size_bytes <= 10":                     is("size_bytes", domain.Le, "10"),
		"last_used_at<30d":                     is("last_used_at", domain.Lt, "2026-01-30T12:00:00Z"),
		"created_at>=2026-01-31":               is("created_at", domain.Ge, "2026-01-31T00:00:00Z"),
		"alias has py":                         is("alias", domain.Eq, "py"),
		`alias has"p y"`:                       is("alias", domain.Eq, "p y"),
		"label.maintainer exists":              is("label.maintainer", domain.Exists),
		"tag in (3.11, '3,12' ,\"3.13\")":      is("tag", domain.In, "3.11", "3,12", "3.13"),
		"label.ai.backend.role=COMPUTE":        is("label.ai.backend.role", domain.Eq, "COMPUTE"),
		`"label.strange key (x)" = 'a "b" \n'`: is("label.strange key (x)", domain.Eq, `a "b" \n`),
		`name="a\tb\u00e9"`:                    is("name", domain.Eq, "a\tbé"),
		"label.accel=cuda,rocm":                is("label.accel", domain.Eq, "cuda,rocm"),
		"name=a==b":                            is("name", domain.Eq, "a==b"),
		"name = 'and'":                         is("name", domain.Eq, "and"),
		"not name=x":                           domain.NotOf(is("name", domain.Eq, "x")),
		"NOT not(name=x)":                      domain.NotOf(domain.NotOf(is("name", domain.Eq, "x"))),
		"name=a and tag=b AND tag=c":           domain.AllOf(is("name", domain.Eq, "a"), is("tag", domain.Eq, "b"), is("tag", domain.Eq, "c")),
		"name=a or name=b and tag=c": domain.AnyOf(is("name", domain.Eq, "a"),
			domain.AllOf(is("name", domain.Eq, "b"), is("tag", domain.Eq, "c"))),
		"name~py and (status=alive or not label.ai.backend.role=COMPUTE)": domain.AllOf(is("name", domain.Contains, "py"),
			domain.AnyOf(is("status", domain.Eq, "alive"), domain.NotOf(is("label.ai.backend.role", domain.Eq, "COMPUTE")))),
	} {
		got, err := cli.ParseWhere(text, domain.ImageFields, noon)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		require.NoError(t, got.Check(domain.ImageFields), text)
	}
}

func TestWhereErrorsPoint(t *testing.T) {
	for text, want := range map[string]string{
		"name":                                `character 5: an operator is due after "name" (= != ~ ^= $= < <= > >= in has exists), not the end`,
		"name ? x":                            `character 6: an operator is due`,
		"name=":                               "character 6: a value is due, not the end",
		"name= and tag=x":                     `character 7: a value is due; quote "and" to mean the word`,
		"=x":                                  `character 1: a field is due, not "=x"`,
		"nme=x":                               `character 1: cannot filter by "nme"; fields are: accelerator,`,
		"name=x and (tag=y":                   "character 18: and, or, or a ) is due, not the end",
		"name=x tag=y":                        `character 8: and, or, or the end is due, not "tag=y"`,
		"name=x)":                             `character 7: and, or, or the end is due, not ")"`,
		"name=x or":                           "character 10: a field is due, not the end",
		"name='x":                             "character 6: the quote is not closed",
		`name="x`:                             "character 6: the quoted text does not end",
		`name="\q"`:                           "character 6: the quoted text does not end, or holds an unknown escape",
		"tag in 3":                            `character 8: a ( is due after in, not "3"`,
		"tag in (3":                           "character 10: a comma or a ) is due, not the end",
		"tag in ()":                           `character 9: a value is due, not ")"`,
		"tag in (a,)":                         `character 11: a value is due, not ")"`,
		"ä=1":                                 `character 1: cannot filter by "ä"`,
		"name='ä' and nme=x":                  `character 14: cannot filter by "nme"`,
		"status=gone":                         `character 1: status is one of alive, forgotten, missing, not "gone"`,
		"name=a and size_bytes~1":             `character 12: size_bytes cannot be compared by "contains"`,
		"size_bytes>huge":                     `character 1: size_bytes is a number, not "huge"`,
		"created_at<soon":                     `character 1: created_at is a time such as`,
		"created_at<'2 d ago'":                `character 1: created_at is a time such as`,
		strings.Repeat("(", 60):               "character 51: nested more than 50 deep",
		strings.Repeat("not ", 60) + "name=x": "character 201: nested more than 50 deep",
	} {
		_, err := cli.ParseWhere(text, domain.ImageFields, noon)
		require.ErrorIs(t, err, domain.ErrInvalid, text)
		require.Equal(t, "where_invalid", domain.ReasonOf(err), text)
		require.Contains(t, domain.MessageOf(err), want, text)
	}
}

// filters draws filters that have a text: no part of and and or alone, none
// that is empty.
func filters(depth int) *rapid.Generator[domain.Filter] {
	return rapid.Custom(func(t *rapid.T) domain.Filter {
		if depth > 0 && rapid.IntRange(0, 2).Draw(t, "node") == 0 {
			parts := rapid.SliceOfN(filters(depth-1), 2, 4).Draw(t, "parts")
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				return domain.AllOf(parts...)
			case 1:
				return domain.AnyOf(parts...)
			}
			return domain.NotOf(parts[0])
		}
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z=<>!~,()"' ]{0,6}`), rapid.SampledFrom([]string{"and", "Or", "NOT", "in", "has", "exists", "=", "\xff", "a\x00b"}))
		field := rapid.OneOf(rapid.StringMatching(`[a-z_]{1,8}(\.[A-Za-z0-9./-]{1,8})?`), text).Draw(t, "field")
		op := rapid.SampledFrom([]domain.Op{domain.Eq, domain.Ne, domain.In, domain.Lt, domain.Le, domain.Gt, domain.Ge, domain.Contains, domain.Prefix, domain.Suffix, domain.Exists}).Draw(t, "op")
		if op == domain.Exists {
			return domain.Where(field, op)
		}
		return domain.Where(field, op, rapid.SliceOfN(text, 1, 3).Draw(t, "values")...)
	})
}

func TestWhereRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := filters(3).Draw(t, "filter")
		text := cli.FormatWhere(f)
		back, err := cli.ParseWhere(text, nil, noon)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if again := cli.FormatWhere(back); again != text {
			t.Fatalf("%q became %q", text, again)
		}
		require.Equal(t, f, back, text)
	})
}

func FuzzParseWhere(f *testing.F) {
	for _, s := range []string{"", "name~py and (status=alive or not label.a=b)", "tag in (a, 'b')", `name="\xff"`, "a=b or", "((((", "last_used_at<30d", "not not not"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, fields := range []domain.Fields{nil, domain.ImageFields} {
			got, err := cli.ParseWhere(s, fields, noon)
			if err != nil {
				require.ErrorIs(t, err, domain.ErrInvalid)
				continue
			}
			back, err := cli.ParseWhere(cli.FormatWhere(got), fields, noon)
			require.NoError(t, err, "%q as %q", s, cli.FormatWhere(got))
			require.Equal(t, got, back)
		}
	})
}

func TestFormatOfWhatHasNoText(t *testing.T) {
	x := domain.Where("name", domain.Eq, "x")
	require.Equal(t, "name=x", cli.FormatWhere(domain.AllOf(x)))
	require.Equal(t, "not name=x", cli.FormatWhere(domain.NotOf(domain.AnyOf(x))))
	require.Empty(t, cli.FormatWhere(domain.Filter{}))
}
