package domain_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wharf-project/wharf/domain"
)

func TestParseReferenceReadsWhatDockerReads(t *testing.T) {
	digest := domain.Digest(sha256Text)
	for text, want := range map[string]domain.Reference{
		"python":                       {Registry: "docker.io", Path: "library/python", Tag: "latest"},
		"python:3.9":                   {Registry: "docker.io", Path: "library/python", Tag: "3.9"},
		"lablup/python":                {Registry: "docker.io", Path: "lablup/python", Tag: "latest"},
		"docker.io/python":             {Registry: "docker.io", Path: "library/python", Tag: "latest"},
		"Registry-1.Docker.IO/python":  {Registry: "registry-1.docker.io", Path: "library/python", Tag: "latest"},
		"notdocker.io/python":          {Registry: "notdocker.io", Path: "python", Tag: "latest"},
		"cr.example.org/a/b/c:1_2.3-x": {Registry: "cr.example.org", Path: "a/b/c", Tag: "1_2.3-x"},
		"localhost/python":             {Registry: "localhost", Path: "python", Tag: "latest"},
		"localhost:5000/python":        {Registry: "localhost:5000", Path: "python", Tag: "latest"},
		"localhost:5000":               {Registry: "docker.io", Path: "library/localhost", Tag: "5000"},
		"host:1/x:2":                   {Registry: "host:1", Path: "x", Tag: "2"},
		"host:65535/x":                 {Registry: "host:65535", Path: "x", Tag: "latest"},
		"[::1]/x":                      {Registry: "[::1]", Path: "x", Tag: "latest"},
		"[0:0::0:1]:5000/x:y":          {Registry: "[::1]:5000", Path: "x", Tag: "y"},
		"[2001:DB8::A]:80/x":           {Registry: "[2001:db8::a]:80", Path: "x", Tag: "latest"},
		"x/a__b/c--d.e_f:T":            {Registry: "docker.io", Path: "x/a__b/c--d.e_f", Tag: "T"},
		"x:_":                          {Registry: "docker.io", Path: "library/x", Tag: "_"},
		"x:a.-":                        {Registry: "docker.io", Path: "library/x", Tag: "a.-"},
		"python@" + sha256Text:         {Registry: "docker.io", Path: "library/python", Digest: digest},
		"cr.io:1/a/b:t@" + sha256Text:  {Registry: "cr.io:1", Path: "a/b", Tag: "t", Digest: digest},
	} {
		t.Run(text, func(t *testing.T) {
			got, err := domain.ParseReference(text)
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

func TestParseReferenceRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, reason string }{
		"nothing":                          {"", "reference_invalid"},
		"a URL":                            {"https://cr.io/a/b", "reference_invalid"},
		"a URL without a scheme":           {"//cr.io/a/b", "reference_invalid"},
		"only a tag":                       {":3.9", "reference_invalid"},
		"only a digest":                    {"@" + sha256Text, "reference_invalid"},
		"only a host":                      {"cr.io/", "reference_invalid"},
		"a leading slash":                  {"/python", "reference_invalid"},
		"a trailing slash":                 {"a/b/", "reference_invalid"},
		"an empty component":               {"cr.io//b", "reference_invalid"},
		"uppercase in the path":            {"cr.io/Python", "reference_invalid"},
		"a first segment in uppercase":     {"Foo/bar", "reference_invalid"},
		"three underscores":                {"a___b", "reference_invalid"},
		"a component that ends with a dot": {"a./b", "reference_invalid"},
		"dots for the parent":              {"cr.io/../b", "reference_invalid"},
		"white space around":               {" python", "reference_invalid"},
		"white space inside":               {"a b", "reference_invalid"},
		"a newline at the end":             {"python\n", "reference_invalid"},
		"a NUL":                            {"a\x00", "reference_invalid"},
		"another script":                   {"파이썬", "reference_invalid"},
		"invalid UTF-8":                    {"\xff", "reference_invalid"},
		"a letter that folds to ASCII":     {"\u212a.io/a", "reference_invalid"},
		"port zero":                        {"cr.io:0/a", "reference_invalid"},
		"a port beyond 65535":              {"cr.io:65536/a", "reference_invalid"},
		"a port with a leading zero":       {"cr.io:080/a", "reference_invalid"},
		"a port that is no number":         {"cr.io:abc/p/img", "reference_invalid"},
		"an empty port":                    {"cr.io:/a", "reference_invalid"},
		"a host with an underscore":        {"my_host.io/a", "reference_invalid"},
		"a host label with a hyphen first": {"-a.io/b", "reference_invalid"},
		"a host that ends with a dot":      {"cr.io./b", "reference_invalid"},
		"IPv6 without brackets":            {"::1/a", "reference_invalid"},
		"an unbalanced bracket":            {"[::1/a", "reference_invalid"},
		"brackets around IPv4":             {"[127.0.0.1]/a", "reference_invalid"},
		"brackets around a name":           {"[a.b]/a", "reference_invalid"},
		"an IPv6 zone":                     {"[fe80::1%eth0]/a", "reference_invalid"},
		"text after the brackets":          {"[::1]5000/a", "reference_invalid"},
		"an empty tag":                     {"a:", "tag_invalid"},
		"a tag with a bang":                {"a:!", "tag_invalid"},
		"a tag with a hyphen first":        {"a:-x-", "tag_invalid"},
		"a tag with a dot first":           {"a:.x", "tag_invalid"},
		"a tag of 129 characters":          {"a:" + strings.Repeat("x", 129), "tag_invalid"},
		"a digest that is cut off":         {"a@sha256:0123", "digest_invalid"},
		"a digest with a tag after it":     {"a@" + sha256Text + ":t", "digest_invalid"},
		"two digests":                      {"a@" + sha256Text + "@" + sha256Text, "digest_invalid"},
		"a megabyte":                       {strings.Repeat("a", 1<<20), "reference_invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := domain.ParseReference(c.text)
			requireInvalid(t, err, c.reason)
			require.Zero(t, got)
		})
	}
}

func TestHostAndPathTogetherHave255Characters(t *testing.T) {
	host := "cr.example.org"
	fits := host + "/" + strings.Repeat("a", 254-len(host))
	r, err := domain.ParseReference(fits + ":" + strings.Repeat("t", 128) + "@" + sha512Text)
	require.NoError(t, err)
	require.Equal(t, fits, r.Repository())

	_, err = domain.ParseReference(fits + "a")
	requireInvalid(t, err, "reference_invalid")
	require.NoError(t, domain.ValidateRepositoryPath(strings.Repeat("a", 255)))
	requireInvalid(t, domain.ValidateRepositoryPath(strings.Repeat("a", 256)), "repository_invalid")
	requireInvalid(t, domain.ValidateRepositoryPath(""), "repository_invalid")
	requireInvalid(t, domain.ValidateRegistryHost(strings.Repeat("a.", 128)+"a"), "registry_host_invalid")
	requireInvalid(t, domain.ValidateRegistryHost(strings.Repeat("a", 64)), "registry_host_invalid")
	requireInvalid(t, domain.ValidateRegistryHost(""), "registry_host_invalid")
}

func TestRegistryHostsHaveOneSpelling(t *testing.T) {
	for text, want := range map[string]string{
		"CR.Example.org":  "cr.example.org",
		"127.0.0.1:5000":  "127.0.0.1:5000",
		"[0::1]:5000":     "[::1]:5000",
		"registry":        "registry",
		"xn--9t4b11yi5a.": "",
	} {
		got, err := domain.NormalizeRegistryHost(text)
		require.Equal(t, want, got)
		require.Equal(t, want == "", err != nil)
		require.Equal(t, err, domain.ValidateRegistryHost(text))
	}
}

func TestTheParserSaysWhatIsAHost(t *testing.T) {
	known := domain.ReferenceParser{Hosts: domain.HostKnown, Registries: []string{"CR.example.org:443", "not a host"}, DefaultRegistry: "fallback.example"}
	anyHost := domain.ReferenceParser{Hosts: domain.HostAny}
	docker := domain.ReferenceParser{DefaultRegistry: "Fallback.example", DefaultProject: "unused"}
	for name, c := range map[string]struct {
		parser domain.ReferenceParser
		text   string
		want   string
	}{
		"a known host is one, in any case":          {known, "cr.EXAMPLE.org:443/a", "cr.example.org:443/a:latest"},
		"another port is another host":              {known, "cr.example.org/a", "fallback.example/cr.example.org/a:latest"},
		"an unknown host is a path":                 {known, "other.example/a", "fallback.example/other.example/a:latest"},
		"localhost is not known by itself":          {known, "localhost/a", "fallback.example/localhost/a:latest"},
		"an IP address is always known":             {known, "10.0.0.1:5000/a", "10.0.0.1:5000/a:latest"},
		"an IPv6 address in brackets is too":        {known, "[::1]/a", "[::1]/a:latest"},
		"any first segment is a host":               {anyHost, "a/b", "a/b:latest"},
		"a lone segment never is":                   {anyHost, "a", "docker.io/library/a:latest"},
		"docker's rule takes a word as a path":      {docker, "a/b", "fallback.example/a/b:latest"},
		"the default project is for docker.io only": {docker, "a", "fallback.example/a:latest"},
		"docker.io still gets the default project":  {docker, "docker.io/a", "docker.io/unused/a:latest"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := c.parser.Parse(c.text)
			require.NoError(t, err)
			require.Equal(t, c.want, r.Canonical())
		})
	}
	_, err := domain.ReferenceParser{DefaultRegistry: "no host"}.Parse("a")
	requireInvalid(t, err, "reference_invalid")
	_, err = domain.ReferenceParser{DefaultProject: "No/Project"}.Parse("a")
	requireInvalid(t, err, "reference_invalid")
}

func TestReferenceForms(t *testing.T) {
	r, err := domain.ParseReference("cr.io/p/img:1@" + sha256Text)
	require.NoError(t, err)
	require.Equal(t, "cr.io/p/img:1@"+sha256Text, r.Canonical())
	require.Equal(t, r.Canonical(), r.String())
	require.Equal(t, "p/img:1@"+sha256Text, r.Short())
	require.Equal(t, "cr.io/p/img", r.Repository())

	tagged, err := r.WithTag("2")
	require.NoError(t, err)
	require.Equal(t, "cr.io/p/img:2", tagged.Canonical(), "the digest was that of the other tag")
	_, err = r.WithTag("!")
	requireInvalid(t, err, "tag_invalid")
	require.Empty(t, domain.Reference{}.Canonical())
}

func TestWithinRespectsBoundaries(t *testing.T) {
	for _, c := range []struct{ path, project, want string }{
		{"stable/python", "stable", "python"},
		{"stable/ngc/pytorch", "stable", "ngc/pytorch"},
		{"stable/ngc/pytorch", "stable/ngc", "pytorch"},
		{"stable/python", "", "stable/python"},
		{"stable", "stable", ""},
	} {
		got, err := domain.Reference{Path: c.path}.Within(c.project)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
		require.Equal(t, c.path, domain.JoinPath(c.project, got))
	}
	for path, project := range map[string]string{"stablex/python": "stable", "python": "stable", "stable": "stable/python", "a/b": "b"} {
		_, err := domain.Reference{Path: path}.Within(project)
		requireInvalid(t, err, "project_mismatch")
	}
}

var drawReference = rapid.Custom(func(t *rapid.T) string {
	component := `[a-z0-9]{1,5}((\.|_|__|-{1,3})[a-z0-9]{1,3}){0,2}`
	host := rapid.SampledFrom([]string{"", "docker.io/", "a.docker.io/", "Cr.Example:80/", "localhost/", "[::1]:9/", "10.0.0.1/"}).Draw(t, "host")
	// The first component could be a host as well: it has none of the joiners.
	path := rapid.StringMatching(`[a-z0-9]{1,5}(/`+component+`){0,3}`).Draw(t, "path")
	tag := rapid.StringMatching(`(:[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20})?`).Draw(t, "tag")
	digest := rapid.SampledFrom([]string{"", "@" + sha256Text, "@" + sha512Text}).Draw(t, "digest")
	return host + path + tag + digest
})

func TestCanonicalNamesReadBackAsTheSameReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := domain.ReferenceParser{
			Hosts:           rapid.SampledFrom([]domain.HostRule{domain.HostDocker, domain.HostKnown, domain.HostAny}).Draw(t, "rule"),
			DefaultRegistry: rapid.SampledFrom([]string{"", "index.docker.io", "plain", "[::2]:1"}).Draw(t, "registry"),
			DefaultProject:  rapid.SampledFrom([]string{"", "lablup"}).Draw(t, "project"),
			Registries:      []string{"cr.example:80"},
		}
		r, err := p.Parse(drawReference.Draw(t, "text"))
		require.NoError(t, err)
		requireRoundTrip(t, r)
	})
}

func requireRoundTrip(t require.TestingT, r domain.Reference) {
	back, err := domain.ReferenceParser{Hosts: domain.HostAny}.Parse(r.Canonical())
	require.NoError(t, err, r.Canonical())
	require.Equal(t, r, back)
	require.Equal(t, r.Canonical(), domain.JoinPath(r.Registry, r.Short()))
}
