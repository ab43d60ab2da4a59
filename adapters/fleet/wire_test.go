package fleet_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/fleet"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

// fill sets every field of a struct to something.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int64:
		v.SetInt(7)
	case reflect.Slice:
		v.Set(reflect.ValueOf([]string{"a", "b"}))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(1, 0)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	}
}

func TestARequestArrivesWhole(t *testing.T) {
	var r domain.PullRequest
	fill(reflect.ValueOf(&r).Elem())
	got := fleet.OverTheWire(r)
	// Who may use a registry, and since when it is known, is no node's business.
	private := []string{"IsGlobal", "Domains", "Projects", "CreatedAt", "UpdatedAt"}
	was := reflect.ValueOf(&r.Registry).Elem()
	for i := range was.NumField() {
		if slices.Contains(private, was.Type().Field(i).Name) {
			was.Field(i).SetZero()
		}
	}
	require.Equal(t, r, got)
}

func TestCredentialsReachTheNode(t *testing.T) {
	requests := make(chan domain.PullRequest, 1)
	p := newPair(t, func(n *fleet.Node, _ *fleet.Options) { n.Agent = recording{porttest.NewAgent(nil), requests} })
	r := request("1")
	r.Registry = domain.Registry{Name: "cr.example.org", Username: "u", Password: `p"ä<***`}
	_, err := p.Pull(t.Context(), r, nil)
	require.NoError(t, err)
	got := receive(t, requests)
	require.Equal(t, `p"ä<***`, got.Registry.Password.Reveal())
	require.Equal(t, "***", got.Registry.Password.String())
}

func FuzzFramesAreReadWithoutHarm(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "[", frame(1, "done", pulled), frame(1, "part", part), frame(0, "alive", ""),
		frame(0, "progress", `,"progress":{"current":1,"total":2,"message":"x"}`),
		frame(1, "failed", `,"failed":{"problem":{"code":"conflict","reason":"image_in_use","on":"x","message":"y"},"retry_ms":5}`),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if fleet.DecodeFrame(data, "CALL") != nil {
			return
		}
		var frame struct {
			V    int
			Call string
			Kind string
		}
		require.NoError(t, json.Unmarshal(data, &frame))
		require.Equal(t, 1, frame.V)
		require.Equal(t, "CALL", frame.Call)
		require.Contains(t, []string{"alive", "progress", "part", "done", "failed"}, frame.Kind)
	})
}

func FuzzAsksAreReadWithoutHarm(f *testing.F) {
	f.Add([]byte(`{"v":1,"call":"1","alive_ms":100`+pullOfOne+`}`), "pull")
	f.Add([]byte(`{"v":1,"call":"1","remove":{"canonical":"a","architecture":"b"}}`), "remove")
	f.Add([]byte(`{"v":1,"call":"1","limit_ms":-9223372036854775808}`), "inventory")
	f.Fuzz(func(t *testing.T, data []byte, op string) {
		if fleet.DecodeAsk(data, op) != nil {
			return
		}
		var ask struct{ V int }
		require.NoError(t, json.Unmarshal(data, &ask))
		require.Equal(t, 1, ask.V)
	})
}
