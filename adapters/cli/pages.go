package cli

import (
	"context"
	"reflect"
	"slices"
	"strings"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// listFields is the table of fields of a list, for filters, orders and their
// help; nil for what is no list.
func listFields(action string) domain.Fields {
	switch action {
	case "image.list":
		return domain.ImageFields
	case "alias.search":
		return domain.AliasFields
	case "registry.list":
		return domain.RegistryFields
	case "agent.list":
		return domain.AgentFields
	case "agent.intents":
		return domain.IntentFields
	case "scaling_group.list":
		return domain.ScalingGroupFields
	case "audit.search":
		return domain.AuditFields
	case "role.list":
		return domain.RoleFields
	case "role.bindings":
		return domain.BindingFields
	case "key.list":
		return domain.KeyFields
	case "remote.list", "remote.tags":
		return actions.RemoteFields
	case "build_task.list":
		return domain.BuildTaskFields
	case "model.list", "pipeline.list":
		return domain.BuildableFields
	case "build.list":
		return domain.BuiltImageFields
	case "task.list":
		return domain.TaskFields
	case "task.get":
		return domain.TaskItemFields
	}
	return nil
}

func fieldNames(fields domain.Fields) string {
	names := make([]string, 0, len(fields))
	for name, f := range fields {
		if f.Kind == domain.KindMap {
			name += ".KEY"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func sortNames(fields domain.Fields) []string {
	var names []string
	for name, f := range fields {
		if f.Sortable {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// list prints one page, or all of them: a table grows page by page, JSON is one
// document.
func (c *command) list(ctx context.Context, svc Service, a actions.Action) error {
	page := reflect.ValueOf(a).Elem().FieldByName("Page").Addr().Interface().(*domain.Page)
	if c.all && page.Limit == 0 {
		page.Limit = domain.MaxPageSize
	}
	var whole reflect.Value // of JSON
	var t *table
	var total *int
	for {
		result, err := svc.Invoke(ctx, c.entry, a)
		if err != nil {
			return err
		}
		info := pageInfo(result)
		if info.Total != nil {
			total = info.Total
		}
		page.Count = false // once is enough
		if c.p.global.json {
			whole = joinPages(whole, result)
		} else if t, err = c.p.out.page(t, result); err != nil {
			return err
		}
		if page.After = info.Next; !c.all || info.Next == "" {
			break
		}
	}
	if c.p.global.json {
		whole.FieldByName("Total").Set(reflect.ValueOf(total))
		return c.p.show(whole.Interface())
	}
	if err := c.p.out.flush(); err != nil {
		return err
	}
	if t != nil && t.printed == 0 {
		where := ""
		if v := reflect.ValueOf(a).Elem().FieldByName("Where"); v.IsValid() {
			if f, ok := v.Interface().(domain.Filter); ok && !f.IsZero() {
				where = " where " + clean(formatWhere(f)) // as it was understood
			}
		}
		_, isTask := a.(*actions.GetTaskAction) // it was found, with items or without
		switch {
		case !isTask:
			c.p.hint("nothing found%s\n", where)
		case where != "":
			c.p.hint("no items%s\n", where)
		}
	}
	if total != nil {
		c.p.complain("%d in all\n", *total)
	}
	if page.After != "" {
		c.p.hint("more: --after %s, or --all\n", page.After)
	}
	return nil
}

func pageInfo(result any) domain.PageInfo {
	info, _ := reflect.ValueOf(result).FieldByName("PageInfo").Interface().(domain.PageInfo)
	return info
}

// joinPages appends the items of a page to those before it.
func joinPages(whole reflect.Value, result any) reflect.Value {
	page := reflect.New(reflect.TypeOf(result)).Elem()
	page.Set(reflect.ValueOf(result))
	if !whole.IsValid() {
		return page
	}
	for i := range page.NumField() {
		if f := page.Field(i); f.Kind() == reflect.Slice {
			f.Set(reflect.AppendSlice(whole.Field(i), f))
		}
	}
	return page
}
