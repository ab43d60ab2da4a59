package domain

import (
	"slices"
	"strings"
)

// The limits of one target expression.
const (
	MaxTargetText  = 4096 // bytes, also of the canonical form
	MaxTargetTerms = 256
)

// Targets is a set of agents, told by an expression: see [ParseTargets]. It
// does not change. The zero value is the empty set.
type Targets struct {
	terms     []targetTerm
	positive  bool // one of the terms is not negated
	canonical string
}

// ParseTargets reads an expression that names a set of agents:
//
//	expression = term { "," term }
//	term       = [ "!" ] ( text                         agents by id
//	                     | "scaling-group:" text        by scaling group
//	                     | "arch:" text                 by architecture, without wildcards
//	                     | "label:" key [ "=" text ]    by label, any value without "="
//	                     | "status:" ( "online" | "offline" ) )
//	text       = { character | wildcard | quoted }
//	wildcard   = "*" | "?" | "[" [ "^" | "!" ] { character | character "-" character } "]"
//	quoted     = '"' { any printable character; \" and \\ for " and \ } '"'
//
// The set is everything that a term without "!" matches, less everything that a
// term with "!" matches, in whatever order they come. With "!" terms only, it is
// every agent less those.
//
//	node-1,node-2                      these two
//	*                                  every agent
//	gpu-*,!gpu-[0-3]                   all whose id begins with gpu-, but gpu-0 to gpu-3
//	scaling-group:train-*,!status:offline
//	!arch:amd64                        every agent that is not x86_64
//	label:zone=eu-?,!label:drain       labelled zone eu-1, eu-a and so on, without a label drain
//	label:note="a, b"*                 whose note begins with "a, b"
//
// In a text, * stands for any characters or none, ? for one, and [...] for one of
// those listed, or after ^ or ! for one that is not. A "-" that is first or last in
// the brackets means itself; [ ] , " and \ cannot stand there.
//
// What is quoted means itself. Of a text, these have to be quoted: the characters
// , * ? [ ] " and \, white space at its ends, and a = that a value begins with; ""
// is the empty value. White space around a term and around its parts is ignored.
// Upper and lower case differ.
//
// Ids and scaling groups are texts, and so are the values of labels, never their
// keys. An id without wildcards is one agent, which the caller looks for (see
// [Targets.IDs]); everything else may match nobody. An architecture is read like
// [NormalizeArchitecture], so that amd64 is x86_64 and arm is arm/v7; it has to be
// one that Linux runs on, and its variant counts.
//
// Errors: invalid with reason target_invalid, on target_agents, for everything
// that is not such an expression or is longer than [MaxTargetText] and
// [MaxTargetTerms]. The message names the term, its column (in characters, from
// 1), and what to write instead.
func ParseTargets(expr string) (Targets, error) {
	if len(expr) > MaxTargetText {
		return Targets{}, badTarget("the expression has %d bytes, at most %d are allowed; %s", len(expr), MaxTargetText, shorterTargets)
	}
	if strings.TrimSpace(expr) == "" {
		return Targets{}, badTarget(`the expression is empty; write agent ids, "*" for all agents, %s, separated by commas`, targetForms)
	}
	var t Targets
	var written []string
	p := targetParser{text: []rune(expr)}
	for p.next() {
		if p.number > MaxTargetTerms {
			return Targets{}, badTarget("the expression has more than %d terms; %s", MaxTargetTerms, shorterTargets)
		}
		term, err := p.term()
		if err != nil {
			return Targets{}, err
		}
		s := term.String()
		if slices.Contains(written, s) {
			continue
		}
		t.terms, written = append(t.terms, term), append(written, s)
		t.positive = t.positive || !term.negated
	}
	// Architectures may have longer names than were written.
	if t.canonical = strings.Join(written, ","); len(t.canonical) > MaxTargetText {
		return Targets{}, badTarget("in its canonical form the expression has %d bytes, at most %d are allowed; %s", len(t.canonical), MaxTargetText, shorterTargets)
	}
	return t, nil
}

const (
	targetForms    = "scaling-group:NAME, arch:NAME, label:KEY=VALUE or status:online"
	shorterTargets = "name more agents at once by *, a scaling group or a label, or call in parts"
)

func badTarget(format string, args ...any) *Error {
	return Invalid("target_invalid", "target_agents", format, args...)
}

// Match reports whether the agent, as [Agent.Check] leaves it, is one of the set.
// It neither blocks nor allocates.
func (t Targets) Match(a Agent) bool {
	found := !t.positive && len(t.terms) > 0
	for i := range t.terms {
		term := &t.terms[i]
		if found && !term.negated || !term.matches(&a) {
			continue
		}
		if term.negated {
			return false
		}
		found = true
	}
	return found
}

// IDs returns the agents that the expression names by their whole id and not
// after a "!", each once, in the order given; nil for none. Each of them is meant
// to exist, and is of the set unless a "!" term matches it.
func (t Targets) IDs() []AgentID {
	var ids []AgentID
	for _, term := range t.terms {
		if term.isID() {
			ids = append(ids, AgentID(term.pattern.text))
		}
	}
	return ids
}

// OnlyIDs reports whether no agent but those of [Targets.IDs] can be of the set:
// to find it, it is enough to look at these.
func (t Targets) OnlyIDs() bool {
	for _, term := range t.terms {
		if !term.negated && !term.isID() {
			return false
		}
	}
	return t.positive || len(t.terms) == 0
}

// String returns the canonical form: the terms once each, in the order given,
// with no white space and no quotes beyond those needed. It reads back as the
// same set and the same text; "" for the zero value.
func (t Targets) String() string { return t.canonical }
