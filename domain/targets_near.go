package domain

import (
	"strings"
	"unicode"
)

// nearPrefix says what an unknown prefix could have been meant to be; rest is
// what follows its colon.
func nearPrefix(written, rest string, negated bool) string {
	plain := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, written)
	var meant targetKind
	switch plain {
	case "scaling", "sgroup", "sg", "resourcegroup", "rg":
		meant = targetGroup
	case "architecture", "platform", "cpu":
		meant = targetArch
	case "tag", "tags":
		meant = targetLabel
	case "state":
		meant = targetStatus
	case "id", "agentid", "agent", "agents", "node", "name", "host":
		return "an agent id stands alone, without a prefix"
	default:
		meant = nearKind(plain)
	}
	if meant == targetID {
		return "a term is an agent id, " + targetForms
	}
	s := string(meant) + ":" + strings.TrimSpace(rest)
	if negated {
		s = "!" + s
	}
	return "did you mean " + Quote(s) + "?"
}

// nearKind finds the prefix that is misspelled as plain, targetID for none: two
// characters of five may be wrong.
func nearKind(plain string) targetKind {
	var meant targetKind
	least := 3
	for _, like := range []struct {
		name string
		kind targetKind
	}{{"scalinggroup", targetGroup}, {"group", targetGroup}, {"arch", targetArch}, {"label", targetLabel}, {"status", targetStatus}} {
		if d := editDistance(plain, like.name); d < least && 5*d <= 2*len(like.name) {
			meant, least = like.kind, d
		}
	}
	return meant
}

// editDistance counts the characters to put in, take out or replace that make b
// of a.
func editDistance(a, b string) int {
	to := []rune(b)
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range []rune(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j, s := range to {
			cost := diagonal
			if r != s {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(to)]
}

// nearID guesses what somebody meant by a character that no id has.
func nearID(r rune) string {
	switch {
	case unicode.IsSpace(r) || strings.ContainsRune(";|&+", r):
		return "; terms are separated by commas"
	case r == '=':
		return "; a label is written label:KEY=VALUE"
	case r == '!':
		return `; a "!" that excludes stands at the beginning of a term`
	case strings.ContainsRune("{}()", r):
		return "; for one of several characters write brackets: [12]"
	case r == '\'':
		return "; quotes are double quotes"
	}
	return ""
}

// nearKey guesses what somebody meant by a key that no label has.
func nearKey(key string) string {
	switch {
	case strings.HasSuffix(key, "!"):
		return `; to exclude, begin the term with "!": "!label:KEY=VALUE"`
	case strings.ContainsAny(key, ":~"):
		return `; a value follows "=": "label:KEY=VALUE"`
	}
	return ""
}
