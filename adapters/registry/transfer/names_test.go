package transfer_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/registry/transfer"
	"github.com/wharf-project/wharf/adapters/registry/transfer/transfertest"
	"github.com/wharf-project/wharf/domain"
)

func TestNamesOfEntries(t *testing.T) {
	r := record(t)
	dir := t.TempDir()
	p, err := layout.Write(dir, empty.Index)
	require.NoError(t, err)
	put := func(img v1.Image, arch string, annotations map[string]string) string {
		o := []layout.Option{layout.WithAnnotations(annotations)}
		if arch != "" {
			architecture, variant := domain.OCIPlatform(arch)
			o = append(o, layout.WithPlatform(v1.Platform{OS: "linux", Architecture: architecture, Variant: variant}))
		}
		require.NoError(t, p.AppendImage(img, o...))
		return digestOf(t, img).String()
	}
	image := func(words string) v1.Image {
		return transfertest.Image(t, "x86_64", map[string]string{"words": words})
	}
	const ref, whole = "org.opencontainers.image.ref.name", "io.containerd.image.name"
	docker := put(image("docker"), "", map[string]string{whole: "docker.io/library/app:1", ref: "1"})
	other := put(image("other"), "", map[string]string{whole: "docker.io/library/other:1", ref: "1"})
	tagged := put(image("tagged"), "", map[string]string{ref: "v2"})
	full := put(image("full"), "", map[string]string{ref: "cr.example.org/team/app:3"})
	unnamed := put(image("unnamed"), "", nil)
	intel := put(image("both"), "x86_64", map[string]string{ref: "cr.example.org/both:1"})
	arm := put(transfertest.Image(t, "aarch64", map[string]string{"words": "both"}), "aarch64", map[string]string{ref: "cr.example.org/both:1"})

	l := open(t, "oci:"+dir, transfer.Options{})
	for n, c := range []struct{ local, architecture, want string }{
		{"app:1", "", docker},
		{"docker.io/library/app:1", "", docker},
		{"other:1", "amd64", other},
		{"v2", "", tagged},
		{"cr.example.org/team/app:3", "", full},
		{unnamed, "", unnamed},
		{"cr.example.org/both:1", "x86_64", intel},
		{"cr.example.org/both:1", "arm64", arm},
		{"cr.example.org/both:1", "", "invalid/image_ambiguous"},
		{"1", "", "invalid/image_ambiguous"},
		{"", "", "invalid/image_ambiguous"},
		{"app:2", "", "not_found/image_not_found"},
		{"app", "", "not_found/image_not_found"},
		{"no name at all", "", "not_found/image_not_found"},
	} {
		push := r.push(fmt.Sprintf("t%d", n))
		push.Local, push.Architecture = c.local, c.architecture
		out, err := l.Push(t.Context(), push, nil)
		got := out.Digest.String()
		if err != nil {
			got = string(domain.CodeOf(err)) + "/" + domain.ReasonOf(err)
		}
		require.Equal(t, c.want, got, "%q for %q: %v", c.local, c.architecture, err)
	}
}

// What a killed process left in the places of unfinished content does no harm.
func TestLeftoversOfAKilledFetchDoNoHarm(t *testing.T) {
	r := record(t)
	img := big(t, 2, 1000)
	transfertest.Publish(t, r.host, r.ref("team/app", "1"), img)
	layers, err := img.Layers()
	require.NoError(t, err)
	d, err := layers[0].Digest()
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "layout")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, ".wharf"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".wharf", d.Hex+".part"), []byte(strings.Repeat("x", 5000)), 0o644))
	file := filepath.Join(t.TempDir(), "app.tar")
	require.NoError(t, os.WriteFile(file+".part", []byte(strings.Repeat("x", 5000)), 0o644))
	for _, address := range []string{"oci:" + dir, "archive:" + file} {
		l := open(t, address, transfer.Options{})
		out, err := l.Fetch(t.Context(), r.fetch("1", "app:1"), nil)
		require.NoError(t, err)
		require.Equal(t, out.SizeBytes, out.ReceivedBytes)
		again, err := l.Fetch(t.Context(), r.fetch("1", "app:1"), nil)
		require.NoError(t, err)
		require.True(t, again.Unchanged)
		pushed, err := l.Push(t.Context(), r.push("back"), nil)
		require.NoError(t, err)
		require.Equal(t, digestOf(t, img), pushed.Digest)
	}
	require.NoFileExists(t, filepath.Join(dir, ".wharf", d.Hex+".part"))
}
