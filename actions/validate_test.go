package actions_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

func entryOf(tb testing.TB, name string) service.Entry {
	tb.Helper()
	list := service.Catalogue()
	i := slices.IndexFunc(list, func(e service.Entry) bool { return e.Spec.Name == name })
	require.GreaterOrEqual(tb, i, 0, "no such action: %s", name)
	return list[i]
}

func TestAFilledActionIsValid(t *testing.T) {
	t.Parallel()
	for _, e := range service.Catalogue() {
		require.NoError(t, without(t, e).Validate(), e.Spec.Name)
	}
}

func TestOnlyListsAndTheWholeRescanNeedNothing(t *testing.T) {
	t.Parallel()
	needNothing := []string{
		"image.list", "alias.search", "registry.list", "agent.list", "scaling_group.list", "audit.search", "registry.rescan", "task.list", "agent.intents",
		"role.list", "role.bindings", "key.list", "remote.list", "build_task.list", "model.list", "pipeline.list", "build.list",
	}
	for _, e := range service.Catalogue() {
		err := e.New().Validate()
		if slices.Contains(needNothing, e.Spec.Name) {
			require.NoError(t, err, e.Spec.Name)
			continue
		}
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), e.Spec.Name)
		require.NotEmpty(t, domain.MessageOf(err), e.Spec.Name)
	}
}

func TestLongActionsAndNoOthersHaveAClassAndABackground(t *testing.T) {
	t.Parallel()
	long := 0
	for _, e := range service.Catalogue() {
		_, has := e.Action.FieldByName("Background")
		require.Equal(t, has, e.Spec.Class != "", e.Spec.Name)
		_, gives := e.Result.FieldByName("TaskID")
		require.Equal(t, has, gives, "%s: background and the task's id come together", e.Spec.Name)
		if has {
			long++
		}
	}
	require.Equal(t, 8, long)
}

func TestValidateRefuses(t *testing.T) {
	t.Parallel()
	ids := func(n int) string { return `["` + strings.Repeat("x", n) + `"]` }
	labels := map[string]string{}
	for i := range 101 {
		labels[fmt.Sprint("l", i)] = ""
	}
	tooMany, err := json.Marshal(labels)
	require.NoError(t, err)
	many := strings.TrimSuffix(strings.Repeat(`"01890a5d-ac96-774b-bcce-b302099a8057",`, actions.MaxBulk+1), ",")
	for _, c := range []struct{ action, field, value, reason string }{
		{"image.get", "reference", `""`, "field_required"},
		{"image.get", "architecture", `"x86 64"`, "architecture_invalid"},
		{"image.get", "statuses", `["alive","gone"]`, "status_invalid"},
		{"image.forget", "reference", `""`, "field_required"},
		{"image.forget_by_id", "image_id", `"python:3.12"`, "id_invalid"},
		{"image.forget_many", "image_ids", `[]`, "field_required"},
		{"image.forget_many", "image_ids", ids(3), "id_invalid"},
		{"image.purge_many", "image_ids", "[" + many + "]", "field_required"},
		{"image.installed_agents", "image_ids", `null`, "field_required"},
		{"image.modify", "modifier", `{}`, "modifier_empty"},
		{"image.modify", "modifier", `{"name":null}`, "modifier_invalid"},
		{"image.modify", "modifier", `{"tag":null}`, "modifier_invalid"},
		{"image.modify", "modifier", `{"type":"toy"}`, "image_type_invalid"},
		{"image.modify", "modifier", `{"type":null}`, "image_type_invalid"},
		{"image.modify", "modifier", `{"digest":"sha256:short"}`, "digest_invalid"},
		{"image.modify", "modifier", `{"size_bytes":-1}`, "modifier_invalid"},
		{"image.modify", "modifier", `{"resource_limits":{"cpu":{"min":"8","max":"2"}}}`, "limit_invalid"},
		{"image.modify", "modifier", `{"architecture":"-"}`, "architecture_invalid"},
		{"image.modify_by_id", "modifier", `{}`, "modifier_empty"},
		{"image.set_limit", "min", `"-1"`, "limit_invalid"},
		{"image.set_limit_by_id", "max", `"1"`, "limit_invalid"}, // below the minimum
		{"image.clear", "registry", `""`, "field_required"},
		{"image.scan", "reference", `""`, "field_required"},
		{"image.list", "limit", `1001`, "page_invalid"},
		{"image.list", "limit", `-1`, "page_invalid"},
		{"image.list", "sort", `"digest"`, "sort_invalid"},
		{"image.list", "after", `"abc"`, "cursor_invalid"},
		{"image.list", "desc", `false`, "cursor_invalid"}, // the cursor is of the other direction
		{"image.list", "where", `{"field":"nope","op":"eq"}`, "filter_invalid"},
		{"alias.create", "alias", `"a b"`, "alias_invalid"},
		{"alias.create", "image_canonical", `""`, "field_required"},
		{"alias.create_by_id", "alias", `"01890a5d-ac96-774b-bcce-b302099a8057"`, "alias_invalid"},
		{"alias.delete", "alias", `""`, "field_required"},
		{"reference.parse", "text", `""`, "empty_image_name"},
		{"reference.parse", "kind", `"docker"`, "kind_invalid"},
		{"reference.parse", "tag", `"none"`, "tag_mode_invalid"},
		{"reference.parse", "kind", `"local"`, "tag_mode_invalid"}, // the tag is optional in the example
		{"alias.search", "where", `{"field":"tag","op":"eq"}`, "filter_invalid"},
		{"registry.create", "name", `"a b"`, "registry_host_invalid"},
		{"registry.create", "url", `"ftp://cr.example.org"`, "registry_invalid"},
		{"registry.create", "username", `""`, "registry_invalid"},
		{"registry.modify", "registry_id", `"x"`, "id_invalid"},
		{"registry.allow", "domain", `""`, "name_invalid"},
		{"registry.associate", "project", `"a b"`, "name_invalid"},
		{"agent.purge_images", "keys", `[]`, "field_required"},
		{"agent.purge_images", "keys", `[{"agent_id":"a/b","images":[{"name":"x"}]}]`, "agent_id_invalid"},
		{"agent.purge_images", "keys", `[{"agent_id":"a","images":[]}]`, "field_required"},
		{"agent.purge_images", "keys", `[{"agent_id":"a","images":[{"name":""}]}]`, "field_required"},
		{"image.save", "agent_id", `""`, "agent_id_invalid"},
		{"image.save", "container", `""`, "field_required"},
		{"image.save", "container", `"a b"`, "name_invalid"},
		{"image.save", "labels", `{"ai.backend.customized-image.owner":"user:bob"}`, "label_reserved"},
		{"image.save", "labels", `{"ai.backend.owner-user-id":""}`, "label_reserved"},
		{"image.save", "labels", `{"":"x"}`, "name_invalid"},
		{"image.save", "labels", `{"ai.backend.role":"NOTHING"}`, "label_invalid"},
		{"image.save", "labels", `{"a":"` + strings.Repeat("x", 1<<17) + `"}`, "labels_too_many"},
		{"image.save", "labels", string(tooMany), "labels_too_many"},
		{"image.save", "background", `true`, "background_dry_run"}, // the example is a dry run
		{"agent.preload_images", "images", `[{"name":"x","architecture":"?"}]`, "architecture_invalid"},
		{"agent.preload_images", "target_agents", `""`, "field_required"},
		{"agent.unload_images", "images", `[]`, "field_required"},
		{"agent.register", "agent_id", `"-a"`, "agent_id_invalid"},
		{"agent.register", "scaling_group", `""`, "name_invalid"},
		{"agent.register", "address", `""`, "agent_invalid"},
		{"agent.report", "inventory", `{"images":[{"canonical":"","architecture":"x86_64"}]}`, "inventory_invalid"},
		{"agent.report", "inventory", `{"images":[{"canonical":"a","architecture":"x86_64","size_bytes":-1}]}`, "inventory_invalid"},
		{"scaling_group.allow", "domain", `""`, "name_invalid"},
		{"scaling_group.disallow", "scaling_group", `"a\tb"`, "name_invalid"},
		{"audit.search", "sort", `"actor"`, "sort_invalid"},
		{"access.explain", "permission", `""`, "field_required"},
		{"access.who_can", "permission", `""`, "field_required"},
		{"access.who_can", "limit", `1001`, "page_invalid"},
		{"access.who_can", "limit", `-1`, "page_invalid"},
		{"access.who_can", "domain", `"a b"`, "name_invalid"},
		{"access.simulate", "add_rules", `[{"role":"a b","permission":"*","reach":"any"}]`, "role_invalid"},
		{"access.simulate", "add_rules", `[{"role":"a","permission":"*"}]`, "reach_invalid"},
		{"access.simulate", "remove_rules", `[{"role":"a","reach":"any"}]`, "field_required"},
		{"access.simulate", "add_bindings", `[{"user":"","role":"a"}]`, "name_invalid"},
		{"access.simulate", "remove_bindings", `[{"user":"u","role":"a","domain":"*"}]`, "name_invalid"},
		{"role.create", "name", `"a,b"`, "role_invalid"},
		{"role.create", "rules", `[{"permission":"image.get","reach":"none"}]`, "reach_invalid"},
		{"role.create", "rules", `[{"permission":"","reach":"own"}]`, "field_required"},
		{"role.create", "rules", `[{"permission":"*","reach":"own","domain":"*"}]`, "name_invalid"},
		{"role.create", "rules", `[` + strings.TrimSuffix(strings.Repeat(`{"permission":"*","reach":"own"},`, domain.MaxRoleRules+1), ",") + `]`, "role_too_large"},
		{"role.create", "inherits", `[` + strings.TrimSuffix(strings.Repeat(`"user",`, domain.MaxRoleInherits+1), ",") + `]`, "role_too_large"},
		{"role.create", "inherits", `[""]`, "role_invalid"},
		{"role.modify", "name", `""`, "role_invalid"},
		{"role.modify", "inherits", `["a","user\n"]`, "role_invalid"},
		{"role.modify", "rules", `[{"permission":"image.get"}]`, "reach_invalid"},
		{"role.delete", "name", `"*"`, "role_invalid"},
		{"role.get", "name", `""`, "role_invalid"},
		{"role.bind", "user", `""`, "name_invalid"},
		{"role.bind", "role", `"p, user"`, "role_invalid"},
		{"role.unbind", "domain", `"a\tb"`, "name_invalid"},
		{"key.create", "name", `""`, "name_invalid"},
		{"key.create", "scopes", `["image.get",""]`, "field_required"},
		{"key.create", "scopes", `[` + strings.TrimSuffix(strings.Repeat(`"*",`, actions.MaxScopes+1), ",") + `]`, "scopes_invalid"},
		{"key.create", "user", `""`, "field_required"}, // with a role
		{"key.create", "role", `""`, "role_invalid"},
		{"key.create", "projects", `["a b"]`, "name_invalid"},
		{"key.revoke", "key_id", `"whk_x"`, "id_invalid"},
		{"build_task.create", "name", `" a"`, "name_invalid"},
		{"build_task.get", "id", `0`, "field_required"},
		{"build_task.delete", "id", `-1`, "id_invalid"},
		{"model.create", "task_id", `0`, "field_required"},
		{"model.create", "source", `{"type":"directory","path":"../a"}`, "source_invalid"},
		{"model.create", "name", `""`, "name_invalid"},
		{"model.list", "task_id", `-1`, "id_invalid"},
		{"pipeline.create", "source", `{"type":"template"}`, "source_invalid"},
		{"pipeline.list", "sort", `"source"`, "sort_invalid"},
		{"build.image", "model_id", `0`, "build_source"},
		{"build.image", "pipeline_id", `1`, "build_source"},
		{"build.image", "model_id", `-1`, "id_invalid"},
		{"build.image", "tag", `".a"`, "tag_invalid"},
		{"build.image", "repository", `"A"`, "repository_invalid"},
		{"build.image", "agent_id", `"-a"`, "agent_id_invalid"},
		{"build.image", "push", `false`, "build_push"},
		{"build.image", "remote", `""`, "build_push"},
		{"build.image", "skip_build", `true`, "build_push"},
		{"build.list", "where", `{"field":"state","op":"eq","value":"failed"}`, "filter_invalid"},
		{"build.rename", "name", `"a\nb"`, "name_invalid"},
		{"build.rename", "id", `0`, "field_required"},
		{"build.delete", "id", `-7`, "id_invalid"},
	} {
		t.Run(c.action+" with "+c.field+" "+c.value[:min(len(c.value), 40)], func(t *testing.T) {
			t.Parallel()
			action := without(t, entryOf(t, c.action), c.field)
			require.NoError(t, json.Unmarshal(fmt.Appendf(nil, "{%q:%s}", c.field, c.value), action))
			err := action.Validate()
			require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), "%v", err)
			require.Equal(t, c.reason, domain.ReasonOf(err), "%v", err)
			require.NotEmpty(t, domain.MessageOf(err))
		})
	}
}

func TestValidateIsPure(t *testing.T) {
	t.Parallel()
	for _, e := range service.Catalogue() {
		action := filled(t, e)
		first := action.Validate()
		require.Equal(t, filled(t, e), action, "%s changes itself", e.Spec.Name)
		require.Equal(t, first, action.Validate(), e.Spec.Name)
	}
}

// Whatever a client sends, Validate answers, and with a code.
func FuzzActionJSON(f *testing.F) {
	catalogue := service.Catalogue()
	for i := range catalogue {
		f.Add(i, []byte(`{}`))
		f.Add(i, []byte(`{"reference":"a","image_id":"b","modifier":{"labels":null},"keys":[{}],"images":[{}],"where":{"not":{}},"limit":-1}`))
	}
	f.Fuzz(func(t *testing.T, n int, body []byte) {
		e := catalogue[uint(n)%uint(len(catalogue))]
		action := e.New()
		if json.Unmarshal(body, action) != nil {
			return
		}
		if err := action.Validate(); err != nil {
			require.Contains(t, []domain.Code{domain.CodeInvalid, domain.CodePrecondition}, domain.CodeOf(err), "%s: %v", e.Spec.Name, err)
		}
	})
}
