package docker_test

import (
	"archive/tar"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

func templateOf(t domain.BuildTemplate) domain.BuildSource {
	return domain.BuildSource{Type: domain.BuildFromTemplate, Template: &t}
}

// receives makes the engine build, and keeps the context that came.
func (f *fake) receives(got map[string]string) {
	f.answer(buildPath, func(w http.ResponseWriter, r *http.Request) {
		for archive := tar.NewReader(r.Body); ; {
			h, err := archive.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				refuse(w, http.StatusInternalServerError, err.Error())
				return
			}
			content, _ := io.ReadAll(archive)
			got[h.Name] = string(content) + h.Linkname
		}
		f.add("built", nil, nil)
		tells(w, `{"stream":"Step 1/2 : FR"}`, `{"stream":"OM x\n\n ---\u003e \u001b[31mabc"}`, fmt.Sprintf(`{"aux":{"ID":%q}}`, porttest.DigestOf("built")))
	})
}

func (f *fake) build(t *testing.T, ctx context.Context, r domain.BuildRequest, sink domain.TransferSink) (domain.BuildOutcome, error) { //nolint:revive // the test comes first, as everywhere
	t.Helper()
	return f.open(t).(port.Builder).Build(ctx, r, sink)
}

func TestATemplateIsData(t *testing.T) {
	f := newFake(t)
	got := map[string]string{}
	f.receives(got)
	var said []string
	registry := request().Registry
	out, err := f.build(t, t.Context(), domain.BuildRequest{
		Name: "app:1", Labels: map[string]string{"a": "b\nRUN x"}, Base: &registry, Architecture: "amd64",
		Source: templateOf(domain.BuildTemplate{
			BaseImage: "scratch", Requirements: []string{"numpy==2.1", "<<EOF"},
			Files: map[string]string{"a/b.py": "print()", "$x \"y\"": "z"}, Command: []string{"sh", "-c", "echo \"$HOME\"\nRUN x"},
		}),
	}, func(e domain.TransferEvent) { said = append(said, e.Message) })
	require.NoError(t, err)
	require.Equal(t, domain.BuildOutcome{Digest: porttest.DigestOf("built"), SizeBytes: 100}, out)
	require.Equal(t, map[string]string{
		"Dockerfile": "FROM scratch\nWORKDIR /app\nCOPY [\"requirements.txt\", \"/app/requirements.txt\"]\n" +
			"RUN [\"pip\", \"install\", \"--no-cache-dir\", \"-r\", \"/app/requirements.txt\"]\nCOPY [\"files/\", \"/app/\"]\n" +
			`CMD ["sh","-c","echo \"$HOME\"\nRUN x"]` + "\n",
		"requirements.txt": "numpy==2.1\n<<EOF\n", "files/a/b.py": "print()", `files/$x "y"`: "z",
	}, got)
	require.Equal(t, []string{"Step 1/2 : FROM x", "---> [31mabc"}, said, "lines, without what controls terminals")
	require.Equal(t, []string{"docker.io/library/app:1"}, f.tags())
	for _, r := range f.requests() {
		if r.URL.Path != "/v1.41/build" {
			require.Empty(t, r.Header.Get("X-Registry-Config"))
			continue
		}
		q := r.URL.Query()
		require.Equal(t, []string{"", "1", "", "1", "linux/amd64", `{"a":"b\nRUN x"}`}, []string{q.Get("rm"), q.Get("forcerm"), q.Get("t"), q.Get("version"), q.Get("platform"), q.Get("labels")})
		raw, err := base64.URLEncoding.DecodeString(r.Header.Get("X-Registry-Config"))
		require.NoError(t, err)
		var auths map[string]map[string]string
		require.NoError(t, json.Unmarshal(raw, &auths))
		require.Equal(t, map[string]map[string]string{"cr.example.org": {"username": "robot", "password": "hunter2", "serveraddress": "cr.example.org"}}, auths)
	}
}

func TestTemplatesAreBounded(t *testing.T) {
	f := newFake(t)
	many := map[string]string{}
	for i := range 1001 {
		many[fmt.Sprint(i)] = ""
	}
	for why, tmpl := range map[string]domain.BuildTemplate{
		"files":         {Files: many},
		"bytes":         {Files: map[string]string{"a": strings.Repeat("x", 16<<20+1)}},
		"requirements":  {Requirements: []string{strings.Repeat("x", 64<<10+1)}},
		"the command":   {Command: []string{strings.Repeat("x", 16<<10)}},
		"file and dir":  {Files: map[string]string{"a": "", "a/b": ""}},
		"two spellings": {Files: map[string]string{"a//b": ""}},
		"a backslash":   {Requirements: []string{`a \`, "--x"}},
		"no text":       {Command: []string{"\xff"}},
	} {
		tmpl.BaseImage = "scratch"
		_, err := f.build(t, t.Context(), domain.BuildRequest{Name: "app:1", Source: templateOf(tmpl)}, nil)
		require.Equal(t, "build_template_invalid", domain.ReasonOf(err), "%s: %v", why, err)
	}
	require.Empty(t, f.requests())
}

func TestADirectoryIsSentWithoutWhatItIgnores(t *testing.T) {
	f := newFake(t)
	got := map[string]string{}
	f.receives(got)
	dir, secret := t.TempDir(), filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("secret"), 0o600))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "skip/deep"), 0o700))
	for name, content := range map[string]string{
		"Dockerfile": "FROM scratch\n", ".dockerignore": "# all\n*\n!keep\n!skip/deep/kept\n", "keep": "1", ".env": "2", "skip/a": "3", "skip/deep/kept": "4",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	source := domain.BuildSource{Type: domain.BuildFromDirectory, Path: dir}
	_, err := f.build(t, t.Context(), domain.BuildRequest{Name: "app:1", Source: source}, nil)
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"Dockerfile": "FROM scratch\n", ".dockerignore": "# all\n*\n!keep\n!skip/deep/kept\n", "keep": "1", "skip/deep/kept": "4",
	}, got)

	clear(got)
	require.NoError(t, os.Remove(filepath.Join(dir, ".dockerignore")))
	require.NoError(t, os.Symlink(secret, filepath.Join(dir, "link")))
	_, err = f.build(t, t.Context(), domain.BuildRequest{Name: "app:1", Source: source}, nil)
	require.NoError(t, err)
	require.Equal(t, secret, got["link"], "a link is sent, and not what it names")
	require.Contains(t, got, "skip/")

	require.NoError(t, os.Symlink(secret, filepath.Join(dir, ".dockerignore")))
	_, err = f.build(t, t.Context(), domain.BuildRequest{Name: "app:1", Source: source}, nil)
	fails(t, err, domain.CodePrecondition, "build_source_unreadable")
}

func TestBuildsThatFail(t *testing.T) {
	f := newFake(t)
	f.works()
	f.add("a", []string{"app:1"}, nil)
	r := domain.BuildRequest{Name: "app:1", Source: templateOf(domain.BuildTemplate{BaseImage: "scratch"})}
	var lines []string
	for i := range 30 {
		lines = append(lines, fmt.Sprintf(`{"stream":"line %d\n"}`, i))
	}
	f.answer(buildPath, func(w http.ResponseWriter, _ *http.Request) {
		tells(w, append(slices.Clone(lines), `{"stream":"no end"}`, `{"errorDetail":{"code":3,"message":"returned a non-zero code: 3"},"error":"x"}`)...)
	})
	_, err := f.build(t, t.Context(), r, nil)
	fails(t, err, domain.CodePrecondition, "build_failed")
	require.Contains(t, domain.MessageOf(err), "line 21\n")
	require.True(t, strings.HasSuffix(domain.MessageOf(err), "line 29\nno end\nreturned a non-zero code: 3"), domain.MessageOf(err))
	require.NotContains(t, domain.MessageOf(err), "line 20")

	for status, want := range map[int][2]string{
		http.StatusBadRequest: {"precondition", "build_failed"}, http.StatusInternalServerError: {"precondition", "build_failed"}, http.StatusForbidden: {"unavailable", "agent_failed"},
	} {
		f.answer(buildPath, func(w http.ResponseWriter, _ *http.Request) { refuse(w, status, "dockerfile parse error") })
		_, err := f.build(t, t.Context(), r, nil)
		fails(t, err, domain.Code(want[0]), want[1])
	}
	f.answer(buildPath, func(w http.ResponseWriter, _ *http.Request) { tells(w, `{"stream":"done"}`) })
	_, err = f.build(t, t.Context(), r, nil)
	fails(t, err, domain.CodeUnavailable, "agent_failed")
	f.works()
	r.Architecture = "aarch64"
	_, err = f.build(t, t.Context(), r, nil)
	fails(t, err, domain.CodePrecondition, "platform_mismatch")
	require.Equal(t, []string{"app:1"}, f.tags())
}

// An engine that answers before it has read everything, and a caller that gives
// up while the context is sent; what is left running is found at the end.
func TestABuildWhoseContextIsNotRead(t *testing.T) {
	f := newFake(t)
	file := filepath.Join(t.TempDir(), "source.tar")
	require.NoError(t, os.WriteFile(file, make([]byte, 8<<20), 0o600))
	r := domain.BuildRequest{Name: "app:1", Source: domain.BuildSource{Type: domain.BuildFromTarball, Path: file}}
	f.answer(buildPath, func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusBadRequest, "no Dockerfile") })
	_, err := f.build(t, t.Context(), r, nil)
	require.Contains(t, []string{"build_failed", "agent_failed", "agent_unavailable"}, domain.ReasonOf(err)) // it may hang up before it is heard
	ctx, cancel := context.WithCancel(t.Context())
	f.answer(buildPath, func(_ http.ResponseWriter, r *http.Request) { cancel(); _, _ = io.Copy(io.Discard, r.Body) })
	_, err = f.build(t, ctx, r, nil)
	fails(t, err, domain.CodeCanceled, "canceled")
}
