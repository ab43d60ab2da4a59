package domain_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

// imageRefCase is one row of testdata/imageref_cases.json: what Backend.AI does
// with an input, either asserted by its tests (origin upstream-test) or observed by
// running it (executed-probe).
type imageRefCase struct {
	ID     int    `json:"id"`
	Origin string `json:"origin"`
	Op     string `json:"op"`
	Input  struct {
		ImageStr     string  `json:"image_str"`
		Registry     *string `json:"registry"`
		Project      string  `json:"project"`
		Architecture string  `json:"architecture"`
		Arch         string  `json:"arch"`
		Name         string  `json:"name"`
		Tag          string  `json:"tag"`
		Default      bool    `json:"using_default_repository"`
	} `json:"input"`
	Expect json.RawMessage `json:"expect"`
	Error  json.RawMessage `json:"error"`
}

// outOfScope are the operations that have no counterpart here. All but the last give
// meaning to the parts of a tag, which is Backend.AI's naming scheme; equality is
// about a flag that references do not carry.
var outOfScope = map[string]bool{
	"platform_tag_set": true, "less_than": true, "greater_than": true, "generate_aliases": true,
	"merge_aliases": true, "equality": true,
}

// differences are the cases that Backend.AI's own tests assert and that come out
// otherwise here.
var differences = map[int]string{
	13: "an IPv6 address without brackets is neither a host nor, with its colons, a legal path: refused instead of kept as a path",
}

// probeDifferences are the observed cases that come out otherwise here.
var probeDifferences = map[int]string{
	56:  "a path with an empty first component is not legal in OCI: refused",
	63:  "the registry that the caller names is the default also for a name without a slash",
	68:  "a host with a port that is not known would be a path with a colon, not legal in OCI: refused",
	71:  "a digest is read as a digest, not as a tag",
	72:  "tag and digest are read as such, not as a path and a tag",
	80:  "a tag may end with a dot in OCI",
	85:  "a path with an empty component is not legal in OCI: refused",
	87:  "a port that is not a number: refused",
	88:  "an unbalanced bracket is neither a host nor a legal path: refused",
	92:  "a tag may end with a hyphen in OCI",
	106: "architectures do not differ by case: AMD64 is x86_64",
	108: "a tag need not follow the scheme version-platform: 3.9-20230101 is legal in OCI",
}

func TestReferencesReadAsInBackendAI(t *testing.T) {
	data, err := os.ReadFile("testdata/imageref_cases.json")
	require.NoError(t, err)
	var cases []imageRefCase
	require.NoError(t, json.Unmarshal(data, &cases))

	require.LessOrEqual(t, len(differences), 10)
	tables := map[string]map[int]string{"upstream-test": differences, "executed-probe": probeDifferences}
	checked, seen := map[string]int{}, map[int]bool{}
	for _, c := range cases {
		if outOfScope[c.Op] {
			continue
		}
		table, ok := tables[c.Origin]
		require.True(t, ok, "case %d has the unknown origin %q", c.ID, c.Origin)
		checked[c.Origin]++
		problem := c.compare(t)
		if reason, listed := table[c.ID]; listed {
			seen[c.ID] = true
			require.NotEmpty(t, reason)
			require.NotEmpty(t, problem, "case %d is listed as a difference and is none", c.ID)
			continue
		}
		require.Empty(t, problem, "case %d: %s", c.ID, c.Input.ImageStr)
	}
	require.Len(t, seen, len(differences)+len(probeDifferences), "a table of differences names a case that was not checked")
	require.Equal(t, map[string]int{"upstream-test": 24, "executed-probe": 48}, checked)
}

// parser is the configuration that an upstream call amounts to: nil knows no
// registry, "*" takes any, else the registry is known and the default.
func (c imageRefCase) parser() domain.ReferenceParser {
	p := domain.ReferenceParser{DefaultRegistry: "index.docker.io", DefaultProject: "lablup", Hosts: domain.HostKnown}
	switch r := c.Input.Registry; {
	case r == nil:
	case *r == "*":
		p.Hosts = domain.HostAny
	default:
		p.Registries, p.DefaultRegistry = []string{*r}, *r
	}
	return p
}

// compare runs the case and says what came out otherwise; "" for nothing.
func (c imageRefCase) compare(t *testing.T) string {
	got, err := c.run(t)
	if err != nil {
		require.ErrorIs(t, err, domain.ErrInvalid)
		if c.Error != nil {
			return ""
		}
		return "refused: " + err.Error()
	}
	if c.Error != nil {
		return "not refused"
	}
	var want any
	require.NoError(t, json.Unmarshal(c.Expect, &want))
	switch want := want.(type) {
	case map[string]any:
		for key, value := range got.(map[string]string) {
			if text, _ := want[key].(string); text != value {
				return key + " is " + value + ", not " + text
			}
		}
	case []any:
		for i, value := range got.([]string) {
			if want[i] != value {
				return value + " is not " + want[i].(string)
			}
		}
	case string:
		if got != want {
			return got.(string) + " is not " + want
		}
	default:
		require.Fail(t, "an expectation of unknown shape", "case %d", c.ID)
	}
	return ""
}

// run returns what the case compares, under the names of its expectation.
func (c imageRefCase) run(t *testing.T) (any, error) {
	switch c.Op {
	case "arch_alias":
		return domain.NormalizeArchitecture(c.Input.Arch)
	case "image_ref.canonical":
		r := domain.Reference{Registry: *c.Input.Registry, Path: domain.JoinPath(c.Input.Project, c.Input.Name), Tag: c.Input.Tag}
		return map[string]string{"canonical": r.Canonical(), "short": r.Short()}, nil
	case "parse_image_tag":
		p := c.parser()
		if !c.Input.Default {
			p.DefaultRegistry = "registry.example" // where no default project is prepended
		}
		r, err := p.Parse(c.Input.ImageStr)
		return []string{r.Path, r.Tag}, err
	}
	r, err := c.parser().Parse(c.Input.ImageStr)
	if err != nil {
		return nil, err
	}
	forms := map[string]string{"canonical": r.Canonical(), "short": r.Short(), "str": r.String()}
	switch c.Op {
	case "parse_image_str":
		return map[string]string{"registry": r.Registry, "project_and_image_name": r.Path, "tag": r.Tag}, nil
	case "parse_image_str.format":
		return forms, nil
	case "from_image_str", "from_image_str.format":
		name, err := r.Within(c.Input.Project)
		if err != nil {
			return nil, err
		}
		if c.Op == "from_image_str.format" {
			forms["name"] = name
			return forms, nil
		}
		got := map[string]string{"registry": r.Registry, "project": c.Input.Project, "name": name, "tag": r.Tag}
		if c.Input.Architecture != "" {
			got["architecture"], err = domain.NormalizeArchitecture(c.Input.Architecture)
		}
		return got, err
	}
	require.Fail(t, "an operation that is neither handled nor out of scope", c.Op)
	return nil, nil
}
