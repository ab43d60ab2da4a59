package domain_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

func TestApplyingAnIdentity(t *testing.T) {
	t.Parallel()
	ref := domain.Reference{Registry: "cr.example.org", Path: "stable/python", Tag: "3.12"}
	set, null := domain.Set[string], domain.Clear[string]
	for name, c := range map[string]struct {
		change domain.Identity
		want   string
		code   domain.Code
		reason string
	}{
		"nothing":                     {domain.Identity{}, "cr.example.org/stable/python:3.12", "", ""},
		"a tag":                       {domain.Identity{Tag: set("4")}, "cr.example.org/stable/python:4", "", ""},
		"a path":                      {domain.Identity{Image: set("x/y/z")}, "cr.example.org/x/y/z:3.12", "", ""},
		"a registry":                  {domain.Identity{Registry: set("localhost:5000")}, "localhost:5000/stable/python:3.12", "", ""},
		"all parts":                   {domain.Identity{Registry: set("a.io"), Image: set("b"), Tag: set("c")}, "a.io/b:c", "", ""},
		"a whole name":                {domain.Identity{Name: set("a.io/b:c")}, "a.io/b:c", "", ""},
		"a short name":                {domain.Identity{Name: set("python")}, "docker.io/library/python:latest", "", ""},
		"a name and parts that agree": {domain.Identity{Name: set("a.io/b:c"), Registry: set("a.io"), Tag: set("c")}, "a.io/b:c", "", ""},
		"a name and another tag":      {domain.Identity{Name: set("a.io/b:c"), Tag: set("d")}, "", domain.CodeConflict, "identity_inconsistent"},
		"a name and another path":     {domain.Identity{Name: set("a.io/b:c"), Image: set("d")}, "", domain.CodeConflict, "identity_inconsistent"},
		"a name and another registry": {domain.Identity{Name: set("a.io/b:c"), Registry: set("d.io")}, "", domain.CodeConflict, "identity_inconsistent"},
		"a digest":                    {domain.Identity{Name: set("a.io/b@" + sha256Text)}, "", domain.CodeInvalid, "reference_invalid"},
		"a name that is none":         {domain.Identity{Name: set("a b")}, "", domain.CodeInvalid, ""},
		"a tag that is none":          {domain.Identity{Tag: set("a b")}, "", domain.CodeInvalid, ""},
		"an empty tag":                {domain.Identity{Tag: set("")}, "", domain.CodeInvalid, ""},
		"a path that is none":         {domain.Identity{Image: set("UPPER")}, "", domain.CodeInvalid, ""},
		"a registry that is none":     {domain.Identity{Registry: set("a/b")}, "", domain.CodeInvalid, ""},
		"null, which callers refuse":  {domain.Identity{Tag: null(), Name: null()}, "cr.example.org/stable/python:3.12", "", ""},
	} {
		got, err := c.change.Apply(domain.ReferenceParser{}, ref)
		require.Equal(t, c.code, domain.CodeOf(err), "%s: %v", name, err)
		if c.code != "" {
			require.Zero(t, got, name)
			if c.reason != "" {
				require.Equal(t, c.reason, domain.ReasonOf(err), name)
			}
			continue
		}
		require.Equal(t, c.want, got.Canonical(), name)
	}
}
