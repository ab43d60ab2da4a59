package service_test

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gcr "github.com/google/go-containerregistry/pkg/registry"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/ocilayout"
	"github.com/wharf-project/wharf/adapters/registry/oci"
	"github.com/wharf-project/wharf/adapters/registry/oci/ocitest"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
)

// fleetWire is a fleet whose registry is spoken to over HTTP, and may answer
// with faults. Its listings have two names a page.
type fleetWire struct {
	*fleet
	host string
	row  domain.Registry

	mu     sync.Mutex
	faults []fleetWireFault
	asked  []string
}

// fleetWireFault answers the requests that match.
type fleetWireFault struct {
	match  *regexp.Regexp // of "METHOD /path?query"
	answer http.HandlerFunc
}

func newFleetWire(t *testing.T) *fleetWire {
	t.Helper()
	w := &fleetWire{}
	inner := gcr.New(gcr.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if fault := w.faultOf(r); fault != nil {
			fault(rw, r)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/_catalog") || strings.HasSuffix(r.URL.Path, "/tags/list") {
			fleetPaged(rw, r, inner)
			return
		}
		inner.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	w.host = strings.TrimPrefix(server.URL, "http://")
	w.fleet = newFleet(t, func(c *service.Config) {
		c.Registries = map[domain.RegistryType]port.OpenRegistry{domain.RegistryOCI: oci.Opener(oci.Options{Attempts: 1, PageSize: 2})}
		c.Agents = map[domain.AgentKind]port.OpenAgent{domain.AgentOCILayout: ocilayout.Opener(ocilayout.Options{})}
	})
	res, err := w.CreateRegistry(w.root, actions.CreateRegistryAction{Name: w.host, URL: server.URL})
	require.NoError(t, err)
	w.row = res.Registry
	return w
}

func (w *fleetWire) faultOf(r *http.Request) http.HandlerFunc {
	w.mu.Lock()
	defer w.mu.Unlock()
	line := r.Method + " " + r.URL.RequestURI()
	w.asked = append(w.asked, line)
	for _, f := range w.faults {
		if f.match.MatchString(line) {
			return f.answer
		}
	}
	return nil
}

// fault answers requests that match from now on; "" takes all faults away.
func (w *fleetWire) fault(match string, answer http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if match == "" {
		w.faults = nil
		return
	}
	w.faults = append(w.faults, fleetWireFault{regexp.MustCompile(match), answer})
}

// fleetPaged pages the listings of the registry in memory, which cannot.
func fleetPaged(rw http.ResponseWriter, r *http.Request, inner http.Handler) {
	whole := r.Clone(r.Context())
	whole.URL.RawQuery = ""
	rec := httptest.NewRecorder()
	inner.ServeHTTP(rec, whole)
	var doc map[string]any
	if rec.Code != http.StatusOK || json.Unmarshal(rec.Body.Bytes(), &doc) != nil {
		rw.WriteHeader(rec.Code)
		_, _ = rw.Write(rec.Body.Bytes())
		return
	}
	for key, v := range doc {
		list, ok := v.([]any)
		if !ok {
			continue
		}
		var names []string
		for _, n := range list {
			if s, _ := n.(string); s > r.URL.Query().Get("last") && !strings.HasPrefix(s, "sha256:") {
				names = append(names, s)
			}
		}
		slices.Sort(names)
		if len(names) > 2 {
			names = names[:2]
			q := url.Values{"n": {"2"}, "last": {names[1]}}
			rw.Header().Set("Link", "<"+r.URL.Path+"?"+q.Encode()+`>; rel="next"`)
		}
		doc[key] = names
	}
	_ = json.NewEncoder(rw).Encode(doc)
}

// push pushes repository:tag for the architectures.
func (w *fleetWire) push(t *testing.T, name string, archs ...string) domain.Description {
	t.Helper()
	if len(archs) == 0 {
		archs = []string{"amd64"}
	}
	return ocitest.Push(t, w.host, fleetContent(name, "", archs...))
}

// filled is a registry with five images in three repositories, all of them known.
func (w *fleetWire) filled(t *testing.T) []domain.ImageDetail {
	t.Helper()
	for _, name := range []string{"a:1", "b:1", "b:2", "b:3", "c:1"} {
		w.push(t, name)
	}
	require.Equal(t, "complete=true seen=5 added=5 updated=0 unchanged=0 skipped=0 failed=0 gone=0", w.scanned())
	return w.rows()
}

func (w *fleetWire) add(t *testing.T, id domain.AgentID) string {
	t.Helper()
	dir := t.TempDir()
	_, err := w.RegisterAgent(w.root, actions.RegisterAgentAction{
		AgentID: id, Kind: domain.AgentOCILayout, Address: dir, ScalingGroup: "default", Architecture: "x86_64",
	})
	require.NoError(t, err)
	return dir
}

func TestAnImageGoesFromARealRegistryToARealNodeAndAway(t *testing.T) {
	t.Parallel()
	w := newFleetWire(t)
	pushed := w.push(t, "stable/app:1", "amd64", "arm64")
	require.Equal(t, "complete=true seen=2 added=2 updated=0 unchanged=0 skipped=0 failed=0 gone=0", w.scanned())
	name := w.host + "/stable/app:1"
	w.add(t, "node")

	loaded := w.preload("node", name)
	require.Equal(t, []string{"node " + name + " x86_64 pulled"}, fleetOutcomes(loaded.Outcomes))
	require.Equal(t, actions.DidNothing, w.preload("node", name).Outcomes[0].Did)
	report, err := w.ReportInventory(w.root, actions.ReportInventoryAction{AgentID: "node"})
	require.NoError(t, err)
	require.Equal(t, 1, report.Unchanged, "the node holds what the catalogue thinks")
	got, err := w.GetImage(w.root, actions.GetImageAction{Reference: name})
	require.NoError(t, err)
	require.Equal(t, pushed.Images[0].ConfigDigest, got.Image.ConfigDigest)
	require.Equal(t, 1, got.Image.InstalledCount)

	purged := w.purge(actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{fleetKey("node", name)}})
	require.Empty(t, purged.Errors)
	require.Positive(t, purged.FreedBytes)
	_, err = w.PurgeImageByID(w.root, actions.PurgeImageByIDAction{ImageID: got.Image.ID, RemoveFromRegistry: true})
	fleetError(t, err, domain.CodePrecondition, "siblings_share_tag")
	_, err = w.PurgeImageByID(w.root, actions.PurgeImageByIDAction{ImageID: got.Image.ID, RemoveFromRegistry: true, Force: true})
	require.NoError(t, err)
	require.Equal(t, "complete=true seen=0 added=0 updated=0 unchanged=0 skipped=0 failed=0 gone=0", w.scanned())
	require.Len(t, w.rows(), 1)
}

func TestARescanOverTheWireAsksOncePerKnownTag(t *testing.T) {
	t.Parallel()
	w := newFleetWire(t)
	w.filled(t)
	w.mu.Lock()
	w.asked = nil
	w.mu.Unlock()
	require.Equal(t, "complete=true seen=5 added=0 updated=0 unchanged=5 skipped=0 failed=0 gone=0", w.scanned())
	heads := 0
	for _, line := range w.asked {
		if strings.HasPrefix(line, "HEAD ") {
			heads++
		}
		require.NotRegexp(t, "^GET .*/(manifests|blobs)/", line)
	}
	require.Equal(t, 5, heads)
}

func TestARegistryThatDoesNotAnswerIsUnavailable(t *testing.T) {
	t.Parallel()
	w := newFleetWire(t)
	rows := w.filled(t)
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close() // nobody listens there
	_, err := w.ModifyRegistry(w.root, actions.ModifyRegistryAction{RegistryID: w.row.ID, URL: domain.Set(server.URL)})
	require.NoError(t, err)
	scan := w.rescan()[0]
	require.False(t, scan.Complete)
	require.Equal(t, "registry_failed", scan.Errors[0].Problem.Reason)
	_, err = w.untag(actions.UntagImageFromRegistryAction{ImageID: rows[0].ID, Force: true})
	fleetError(t, err, domain.CodeUnavailable, "registry_failed")
	require.Equal(t, rows, w.rows())
}

func TestACanceledScanOverTheWireIsCanceled(t *testing.T) {
	t.Parallel()
	w := newFleetWire(t)
	rows := w.filled(t)
	arrived := make(chan struct{})
	w.fault("^HEAD .*/a/manifests/1", func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		select { // until the caller is gone
		case <-r.Context().Done():
		case <-time.After(20 * time.Second):
		}
	})
	ctx, cancel := context.WithCancel(w.root)
	go func() { <-arrived; cancel() }()
	_, err := w.RescanImages(ctx, actions.RescanImagesAction{})
	fleetError(t, err, domain.CodeCanceled, "canceled")
	require.Equal(t, rows, w.rows())
}

func TestADeletionThatDidNotHappenIsNoSuccess(t *testing.T) {
	t.Parallel()
	w := newFleetWire(t)
	img := w.filled(t)[2]
	w.fault("^DELETE ", fleetStatus(404, "NOT_FOUND")) // what some registries say of a request that they do not know
	_, err := w.untag(actions.UntagImageFromRegistryAction{ImageID: img.ID})
	require.Error(t, err)
	w.requireStatus(img.ID, domain.ImageAlive)
}
