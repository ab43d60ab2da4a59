package transfer_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/registry/transfer"
	"github.com/wharf-project/wharf/adapters/registry/transfer/transfertest"
	"github.com/wharf-project/wharf/domain"
)

// saved writes images as docker save does: with uncompressed layers, one of
// them a link where it is there before.
func saved(tb testing.TB, images map[string]v1.Image) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	put := func(name string, raw []byte) {
		require.NoError(tb, w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(raw))}))
		_, err := w.Write(raw)
		require.NoError(tb, err)
	}
	var manifest []string
	for tag, img := range images {
		config, err := img.ConfigName()
		require.NoError(tb, err)
		raw, err := img.RawConfigFile()
		require.NoError(tb, err)
		put(config.Hex+".json", raw)
		layers, err := img.Layers()
		require.NoError(tb, err)
		first, second := config.Hex[:8]+"a", config.Hex[:8]+"b"
		for n, dir := range []string{first, second} {
			content, err := layers[n].Uncompressed()
			require.NoError(tb, err)
			plain, err := io.ReadAll(content)
			require.NoError(tb, err)
			put(dir+"/layer.tar", plain)
		}
		require.NoError(tb, w.WriteHeader(&tar.Header{Name: config.Hex[:8] + "c/layer.tar", Typeflag: tar.TypeSymlink, Linkname: "../" + first + "/layer.tar"}))
		manifest = append(manifest, `{"Config":"`+config.Hex+`.json","RepoTags":["`+tag+`"],"Layers":["`+first+`/layer.tar","`+second+`/layer.tar","`+config.Hex[:8]+`c/layer.tar"]}`)
	}
	put("manifest.json", []byte("["+join(manifest)+"]"))
	require.NoError(tb, w.Close())
	return b.Bytes()
}

func join(list []string) string {
	out := ""
	for n, s := range list {
		if n > 0 {
			out += ","
		}
		out += s
	}
	return out
}

func three(tb testing.TB, words string) v1.Image {
	tb.Helper()
	same := map[string]string{"same": words}
	return transfertest.Image(tb, "x86_64", same, map[string]string{"other": words}, same)
}

func TestWhatDockerSavedIsPushed(t *testing.T) {
	one, two := three(t, "one"), three(t, "two")
	plain := saved(t, map[string]v1.Image{"app:1": one, "team/app:2": two})
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write(plain)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	for kind, raw := range map[string][]byte{"as it is": plain, "compressed": packed.Bytes()} {
		t.Run(kind, func(t *testing.T) {
			r := record(t)
			file := filepath.Join(t.TempDir(), "saved.tar")
			require.NoError(t, os.WriteFile(file, raw, 0o644))
			l := open(t, "archive:"+file, transfer.Options{})
			for tag, img := range map[string]v1.Image{"app:1": one, "docker.io/team/app:2": two} {
				push := r.push("1")
				push.Local = tag
				out, err := l.Push(t.Context(), push, nil)
				require.NoError(t, err)
				ref, err := name.NewTag(push.Remote.Canonical(), name.Insecure)
				require.NoError(t, err)
				got, err := remote.Image(ref)
				require.NoError(t, err)
				require.NoError(t, validate.Image(got), "layers are what the configuration names")
				want, err := img.ConfigName()
				require.NoError(t, err)
				config, err := got.ConfigName()
				require.NoError(t, err)
				require.Equal(t, want, config)
				require.Equal(t, digestOf(t, got), out.Digest)
				again, err := l.Push(t.Context(), push, nil)
				require.NoError(t, err)
				require.True(t, again.Unchanged, "the same manifest each time")
			}
			push := r.push("1")
			push.Local = ""
			_, err := l.Push(t.Context(), push, nil)
			requireCode(t, err, domain.CodeInvalid, "image_ambiguous")
			push.Local, push.Architecture = "app:1", "arm64"
			_, err = l.Push(t.Context(), push, nil)
			requireCode(t, err, domain.CodeNotFound, "image_not_found")
			transfertest.Publish(t, r.host, r.ref("team/app", "in"), one)
			_, err = l.Fetch(t.Context(), r.fetch("in", "app:3"), nil)
			requireCode(t, err, domain.CodePrecondition, "store_read_only")
		})
	}
}

func TestTheOnlyImageOfAnArchiveNeedsNoName(t *testing.T) {
	r := record(t)
	file := filepath.Join(t.TempDir(), "app.tar")
	img := three(t, "one")
	tag, err := name.NewTag("app:1")
	require.NoError(t, err)
	require.NoError(t, tarball.WriteToFile(file, tag, img)) // with compressed layers
	push := r.push("1")
	push.Local = ""
	_, err = open(t, "archive:"+file, transfer.Options{}).Push(t.Context(), push, nil)
	require.NoError(t, err)
	want, err := img.ConfigName()
	require.NoError(t, err)
	require.Equal(t, []domain.Digest{domain.Digest(want.String())}, transfertest.Tagged(t, r.host, push.Remote).Configs)
}

func TestAnArchiveOfOtherLayersIsRefused(t *testing.T) {
	r := record(t)
	one := three(t, "one")
	raw := saved(t, map[string]v1.Image{"app:1": one})
	file := filepath.Join(t.TempDir(), "app.tar")
	changed := bytes.Replace(raw, []byte("other"), []byte("wrong"), 1)
	require.NoError(t, os.WriteFile(file, changed, 0o644))
	_, err := open(t, "archive:"+file, transfer.Options{}).Push(t.Context(), r.push("1"), nil)
	require.Error(t, err)
	require.Contains(t, []string{"digest_mismatch", "store_invalid"}, domain.ReasonOf(err), "%v", err)
	require.Zero(t, r.count("PUT"))
}

func TestWhatIsNoStoreIsRefused(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("mine"), 0o644))
	r := record(t)
	transfertest.Publish(t, r.host, r.ref("team/app", "1"), big(t, 1, 10))
	for _, address := range []string{"oci:" + dir, "archive:" + filepath.Join(dir, "notes.txt")} {
		l := open(t, address, transfer.Options{})
		_, err := l.Push(t.Context(), r.push("1"), nil)
		requireCode(t, err, domain.CodePrecondition, "store_invalid")
		_, err = l.Fetch(t.Context(), r.fetch("1", "app:1"), nil)
		requireCode(t, err, domain.CodePrecondition, "store_invalid")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "notes.txt"))
	require.NoError(t, err)
	require.Equal(t, "mine", string(raw))
	for _, address := range []string{"", "oci:", "oci", "archive:", "docker:", "zip:x", "oci:a\x00b"} {
		_, err := transfer.Open(t.Context(), address, transfer.Options{})
		requireCode(t, err, domain.CodeInvalid, "store_invalid")
	}
}

// A hostile archive or index is refused or read, never a crash or a file
// elsewhere.
func FuzzArchive(f *testing.F) {
	img := transfertest.Image(f, "x86_64", map[string]string{"a": "1"}, map[string]string{"b": "2"}, map[string]string{"a": "1"})
	f.Add(saved(f, map[string]v1.Image{"app:1": img}), "app:1")
	dir := f.TempDir()
	transfertest.PutLayout(f, dir, "app:1", img)
	file := filepath.Join(f.TempDir(), "layout.tar")
	transfertest.Pack(f, dir, file)
	raw, err := os.ReadFile(file)
	require.NoError(f, err)
	f.Add(raw, "")
	f.Fuzz(func(t *testing.T, raw []byte, local string) {
		file := filepath.Join(t.TempDir(), "fuzzed.tar")
		require.NoError(t, os.WriteFile(file, raw, 0o644))
		l, err := transfer.Open(t.Context(), "archive:"+file, once)
		require.NoError(t, err)
		ref := domain.Reference{Registry: "127.0.0.1:1", Path: "a", Tag: "1"} // nobody listens
		_, err = l.Push(t.Context(), domain.PushRequest{Local: local, Remote: ref, Registry: transfertest.Row("127.0.0.1:1")}, nil)
		require.Error(t, err)
		require.NotEqual(t, domain.CodeInternal, domain.CodeOf(err), "%v", err)
	})
}
