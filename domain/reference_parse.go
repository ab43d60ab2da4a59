package domain

import (
	"cmp"
	"net/netip"
	"strings"
	"unicode"
)

// HostRule decides when the first segment of a reference is a registry host and
// not the first component of the path: the text alone does not tell.
type HostRule int

const (
	// HostDocker reads the first segment as a host when it contains '.' or ':',
	// is "localhost", or is a bracketed IPv6 address: the rule of docker's
	// command line, and the zero value.
	HostDocker HostRule = iota
	// HostKnown reads it as a host when it is one of Registries, or an IP address
	// (IPv6 in brackets) with an optional port. "example.org/lua" is then a path,
	// unless example.org is listed.
	HostKnown
	// HostAny reads the first of several segments as a host always. It is the
	// rule for canonical names.
	HostAny
)

// What the zero [ReferenceParser] assumes.
const (
	productRegistry = "docker.io"
	productProject  = "library"
	defaultTag      = "latest"
)

// maxReferenceText is what the longest legal reference takes: name, ":", tag,
// "@" and a sha512 digest. Longer input is refused before it is looked at.
const maxReferenceText = maxRepositoryName + 1 + 128 + 1 + len("sha512:") + 128

// ReferenceParser turns text into a [Reference]. The zero value reads what
// docker's command line reads: registry docker.io, project library.
type ReferenceParser struct {
	// DefaultRegistry is used when the text names no registry; "" is docker.io.
	DefaultRegistry string
	// DefaultProject is put before a one-component path on docker.io and its
	// subdomains, where such a path is short for it; "" is library. Other
	// registries have real one-component paths and are left alone.
	DefaultProject string
	// Registries are the hosts that HostKnown knows.
	Registries []string
	// Hosts says what counts as a host; the zero value is HostDocker.
	Hosts HostRule
	// Clusters are what image: URIs name. Without any, a text that begins with
	// "image:/" is still read as such a URI, as it can be nothing else, and
	// "image:3" is what docker makes of it.
	Clusters Clusters
}

// ParseReference parses s with the zero [ReferenceParser].
func ParseReference(s string) (Reference, error) { return ReferenceParser{}.Parse(s) }

// Parse reads [host[:port]/]path[:tag][@digest]. The tag becomes "latest" when
// there is neither tag nor digest. The host comes out normalised as by
// [NormalizeRegistryHost]; docker.io and index.docker.io stay two hosts.
//
// Path and tag follow the OCI distribution specification v1.1 ("Pulling
// manifests"), which also advises the limit of 255 characters for host, "/" and
// path together; the digest follows [ParseDigest]. URLs ("https://…"), a leading
// "//", white space and control characters are refused. Errors are invalid, with
// reason reference_invalid, tag_invalid or digest_invalid.
//
// An image: URI is read by [Clusters.ParsePlatform], with its errors, and names
// what it stands for in the registry of its cluster.
func (p ReferenceParser) Parse(s string) (Reference, error) {
	if p.isURI(s) {
		i, err := p.Clusters.ParsePlatform(s, TagDefault)
		if err != nil {
			return Reference{}, err
		}
		return i.Reference()
	}
	if why := refusedText(s); why != "" {
		return Reference{}, badReference(s, why)
	}
	var r Reference
	name, digest, pinned := strings.Cut(s, "@")
	if pinned {
		d, err := ParseDigest(digest)
		if err != nil {
			return Reference{}, err
		}
		r.Digest = d
	}
	// A colon left of the last slash belongs to the host's port.
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name, r.Tag = name[:i], name[i+1:]
		if err := ValidateTag(r.Tag); err != nil {
			return Reference{}, err
		}
	} else if !pinned {
		r.Tag = defaultTag
	}
	host, path := p.split(name)
	var err error
	if r.Registry, err = NormalizeRegistryHost(host); err != nil {
		return Reference{}, badReference(s, MessageOf(err))
	}
	if r.Path = path; onDockerHub(r.Registry) && path != "" && !strings.Contains(path, "/") {
		r.Path = JoinPath(cmp.Or(p.DefaultProject, productProject), path)
	}
	if err := ValidateRepositoryPath(r.Path); err != nil {
		return Reference{}, badReference(s, MessageOf(err))
	}
	if len(r.Repository()) > maxRepositoryName {
		return Reference{}, badReference(s, "registry and path together are longer than 255 characters")
	}
	return r, nil
}

// isURI reports whether s is an image: URI and no name of docker's.
func (p ReferenceParser) isURI(s string) bool {
	return strings.HasPrefix(s, uriScheme+"/") || len(p.Clusters.All) > 0 && strings.HasPrefix(s, uriScheme)
}

// split cuts name into host and path, the host being the default one when name
// has none.
func (p ReferenceParser) split(name string) (host, path string) {
	first, rest, several := strings.Cut(name, "/")
	if several && p.isHost(first) {
		return first, rest
	}
	return cmp.Or(p.DefaultRegistry, productRegistry), name
}

func (p ReferenceParser) isHost(segment string) bool {
	switch p.Hosts {
	case HostAny:
		return segment != ""
	case HostKnown:
		host, err := NormalizeRegistryHost(segment)
		if err != nil {
			return false
		}
		return isAddress(host) || p.knows(host)
	default:
		return looksLikeHost(segment)
	}
}

// looksLikeHost is the rule of docker's command line.
func looksLikeHost(segment string) bool {
	return strings.ContainsAny(segment, ".:") || strings.EqualFold(segment, "localhost")
}

func (p ReferenceParser) knows(host string) bool {
	for _, known := range p.Registries {
		if k, err := NormalizeRegistryHost(known); err == nil && k == host {
			return true
		}
	}
	return false
}

// isAddress tells an IP address from a host name; host is normalised.
func isAddress(host string) bool {
	if strings.HasPrefix(host, "[") {
		return true
	}
	name, _, _ := strings.Cut(host, ":")
	_, err := netip.ParseAddr(name)
	return err == nil
}

func onDockerHub(host string) bool {
	return host == "docker.io" || strings.HasSuffix(host, ".docker.io")
}

// refusedText says why s cannot be a reference whatever its grammar; "" if it may be.
func refusedText(s string) string {
	switch {
	case s == "":
		return "the reference is empty"
	case len(s) > maxReferenceText:
		return "the reference is too long"
	case strings.Contains(s, "://"), strings.HasPrefix(s, "//"):
		return "an image reference is not a URL; leave the scheme out"
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return "an image reference has no white space or control characters"
	}
	return ""
}

func badReference(s, why string) error {
	return Invalid("reference_invalid", nameOr(s, "reference"), "%s", why)
}
