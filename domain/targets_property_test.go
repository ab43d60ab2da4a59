package domain_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wharf-project/wharf/domain"
)

// target is a term as the oracle knows it: its text, and what it holds for.
type target struct {
	text    string
	id      domain.AgentID // "" if it is not one agent that is meant to exist
	negated bool
	holds   func(domain.Agent) bool
}

// The oracle of a set of agents, word by word.
func holdsFor(terms []target, a domain.Agent) bool {
	included := !slices.ContainsFunc(terms, func(t target) bool { return !t.negated })
	for _, t := range terms {
		included = included || !t.negated && t.holds(a)
	}
	for _, t := range terms {
		included = included && (!t.negated || !t.holds(a))
	}
	return included
}

var drawSpace = rapid.SampledFrom([]string{"", "", "", " ", "\t", "\n  "})

// drawPattern draws a pattern over an alphabet as text and as an expression of
// the standard library; literal tells one without wildcards. First begins it.
func drawPattern(t *rapid.T, first, alphabet []string) (text, expression string, literal bool) {
	literal = true
	var b, e strings.Builder
	quoted := false
	quote := func(on bool) {
		if quoted != on {
			b.WriteByte('"')
		}
		quoted = on
	}
	n := rapid.IntRange(1, 6).Draw(t, "length")
	for i := range n {
		letters := alphabet
		if i == 0 {
			letters = first
		}
		c := rapid.SampledFrom(letters).Draw(t, "character")
		switch wild := rapid.IntRange(0, 9).Draw(t, "wild"); wild {
		case 0:
			quote(false)
			b.WriteByte('*')
			e.WriteString(".*")
		case 1:
			quote(false)
			b.WriteByte('?')
			e.WriteString(".")
		case 2, 3:
			quote(false)
			not := rapid.SampledFrom([]string{"", "^", "!"}).Draw(t, "not")
			b.WriteString("[" + not + "a-c0]")
			e.WriteString(map[string]string{"": "[a-c0]", "^": "[^a-c0]", "!": "[^a-c0]"}[not])
		default:
			special := strings.ContainsAny(c, `,"\*?[]=`) || strings.TrimSpace(c) == "" // at an end it has to be quoted
			quote(special || rapid.Bool().Draw(t, "quoted"))
			if c == `"` || c == `\` {
				b.WriteByte('\\')
			}
			b.WriteString(c)
			e.WriteString(regexp.QuoteMeta(c))
			continue
		}
		literal = false
	}
	quote(false)
	return b.String(), "(?s)^(?:" + e.String() + ")$", literal
}

var (
	idFirst   = []string{"a", "b", "A", "0"}
	idLetters = append([]string{"-", ".", "_"}, idFirst...)
	groups    = append([]string{"가", ":", "=", ",", `"`, `\`, "*", "[", "]", "!"}, idFirst...)
	values    = append([]string{" ", "/"}, groups...)
	keys      = []string{"a", "a/b", "Z.z"}
	spellings = map[string]string{"amd64": "x86_64", "x86_64": "x86_64", "linux/arm64": "aarch64", "aarch64": "aarch64", "arm": "arm/v7", "arm/v6": "arm/v6"}
)

var drawTarget = rapid.Custom(func(t *rapid.T) (d target) {
	space := func() string { return drawSpace.Draw(t, "space") }
	pattern := func(first, letters []string) (string, func(string) bool, bool) {
		text, expression, literal := drawPattern(t, first, letters)
		return text, regexp.MustCompile(expression).MatchString, literal
	}
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		text, match, _ := pattern(groups, groups)
		d.text = "scaling-group" + space() + ":" + space() + text
		d.holds = func(a domain.Agent) bool { return match(a.ScalingGroup) }
	case 1:
		name := rapid.SampledFrom(slices.Sorted(maps.Keys(spellings))).Draw(t, "architecture")
		d.text = "arch:" + space() + name
		d.holds = func(a domain.Agent) bool { return a.Architecture == spellings[name] }
	case 2:
		key := rapid.SampledFrom(keys).Draw(t, "key")
		d.text = "label:" + space() + key
		d.holds = func(a domain.Agent) bool { _, ok := a.Labels[key]; return ok }
	case 3:
		key := rapid.SampledFrom(keys).Draw(t, "key")
		text, match, _ := pattern(values, values)
		d.text = "label:" + key + space() + "=" + space() + text
		d.holds = func(a domain.Agent) bool { v, ok := a.Labels[key]; return ok && match(v) }
	case 4:
		status := rapid.SampledFrom([]domain.AgentStatus{domain.AgentOnline, domain.AgentOffline}).Draw(t, "status")
		d.text = "status:" + space() + string(status)
		d.holds = func(a domain.Agent) bool { return a.Status == status }
	default:
		text, match, literal := pattern(idFirst, idLetters)
		d.text = text
		d.holds = func(a domain.Agent) bool { return match(string(a.ID)) }
		if literal {
			d.id = domain.AgentID(strings.ReplaceAll(text, `"`, ""))
		}
	}
	if d.negated = rapid.IntRange(0, 2).Draw(t, "negated") == 0; d.negated {
		d.text = "!" + space() + d.text
	}
	d.text = space() + d.text + space()
	return d
})

var drawTargetAgent = rapid.Custom(func(t *rapid.T) domain.Agent {
	text := func(first, letters []string, least int) string {
		s := ""
		if least > 0 {
			s = rapid.SampledFrom(first).Draw(t, "first")
		}
		return s + strings.Join(rapid.SliceOfN(rapid.SampledFrom(letters), 0, 4).Draw(t, "letters"), "")
	}
	a := domain.Agent{
		ID: domain.AgentID(text(idFirst, idLetters, 1)), Kind: domain.AgentDocker, Address: "x", ScalingGroup: text(groups, groups, 1),
		Architecture: rapid.SampledFrom(slices.Sorted(maps.Keys(spellings))).Draw(t, "architecture"),
		Status:       rapid.SampledFrom([]domain.AgentStatus{domain.AgentOnline, domain.AgentOffline}).Draw(t, "status"), Labels: map[string]string{},
	}
	for _, key := range keys {
		if rapid.Bool().Draw(t, "labelled") {
			a.Labels[key] = text(values, values, 0)
		}
	}
	require.NoError(t, a.Check())
	return a
})

func TestTargetsMatchLikeTheOracle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		terms := rapid.SliceOfN(drawTarget, 1, 5).Draw(t, "terms")
		texts := make([]string, len(terms))
		var ids []domain.AgentID
		only, positive := true, false
		for i, term := range terms {
			texts[i] = term.text
			if term.negated {
				continue
			}
			positive = true
			if only = only && term.id != ""; term.id != "" && !slices.Contains(ids, term.id) {
				ids = append(ids, term.id)
			}
		}
		expr := strings.Join(texts, ",")
		got, err := domain.ParseTargets(expr)
		require.NoError(t, err, "%q", expr)
		require.Equal(t, ids, got.IDs(), "%q", expr)
		require.Equal(t, only && positive, got.OnlyIDs(), "%q", expr)

		again, err := domain.ParseTargets(got.String())
		require.NoError(t, err, "%q of %q", got, expr)
		require.Equal(t, got.String(), again.String(), "%q", expr)
		require.Equal(t, got.IDs(), again.IDs(), "%q", expr)
		slices.Reverse(texts)
		reversed, err := domain.ParseTargets(strings.Join(texts, ","))
		require.NoError(t, err)

		for _, a := range rapid.SliceOfN(drawTargetAgent, 1, 10).Draw(t, "agents") {
			want := holdsFor(terms, a)
			for _, set := range []domain.Targets{got, again, reversed} {
				require.Equal(t, want, set.Match(a), "%q as %q: %+v", expr, set, a)
			}
			if want && got.OnlyIDs() {
				require.Contains(t, got.IDs(), a.ID)
			}
		}
	})
}
