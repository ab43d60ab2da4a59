package domain_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

func TestASecretIsNeverShown(t *testing.T) {
	t.Parallel()
	const content = "hunter2"
	s := domain.Secret(content)
	row := domain.Registry{Name: "cr.example.org", Username: "robot", Password: s}
	patch := domain.Set(s)
	nested := map[string]any{"secret": s, "list": []domain.Secret{s}, "pointer": &s, "row": row, "patch": patch}

	var shown []string
	for _, v := range []any{s, &s, row, &row, nested, []domain.Secret{s}, struct{ Password domain.Secret }{s}, map[domain.Secret]domain.Secret{s: s}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			shown = append(shown, fmt.Sprintf(verb, v))
		}
		shown = append(shown, fmt.Sprint(v), fmt.Sprintln(v))
	}
	for _, v := range []any{s, row, patch, []domain.Secret{s}, map[string]domain.Secret{"a": s}} {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		shown = append(shown, string(b))
	}
	for _, handler := range []func(*bytes.Buffer) slog.Handler{
		func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var out bytes.Buffer
		log := slog.New(handler(&out)).With("with", s)
		log.Info("a", "secret", s, "row", row, "group", slog.GroupValue(slog.Any("s", s)), "any", nested)
		shown = append(shown, out.String())
	}
	shown = append(shown, domain.Invalid("x", "y", "%v %s", s, s).Error(), errors.Join(fmt.Errorf("%s", s)).Error())
	for _, text := range shown {
		require.NotContains(t, text, content)
	}
	require.Equal(t, content, s.Reveal())
}

// Verbs that print bytes, and formats that look past String, see through a
// string type unless it formats itself.
func TestASecretIsNotShownByRarerFormats(t *testing.T) {
	t.Parallel()
	s := domain.Secret("hunter2")
	hex := fmt.Sprintf("%x", "hunter2")
	for _, verb := range []string{"%x", "%X", "% x", "%10.3s"} {
		got := fmt.Sprintf(verb, s)
		require.NotContains(t, got, "hun", verb)
		require.NotContains(t, got, hex, verb)
	}
	type login struct{ Password domain.Secret }
	b, err := xml.Marshal(login{s})
	require.NoError(t, err)
	require.NotContains(t, string(b), "hunter2", "a format that knows text, not JSON: XML, YAML, TOML")
}

func TestAnEmptySecretIsSeenToBeEmpty(t *testing.T) {
	t.Parallel()
	require.Empty(t, domain.Secret("").String())
	require.Equal(t, `""`, fmt.Sprintf("%#v", domain.Secret("")))
	b, err := json.Marshal(domain.Registry{})
	require.NoError(t, err)
	require.NotContains(t, string(b), "password")
}

func TestASecretIsReadFromPlainText(t *testing.T) {
	t.Parallel()
	var r domain.Registry
	require.NoError(t, json.Unmarshal([]byte(`{"password":"hunter2"}`), &r))
	require.Equal(t, "hunter2", r.Password.Reveal())
}
