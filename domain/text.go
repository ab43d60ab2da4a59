package domain

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

// printable reports whether s is valid UTF-8 of characters that print and are
// no white space: no controls, no marks that turn the direction of text, no
// characters without width.
func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) || r == ' ' || r == utf8.RuneError {
			return false
		}
	}
	return true
}

// Quote shows foreign text inside a message: quoted, escaped, cut at 128 bytes.
// Control and escape sequences cannot reach a terminal or a log through it.
func Quote(s string) string {
	const longest = 128
	if len(s) > longest {
		return strconv.QuoteToASCII(s[:longest]) + "…"
	}
	return strconv.Quote(s)
}
