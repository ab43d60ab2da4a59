package repositorytest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/repository/bunstore"
	"github.com/wharf-project/wharf/repository/repositorytest"
)

const faultVariable = "WHARF_TEST_BROKEN_STORE"

// TestBrokenStore runs the suite on a store with one fault; only
// TestRunFindsFaults starts it, in a process of its own.
func TestBrokenStore(t *testing.T) {
	name, ok := os.LookupEnv(faultVariable)
	if !ok {
		return // TestRunFindsFaults sets it
	}
	repositorytest.Run(t, repositorytest.Harness{New: func(tb testing.TB) repository.Store {
		tb.Helper()
		st, err := bunstore.OpenSQLite(tb.Context(), filepath.Join(tb.TempDir(), "wharf.db"))
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { _ = st.Close() })
		if err := st.Migrate(tb.Context()); err != nil {
			tb.Fatal(err)
		}
		if f, ok := faults[name]; ok {
			return f.in(st)
		}
		return st
	}})
}

// TestRunFindsFaults sees that the suite fails on stores that break one
// promise, by the sentence that makes it, and that the same sentence holds for
// the store without the fault.
func TestRunFindsFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			topic, sentence, _ := strings.Cut(f.seenBy, ": ")
			test := strings.ReplaceAll(sentence, " ", "_")
			run := "^TestBrokenStore$/^" + topic + "$/^" + regexp.QuoteMeta(test)
			for _, fault := range []string{"", name} {
				cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+run, "-test.v")
				cmd.Env = append(os.Environ(), faultVariable+"="+fault)
				b, err := cmd.CombinedOutput()
				out := string(b)
				if !strings.Contains(out, "=== RUN   TestBrokenStore/"+topic+"/"+test) {
					t.Fatalf("there is no such test: %s\n%s", run, out)
				}
				failed := strings.Contains(out, "--- FAIL: TestBrokenStore/"+topic+"/"+test)
				if failed != (fault != "") || failed != (err != nil) {
					t.Errorf("with the fault %q it failed: %t, %v\n%s", fault, failed, err, out)
				}
			}
		})
	}
}
