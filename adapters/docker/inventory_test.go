package docker_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

func TestInventory(t *testing.T) {
	f := newFake(t)
	a := f.add("a", []string{"python:3", "CR.example.org/team/tool:1", "cr.example.org/team/tool:1"}, nil)
	b := f.add("b", []string{"<none>:<none>", "localhost/tool:Odd.x_3"}, nil)
	f.images[1]["Architecture"], f.images[1]["Variant"] = "arm", "v6"
	f.add("dangling", nil, []string{"python@" + porttest.DigestOf("x").String()})
	f.add("windows", []string{"windows:1"}, nil)
	f.images[3]["Os"] = "windows"
	f.images = append(f.images, map[string]any{"Id": "gone", "RepoTags": []string{"gone:1"}})
	f.answer("GET /images/gone/json", func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, "No such image") })
	f.containers = []map[string]any{
		{"Id": "c1", "Names": []string{"/other/alias", "/web"}, "Image": "python:3", "ImageID": a},
		{"Id": "c2", "Names": []string{"/by-id"}, "Image": a, "ImageID": a},
		{"Id": "c3", "Names": []string{"/moved"}, "Image": "python:3", "ImageID": porttest.DigestOf("older")},
		{"Id": "0123456789abcdef", "Names": nil, "Image": "localhost/tool:Odd.x_3"},
	}
	got, err := f.open(t).Inventory(t.Context())
	require.NoError(t, err)
	require.Equal(t, []domain.InventoryImage{
		{Canonical: "cr.example.org/team/tool:1", Architecture: "x86_64", Digest: a, SizeBytes: 100, Containers: []string{"by-id"}},
		{Canonical: "docker.io/library/python:3", Architecture: "x86_64", Digest: a, SizeBytes: 100, Containers: []string{"by-id", "web"}},
		{Canonical: "localhost/tool:Odd.x_3", Architecture: "arm/v6", Digest: b, SizeBytes: 100, Containers: []string{"0123456789ab"}},
	}, got.Images)
	inspected := map[string]int{}
	for _, r := range f.requests() {
		inspected[r.URL.Path]++
	}
	require.Equal(t, 1, inspected["/v1.41/images/"+a.String()+"/json"], "one look per image, not per tag")
}

func TestInventoryIsCompleteOrAnError(t *testing.T) {
	f := newFake(t)
	f.add("a", []string{"python:3"}, nil)
	id := f.add("b", []string{"python:4"}, nil)
	for _, path := range []string{"GET /images/json", "GET /containers/json", "GET /images/" + id.String() + "/json"} {
		for message, reason := range map[string]string{"layer does not exist": "agent_failed", "write /x: no space left on device": "agent_storage"} {
			f.only(path, func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusInternalServerError, message) })
			got, err := f.open(t).Inventory(t.Context())
			fails(t, err, domain.CodeUnavailable, reason)
			require.Empty(t, got.Images)
		}
		f.only(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`[{"Id":`))
		})
		_, err := f.open(t).Inventory(t.Context())
		fails(t, err, domain.CodeUnavailable, "agent_unavailable")
	}
}

func TestRemove(t *testing.T) {
	f := newFake(t)
	id := f.add("a", []string{"python:3", "CR.example.org/team/tool:1"}, nil)
	agent := f.open(t)
	tool := domain.RemoveRequest{Canonical: "cr.example.org/team/tool:1", Architecture: "amd64"}
	path := "DELETE /images/CR.example.org/team/tool:1" // as the engine spells it
	f.answer(path, func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, r.FormValue("force") == "1", r.FormValue("noprune") == "1", "both or none in this test")
		reply(w, http.StatusOK, []map[string]any{{"Untagged": "x"}, {"Deleted": id}})
	})
	for _, both := range []bool{false, true} {
		tool.Force, tool.NoPrune = both, both
		out, err := agent.Remove(t.Context(), tool)
		require.NoError(t, err)
		require.EqualValues(t, 100, out.FreedBytes)
	}
	f.containers = []map[string]any{{"Id": "c", "Names": []string{"/web"}, "Image": "CR.example.org/team/tool:1", "ImageID": id}}
	tool.Force = false
	_, err := agent.Remove(t.Context(), tool)
	fails(t, err, domain.CodeConflict, "image_in_use")
	require.Contains(t, domain.MessageOf(err), "web")

	_, err = agent.Remove(t.Context(), domain.RemoveRequest{Canonical: "docker.io/library/python:3", Architecture: "x86_64"})
	require.NoError(t, err, "the container was made of the other tag")
	tool.Architecture = "aarch64"
	_, err = agent.Remove(t.Context(), tool)
	fails(t, err, domain.CodeNotFound, "image_not_found")

	tool.Architecture, tool.Force = "x86_64", true
	for status, want := range map[int][2]string{
		http.StatusConflict: {"conflict", "image_in_use"}, http.StatusNotFound: {"not_found", "image_not_found"}, http.StatusInternalServerError: {"unavailable", "agent_failed"},
	} {
		f.answer(path, func(w http.ResponseWriter, _ *http.Request) { refuse(w, status, "cannot be forced") })
		_, err = agent.Remove(t.Context(), tool)
		fails(t, err, domain.Code(want[0]), want[1])
	}
}
