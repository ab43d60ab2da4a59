package domain_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

func TestATagIsToldFromAPort(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"python": false, "python:3.9": true, "cr.test:5000/python": false, "cr.test:5000/python:3.9": true,
		"cr.test/python@sha256:abc": true, "[::1]:5000/a": false, "[::1]:5000/a:b": true, "": false,
	} {
		require.Equal(t, want, domain.ReferenceParser{}.HasTag(text), text)
	}
}

func TestARepositoryIsOfAProject(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		project, repo string
		projects      []string
		want          bool
	}{
		"below the host":                             {"", "ml/app", []string{"ml"}, true},
		"below the row's project":                    {"team", "team/ml/app", []string{"ml"}, true},
		"in a row that is the project":               {"team/ml", "team/ml/app", []string{"ml"}, true},
		"in a row of another project":                {"team/ml", "team/ml/app", []string{"team"}, false},
		"of a name that begins alike":                {"", "mlops/app", []string{"ml"}, false},
		"deeper down":                                {"", "other/ml/app", []string{"ml"}, false},
		"an image named like the project":            {"", "ml", []string{"ml"}, false},
		"outside the row":                            {"team", "teams/ml/app", []string{"ml"}, false},
		"of nobody, and a project without a name":    {"", "ml/app", []string{""}, false},
		"of a row without a project, and no project": {"", "ml/app", nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := domain.Actor{Projects: c.projects}.Holds(domain.Registry{Name: "cr.test", Project: c.project}, c.repo)
			require.Equal(t, c.want, got)
		})
	}
}
