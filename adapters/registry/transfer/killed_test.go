package transfer_test

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/registry/transfer"
	"github.com/wharf-project/wharf/adapters/registry/transfer/transfertest"
)

const victimVariable = "WHARF_TEST_TRANSFER_VICTIM" // what, address, host

// TestVictim pushes or fetches until it is killed; only the test below starts it.
func TestVictim(t *testing.T) {
	what, rest, ok := strings.Cut(os.Getenv(victimVariable), " ")
	if !ok {
		t.Skip("started by TestKilledTransfersAreTakenUpAgain")
	}
	address, host, _ := strings.Cut(rest, " ")
	r := &recorder{host: host}
	l := open(t, address, transfer.Options{Jobs: 1})
	var err error
	if what == "push" {
		_, err = l.Push(t.Context(), r.push("1"), nil)
	} else {
		_, err = l.Fetch(t.Context(), r.fetch("1", "app:1"), nil)
	}
	t.Fatalf("it lives: %v", err)
}

func TestKilledTransfersAreTakenUpAgain(t *testing.T) {
	const size = 1 << 20
	for _, c := range []struct{ what, kind string }{{"fetch", "oci:"}, {"fetch", "archive:"}, {"push", "oci:"}} {
		t.Run(c.what+" "+c.kind, func(t *testing.T) {
			r := record(t)
			img := big(t, 4, size)
			address := c.kind + filepath.Join(t.TempDir(), "store")
			method := http.MethodGet
			if c.what == "push" {
				method = http.MethodPut
				_, dir := layoutWith(t, img)
				address = "oci:" + dir
			} else {
				transfertest.Publish(t, r.host, r.ref("team/app", "1"), img)
			}
			var seen atomic.Int64
			stuck := make(chan struct{})
			over := sync.OnceFunc(func() { close(stuck) })
			r.disturbBy(func(_ http.ResponseWriter, q *http.Request) bool {
				if q.Method != method || !strings.Contains(q.URL.Path, "/blobs/") || seen.Add(1) <= 3 {
					return false
				}
				over()                             // the configuration and two layers have come
				_, _ = io.Copy(io.Discard, q.Body) // a server sees that the peer is gone once it has read all
				<-q.Context().Done()
				return true
			})
			victim := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVictim$")
			victim.Env = append(os.Environ(), victimVariable+"="+c.what+" "+address+" "+r.host)
			require.NoError(t, victim.Start())
			<-stuck
			require.NoError(t, victim.Process.Kill())
			require.Error(t, victim.Wait())
			r.disturbBy(nil)

			l := open(t, address, transfer.Options{})
			if c.what == "push" {
				require.Empty(t, transfertest.Tagged(t, r.host, r.ref("team/app", "1")))
				out, err := l.Push(t.Context(), r.push("1"), nil)
				require.NoError(t, err)
				require.Less(t, out.SentBytes, int64(2*size+size/2))
			} else {
				out, err := l.Fetch(t.Context(), r.fetch("1", "app:1"), nil)
				require.NoError(t, err)
				require.Less(t, out.ReceivedBytes, int64(2*size+size/2))
				_, err = l.Push(t.Context(), r.push("back"), nil)
				require.NoError(t, err)
			}
		})
	}
}
