package parity_test

import (
	"encoding/json"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// lacking is what a transport does not have, with the reason: no field of
// GraphQL takes all of these actions. How they are asked instead is in
// documented; without a way there, the transport is not asked at all.
var lacking = map[string]string{
	"image.list":   "its filters are the arguments of a connection",
	"image.forget": "documented for superadmins, and tells its end in ok and msg",
	"alias.create": "documented without an architecture, and tells its end in ok and msg",
	"alias.delete": "documented without dry_run, and tells its end in ok and msg",
	"task.watch":   "a subscription, which goes on by itself",
}

// documented asks GraphQL for an action that no field takes all of. False: what
// the action says cannot be said there. Errors that come as a text have no code.
func documented(w *world, e service.Entry, as domain.Actor, action string) (got outcome, can bool) {
	w.t.Helper()
	var a map[string]any
	require.NoError(w.t, json.Unmarshal([]byte(action), &a))
	switch e.Spec.Name {
	case "image.list":
		return w.imagesPage(as, a), true
	case "image.forget":
		if a["architecture"] != nil || a["dry_run"] != nil || as.Role != domain.RoleSuperadmin {
			return outcome{}, false
		}
		return w.told(as, `mutation($r: String!) { x: forget_image(reference: $r) { ok msg } }`, map[string]any{"r": a["reference"]}), true
	case "alias.create":
		if a["architecture"] != nil {
			return outcome{}, false
		}
		return w.told(as, `mutation($a: String!, $t: String!) { x: alias_image(alias: $a, target: $t) { ok msg } }`, map[string]any{"a": a["alias"], "t": a["image_canonical"]}), true
	case "alias.delete":
		if a["dry_run"] != nil {
			return outcome{}, false
		}
		return w.told(as, `mutation($a: String!) { x: dealias_image(alias: $a) { ok msg } }`, map[string]any{"a": a["alias"]}), true
	}
	return outcome{}, false
}

// told reads ok and msg.
func (w *world) told(as domain.Actor, query string, variables map[string]any) outcome {
	w.t.Helper()
	got := w.ask(as, query, variables)
	require.Empty(w.t, got.Code)
	data := got.Data.(map[string]any)
	message, _ := data["msg"].(string)
	require.Equal(w.t, data["ok"] == true, message == "", "%v", data)
	return outcome{Message: message}
}

func (w *world) imagesPage(as domain.Actor, a map[string]any) outcome {
	w.t.Helper()
	vars := map[string]any{"first": a["limit"], "after": a["after"], "where": a["where"], "order": map[string]any{"sort": a["sort"], "desc": a["desc"]}}
	for _, k := range []string{"is_installed", "is_operation", "domain", "group", "scaling_group", "statuses"} {
		vars[k] = a[k]
	}
	if a["sort"] == nil && a["desc"] == nil {
		delete(vars, "order")
	}
	var declared, given strings.Builder
	s := schema()
	f := s.Query.Fields.ForName("images_page")
	for _, arg := range f.Arguments {
		if vars[arg.Name] == nil {
			delete(vars, arg.Name)
			continue
		}
		declared.WriteString(" $" + arg.Name + ": " + arg.Type.String())
		given.WriteString(" " + arg.Name + ": $" + arg.Name)
	}
	count, _ := a["count"].(bool)
	query := "query(" + declared.String() + ") { x: images_page(" + given.String() + ") " + selection(s, f.Type, count) + " }"
	if len(vars) == 0 {
		query = "{ x: images_page " + selection(s, f.Type, count) + " }"
	}
	got := w.ask(as, query, vars)
	if got.Code != "" {
		return got
	}
	page := got.Data.(map[string]any)
	images := []any{}
	for _, edge := range page["edges"].([]any) {
		images = append(images, edge.(map[string]any)["node"])
	}
	data := map[string]any{"images": images}
	if page["page_info"].(map[string]any)["has_next_page"] == true {
		data["next"] = "counted"
	}
	if count {
		data["total"] = page["total_count"]
	}
	got.Data = data
	return got
}
