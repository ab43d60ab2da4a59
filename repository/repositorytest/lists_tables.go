package repositorytest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// list is one list of the store as the tests of all of them see it.
type list struct {
	name   string
	fields domain.Fields
	// fill adds rows with equal sort keys and values that differ in everything
	// that filters look at.
	fill func(t *testing.T, st repository.Store)
	// more adds one row; where it comes in the order depends on i.
	more func(t *testing.T, st repository.Store, i int)
	page func(ctx context.Context, st repository.Store, f domain.Filter, p domain.Page) ([]row, domain.PageInfo, error)
	// rest adds the values that take a call of their own; nil: there are none.
	rest func(t *testing.T, st repository.Store, rows []row)
}

func allLists() []list {
	return []list{imageList, aliasList, registryList, agentList, scalingGroupList, auditList}
}

// odd is names that careless SQL takes for something else.
var odd = []string{
	"a", "A", "aa", "a_b", "axb", "a%b", "a*b", "a?b", "a[b]", "ab", `a\b`, "a'b", "a!b", "é", "e", "Z", "a b", "b", "漢",
}

// rowsOf turns a page into rows.
func rowsOf[T any](items []T, info domain.PageInfo, err error, f func(T) row) ([]row, domain.PageInfo, error) {
	rows := make([]row, len(items))
	for i, v := range items {
		rows[i] = f(v)
	}
	return rows, info, err
}

// minute is one of a few moments, so that times are equal in many rows.
func minute(i int) time.Time { return Now.Add(time.Duration(i%3) * time.Minute) }

var imageList = list{
	name: "images", fields: domain.ImageFields, fill: fillImages,
	more: func(t *testing.T, st repository.Store, i int) {
		reg := must(root(st).Read().Registries.Find(t.Context(), "cr.example.org", ""))(t)
		addImagesAt(t, st, minute(i), reg, domain.Image{Name: fmt.Sprintf("%s%d", odd[i%len(odd)], i), SizeBytes: int64(i), LastUsedAt: minute(i)})
	},
	page: func(ctx context.Context, st repository.Store, f domain.Filter, p domain.Page) ([]row, domain.PageInfo, error) {
		items, info, err := whole(st).Read().Images.List(ctx, domain.ImageQuery{Statuses: domain.ImageStatuses(), Where: f}, p)
		return rowsOf(items, info, err, imageRow)
	},
	rest: func(t *testing.T, st repository.Store, rows []row) {
		held := must(whole(st).Read().Images.Holders(t.Context(), sorted(rows, func(r row) domain.ImageID { return domain.ImageID(r.key) })))(t)
		for _, r := range rows {
			agents := []string{}
			for _, h := range held[domain.ImageID(r.key)] {
				agents = append(agents, string(h.AgentID))
			}
			r.values["agent"] = agents
		}
	},
}

func imageRow(d domain.ImageDetail) row {
	used := d.LastUsedAt
	if used.IsZero() { // never sorts before every use
		used = time.Unix(0, 0)
	}
	accelerators := d.Accelerators
	if accelerators == nil {
		accelerators = []string{}
	}
	return row{key: string(d.ID), tie: string(d.ID), values: map[string]any{
		"id": string(d.ID), "canonical": d.Canonical(), "registry": d.Registry, "project": d.Project, "name": d.Name, "tag": d.Tag,
		"architecture": d.Architecture, "digest": string(d.ConfigDigest), "status": string(d.Status), "type": string(d.Type),
		"owner": string(d.Owner), "label": d.EffectiveLabels(), "accelerator": accelerators, "alias": d.Aliases,
		"size_bytes": d.SizeBytes, "created_at": d.CreatedAt, "updated_at": d.UpdatedAt, "last_used_at": used,
	}}
}

func fillImages(t *testing.T, st repository.Store) {
	t.Helper()
	regs := []domain.Registry{
		AddRegistry(t, st, Registry{Global: true}), AddRegistry(t, st, Registry{Project: "a_b", Global: true}),
		AddRegistry(t, st, Registry{Name: "CR.example.org", Project: "Team", Global: true}),
	}
	AddAgent(t, st, domain.Agent{ID: "a1"})
	AddAgent(t, st, domain.Agent{ID: "A1"})
	for i, name := range odd {
		img := domain.Image{
			Name: name, Tag: odd[(i*5+3)%len(odd)], SizeBytes: int64(i%4) * 1000, Status: domain.ImageStatuses()[i%3],
			Architecture: []string{"x86_64", "aarch64", "X86_64"}[i%3],
			Labels:       map[string]string{"k": odd[(i*7)%len(odd)], "with.dots": fmt.Sprint(i % 2), domain.LabelRole: []string{"COMPUTE", "SYSTEM", "INFERENCE"}[i%3]},
		}
		if i%2 == 0 {
			img.Labels[domain.LabelKernelSpec], img.Labels[domain.LabelAccelerators] = "1", []string{"cuda", "cuda,rocm", "tpu_2"}[i/2%3]
			img.OperatorLabels = map[string]string{"team": name, "k": name}
		}
		if i%3 == 0 {
			img.LastUsedAt = minute(i)
			img.Labels[domain.LabelCustomizedOwner] = []string{"user:alice", "user:Alice", "nobody"}[i/3%3]
		}
		img = addImagesAt(t, st, minute(i), regs[i%len(regs)], img)[0]
		if i%4 == 0 {
			AddAlias(t, st, img, name)
			AddAlias(t, st, img, "alias"+name)
		}
		if i%5 == 0 {
			Install(t, st, []domain.AgentID{"a1", "A1"}[i/5%2], img)
		}
	}
}

var aliasList = list{
	name: "aliases", fields: domain.AliasFields,
	fill: func(t *testing.T, st repository.Store) {
		reg := AddRegistry(t, st, Registry{Global: true})
		images := AddImages(t, st, reg, domain.Image{Name: "a_b"}, domain.Image{Name: "axb"}, domain.Image{Name: "A_b", Status: domain.ImageForgotten})
		for i, name := range odd {
			addAliasAt(t, st, minute(i), images[i%3].ID, name)
		}
	},
	more: func(t *testing.T, st repository.Store, i int) {
		images := listed(t, whole(st), domain.ImageQuery{})
		addAliasAt(t, st, minute(i), images[0], fmt.Sprintf("%s%d", odd[i%len(odd)], i))
	},
	page: func(ctx context.Context, st repository.Store, f domain.Filter, p domain.Page) ([]row, domain.PageInfo, error) {
		items, info, err := whole(st).Read().Aliases.List(ctx, f, p)
		return rowsOf(items, info, err, func(a domain.AliasDetail) row {
			return row{key: string(a.ID), tie: string(a.ID), values: map[string]any{
				"alias": a.Alias.Alias, "image_id": string(a.ImageID), "canonical": a.Canonical, "created_at": a.CreatedAt,
			}}
		})
	},
}

var registryList = list{
	name: "registries", fields: domain.RegistryFields,
	fill: func(t *testing.T, st repository.Store) {
		for i, name := range odd {
			addRegistryAt(t, st, minute(i), Registry{Name: odd[i/2*2], Project: name, Global: i%2 == 0}, []string{"default", "Default", "other"}[:i%4%3])
		}
	},
	more: func(t *testing.T, st repository.Store, i int) {
		addRegistryAt(t, st, minute(i), Registry{Name: odd[i%len(odd)], Project: fmt.Sprintf("more%d", i)}, nil)
	},
	page: func(ctx context.Context, st repository.Store, f domain.Filter, p domain.Page) ([]row, domain.PageInfo, error) {
		items, info, err := whole(st).Read().Registries.List(ctx, f, p)
		return rowsOf(items, info, err, func(r domain.Registry) row {
			return row{key: string(r.ID), tie: string(r.ID), values: map[string]any{
				"name": r.Name, "project": r.Project, "type": string(r.Type), "is_global": r.IsGlobal, "domain": r.Domains, "created_at": r.CreatedAt,
			}}
		})
	},
}

func addRegistryAt(t *testing.T, st repository.Store, at time.Time, r Registry, domains []string) {
	t.Helper()
	reg := newRegistry(r)
	reg.CreatedAt = at
	if r.Global {
		reg.Type = "harbor"
	}
	mustTx(t, rootAt(st, at), func(ctx context.Context, tx repository.AdminView) error {
		if err := tx.Registries.Create(ctx, reg); err != nil {
			return err
		}
		for _, d := range domains {
			if _, err := tx.Registries.Allow(ctx, reg.ID, d); err != nil {
				return err
			}
		}
		return nil
	})
}
