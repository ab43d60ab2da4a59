package domain

import (
	"net/url"
	"strings"
)

// What image: URIs begin with.
const (
	imageWord = "image"
	uriScheme = imageWord + ":"
)

// imageURI is what an image: URI says.
type imageURI struct {
	cluster string // "": it names none
	path    string // decoded; from "/" on it begins with a project, or an organization
}

// readImageURI reads what follows "image:".
func readImageURI(text string) (u imageURI, err error) {
	switch {
	case strings.Contains(text, "#"):
		return u, Invalid("fragment_not_allowed", "image", "an image URI has no #")
	case strings.Contains(text, "?"):
		return u, Invalid("query_not_allowed", "image", "an image URI has no ?")
	}
	path := text
	if after, ok := strings.CutPrefix(text, "//"); ok {
		i := strings.IndexByte(after+"/", '/')
		if u.cluster, err = readAuthority(after[:i]); err != nil {
			return imageURI{}, err
		}
		path = after[i:]
	}
	if u.path, err = url.PathUnescape(path); err != nil {
		return imageURI{}, badName(text, "%s has a %% that encodes nothing", Quote(text))
	}
	return u, nil
}

// readAuthority takes the name of a cluster and nothing beside it. Nothing of a
// password is repeated.
func readAuthority(s string) (cluster string, err error) {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		if user, _, secret := strings.Cut(s[:i], ":"); secret && user == "" {
			return "", Invalid("password_not_allowed", "image", "an image URI has no password")
		}
		return "", Invalid("user_not_allowed", "image", "an image URI has no user")
	}
	_, port, ok := strings.Cut(s, ":")
	switch {
	case !ok:
		return s, nil
	case port != "" && strings.Trim(port, "0123456789") == "":
		return "", Invalid("port_not_allowed", nameOr(s, "image"), "an image URI has no port: %s", Quote(s))
	}
	return "", Invalid("uri_bad_port", nameOr(s, "image"),
		"after // comes a cluster, and this is none: %s; image:%s is an image of the current project", Quote(s), excerpt(s))
}

// ResourceURI completes an image: URI that may name a project or a cluster as well
// as an image, for grants: image://cluster/[org/]project/name. The name is not
// checked beyond that. Errors: invalid, reason scheme_missing, scheme_not_allowed,
// tag_not_allowed, need_project, cluster_unknown, or what a URI must not have.
func (c Clusters) ResourceURI(text string) (string, error) {
	rest, ok := strings.CutPrefix(text, uriScheme)
	if !ok {
		if scheme, _, found := strings.Cut(text, ":"); found {
			return "", Invalid("scheme_not_allowed", nameOr(text, "image"), "the scheme is image:, not %s", Quote(scheme+":"))
		}
		return "", Invalid("scheme_missing", nameOr(text, "image"), "image: is missing before %s", Quote(text))
	}
	u, err := readImageURI(rest)
	if err != nil {
		return "", err
	}
	cluster, err := c.Get(u.cluster)
	if err != nil {
		return "", err
	}
	if strings.Contains(u.path, ":") {
		return "", Invalid("tag_not_allowed", nameOr(text, "image"), "a tag has no place here: %s", Quote(text))
	}
	path := u.path
	if u.cluster == "" {
		if !strings.HasPrefix(path, "/") {
			if cluster.Project == "" {
				return "", needProject(cluster)
			}
			path = cluster.Project + "/" + path
		}
		path = JoinPath(cluster.Org, strings.TrimLeft(path, "/"))
	}
	return uriScheme + "//" + cluster.Name + escapedPath("/"+strings.TrimLeft(path, "/")), nil
}

// Short is a whole image: URI as one writes it within the current cluster and
// organization: image:name in the current project, image:/project/name in
// others. What lies elsewhere, and what is no image: URI, stays whole.
func (c Clusters) Short(uri string) string {
	rest, ok := strings.CutPrefix(uri, uriScheme+"//")
	if !ok {
		return uri
	}
	u, err := readImageURI("//" + rest)
	if err != nil {
		return uri
	}
	whole := uriScheme + "//" + u.cluster + escapedPath(u.path)
	current, err := c.Get("")
	named, unknown := c.Get(u.cluster)
	if err != nil || unknown != nil || named.Name != current.Name || u.cluster == "" {
		return whole
	}
	path, inside := current.within(strings.TrimPrefix(u.path, "/"))
	if !inside {
		return whole
	}
	name, inside := strings.CutPrefix(path+"/", current.Project+"/")
	if !inside || current.Project == "" {
		return uriScheme + escapedPath("/"+path)
	}
	short := uriScheme + escapedPath(strings.TrimSuffix(name, "/"))
	if short == ambiguousText {
		return uriScheme + escapedPath("/"+path)
	}
	return short
}
