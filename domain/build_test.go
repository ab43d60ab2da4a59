package domain_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

func TestASourceIsAPathOrATemplate(t *testing.T) {
	t.Parallel()
	base := domain.BuildTemplate{BaseImage: "python:3.12", Requirements: []string{"numpy==2.1"}, Files: map[string]string{"a/run.py": "pass"}}
	with := func(change func(*domain.BuildTemplate)) *domain.BuildTemplate {
		c := base
		change(&c)
		return &c
	}
	for name, c := range map[string]struct {
		source domain.BuildSource
		on     string // "": fine
	}{
		"a directory":                {domain.BuildSource{Type: domain.BuildFromDirectory, Path: "team a/mnist"}, ""},
		"the folder itself":          {domain.BuildSource{Type: domain.BuildFromDirectory, Path: "."}, ""},
		"a tarball":                  {domain.BuildSource{Type: domain.BuildFromTarball, Path: "mnist.tar.gz"}, ""},
		"a template":                 {domain.BuildSource{Type: domain.BuildFromTemplate, Template: &base}, ""},
		"nothing":                    {domain.BuildSource{}, "type"},
		"another type":               {domain.BuildSource{Type: "git", Path: "a"}, "type"},
		"no path":                    {domain.BuildSource{Type: domain.BuildFromDirectory}, "path"},
		"a path to the root":         {domain.BuildSource{Type: domain.BuildFromDirectory, Path: "/etc"}, "path"},
		"a path upwards":             {domain.BuildSource{Type: domain.BuildFromDirectory, Path: "../etc"}, "path"},
		"a path that comes back up":  {domain.BuildSource{Type: domain.BuildFromDirectory, Path: "a/../../etc"}, "path"},
		"a path in another spelling": {domain.BuildSource{Type: domain.BuildFromTarball, Path: "a//b"}, "path"},
		"a path of another system":   {domain.BuildSource{Type: domain.BuildFromTarball, Path: `a\..\b`}, "path"},
		"a NUL in the path":          {domain.BuildSource{Type: domain.BuildFromTarball, Path: "a\x00b"}, "path"},
		"a line in the path":         {domain.BuildSource{Type: domain.BuildFromTarball, Path: "a\nb"}, "path"},
		"a path beside a template":   {domain.BuildSource{Type: domain.BuildFromTemplate, Path: "a", Template: &base}, "template"},
		"a template beside a path":   {domain.BuildSource{Type: domain.BuildFromDirectory, Path: "a", Template: &base}, "template"},
		"a template without a base":  {domain.BuildSource{Type: domain.BuildFromTemplate, Template: with(func(t *domain.BuildTemplate) { t.BaseImage = "" })}, "base_image"},
		"a base of two lines":        {domain.BuildSource{Type: domain.BuildFromTemplate, Template: with(func(t *domain.BuildTemplate) { t.BaseImage = "a\nRUN b" })}, "base_image"},
		"an option as requirement":   {domain.BuildSource{Type: domain.BuildFromTemplate, Template: with(func(t *domain.BuildTemplate) { t.Requirements = []string{" -r/etc/passwd"} })}, "requirements"},
		"a requirement of two lines": {domain.BuildSource{Type: domain.BuildFromTemplate, Template: with(func(t *domain.BuildTemplate) { t.Requirements = []string{"a\n-r b"} })}, "requirements"},
		"a file outside":             {domain.BuildSource{Type: domain.BuildFromTemplate, Template: with(func(t *domain.BuildTemplate) { t.Files = map[string]string{"../a": ""} })}, "files"},
		"more bytes than there may be": {domain.BuildSource{Type: domain.BuildFromTemplate, Template: with(func(t *domain.BuildTemplate) {
			t.Files = map[string]string{"a": strings.Repeat("x", domain.MaxTemplateBytes+1)}
		})}, "files"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.source.Check()
			if c.on == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, "source_invalid", domain.ReasonOf(err))
			require.Equal(t, c.on, domain.OnOf(err))
		})
	}
}

func TestNamesOfBuildsHaveBlanksOnlyInside(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"a", "first image", "é", strings.Repeat("x", 255)} {
		require.NoError(t, domain.CheckBuildName("image", good))
	}
	for _, bad := range []string{"", " a", "a ", "a\tb", "a\u200bb", "a\xff", strings.Repeat("x", 256)} {
		require.Equal(t, "name_invalid", domain.ReasonOf(domain.CheckBuildName("image", bad)), "%q", bad)
	}
}

func TestTheFullNameOfABuiltImageHasWhatIsSet(t *testing.T) {
	t.Parallel()
	b := domain.BuiltImage{Name: "image_name", Tag: "latest"}
	require.Equal(t, "image_name:latest", b.FullName())
	b.Repository = "task_one"
	require.Equal(t, "task_one/image_name:latest", b.FullName())
	b.RegistryHost = "cr.example.org:5000"
	require.Equal(t, "cr.example.org:5000/task_one/image_name:latest", b.FullName())
	require.NotEqual(t, domain.NewLocalBuild(), domain.NewLocalBuild())
}

func FuzzBuildSource(f *testing.F) {
	f.Add("directory", "a/b")
	f.Add("tarball", "a/../b")
	f.Fuzz(func(t *testing.T, kind, path string) {
		s := domain.BuildSource{Type: domain.BuildSourceType(kind), Path: path}
		if s.Check() == nil && (strings.HasPrefix(path, "/") || strings.Contains("/"+path+"/", "/../")) {
			t.Errorf("%q leads out", path)
		}
	})
}
