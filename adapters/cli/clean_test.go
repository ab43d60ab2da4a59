package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/cli"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

const hostile = "a\x1b]0;title\x07\x1b[2J\u009b31m\r\n\t\u202ergo\u2066\u200b\ufeff\xff\x7f\u2028\U000e0041z"

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"plain-1.2_3/ä한é 😀":      "plain-1.2_3/ä한é 😀",
		"a\x1b[31mb":             `a\x1b[31mb`,
		"a\nb\tc\rd\x00":         `a\nb\tc\rd\x00`,
		"\u009b1m":               `\u009b1m`,
		"x\u202eexe.txt":         `x\u202eexe.txt`,
		"z\u200bero\ufeff\u2060": `z\u200bero\ufeff\u2060`,
		"\u3164\u115f\ufe0f":     `\u3164\u115f\ufe0f`,
		"bad\xffutf8\xc3":        `bad\xffutf8\xc3`,
		"tag\U000e0041":          `tag\U000e0041`,
		"nbsp\u00a0x\u2028":      `nbsp\u00a0x\u2028`,
		"\ufffd":                 "\ufffd",
	} {
		require.Equal(t, want, cli.Clean(in))
	}
}

// harmless reports the first character that a terminal could take for
// something else than itself.
func harmless(t *testing.T, s string) {
	t.Helper()
	require.True(t, utf8.ValidString(s))
	for i, r := range s {
		if r != '\n' && !unicode.IsPrint(r) {
			require.Failf(t, "control character", "%U at %d of %q", r, i, s)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add(hostile)
	f.Add("python:3.11")
	f.Fuzz(func(t *testing.T, s string) {
		c := cli.Clean(s)
		harmless(t, strings.ReplaceAll(c, "\n", "\x00"))
		require.Equal(t, c, cli.Clean(c))
		b, err := cli.Marshal(map[string]string{"v": s}, false)
		require.NoError(t, err)
		harmless(t, string(b))
		var back map[string]string
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, string([]rune(s)), back["v"])
	})
}

// Every result of the catalogue with hostile text in each of its fields: no
// output lets it through.
func TestHostileTextInEveryResult(t *testing.T) {
	for _, e := range service.Catalogue() {
		v := reflect.New(e.Result).Elem()
		fill(v, 0)
		var b bytes.Buffer
		p := cli.NewPrinter(&b, time.Now())
		p.Result(v.Interface())
		if task := v.FieldByName("TaskID"); task.IsValid() { // else that is all there is to say
			task.SetZero()
			p.Result(v.Interface())
		}
		if isList, _ := cli.HasListFields(e); isList {
			require.NoError(t, p.Page(v.Interface()))
		}
		require.NoError(t, p.Flush())
		harmless(t, b.String())
		require.NotEmpty(t, b.String(), e.Spec.Name)

		j, err := cli.Marshal(v.Interface(), true)
		require.NoError(t, err, e.Spec.Name)
		harmless(t, string(j))
	}
}

// fill puts hostile text, numbers and one element of everything into a value.
func fill(v reflect.Value, depth int) {
	if depth > 8 || !v.CanSet() {
		return
	}
	switch p := v.Addr().Interface().(type) {
	case *json.RawMessage:
		*p = json.RawMessage(`{"a":"b"}`)
		return
	case *time.Time:
		*p = time.Now()
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(hostile)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(3)
	case reflect.Uint8:
		v.SetUint(1)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth+1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), depth+1)
	case reflect.Map:
		k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(k, depth+1)
		fill(e, depth+1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(k, e)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), depth+1)
		}
	}
}

func TestHostileTextInErrorsAndQuestions(t *testing.T) {
	w := answers(t, func(context.Context, service.Entry, actions.Action) (any, error) {
		return nil, domain.Errorf(domain.CodeConflict, "x", hostile, "taken: %s", hostile)
	})
	o := w.run("image", "get", hostile).exits(6)
	harmless(t, o.stderr)
	harmless(t, w.run("image", "get", "x", "--json").stderr)

	w = answers(t, func(ctx context.Context, _ service.Entry, a actions.Action) (any, error) {
		domain.ProgressFrom(ctx).Report(1, 2, hostile)
		return actions.PurgeImagesResult{PurgedImages: []actions.PurgedImages{{AgentID: hostile, PurgedImages: []string{hostile}}}}, nil
	})
	w.env, w.stdin, w.terminal = []string{"NO_COLOR=1"}, "y\n", cli.Terminal{In: true, Err: true}
	o = w.run("agent", "purge-images", "x", "--agents", "n", "--quiet").ok()
	harmless(t, o.stderr)
	w.terminal = cli.Terminal{}
	harmless(t, w.run("agent", "purge-images", "x", "--agents", "n", "--yes").ok().stderr)
}
