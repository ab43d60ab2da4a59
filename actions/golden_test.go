package actions_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/service"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(e service.Entry) string { return filepath.Join("testdata", e.Spec.Name+".json") }

// The JSON of an action is kept in tasks and sent by clients of other versions:
// a field may be added to a golden file, none may be renamed or go away.
func TestTheJSONOfEveryActionStaysAsItIs(t *testing.T) {
	t.Parallel()
	for _, e := range service.Catalogue() {
		t.Run(e.Spec.Name, func(t *testing.T) {
			t.Parallel()
			action := filled(t, e)
			got, err := json.MarshalIndent(action, "", "  ")
			require.NoError(t, err)
			got = append(got, '\n')
			if *update {
				require.NoError(t, os.WriteFile(golden(e), got, 0o644))
			}
			want, err := os.ReadFile(golden(e))
			require.NoError(t, err, "go test ./actions -update writes it")
			require.Equal(t, string(want), string(got))

			read := e.New()
			d := json.NewDecoder(bytes.NewReader(want))
			d.DisallowUnknownFields()
			require.NoError(t, d.Decode(read))
			require.Equal(t, action, read)
		})
	}
}

func TestEveryGoldenFileIsOfAnAction(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, e := range service.Catalogue() {
		names[e.Spec.Name] = true
	}
	list, err := os.ReadDir("testdata")
	require.NoError(t, err)
	for _, f := range list {
		if name, is := strings.CutSuffix(f.Name(), ".json"); is {
			require.True(t, names[name], "%s is of an action that is gone", f.Name())
		}
	}
}

// A field that is always written is one that the action needs: what can be left
// out says nothing when it is, so that a new field changes no stored action.
func TestOnlyRequiredFieldsAreWrittenWhenNotSet(t *testing.T) {
	t.Parallel()
	for _, e := range service.Catalogue() {
		b, err := json.Marshal(e.New())
		require.NoError(t, err)
		var got map[string]any
		require.NoError(t, json.Unmarshal(b, &got))
		for field := range got {
			require.Error(t, without(t, e, field).Validate(), "%s writes %s although it can be left out", e.Spec.Name, field)
		}
	}
}

// without is the filled action without some fields.
func without(t *testing.T, e service.Entry, fields ...string) actions.Action {
	t.Helper()
	b, err := json.Marshal(filled(t, e))
	require.NoError(t, err)
	var all map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(b, &all))
	for _, field := range append(fields, "background") {
		delete(all, field)
	}
	b, err = json.Marshal(all)
	require.NoError(t, err)
	action := e.New()
	require.NoError(t, json.Unmarshal(b, action))
	return action
}
