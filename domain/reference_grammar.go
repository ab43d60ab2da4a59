package domain

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// maxRepositoryName bounds registry host, "/" and path together. The OCI
// distribution specification names it as the limit that clients impose.
const maxRepositoryName = 255

var (
	tagForm  = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
	pathForm = regexp.MustCompile(`^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$`)
	// Labels of a host name, as in RFC 1123: letters, digits, inner hyphens, at most 63.
	hostNameForm = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$`)
)

// ValidateTag checks a tag against the OCI distribution specification v1.1: at
// most 128 letters, digits, '_', '.' and '-', not starting with '.' or '-'. A
// trailing '.' or '-' is legal there, and so it is here. The error is invalid
// with reason tag_invalid.
func ValidateTag(s string) error {
	if !tagForm.MatchString(s) {
		return Invalid("tag_invalid", nameOr(s, "tag"),
			"%s is not a tag: 1 to 128 letters, digits, '_', '.' or '-', not starting with '.' or '-'", Quote(s))
	}
	return nil
}

// ValidateRepositoryPath checks a repository path ("library/python") against the
// <name> grammar of the OCI distribution specification v1.1: components of
// lowercase letters and digits, joined inside by '.', '_', '__' or hyphens, and
// separated by '/'; at most 255 characters. The error is invalid with reason
// repository_invalid.
func ValidateRepositoryPath(s string) error {
	switch {
	case s == "":
		return Invalid("repository_invalid", "repository", "the repository path is empty")
	case len(s) > maxRepositoryName:
		return Invalid("repository_invalid", nameOr(s, "repository"), "the repository path is longer than %d characters", maxRepositoryName)
	case !pathForm.MatchString(s):
		return Invalid("repository_invalid", nameOr(s, "repository"),
			"%s is not a repository path: lowercase letters and digits, joined by '.', '_', '__' or '-', components separated by '/'", Quote(s))
	}
	return nil
}

// ValidateRegistryHost checks a registry host: a host name, an IPv4 address or an
// IPv6 address in brackets, with an optional port from 1 to 65535. The error is
// invalid with reason registry_host_invalid.
func ValidateRegistryHost(s string) error {
	_, err := NormalizeRegistryHost(s)
	return err
}

// NormalizeRegistryHost checks a registry host like [ValidateRegistryHost] and
// returns its one spelling: host names in lowercase (they do not differ by case,
// RFC 4343), IPv6 addresses in the form of RFC 5952. IPv6 zones are refused, for
// they mean something on one machine only; so are ports with leading zeros.
func NormalizeRegistryHost(s string) (string, error) {
	bad := func(why string) (string, error) {
		return "", Invalid("registry_host_invalid", nameOr(s, "registry"), "%s is not a registry host: %s", Quote(s), why)
	}
	if len(s) > maxRepositoryName {
		return bad("longer than 255 characters")
	}
	if !isASCII(s) { // before any folding of case: U+212A, the Kelvin sign, folds to 'k'
		return bad("only ASCII is allowed; write international names in their xn-- form")
	}
	var host, port string
	var hasPort bool
	if inner, bracketed := strings.CutPrefix(s, "["); bracketed {
		text, after, closed := strings.Cut(inner, "]")
		addr, err := netip.ParseAddr(text)
		if !closed || err != nil || !addr.Is6() || addr.Zone() != "" {
			return bad("the brackets do not hold an IPv6 address")
		}
		host = "[" + addr.String() + "]"
		if after != "" {
			if port, hasPort = strings.CutPrefix(after, ":"); !hasPort {
				return bad("only a port may follow the brackets")
			}
		}
	} else {
		host, port, hasPort = strings.Cut(strings.ToLower(s), ":")
		if !hostNameForm.MatchString(host) {
			return bad("neither a host name, nor an IPv4 address, nor an IPv6 address in brackets")
		}
	}
	if !hasPort {
		return host, nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
		return bad("the port is not a number from 1 to 65535")
	}
	return host + ":" + port, nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
