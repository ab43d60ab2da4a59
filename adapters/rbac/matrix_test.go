package rbac_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/domain"
)

var update = flag.Bool("update", false, "rewrite testdata/matrix.txt")

// TestMatrix pins what each role of the default policy may do. After a change
// of the policy: go test -update, and read the difference.
func TestMatrix(t *testing.T) {
	a, err := rbac.Default(permissions)
	if err != nil {
		t.Fatal(err)
	}
	roles := []domain.Role{
		domain.RoleSuperadmin, domain.RoleAdmin, domain.RoleMonitor, domain.RoleUser,
		rbac.RoleSystem, rbac.RoleAgent, rbac.RoleWebhook,
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-24s", "permission")
	for _, r := range roles {
		fmt.Fprintf(&b, " %-10s", r)
	}
	for _, p := range permissions {
		fmt.Fprintf(&b, "\n%-24s", p)
		for _, r := range roles {
			g, err := a.Authorize(t.Context(), domain.Actor{ID: "u", Role: r, Domain: "d"}, p)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, " %-10s", strings.Replace(g.Reach.String(), "none", "-", 1))
		}
	}
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	got := strings.Join(lines, "\n") + "\n"

	const golden = "testdata/matrix.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("the default policy grants something else (-golden +now):\n%s", d)
	}
}
