package oci

import "strings"

// challenge is one offer of a WWW-Authenticate header (RFC 9110, 11.6.1).
type challenge struct {
	scheme string // lowercase
	params map[string]string
}

// parseChallenges reads all values of the header; what it cannot read it skips.
func parseChallenges(values []string) []challenge {
	var all []challenge
	for _, v := range values {
		for rest := v; ; {
			rest = strings.TrimLeft(rest, " \t,")
			word, after := cutToken(rest)
			if word == "" {
				break
			}
			after = strings.TrimLeft(after, " \t")
			if !strings.HasPrefix(after, "=") || len(all) == 0 {
				all = append(all, challenge{scheme: strings.ToLower(word), params: map[string]string{}})
				rest = after
				continue
			}
			var value string
			value, rest = cutValue(strings.TrimLeft(after[1:], " \t"))
			all[len(all)-1].params[strings.ToLower(word)] = value
		}
	}
	return all
}

// cutToken splits off a leading token.
func cutToken(s string) (token, rest string) {
	end := strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) })
	if end < 0 {
		return s, ""
	}
	return s[:end], s[end:]
}

// cutValue splits off a quoted string or all up to the next comma or space.
func cutValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		if end := strings.IndexAny(s, ", \t"); end >= 0 {
			return s[:end], s[end:]
		}
		return s, ""
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}
