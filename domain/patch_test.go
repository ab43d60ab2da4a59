package domain_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

type change struct {
	Name   domain.Patch[string]            `json:"name,omitzero"`
	Size   domain.Patch[int64]             `json:"size,omitzero"`
	Global domain.Patch[bool]              `json:"global,omitzero"`
	Labels domain.Patch[map[string]string] `json:"labels,omitzero"`
	Realms domain.Patch[[]string]          `json:"realms,omitzero"`
}

func TestAPatchTellsAbsentNullAndValueApart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		json         string
		absent, null bool
		value        string
		after        string // of "old"
	}{
		{`{}`, true, false, "", "old"},
		{`{"name":null}`, false, true, "", ""},
		{`{"name":""}`, false, false, "", ""},
		{`{"name":"new"}`, false, false, "new", "new"},
	} {
		var p change
		require.NoError(t, json.Unmarshal([]byte(c.json), &p))
		require.Equal(t, c.absent, p.Name.IsZero(), c.json)
		require.Equal(t, c.null, p.Name.IsNull(), c.json)
		value, ok := p.Name.Get()
		require.Equal(t, c.value, value, c.json)
		require.Equal(t, !c.absent && !c.null, ok, c.json)
		name := "old"
		p.Name.Apply(&name)
		require.Equal(t, c.after, name, c.json)
		b, err := json.Marshal(p)
		require.NoError(t, err)
		require.JSONEq(t, c.json, string(b), "it is written as it was read")
	}
}

func TestAPatchOfZeroValuesIsStillAValue(t *testing.T) {
	t.Parallel()
	want := change{
		Name: domain.Set(""), Size: domain.Set[int64](0), Global: domain.Set(false), Labels: domain.Set(map[string]string{}), Realms: domain.Clear[[]string](),
	}
	b, err := json.Marshal(want)
	require.NoError(t, err)
	require.JSONEq(t, `{"name":"","size":0,"global":false,"labels":{},"realms":null}`, string(b))
	var got change
	require.NoError(t, json.Unmarshal(b, &got))
	require.Equal(t, want, got)
	global := true
	got.Global.Apply(&global)
	require.False(t, global)
}

func TestAPatchRefusesAValueOfAnotherKind(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"name":1}`, `{"size":"1"}`, `{"size":1.5}`, `{"labels":["a"]}`, `{"realms":{}}`} {
		require.Error(t, json.Unmarshal([]byte(text), new(change)), text)
	}
}

// Reading into a value that was used before forgets what was there.
func TestAPatchIsReadAnew(t *testing.T) {
	t.Parallel()
	p := change{Name: domain.Set("a"), Labels: domain.Set(map[string]string{"a": "1"})}
	require.NoError(t, json.Unmarshal([]byte(`{"name":null,"labels":{"b":"2"}}`), &p))
	require.True(t, p.Name.IsNull())
	labels, _ := p.Labels.Get()
	require.Equal(t, map[string]string{"b": "2"}, labels)
}

func TestClearAppliesTheZeroValue(t *testing.T) {
	t.Parallel()
	labels := map[string]string{"a": "b"}
	domain.Clear[map[string]string]().Apply(&labels)
	require.Nil(t, labels)
}
