package domain

import "strconv"

// Quote shows foreign text inside a message: quoted, escaped, cut at 128 bytes.
// Control and escape sequences cannot reach a terminal or a log through it.
func Quote(s string) string {
	const longest = 128
	if len(s) > longest {
		return strconv.QuoteToASCII(s[:longest]) + "…"
	}
	return strconv.Quote(s)
}
