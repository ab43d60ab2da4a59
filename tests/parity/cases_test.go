package parity_test

import (
	"slices"

	"github.com/wharf-project/wharf/domain"
)

// want is what a case expects: a code and reason, or a part of the result.
type want struct{ fails, has string }

func fails(codeAndReason string) want { return want{fails: codeAndReason} }
func has(part string) want            { return want{has: part} }

// example is one call, as somebody, and how it has to end. Names that begin with
// $ stand for ids of the site.
type example struct {
	action string
	as     domain.Actor
	input  string
	want   want
}

// examples are for every action at least one call that goes well and one that
// does not.
func examples() []example {
	return slices.Concat(imageExamples(), rowExamples(), accessExamples(), moveExamples(), buildExamples(), saveExamples())
}

func imageExamples() []example {
	return []example{
		{"image.get", root, `{"reference":"snake"}`, has(`"aliases":["snake"]`)},
		{"image.get", alice, `{"reference":"cr.example.org/torch:2","architecture":"arm64"}`, has(`"aarch64"`)},
		{"image.get", root, `{"reference":"image://lab/torch/lib:1"}`, fails("not_found/image_not_found")},
		{"image.get", root, `{"reference":"image://nowhere/tools/python:3.12"}`, fails("invalid/cluster_unknown")},
		{"reference.parse", alice, `{"text":"image:web:1"}`, has(`"lab.example.org/tools/web:1"`)},
		{"reference.parse", alice, `{"text":"image:web","kind":"platform","tag":"optional"}`, has(`"uri":"image://lab/tools/web"`)},
		{"reference.parse", alice, `{"text":"web","kind":"local"}`, has(`"docker_url":"web:latest"`)},
		{"reference.parse", alice, `{"text":"image:web:1","kind":"local"}`, fails("invalid/image_scheme_on_local")},
		{"image.get", root, `{"reference":"cr.example.org/nothing:1"}`, fails("not_found/image_not_found")},
		{"image.get", mallory, `{"reference":"$PY"}`, fails("not_found/image_not_found")},
		{"image.list", root, `{"sort":"canonical","count":true,"statuses":["alive","forgotten","missing"]}`, has(`"total":6`)},
		{"image.list", alice, `{"where":{"field":"name","op":"contains","value":"python"},"limit":1}`, has(`python`)},
		{"image.list", root, `{"sort":"nothing"}`, fails("invalid/sort_invalid")},
		{"image.list", root, `{"where":{"field":"nothing","op":"eq","value":"1"}}`, fails("invalid/filter_invalid")},
		{"image.forget", root, `{"reference":"snake"}`, has(`"changed":true`)},
		{"image.forget", root, `{"reference":"snake","dry_run":true}`, has(`"dry_run":true`)},
		{"image.forget", root, `{"reference":"cr.example.org/torch:2"}`, fails("invalid/architecture_ambiguous")},
		{"image.forget", root, `{"reference":"nothing"}`, fails("not_found/image_not_found")},
		{"image.forget_by_id", alice, `{"image_id":"$APP"}`, has(`"forgotten"`)},
		{"image.forget_by_id", alice, `{"image_id":"$PY"}`, fails("forbidden/image_out_of_reach")},
		{"image.forget_by_id", mallory, `{"image_id":"$PY"}`, fails("not_found/image_not_found")},
		{"image.forget_many", alice, `{"image_ids":["$APP","$PY","$NONE"]}`, has(`"not_found"`)},
		{"image.forget_many", root, `{"image_ids":[]}`, fails("invalid/field_required")},
		{"image.restore", root, `{"reference":"$OLD"}`, has(`"changed":true`)},
		{"image.restore", root, `{"reference":"$NONE"}`, fails("not_found/image_not_found")},
		{"image.purge", root, `{"image_id":"$PY","remove_from_registry":true,"remove_from_agents":true}`, has(`"removed_from":["rack-1"]`)},
		{"image.purge", root, `{"image_id":"$PY","dry_run":true}`, has(`"held_by":["rack-1"]`)},
		{"image.purge", root, `{"image_id":"$NONE"}`, fails("not_found/image_not_found")},
		{"image.purge_many", root, `{"image_ids":["$OLD","$NONE"]}`, has(`"not_found"`)},
		{"image.purge_many", root, `{"image_ids":[]}`, fails("invalid/field_required")},
		{"image.modify", root, `{"target":"snake","modifier":{"labels":{"a":"b"},"resource_limits":{"cpu":{"min":"2","max":"8"}}},"revision":2}`, has(`"a":"b"`)},
		{"image.modify", root, `{"target":"snake","modifier":{"labels":{"a":"b"}},"revision":77}`, fails("conflict/revision_changed")},
		{"image.modify", root, `{"target":"snake","modifier":{}}`, fails("invalid/modifier_empty")},
		{"image.modify_by_id", root, `{"image_id":"$PY","modifier":{"is_local":true,"labels":null}}`, has(`"is_local":true`)},
		{"image.modify_by_id", root, `{"image_id":"$NONE","modifier":{"labels":{"a":"b"}}}`, fails("not_found/image_not_found")},
		{"image.set_limit", root, `{"reference":"snake","slot":"mem","min":"1g","max":"2g"}`, has(`"mem"`)},
		{"image.set_limit", root, `{"reference":"snake","slot":"cpu","min":"9","max":"2"}`, fails("invalid/limit_invalid")},
		{"image.set_limit_by_id", root, `{"image_id":"$PY","slot":"cpu","min":"3","max":"5"}`, has(`"5"`)},
		{"image.set_limit_by_id", root, `{"image_id":"$NONE","slot":"cpu","min":"3"}`, fails("not_found/image_not_found")},
		{"image.clear_limit", root, `{"image_canonical":"snake"}`, has(`"resource_limits"`)},
		{"image.clear_limit", root, `{"image_canonical":"nothing"}`, fails("not_found/image_not_found")},
		{"image.clear_limit_by_id", root, `{"image_id":"$PY"}`, has(`"resource_limits"`)},
		{"image.clear_limit_by_id", root, `{"image_id":"$NONE"}`, fails("not_found/image_not_found")},
		{"image.use", alice, `{"reference":"snake","at":"2026-01-31T12:30:15.123456Z"}`, has(`"last_used_at"`)},
		{"image.use", mallory, `{"reference":"snake"}`, fails("not_found/image_not_found")},
		{"image.untag", root, `{"image_id":"$PY"}`, has(`"tags"`)},
		{"image.untag", root, `{"image_id":"$NONE"}`, fails("not_found/image_not_found")},
		{"image.scan", root, `{"reference":"cr.example.org/python:3.12"}`, has(`"unchanged"`)},
		{"image.scan", root, `{"reference":"cr.example.org/gone:1"}`, fails("not_found/repository_not_found")},
		{"image.clear", root, `{"registry":"cr.example.org"}`, has(`"cleared":4`)},
		{"image.clear", root, `{"registry":"nothing.example.org"}`, fails("not_found/registry_not_found")},
		{"image.installed_agents", root, `{"image_ids":["$PY"]}`, has(`"rack-1"`)},
		{"image.installed_agents", alice, `{"image_ids":["$PY"]}`, fails("forbidden/permission_missing")},
		{"alias.create", root, `{"alias":"new","image_canonical":"snake"}`, has(`"alias":"new"`)},
		{"alias.create", root, `{"alias":"torch","image_canonical":"cr.example.org/torch:2","architecture":"amd64"}`, has(`"torch"`)},
		{"alias.create", root, `{"alias":"snake","image_canonical":"cr.example.org/torch:2","architecture":"amd64"}`, fails("conflict/alias_taken")},
		{"alias.create", root, `{"alias":"new","image_canonical":"nothing"}`, fails("not_found/image_not_found")},
		{"alias.create_by_id", root, `{"alias":"new","image_id":"$PY"}`, has(`"new"`)},
		{"alias.create_by_id", root, `{"alias":"a b","image_id":"$PY"}`, fails("invalid/alias_invalid")},
		{"alias.delete", root, `{"alias":"snake"}`, has(`"snake"`)},
		{"alias.delete", root, `{"alias":"nothing"}`, fails("not_found/alias_not_found")},
		{"alias.search", alice, `{"count":true}`, has(`"total":1`)},
		{"alias.search", root, `{"after":"nonsense"}`, fails("invalid/cursor_invalid")},
	}
}
