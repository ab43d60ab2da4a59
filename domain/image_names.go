package domain

import (
	"cmp"
	"net/url"
	"strings"
)

// LocalImage names an image in an engine: app, lab/app, cr.example.org/lab/app.
type LocalImage struct {
	Name string `json:"name"`
	Tag  string `json:"tag,omitempty"` // "" stands for latest
}

// String is name[:tag]; [Clusters.ParseLocal] reads it back.
func (i LocalImage) String() string { return withTag(i.Name, i.Tag) }

// RemoteImage names an image in a registry. A platform image lies in the registry
// of a cluster and has registry, cluster and project, and an organization where
// the cluster has them. Any other is external and has none of these but
// perhaps the registry. Digests have no place in it; [Reference] has them.
type RemoteImage struct {
	Name        string `json:"name"`                   // below the project; of an external image the whole path
	Tag         string `json:"tag,omitempty"`          // "" stands for latest
	Registry    string `json:"registry,omitempty"`     // host[:port]; "" of an external image: docker.io
	ClusterName string `json:"cluster_name,omitempty"` // "" of an external image
	OrgName     string `json:"org_name,omitempty"`     // "" where there is no organization
	ProjectName string `json:"project_name,omitempty"` // "" of an external image
}

// NewPlatformImage names an image of a cluster; org and tag may be empty. Errors:
// those of [RemoteImage.Check].
func NewPlatformImage(name, registry, cluster, org, project, tag string) (RemoteImage, error) {
	i := RemoteImage{Name: name, Tag: tag, Registry: registry, ClusterName: cluster, OrgName: org, ProjectName: project}
	if !i.IsPlatform() {
		return RemoteImage{}, cmp.Or(i.Check(), error(Invalid("need_registry", nameOr(name, "image"), "a platform image has a registry, a cluster and a project")))
	}
	return checked(i)
}

// NewExternalImage names an image of any other registry; registry and tag may be
// empty. A host that begins name is the registry if none is given. Errors: those
// of [RemoteImage.Check].
func NewExternalImage(name, registry, tag string) (RemoteImage, error) {
	if registry == "" {
		registry, name = cutHost(name)
	}
	if host, err := NormalizeRegistryHost(registry); err == nil {
		registry = host
	}
	return checked(RemoteImage{Name: name, Tag: tag, Registry: registry})
}

func checked(i RemoteImage) (RemoteImage, error) {
	if err := i.Check(); err != nil {
		return RemoteImage{}, err
	}
	return i, nil
}

// IsPlatform reports whether the image lies in the registry of a cluster.
func (i RemoteImage) IsPlatform() bool {
	return i.Registry != "" && i.ClusterName != "" && i.ProjectName != ""
}

// Owner is who manages the image: its project, "" of an external one.
func (i RemoteImage) Owner() string { return i.ProjectName }

// WithTag returns the image with another tag and all else as it is. Errors:
// invalid, reason tag_invalid or tag_too_long.
func (i RemoteImage) WithTag(tag string) (RemoteImage, error) {
	if err := checkTag(tag); err != nil {
		return RemoteImage{}, err
	}
	i.Tag = tag
	return i, nil
}

// LocalName is what the image is called in an engine when nobody says it: name
// and tag, without registry, organization and project.
func (i RemoteImage) LocalName() LocalImage { return LocalImage{Name: i.Name, Tag: i.Tag} }

// AsDockerURL is the name by which engines know the image:
// registry/[org/]project/name[:tag], or name[:tag] without a registry. With a
// scheme https:// comes in front, unless there is no registry: then the
// text is no address.
func (i RemoteImage) AsDockerURL(withScheme bool) string {
	s := withTag(JoinPath(i.Registry, i.path()), i.Tag)
	if withScheme && i.Registry != "" {
		return "https://" + s
	}
	return s
}

// String is image://cluster/[org/]project/name[:tag], percent-encoded, of a
// platform image, and [RemoteImage.AsDockerURL] of an external one. What
// [Clusters.ParseRemote] gave, it reads back from it as the same value.
func (i RemoteImage) String() string {
	if !i.IsPlatform() {
		return i.AsDockerURL(false)
	}
	return uriScheme + "//" + i.ClusterName + escapedPath("/"+withTag(i.path(), i.Tag))
}

// Reference is the image as registries know it; a missing tag is latest. Errors:
// those of [RemoteImage.Check], and invalid, reason reference_invalid, of a
// name that is too long with its registry.
func (i RemoteImage) Reference() (Reference, error) {
	if err := i.Check(); err != nil {
		return Reference{}, err
	}
	return ParseReference(i.AsDockerURL(false))
}

func (i RemoteImage) path() string { return JoinPath(i.OrgName, JoinPath(i.ProjectName, i.Name)) }

// Check finds out whether the parts belong together and are well formed. Errors:
// invalid, reason need_cluster, need_project, need_registry, no_image_name,
// name_invalid, tag_invalid, tag_too_long, or ambiguous_image_latest for the
// external name "image" alone, which with a tag would read as an image: URI.
func (i RemoteImage) Check() error {
	need := func(what string) error {
		return Invalid("need_"+what, nameOr(i.Name, "image"), "an image with these parts needs a %s too", what)
	}
	switch {
	case i.Registry != "" && i.ProjectName != "" && i.ClusterName == "":
		return need("cluster")
	case i.Registry != "" && i.ClusterName != "" && i.ProjectName == "":
		return need("project")
	case i.Registry == "" && (i.ClusterName != "" || i.OrgName != "" || i.ProjectName != ""):
		return need("registry")
	case i.OrgName != "" && i.ProjectName == "":
		return need("project")
	case i.Registry == "" && i.Name == imageWord:
		return ambiguousImage(i.Name)
	}
	if err := checkName(i.Name); err != nil {
		return err
	}
	if i.Registry == "" {
		if err := checkHostless(i.Name); err != nil {
			return err
		}
	} else {
		host, err := NormalizeRegistryHost(i.Registry)
		if err != nil || host != i.Registry || !looksLikeHost(host) {
			return badName(i.Registry, "%s is no registry that engines know: a lowercase host with a dot or a port, or localhost", Quote(i.Registry))
		}
	}
	if i.IsPlatform() {
		if !clusterForm.MatchString(i.ClusterName) {
			return badName(i.ClusterName, "%s is not the name of a cluster", Quote(i.ClusterName))
		}
		for _, part := range []string{cmp.Or(i.OrgName, i.ProjectName), i.ProjectName} {
			if err := checkName(part); err != nil || strings.Contains(part, "/") {
				return badName(part, "%s is not the name of an organization or project", Quote(part))
			}
		}
	}
	if i.Tag != "" {
		if err := checkTag(i.Tag); err != nil {
			return err
		}
	}
	if len(JoinPath(i.Registry, i.path())) > maxRepositoryName {
		return badName(i.Name, "registry and path together are longer than %d characters", maxRepositoryName)
	}
	return nil
}

// checkName checks a path below a registry.
func checkName(name string) error {
	if name == "" || strings.HasSuffix(name, "/") {
		return Invalid("no_image_name", nameOr(name, "image"), "the name of the image is missing")
	}
	if err := ValidateRepositoryPath(name); err != nil {
		return badName(name, "%s", MessageOf(err))
	}
	return nil
}

// checkHostless checks that engines see no registry in front of a path.
func checkHostless(name string) error {
	if first, _, several := strings.Cut(name, "/"); several && looksLikeHost(first) {
		return badName(name, "%s is in the place of a registry, and the text of none", Quote(first))
	}
	return nil
}

func checkTag(tag string) error {
	if len(tag) > maxTag {
		return Invalid("tag_too_long", nameOr(tag, "tag"), "a tag has at most %d characters", maxTag)
	}
	return ValidateTag(tag)
}

func badName(name, format string, args ...any) error {
	return Invalid("name_invalid", nameOr(name, "image"), format, args...)
}

func withTag(name, tag string) string {
	if tag == "" {
		return name
	}
	return name + ":" + tag
}

func escapedPath(path string) string { return (&url.URL{Path: path}).EscapedPath() }
