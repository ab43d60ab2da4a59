package domain

import (
	"cmp"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Digest is a content identifier, "algorithm:encoded", as in the descriptors of
// the OCI image specification v1.1 ("Digests"). The zero value "" means none.
// A Digest that came from [ParseDigest] is well formed; a converted string is
// whatever the converter put in.
type Digest string

var digestForm = regexp.MustCompile(`^([a-z0-9]+(?:[+._-][a-z0-9]+)*):([a-zA-Z0-9=_-]+)$`)

// digestHexLength holds the registered algorithms and the length of their
// lowercase hexadecimal encoding.
var digestHexLength = map[string]int{"sha256": 64, "sha512": 128}

// ParseDigest checks s and returns it as a Digest, unchanged.
//
// Accepted are the algorithms that the specification registers: sha256 with 64
// and sha512 with 128 lowercase hexadecimal digits. Other algorithms are
// refused even when well formed, for nothing here could verify them. Every
// error is invalid with reason digest_invalid.
func ParseDigest(s string) (Digest, error) {
	m := digestForm.FindStringSubmatch(s)
	if m == nil {
		return "", Invalid("digest_invalid", nameOr(s, "digest"), "not a digest of the form algorithm:encoded")
	}
	want, known := digestHexLength[m[1]]
	if !known {
		return "", Invalid("digest_invalid", nameOr(s, "digest"), "digest algorithm %s is not supported; use sha256 or sha512", Quote(m[1]))
	}
	if len(m[2]) != want || strings.Trim(m[2], "0123456789abcdef") != "" {
		return "", Invalid("digest_invalid", nameOr(s, "digest"), "a %s digest has %d lowercase hexadecimal digits", m[1], want)
	}
	return Digest(s), nil
}

// String returns the digest as text; "" for none.
func (d Digest) String() string { return string(d) }

// Algorithm returns the part before the colon ("sha256"), "" when there is none.
func (d Digest) Algorithm() string {
	algorithm, _, found := strings.Cut(string(d), ":")
	if !found {
		return ""
	}
	return algorithm
}

// Hex returns the encoded part, after the colon; "" when there is none.
func (d Digest) Hex() string {
	_, encoded, _ := strings.Cut(string(d), ":")
	return encoded
}

// excerpt makes input that failed a check fit for the On of an error: like [Quote]
// but bare. Valid UTF-8, no control characters, bounded length.
func excerpt(s string) string {
	const most = 160
	cut := ""
	if len(s) > most {
		end := most
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		s, cut = s[:end], "…"
	}
	return strings.Map(func(r rune) rune {
		if r == ' ' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s) + cut
}

// nameOr is the excerpt of a text, or what it should have been when it is
// empty: an error names something in any case.
func nameOr(s, noun string) string { return cmp.Or(excerpt(s), noun) }
