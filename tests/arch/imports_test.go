package arch_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// row says what the packages of a folder, and of those below it, may import of
// ours. The longest folder that fits decides.
type row struct {
	folder string
	may    []string // folders; "…" is everything
}

var table = []row{
	{"domain", nil},
	{"actions", []string{"domain"}},
	{"repository", []string{"domain"}},
	{"repository/bunstore", []string{"domain", "repository"}},
	{"repository/repositorytest", []string{"domain", "repository"}},
	{"service", []string{"domain", "actions", "repository", "service/port"}},
	{"service/port", []string{"domain"}},
	{"service/porttest", []string{"domain", "service/port"}},
	{"adapters", []string{"domain", "service/port"}}, // driven, unless said otherwise below
	{"adapters/registry", []string{"domain", "service/port", "adapters/registry/oci"}},
	{"adapters/telemetry", []string{"domain", "actions", "service"}},
	{"adapters/rest", []string{"domain", "actions", "service"}},
	{"adapters/graphql", []string{"domain", "actions", "service"}},
	{"adapters/cli", []string{"domain", "actions", "service"}},
	{"adapters/app", []string{"…"}},
	{"cmd", []string{"…"}},
	{"tests", []string{"…"}},
}

// technologies says where a library may be used, beside cmd, adapters/app and
// tests. What is not named here may be used by adapters only.
var technologies = map[string][]string{
	"github.com/uptrace/bun":                 {"repository/bunstore", "adapters/telemetry"},
	"github.com/jackc/pgx":                   {"repository/bunstore"},
	"modernc.org/sqlite":                     {"repository/bunstore"},
	"github.com/casbin":                      {"adapters/rbac"},
	"github.com/google/go-containerregistry": {"adapters/registry", "adapters/ocilayout"},
	"github.com/moby":                        {"adapters/docker"},
	"github.com/docker":                      {"adapters/docker"},
	"github.com/nats-io":                     {"adapters/broker", "adapters/fleet", "adapters/jetstream"},
	"go.opentelemetry.io":                    {"adapters/telemetry"},
	"github.com/prometheus":                  {"adapters/telemetry"},
	"github.com/maypok86":                    {"adapters/cache"},
	"github.com/99designs":                   {"adapters/graphql"},
	"github.com/vektah":                      {"adapters/graphql"},
	"github.com/coder":                       {"adapters/graphql"},
	"github.com/danielgtaylor":               {"adapters/rest"},
	"github.com/coreos":                      {"adapters/oidc"},
	"github.com/spf13":                       {"adapters/cli"},
	"golang.org/x":                           {"service", "repository/bunstore", "adapters"},
	"github.com/stretchr/testify":            {},
	"github.com/testcontainers":              {},
	"pgregory.net/rapid":                     {},
	"go.uber.org/goleak":                     {},
}

// mayImport reports whether a file in dir may import a package: of ours by its
// folder, of others by its path.
func mayImport(dir string, test bool, imported string) bool {
	ours, isOurs := strings.CutPrefix(imported, module+"/")
	inTest := test || isTestPackage(dir) || isUnder(dir, "tests")
	switch {
	case isOurs && isTestPackage(ours):
		return inTest
	case isOurs && test && !isUnder(dir, "domain"):
		return true // a test may use whatever makes it shorter
	case isOurs:
		return mayImportOurs(dir, ours)
	case !strings.Contains(strings.Split(imported, "/")[0], "."):
		return true // the standard library
	case inTest:
		return true
	}
	return mayUse(dir, imported)
}

func mayImportOurs(dir, ours string) bool {
	var best row
	for _, r := range table {
		if isUnder(dir, r.folder) && len(r.folder) > len(best.folder) {
			best = r
		}
	}
	if dir == ours || home(dir) != "" && home(dir) == home(ours) {
		return true // an external test, and an adapter's own folders
	}
	for _, folder := range best.may {
		if folder == "…" || ours == folder {
			return true
		}
	}
	return false
}

// home returns the folder of the adapter that dir belongs to, "" for none. Each
// registry is an adapter of its own.
func home(dir string) string {
	parts := strings.Split(dir, "/")
	depth := 2
	if isUnder(dir, "adapters/registry") {
		depth = 3
	}
	if parts[0] != "adapters" || len(parts) < depth {
		return ""
	}
	return strings.Join(parts[:depth], "/")
}

func mayUse(dir, imported string) bool {
	if isUnder(dir, "cmd") || isUnder(dir, "adapters/app") {
		return true
	}
	for library, folders := range technologies {
		if !strings.HasPrefix(imported, library) {
			continue
		}
		for _, folder := range folders {
			// The service's own folders are rows of their own: ports use nothing.
			if isUnder(dir, folder) && (folder != "service" || dir == folder) {
				return true
			}
		}
		return false
	}
	return isUnder(dir, "adapters")
}

func TestPackagesImportOnlyWhatTheTableAllows(t *testing.T) {
	t.Parallel()
	var found []string
	for _, s := range sources(t) {
		for _, imported := range s.imports() {
			if !mayImport(s.dir, s.isTest(), imported) {
				found = append(found, s.path+" imports "+imported)
			}
		}
	}
	requireNone(t, found, "imports that the table does not allow")
}

func TestEveryFolderOfTheTableIsOfTheModule(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		top, _, _ := strings.Cut(s.dir, "/")
		require.Contains(t, []string{"domain", "actions", "repository", "service", "adapters", "cmd", "tests"}, top,
			"%s: no row of the table has this folder", s.path)
	}
}

// A rule that nobody has seen fail proves nothing.
func TestTheImportTableHasTeeth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		dir      string
		test     bool
		imported string
		want     bool
	}{
		{"domain", false, "encoding/json", true},
		{"domain", false, "golang.org/x/text", false},
		{"domain", false, module + "/actions", false},
		{"domain", true, "pgregory.net/rapid", true},
		{"domain", true, module + "/domain", true},
		{"domain", true, module + "/service", false},
		{"actions", false, module + "/domain", true},
		{"actions", false, module + "/repository", false},
		{"repository", false, "github.com/uptrace/bun", false},
		{"repository/bunstore", false, "github.com/uptrace/bun/dialect/pgdialect", true},
		{"repository/bunstore", false, module + "/actions", false},
		{"repository/repositorytest", false, "github.com/stretchr/testify/require", true},
		{"service", false, "golang.org/x/sync/errgroup", true},
		{"service", false, "github.com/casbin/casbin/v2", false},
		{"service", false, module + "/repository/bunstore", false},
		{"service", false, module + "/service/porttest", false},
		{"service", true, module + "/service/porttest", true},
		{"service/port", false, module + "/service", false},
		{"service/port", false, "golang.org/x/sync/errgroup", false},
		{"adapters/rbac", false, module + "/service", false},
		{"adapters/rbac", false, "github.com/casbin/casbin/v2/model", true},
		{"adapters/rbac", false, "github.com/uptrace/bun", false},
		{"adapters/keyring", false, module + "/service/port", true},
		{"adapters/keyring", false, module + "/repository", false},
		{"adapters/registry/harbor", false, module + "/adapters/registry/oci", true},
		{"adapters/registry/oci/ocitest", false, module + "/adapters/registry/oci", true},
		{"adapters/registry/oci/ocitest", false, module + "/service", false},
		{"adapters/ocilayout", false, module + "/adapters/registry/oci", false},
		{"adapters/docker", false, "github.com/moby/moby/client", true},
		{"adapters/telemetry", false, module + "/service", true},
		{"adapters/rest", false, module + "/service", true},
		{"adapters/rest", false, module + "/repository", false},
		{"adapters/rest", false, module + "/adapters/rbac", false},
		{"adapters/docker/engine", false, module + "/adapters/docker", true},
		{"adapters/registry/harbor", false, module + "/adapters/registry/ghcr", false},
		{"adapters/graphql/model", false, module + "/adapters/graphql", true},
		{"adapters/app", false, module + "/repository/bunstore", true},
		{"adapters/app", false, module + "/service/porttest", false},
		{"cmd/wharf", false, module + "/adapters/app", true},
		{"cmd/wharf", false, module + "/service/porttest", false},
		{"tests/demo", false, module + "/service/porttest", true},
		{"tests/containers", false, "github.com/testcontainers/testcontainers-go", true},
		{"adapters/cli", false, "github.com/stretchr/testify/require", false},
	} {
		require.Equal(t, c.want, mayImport(c.dir, c.test, c.imported), "%s (test: %t) imports %s", c.dir, c.test, c.imported)
	}
}
