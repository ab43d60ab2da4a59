package domain

import "strings"

// TagMode says what becomes of the tag in a name. The zero value is TagDefault.
type TagMode string

// What a missing tag means, and whether one may be there.
const (
	TagDefault   TagMode = "default"   // a missing tag is latest
	TagOptional  TagMode = "optional"  // a missing tag stays missing
	TagForbidden TagMode = "forbidden" // a tag is an error
)

// maxTag is how long a tag can be.
const maxTag = 128

// maxNameText is the longest text that is looked at: every character of a name
// may be percent-encoded.
const maxNameText = 3 * maxReferenceText

const ambiguousText = uriScheme + defaultTag

// ParseLocal reads the name of an image in an engine: [host[:port]/]path[:tag]; a
// missing tag is latest. Errors: invalid, reason empty_image_name, leading_dash,
// image_scheme_on_local, empty_name_or_tag, too_many_tags, no_image_name,
// name_invalid, tag_invalid or tag_too_long.
func (Clusters) ParseLocal(text string) (LocalImage, error) {
	if err := checkText(text); err != nil {
		return LocalImage{}, err
	}
	// The name "image" with the tag latest is a local one, and prints like this.
	if strings.HasPrefix(text, uriScheme) && text != ambiguousText {
		return LocalImage{}, Invalid("image_scheme_on_local", nameOr(text, "image"), "an image in an engine has no image: before its name: %s", Quote(text))
	}
	host, name, tag, err := readName(text, TagDefault)
	if err != nil {
		return LocalImage{}, err
	}
	return LocalImage{Name: JoinPath(host, name), Tag: tag}, nil
}

// ParsePlatform reads the name of an image of a cluster:
//
//	image:name[:tag]                           current cluster, its organization and project
//	image:/project/name[:tag]                  current cluster and its organization
//	image://cluster/[org/]project/name[:tag]
//	registry/[org/]project/name[:tag]          of a cluster's registry
//
// Two and more slashes before a path are one. The organization is that of the
// cluster, whether it is written or not: another word in its place is a project.
// Errors: invalid, with a reason of each fault: what [Clusters.ParseLocal] has
// but for image_scheme_on_local, and image_scheme_required,
// ambiguous_image_latest, tag_not_allowed, fragment_not_allowed,
// query_not_allowed, user_not_allowed, password_not_allowed, port_not_allowed,
// uri_bad_port, need_project, cluster_unknown.
func (c Clusters) ParsePlatform(text string, mode TagMode) (RemoteImage, error) {
	if err := checkText(text); err != nil {
		return RemoteImage{}, err
	}
	if text == ambiguousText {
		return RemoteImage{}, ambiguousImage(text)
	}
	if rest, ok := strings.CutPrefix(text, uriScheme); ok {
		u, err := readImageURI(rest)
		if err != nil {
			return RemoteImage{}, err
		}
		return c.platform(u, mode)
	}
	if cluster, path, ok := c.ownRegistry(text); ok {
		u, err := readImageURI("//" + cluster.Name + path)
		if err != nil {
			return RemoteImage{}, err
		}
		return c.platform(u, mode)
	}
	return RemoteImage{}, Invalid("image_scheme_required", nameOr(text, "image"),
		"neither image: nor the registry of a cluster begins %s", Quote(text))
}

// ParseRemote reads what [Clusters.ParsePlatform] reads, and anything else as an
// image of another registry: [host[:port]/]path[:tag].
func (c Clusters) ParseRemote(text string, mode TagMode) (RemoteImage, error) {
	_, _, own := c.ownRegistry(text)
	if own || strings.HasPrefix(text, uriScheme) {
		return c.ParsePlatform(text, mode)
	}
	if err := checkText(text); err != nil {
		return RemoteImage{}, err
	}
	host, name, tag, err := readName(text, mode)
	if err != nil {
		return RemoteImage{}, err
	}
	return NewExternalImage(name, host, tag)
}

// PushTarget is where a local image goes when nobody says it: to the current
// project, or if the registry of a cluster begins its name, where that name
// says. Errors: invalid, reason registry_foreign when another registry begins the
// name; else as [Clusters.ParsePlatform].
func (c Clusters) PushTarget(local LocalImage) (RemoteImage, error) {
	host, name := cutHost(local.Name)
	if host == "" {
		current, err := c.Get("")
		if err != nil {
			return RemoteImage{}, err
		}
		return current.image("", name, local.Tag)
	}
	cluster, path, ok := c.ownRegistry(local.Name)
	if !ok {
		return RemoteImage{}, Invalid("registry_foreign", nameOr(local.Name, "image"), "%s is in another registry, say where it goes", Quote(local.Name))
	}
	path = strings.TrimPrefix(path, "/")
	if rest, inside := cluster.within(path); inside {
		path = rest
	}
	project, name, several := strings.Cut(path, "/")
	if !several {
		project, name = "", path
	}
	return cluster.image(project, name, local.Tag)
}

// CatalogEntry is a repository as the catalog of a cluster's registry lists it;
// cluster "" is the current one. The organization of a cluster of that registry is
// recognised; a path without any is taken to be in the cluster's own. Errors: as
// [Clusters.ParsePlatform], of entries that are no images.
func (c Clusters) CatalogEntry(cluster, path string) (RemoteImage, error) {
	of, err := c.Get(cluster)
	if err != nil {
		return RemoteImage{}, err
	}
	if better, ok := c.holding(of.Registry, path); ok {
		if _, inside := better.within(path); inside && better.Org != "" {
			of = better
		}
	}
	return c.platform(imageURI{cluster: of.Name, path: "/" + path}, TagForbidden)
}

// RemoteOf is the image that a reference names, such that its Reference is the
// same again. Errors: invalid, reason digest_not_allowed; outside_cluster when it
// lies in a cluster's registry where no image: URI reaches; those of
// [RemoteImage.Check].
func (c Clusters) RemoteOf(ref Reference) (RemoteImage, error) {
	if ref.Digest != "" {
		return RemoteImage{}, Invalid("digest_not_allowed", excerpt(ref.Canonical()), "this kind of name has no digest: %s", Quote(ref.Canonical()))
	}
	cluster, ok := c.holding(ref.Registry, ref.Path)
	if !ok {
		return NewExternalImage(ref.Path, ref.Registry, ref.Tag)
	}
	path, inside := cluster.within(ref.Path)
	project, name, several := strings.Cut(path, "/")
	if !inside || !several {
		return RemoteImage{}, Invalid("outside_cluster", excerpt(ref.Canonical()),
			"%s is in the registry of cluster %s, but in no project of it", Quote(ref.Canonical()), Quote(cluster.Name))
	}
	return cluster.image(project, name, ref.Tag)
}

// platform makes an image of what a URI says.
func (c Clusters) platform(u imageURI, mode TagMode) (RemoteImage, error) {
	name, tag, err := splitTag(u.path, mode)
	if err != nil {
		return RemoteImage{}, err
	}
	cluster, err := c.Get(u.cluster)
	if err != nil {
		return RemoteImage{}, err
	}
	if !strings.HasPrefix(name, "/") {
		return cluster.image("", name, tag)
	}
	name = strings.TrimLeft(name, "/")
	if u.cluster != "" {
		if rest, inside := cluster.within(name); inside {
			name = rest
		}
	}
	project, name, _ := strings.Cut(name, "/")
	if name == "" {
		return RemoteImage{}, noImageName(u.path)
	}
	return cluster.image(project, name, tag)
}

// image names one in a project; "" is the cluster's.
func (c Cluster) image(project, name, tag string) (RemoteImage, error) {
	if project == "" && name != "" {
		if project = c.Project; project == "" {
			return RemoteImage{}, needProject(c)
		}
	}
	if name == "" {
		return RemoteImage{}, noImageName(name)
	}
	return NewPlatformImage(name, c.Registry, c.Name, c.Org, project, tag)
}

// ownRegistry finds the cluster whose registry begins text; path is the rest,
// from the slash on.
func (c Clusters) ownRegistry(text string) (cluster Cluster, path string, ok bool) {
	host, rest := cutHost(text)
	if host == "" {
		return Cluster{}, "", false
	}
	cluster, ok = c.holding(host, rest)
	return cluster, "/" + rest, ok
}

// readName reads [host[:port]/]path[:tag].
func readName(text string, mode TagMode) (host, name, tag string, err error) {
	host, rest := cutHost(text)
	if name, tag, err = splitTag(rest, mode); err != nil {
		return "", "", "", err
	}
	if err = checkName(name); err != nil {
		return "", "", "", err
	}
	if host == "" {
		if err = checkHostless(name); err != nil {
			return "", "", "", err
		}
	}
	if tag != "" {
		if err = checkTag(tag); err != nil {
			return "", "", "", err
		}
	}
	return host, name, tag, nil
}

// cutHost takes the registry off a name, as the command line of docker sees it;
// host is normalised, and "" when there is none.
func cutHost(name string) (host, rest string) {
	first, rest, several := strings.Cut(name, "/")
	if several && looksLikeHost(first) {
		if host, err := NormalizeRegistryHost(first); err == nil {
			return host, rest
		}
	}
	return "", name
}

// splitTag takes the tag off. A colon left of a slash is no tag's, and makes a
// name that nothing accepts.
func splitTag(s string, mode TagMode) (name, tag string, err error) {
	n := strings.Count(s, ":")
	switch {
	case s == "":
		return "", "", noImageName(s)
	case s[0] == ':', s[len(s)-1] == ':':
		return "", "", Invalid("empty_name_or_tag", nameOr(s, "image"), "name or tag is empty: %s", Quote(s))
	case n > 2, n == 2 && !strings.Contains(s, "/"):
		return "", "", Invalid("too_many_tags", nameOr(s, "image"), "there is one tag at most: %s", Quote(s))
	}
	name = s
	if i := strings.LastIndexByte(s, ':'); i >= 0 && (n == 2 || !strings.Contains(s[i:], "/")) {
		name, tag = s[:i], s[i+1:]
	}
	switch {
	case tag != "" && mode == TagForbidden:
		return "", "", Invalid("tag_not_allowed", nameOr(s, "image"), "a tag has no place here: %s", Quote(s))
	case tag == "" && mode != TagForbidden && mode != TagOptional:
		tag = defaultTag
	}
	return name, tag, nil
}

// checkText refuses what no name is.
func checkText(text string) error {
	switch {
	case text == "":
		return Invalid("empty_image_name", "image", "the name of the image is empty")
	case text[0] == '-':
		return Invalid("leading_dash", nameOr(text, "image"), "the name of an image does not begin with a dash: %s", Quote(text))
	case len(text) > maxNameText:
		return badName(text, "the name of the image is too long")
	}
	return nil
}

func ambiguousImage(text string) error {
	return Invalid("ambiguous_image_latest", nameOr(text, "image"),
		"%s is the image %q of docker.io, or the image %q of the current project: write docker.io/library/image, or image:latest:latest", Quote(text), imageWord, defaultTag)
}

func noImageName(text string) error {
	return Invalid("no_image_name", nameOr(text, "image"), "there is no name of an image in %s", Quote(text))
}

func needProject(c Cluster) error {
	return Invalid("need_project", c.Name, "cluster %s has no project of its own: write image:/project/name", Quote(c.Name))
}
