package ocilayout_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/ocilayout"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

func sum(content string) string  { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(content))) }
func size(content string) string { return strconv.Itoa(len(content)) }

// large tells the layer of imageOf that takes many packets; "" is none.
func large(content string) string {
	return sum(strings.Repeat(content+"x86_64", 1<<20/len(content+"x86_64")))
}

func blobOf(r *http.Request) string {
	_, digest, _ := strings.Cut(r.URL.Path, "/blobs/")
	return digest
}

func TestPullThatIsCutOff(t *testing.T) {
	h, dir := newHub(t), t.TempDir()
	a := open(t, dir, ocilayout.Options{Jobs: 1})
	p := h.one(t, "1", "a")
	h.set(func(w http.ResponseWriter, r *http.Request) bool {
		if blobOf(r) != large("a") {
			return false
		}
		w.Header().Set("Content-Length", strconv.Itoa(1<<20/7*7))
		_, _ = w.Write(make([]byte, 1<<19))
		panic(http.ErrAbortHandler)
	})
	_, err := a.Pull(t.Context(), p.Request, nil)
	fails(t, err, domain.CodeUnavailable, "registry_failed")
	require.Empty(t, inventory(t, a))
	sound(t, dir)

	h.set(nil)
	pull(t, a, p)
	asked, _ := h.asked()
	require.Equal(t, []string{large("a")}, asked, "only what is missing is fetched")
	require.Len(t, inventory(t, a), 1)
	sound(t, dir)
}

func TestCorruptedContentIsRefused(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter){
		"other bytes": func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, 1<<20/7*7)) },
		"too few":     func(w http.ResponseWriter) { _, _ = w.Write([]byte("axa")) },
		"too many":    func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, 1<<21)) },
	} {
		t.Run(name, func(t *testing.T) {
			h, dir := newHub(t), t.TempDir()
			a := open(t, dir, ocilayout.Options{})
			p := h.one(t, "1", "a")
			h.set(func(w http.ResponseWriter, r *http.Request) bool {
				if blobOf(r) == large("a") {
					answer(w)
					return true
				}
				return false
			})
			_, err := a.Pull(t.Context(), p.Request, func(s domain.ProgressStep) {
				require.LessOrEqual(t, s.Current, s.Total)
			})
			fails(t, err, domain.CodePrecondition, "digest_mismatch")
			require.Empty(t, inventory(t, a))
			require.NoFileExists(t, filepath.Join(dir, "blobs", strings.ReplaceAll(large("a"), ":", "/")))
			sound(t, dir)
			h.set(nil)
			pull(t, a, p)
			sound(t, dir)
		})
	}
}

func TestCorruptedManifestIsRefused(t *testing.T) {
	h := newHub(t)
	a := open(t, t.TempDir(), ocilayout.Options{})
	both := h.push(t, porttest.AgentImage{Repository: "app", Tag: "1", Architectures: []string{"x86_64", "aarch64"}, Content: "a"})
	h.set(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/manifests/"+both[0].Request.Manifest.String()) {
			return false
		}
		r.URL.Path = strings.Replace(r.URL.Path, both[0].Request.Manifest.String(), both[1].Request.Manifest.String(), 1)
		return false // answers with the other architecture's
	})
	for _, expected := range []domain.Digest{"", both[0].Request.Manifest} {
		r := both[0].Request
		r.Manifest = expected
		_, err := a.Pull(t.Context(), r, nil)
		fails(t, err, domain.CodePrecondition, "digest_mismatch")
	}
	pinned := both[0].Request
	pinned.Reference.Tag, pinned.Reference.Digest = "", pinned.Manifest
	_, err := a.Pull(t.Context(), pinned, nil)
	fails(t, err, domain.CodePrecondition, "digest_mismatch")

	h.set(nil)
	out, err := a.Pull(t.Context(), pinned, nil)
	require.NoError(t, err)
	require.Equal(t, both[0].Config, out.Digest)
	require.Contains(t, inventory(t, a)[0].Canonical, "/app@sha256:")
}

func TestHeldImageNeedsNoRegistry(t *testing.T) {
	h, dir := newHub(t), t.TempDir()
	a := open(t, dir, ocilayout.Options{})
	p := h.one(t, "1", "a")
	pull(t, a, p)
	h.set(nil)
	require.True(t, pull(t, a, p).Unchanged)
	_, calls := h.asked()
	require.Zero(t, calls)

	// Damage is not held, and a pull repairs it.
	require.NoError(t, os.Remove(filepath.Join(dir, "blobs", strings.ReplaceAll(large("a"), ":", "/"))))
	require.Empty(t, inventory(t, a))
	require.False(t, pull(t, a, p).Unchanged)
	asked, _ := h.asked()
	require.Equal(t, []string{large("a")}, asked)
	require.Len(t, inventory(t, a), 1)
	sound(t, dir)
}

func TestPullsUnderWayAreSafeFromRemovals(t *testing.T) {
	h, dir := newHub(t), t.TempDir()
	a, other := open(t, dir, ocilayout.Options{Jobs: 1}), open(t, dir, ocilayout.Options{})
	gone, p := h.one(t, "gone", "g"), h.one(t, "1", "a")
	pull(t, other, gone)
	write(t, "[]", dir, ".wharf", "pulls", "pull-crashed", "pins.json")
	write(t, "half a layer", dir, ".wharf", "pulls", "pull-crashed", "0123-4")

	arrived, proceed := make(chan struct{}), make(chan struct{})
	h.set(func(_ http.ResponseWriter, r *http.Request) bool {
		if blobOf(r) == large("a") {
			close(arrived)
			<-proceed
		}
		return false
	})
	done := make(chan error, 1)
	go func() {
		_, err := a.Pull(t.Context(), p.Request, nil)
		done <- err
	}()
	<-arrived
	_, err := other.Remove(t.Context(), gone.Removal())
	require.NoError(t, err)
	require.NoDirExists(t, filepath.Join(dir, ".wharf", "pulls", "pull-crashed"))
	asked, _ := h.asked()
	close(proceed)
	require.NoError(t, <-done)
	now, _ := h.asked()
	require.Equal(t, asked, now, "nothing that was fetched got lost")
	sound(t, dir)
	require.Len(t, inventory(t, a), 1)
}

func TestPullsOfOneImageFetchItOnce(t *testing.T) {
	h := newHub(t)
	a := open(t, t.TempDir(), ocilayout.Options{})
	p := h.one(t, "1", "a")
	const pulls = 6
	var arrived atomic.Int32
	all := make(chan struct{})
	h.set(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/manifests/") {
			if arrived.Add(1) == pulls {
				close(all)
			}
			<-all // nobody knows yet that another one pulls
		}
		return false
	})
	fetched := make(chan bool, pulls)
	for range pulls {
		go func() {
			out, err := a.Pull(t.Context(), p.Request, nil)
			fetched <- err == nil && !out.Unchanged
		}()
	}
	changed := 0
	for range pulls {
		if <-fetched {
			changed++
		}
	}
	require.Positive(t, changed)
	asked, _ := h.asked()
	require.Len(t, asked, 4, "a config and three layers: %v", asked)
}

func TestCanceledPull(t *testing.T) {
	h, dir := newHub(t), t.TempDir()
	a := open(t, dir, ocilayout.Options{})
	p := h.one(t, "1", "a")
	ctx, cancel := context.WithCancel(t.Context())
	h.set(func(_ http.ResponseWriter, r *http.Request) bool {
		if blobOf(r) == large("a") {
			cancel()
			<-r.Context().Done()
		}
		return false
	})
	_, err := a.Pull(ctx, p.Request, nil)
	fails(t, err, domain.CodeCanceled, "canceled")
	require.Empty(t, inventory(t, a))
	sound(t, dir)
}

func TestProgressCountsBytes(t *testing.T) {
	h := newHub(t)
	a := open(t, t.TempDir(), ocilayout.Options{})
	var steps []domain.ProgressStep
	sink := func(s domain.ProgressStep) { steps = append(steps, s) }
	out, err := a.Pull(t.Context(), h.one(t, "1", "a").Request, sink)
	require.NoError(t, err)
	require.Equal(t, domain.ProgressStep{Total: out.SizeBytes, Message: "pulling"}, steps[0])
	require.Equal(t, domain.ProgressStep{Current: out.SizeBytes, Total: out.SizeBytes, Message: "pulled"}, steps[len(steps)-1])

	steps = nil // shares two layers with the first one
	_, err = a.Pull(t.Context(), h.one(t, "2", "a").Request, sink)
	require.NoError(t, err)
	require.Equal(t, out.SizeBytes, steps[len(steps)-1].Current)
}

func TestPlatform(t *testing.T) {
	h, dir := newHub(t), t.TempDir()
	a := open(t, dir, ocilayout.Options{})
	request := func(tag, arch string) domain.PullRequest {
		return domain.PullRequest{Reference: domain.Reference{Registry: h.host, Path: "app", Tag: tag}, Architecture: arch, Registry: h.row()}
	}
	index := func(tag string, img v1.Image, p *v1.Platform) {
		h.write(t, "app:"+tag, nil, mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: p}}))
	}
	h.write(t, "app:plain", imageOf(t, "a", "x86_64"), nil)
	_, err := a.Pull(t.Context(), request("plain", "aarch64"), nil)
	fails(t, err, domain.CodePrecondition, "platform_mismatch")

	h.set(nil)
	index("lies", imageOf(t, "l", "x86_64"), &v1.Platform{OS: "linux", Architecture: "arm64"})
	_, err = a.Pull(t.Context(), request("lies", "aarch64"), nil)
	fails(t, err, domain.CodePrecondition, "platform_mismatch")
	asked, _ := h.asked()
	require.Len(t, asked, 1, "the config is enough to know")

	index("windows", imageOf(t, "a", "x86_64"), &v1.Platform{OS: "windows", Architecture: "amd64"})
	_, err = a.Pull(t.Context(), request("windows", "amd64"), nil)
	fails(t, err, domain.CodeNotFound, "architecture_not_found")

	// Configs often leave out the variant that the index has.
	img := imageOf(t, "a", "arm/v6")
	config, err := img.ConfigFile()
	require.NoError(t, err)
	config = config.DeepCopy()
	config.Variant = ""
	img, err = mutate.ConfigFile(img, config)
	require.NoError(t, err)
	index("variant", img, &v1.Platform{OS: "linux", Architecture: "arm", Variant: "v6"})
	_, err = a.Pull(t.Context(), request("variant", "arm/v7"), nil)
	fails(t, err, domain.CodeNotFound, "architecture_not_found")
	_, err = a.Pull(t.Context(), request("variant", "armv6l"), nil)
	require.NoError(t, err)
	require.Equal(t, "arm/v6", inventory(t, a)[0].Architecture)

	docker := mutate.MediaType(mutate.ConfigMediaType(imageOf(t, "d", "x86_64"), types.DockerConfigJSON), types.DockerManifestSchema2)
	h.write(t, "app:docker", docker, nil)
	_, err = a.Pull(t.Context(), request("docker", "amd64"), nil)
	require.NoError(t, err)
	sound(t, dir)
	require.Len(t, inventory(t, a), 2)
}
