package cli_test

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

func pemFile(t *testing.T, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return path
}

// Every action that has a secret sends it, and those alone have words of their
// own.
func TestEncode(t *testing.T) {
	t.Parallel()
	secrets := 0
	for _, e := range service.Catalogue() {
		plain := e.New()
		got, err := cli.Encode(plain)
		require.NoError(t, err)
		require.JSONEq(t, wire(t, plain), string(got), "what is absent stays so")

		full := filled(e.Action)
		got, err = cli.Encode(full.Interface().(actions.Action))
		require.NoError(t, err)
		back := e.New()
		require.NoError(t, json.Unmarshal(got, back))
		if !reflect.DeepEqual(wire(t, full.Interface()), string(got)) {
			secrets++
			require.Contains(t, string(got), "hunter2")
			require.NotContains(t, string(got), "***")
		}
		require.Equal(t, wire(t, full.Interface()), wire(t, back), e.Spec.Name)
	}
	require.Equal(t, 2, secrets, "registry.create and registry.modify")
}

func TestEncodeOfPatches(t *testing.T) {
	t.Parallel()
	for want, patch := range map[string]domain.Patch[domain.Secret]{
		`{"password":"a\"\u003cb"}`: domain.Set(domain.Secret(`a"<b`)),
		`{"password":"***"}`:        domain.Set(domain.Secret("***")),
		`{"password":""}`:           domain.Set(domain.Secret("")),
		`{"password":null}`:         domain.Clear[domain.Secret](),
		`{}`:                        {},
	} {
		a := actions.ModifyRegistryAction{RegistryID: someID}
		set := reflect.ValueOf(&a).Elem()
		field := findPatch(set)
		field.Set(reflect.ValueOf(patch))
		for _, action := range []actions.Action{a, &a} {
			got, err := cli.Encode(action)
			require.NoError(t, err)
			require.Contains(t, string(got), someID)
			require.Equal(t, want != `{}`, strings.Contains(string(got), "password"), want)
			if want != `{}` {
				require.Contains(t, string(got), want[1:len(want)-1])
			}
		}
	}
}

// findPatch is the one password of a change, wherever it is.
func findPatch(v reflect.Value) reflect.Value {
	for i := range v.NumField() {
		f := v.Field(i)
		if f.Type() == reflect.TypeFor[domain.Patch[domain.Secret]]() {
			return f
		}
		if f.Kind() == reflect.Struct {
			if found := findPatch(f); found.IsValid() {
				return found
			}
		}
	}
	return reflect.Value{}
}

// A password reaches the server, and nothing else that is written anywhere has
// it or the token.
func TestSecretsGoToTheServerOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	password, token := filepath.Join(dir, "password"), filepath.Join(dir, "token")
	require.NoError(t, os.WriteFile(password, []byte("correct-horse\n"), 0o600))
	require.NoError(t, os.WriteFile(token, []byte("whk_battery\n"), 0o600))
	good := func(_ int, w http.ResponseWriter, _ *http.Request) {
		gives(w, actions.CreateRegistryResult{Registry: domain.Registry{Name: "cr.test", Password: "correct-horse"}})
	}
	for name, answer := range map[string]func(int, http.ResponseWriter, *http.Request){
		"it works":       good,
		"it is refused":  func(_ int, w http.ResponseWriter, _ *http.Request) { problem(w, 409, domain.ErrConflict) },
		"it is no wharf": sends(502, "text/html", "correct-horse whk_battery"),
		"it is cut off":  func(_ int, w http.ResponseWriter, _ *http.Request) { cut(w, 99, `{"registry`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, answer)
			for _, more := range [][]string{nil, {"--json"}} {
				w := newWorld(t)
				w.env = []string{"WHARF_SERVER=" + p.URL, "WHARF_TOKEN_FILE=" + token, "WHARF_LOG_LEVEL=debug"}
				o := w.run(append([]string{"registry", "create", "cr.test", "--username", "ada", "--password-file", password}, more...)...)
				o.silent("correct-horse").silent("whk_battery").silent("battery")
			}
			for _, req := range p.requests() {
				require.Contains(t, req.body, `"password":"correct-horse"`)
				require.Equal(t, "Bearer whk_battery", req.header.Get("Authorization"))
				req.header.Del("Authorization")
				require.NotContains(t, wire(t, req.header), "battery")
				require.NotContains(t, wire(t, req.header), "horse")
			}
		})
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	p := newPeer(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		gives(w, actions.ListImagesResult{Images: []domain.ImageDetail{}})
	})
	path := filepath.Join(t.TempDir(), "token")
	e := entryOf(t, "image.list")
	svc := p.remote(func(c *cli.RemoteConfig) { c.TokenFile = path })
	ask := func() error {
		_, err := svc.Invoke(t.Context(), e, e.New())
		return err
	}
	require.Equal(t, "file_unreadable", domain.ReasonOf(ask()))
	for _, text := range []string{"", " \n", "two words", "a\nb", "é", string(make([]byte, 70<<10))} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		err := ask()
		require.Equal(t, "token_invalid", domain.ReasonOf(err), "%q", text)
		require.NotContains(t, domain.MessageOf(err), "two words")
	}
	require.Empty(t, p.requests())
	for _, token := range []string{"first", "second"} { // a file that is renewed
		require.NoError(t, os.WriteFile(path, []byte(token+"\n"), 0o600))
		require.NoError(t, ask())
		require.Equal(t, "Bearer "+token, p.requests()[len(p.requests())-1].header.Get("Authorization"))
	}
}
