package oci

import (
	"net/url"
	"strings"
)

// nextLink returns the target of the first link with rel=next among the values
// of Link headers (RFC 8288), "" when there is none.
func nextLink(values []string) string {
	for _, v := range values {
		for {
			_, after, open := strings.Cut(v, "<")
			target, rest, closed := strings.Cut(after, ">")
			if !open || !closed {
				break
			}
			params, further := cutParams(rest)
			for p := range strings.SplitSeq(params, ";") {
				name, value, _ := strings.Cut(p, "=")
				rels := strings.Trim(strings.TrimSpace(value), `"`)
				if strings.EqualFold(strings.TrimSpace(name), "rel") && hasWord(rels, "next") {
					return strings.TrimSpace(target)
				}
			}
			v = further
		}
	}
	return ""
}

// cutParams splits at the first comma outside of quotes.
func cutParams(s string) (params, rest string) {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

func hasWord(s, word string) bool {
	for w := range strings.FieldsSeq(s) {
		if strings.EqualFold(w, word) {
			return true
		}
	}
	return false
}

// follow resolves a link against the page that carried it. Only the registry
// itself may be named, below the path of the API. The scheme does not count:
// registries behind a proxy often do not know theirs.
func (c *Client) follow(page *url.URL, link string) (*url.URL, bool) {
	u, err := page.Parse(link)
	if err != nil || u.User != nil || !strings.HasPrefix(u.Path, "/v2/") {
		return nil, false
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, false
	}
	if !strings.EqualFold(u.Host, c.base.Host) && hostPort(u) != hostPort(c.base) {
		return nil, false
	}
	return c.base.ResolveReference(&url.URL{Path: u.Path, RawQuery: u.RawQuery}), true
}
