package domain

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// Cluster says where the images of a cluster are: image://name/project/app lies
// in Registry as [org/]project/app.
type Cluster struct {
	Name string `json:"name"` // lowercase: hosts of URIs do not differ by case
	// Registry is host[:port], as [NormalizeRegistryHost] writes it.
	Registry string `json:"registry"`
	Org      string `json:"org,omitempty"`     // of every image; "": the cluster has no organizations
	Project  string `json:"project,omitempty"` // of image:name; "": the name has to say it
}

// Clusters are the clusters that image: URIs can name. The zero value has none.
type Clusters struct {
	// Current is the cluster of URIs that name none; "" is the first of All.
	Current string    `json:"current,omitempty"`
	All     []Cluster `json:"all,omitempty"`
}

var clusterForm = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9._-]{0,62})$`)

// ParseCluster reads NAME=REGISTRY, NAME=REGISTRY/PROJECT or
// NAME=REGISTRY/ORG/PROJECT, where the registry may have a scheme in front, which
// is dropped. Errors: invalid, reason cluster_invalid, registry_url_no_host or
// registry_host_invalid.
func ParseCluster(s string) (Cluster, error) {
	name, where, ok := strings.Cut(s, "=")
	if !ok {
		return Cluster{}, badCluster(s, "a cluster is NAME=REGISTRY[/ORG/PROJECT], not %s", Quote(s))
	}
	if strings.Contains(where, "://") {
		if _, err := RegistryAuthority(where); err != nil {
			return Cluster{}, err
		}
		_, where, _ = strings.Cut(where, "://")
	}
	parts := strings.Split(strings.TrimSuffix(where, "/"), "/")
	host, err := NormalizeRegistryHost(parts[0])
	if err != nil {
		return Cluster{}, err
	}
	if slices.Contains(parts, "") {
		return Cluster{}, badCluster(s, "an organization and a project have names: %s", Quote(s))
	}
	c := Cluster{Name: name, Registry: host}
	switch len(parts) {
	case 1:
	case 2:
		c.Project = parts[1]
	case 3:
		c.Org, c.Project = parts[1], parts[2]
	default:
		return Cluster{}, badCluster(s, "after the registry come an organization and a project, nothing else: %s", Quote(s))
	}
	if err := c.check(); err != nil {
		return Cluster{}, err
	}
	return c, nil
}

// RegistryAuthority returns the host[:port] of a registry's URL; its path is
// dropped. Errors: invalid, reason registry_url_no_host, or
// registry_host_invalid for a host that is none.
func RegistryAuthority(address string) (string, error) {
	scheme, rest, ok := strings.Cut(address, "://")
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	if !ok || scheme == "" || rest == "" {
		return "", Invalid("registry_url_no_host", nameOr(address, "registry"), "the URL of a registry is https://host[:port], not %s", Quote(address))
	}
	return NormalizeRegistryHost(rest)
}

// Check finds clusters that no URI could name or that could not be told apart:
// several may share a registry if their organizations differ. Errors: invalid,
// reason cluster_invalid or cluster_unknown (of Current).
func (c Clusters) Check() error {
	for i, one := range c.All {
		if err := one.check(); err != nil {
			return err
		}
		for _, other := range c.All[:i] {
			if other.Name == one.Name {
				return badCluster(one.Name, "there are two clusters %s", Quote(one.Name))
			}
			if other.Registry == one.Registry && other.Org == one.Org {
				return badCluster(one.Name, "the clusters %s and %s have the same registry and organization", Quote(other.Name), Quote(one.Name))
			}
		}
	}
	if c.Current != "" {
		_, err := c.Get(c.Current)
		return err
	}
	return nil
}

// Get returns a cluster by its name, in any case; "" is the current one. The error
// is invalid with reason cluster_unknown. It is not not_found: callers that
// remove things take that for done, and a missing setting removed nothing.
func (c Clusters) Get(name string) (Cluster, error) {
	name = cmp.Or(name, c.Current)
	if name == "" && len(c.All) > 0 {
		return c.All[0], nil
	}
	if isASCII(name) { // before any folding of case
		lower := strings.ToLower(name)
		if i := slices.IndexFunc(c.All, func(one Cluster) bool { return one.Name == lower }); i >= 0 {
			return c.All[i], nil
		}
	}
	if len(c.All) == 0 {
		return Cluster{}, Invalid("cluster_unknown", nameOr(name, "cluster"), "no cluster is configured, so image: URIs name nothing here")
	}
	return Cluster{}, Invalid("cluster_unknown", nameOr(name, "cluster"), "there is no cluster %s", Quote(name))
}

// holding finds the cluster of a path in a registry: the one whose organization
// begins the path, else the current one, else the first of that registry.
func (c Clusters) holding(registry, path string) (found Cluster, ok bool) {
	current, _ := c.Get("")
	for _, one := range c.All {
		if one.Registry != registry {
			continue
		}
		if _, inside := one.within(path); inside && one.Org != "" {
			return one, true
		}
		if !ok || one.Name == current.Name {
			found, ok = one, true
		}
	}
	return found, ok
}

// within takes the organization off a path.
func (c Cluster) within(path string) (rest string, inside bool) {
	if c.Org == "" {
		return path, true
	}
	if path == c.Org {
		return "", true
	}
	return strings.CutPrefix(path, c.Org+"/")
}

func (c Cluster) check() error {
	if !clusterForm.MatchString(c.Name) {
		return badCluster(c.Name, "the name of a cluster is 1 to 63 lowercase letters, digits, '.', '_' and '-', a letter or digit first: %s", Quote(c.Name))
	}
	host, err := NormalizeRegistryHost(c.Registry)
	if err != nil {
		return err
	}
	switch {
	case host != c.Registry:
		return badCluster(c.Name, "the registry of cluster %s is written %s", Quote(c.Name), host)
	case !looksLikeHost(host): // engines would take it for a project on docker.io
		return badCluster(c.Name, "engines do not take %s for a registry: it has neither a dot nor a port", Quote(host))
	case c.Org != "" && c.Project == "":
		return badCluster(c.Name, "cluster %s has an organization and no project", Quote(c.Name))
	}
	for _, part := range []string{c.Org, c.Project} {
		if part == "" {
			continue
		}
		if err := ValidateRepositoryPath(part); err != nil {
			return badCluster(c.Name, "%s", MessageOf(err))
		}
		if strings.Contains(part, "/") {
			return badCluster(c.Name, "an organization or project has no slash: %s", Quote(part))
		}
	}
	return nil
}

func badCluster(name, format string, args ...any) error {
	return Invalid("cluster_invalid", nameOr(name, "cluster"), format, args...)
}
