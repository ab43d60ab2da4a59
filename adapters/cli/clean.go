package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// clean makes foreign text (tags, labels, messages, names) harmless on a
// terminal: what does not show as itself is shown escaped. That covers control
// and escape sequences, C1, line and paragraph separators, bidirectional
// overrides, zero-width characters and bytes that are no UTF-8.
func clean(s string) string {
	bad := func(r rune) bool { return r == utf8.RuneError || !shows(r) }
	if strings.IndexFunc(s, bad) < 0 {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if shows(r) && (r != utf8.RuneError || size > 1) {
			b.WriteString(s[:size])
		} else {
			q := strconv.QuoteToASCII(s[:size])
			b.WriteString(q[1 : len(q)-1])
		}
		s = s[size:]
	}
	return b.String()
}

// shows reports whether a reader sees r as a character of its own.
func shows(r rune) bool {
	switch {
	case r == 0x034f, // combining grapheme joiner
		r == 0x115f, r == 0x1160, r == 0x3164, r == 0xffa0, // Hangul fillers: letters without a shape
		r == 0x17b4, r == 0x17b5, // Khmer inherent vowels, likewise
		0x180b <= r && r <= 0x180f, 0xfe00 <= r && r <= 0xfe0f, 0xe0100 <= r && r <= 0xe01ef: // variation selectors
		return false
	}
	return unicode.IsPrint(r)
}

// marshal is JSON with a newline at its end. Text in it is escaped further than
// JSON asks for, so that it can be shown on a terminal too.
func marshal(v any, indent bool) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if indent {
		e.SetIndent("", "  ")
	}
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	hidden := func(r rune) bool { return r != '\n' && !shows(r) }
	if bytes.IndexFunc(b.Bytes(), hidden) < 0 {
		return b.Bytes(), nil
	}
	// Outside of strings JSON has no such character, so this keeps its meaning.
	var safe bytes.Buffer
	for _, r := range b.String() {
		switch {
		case !hidden(r):
			safe.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&safe, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&safe, `\u%04x`, r)
		}
	}
	return safe.Bytes(), nil
}
