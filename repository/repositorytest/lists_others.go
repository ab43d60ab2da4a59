package repositorytest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var agentList = list{
	name: "agents", fields: domain.AgentFields,
	fill: func(t *testing.T, st repository.Store) {
		reg := AddRegistry(t, st, Registry{Global: true})
		images := AddImages(t, st, reg, domain.Image{Name: "a_b"}, domain.Image{Name: "axb"})
		for i, name := range odd {
			a := domain.Agent{
				ID: domain.AgentID(name), Kind: []domain.AgentKind{"docker", "Docker"}[i%2], ScalingGroup: odd[i/3*3],
				Architecture: []string{"x86_64", "aarch64"}[i%2], Status: []domain.AgentStatus{domain.AgentOnline, domain.AgentOffline}[i%2],
			}
			addAgentAt(t, st, minute(i), a)
			if i%3 == 0 {
				Install(t, st, a.ID, images[i/3%2])
			}
			if i%4 == 0 {
				replaceAt(t, st, minute(i), a.ID, inventory(images[0]))
			}
		}
	},
	more: func(t *testing.T, st repository.Store, i int) {
		addAgentAt(t, st, minute(i), domain.Agent{ID: domain.AgentID(fmt.Sprintf("%s%d", odd[i%len(odd)], i)), ScalingGroup: odd[i%len(odd)]})
	},
	page: func(ctx context.Context, st repository.Store, f domain.Filter, p domain.Page) ([]row, domain.PageInfo, error) {
		items, info, err := whole(st).Read().Agents.List(ctx, f, p)
		return rowsOf(items, info, err, func(a domain.Agent) row {
			taken := a.InventoryAt
			if taken.IsZero() { // never sorts before every inventory
				taken = time.Unix(0, 0)
			}
			return row{key: string(a.ID), tie: string(a.ID), values: map[string]any{
				"id": string(a.ID), "kind": string(a.Kind), "scaling_group": a.ScalingGroup, "architecture": a.Architecture,
				"status": string(a.Status), "created_at": a.CreatedAt, "inventory_at": taken,
			}}
		})
	},
	rest: func(t *testing.T, st repository.Store, rows []row) {
		for _, r := range rows {
			images := []string{}
			for _, h := range installed(t, st, domain.AgentID(r.key)) {
				images = append(images, h.Canonical)
			}
			r.values["image"] = images
		}
	},
}

func addAgentAt(t *testing.T, st repository.Store, at time.Time, a domain.Agent) {
	t.Helper()
	a = newAgent(a)
	a.CreatedAt = at
	mustTx(t, rootAt(st, at), func(ctx context.Context, tx repository.AdminView) error { return tx.Agents.Create(ctx, a) })
}

var scalingGroupList = list{
	name: "scaling groups", fields: domain.ScalingGroupFields,
	fill: func(t *testing.T, st repository.Store) {
		for i, name := range odd {
			AddGrant(t, st, domain.ScalingGroupGrant{ScalingGroup: odd[i/4*4], Domain: name})
			AddGrant(t, st, domain.ScalingGroupGrant{ScalingGroup: odd[i/4*4], Domain: odd[i/2*2], Project: name})
		}
	},
	more: func(t *testing.T, st repository.Store, i int) {
		AddGrant(t, st, domain.ScalingGroupGrant{ScalingGroup: odd[i%len(odd)], Domain: fmt.Sprintf("%s%d", odd[i%len(odd)], i)})
	},
	page: func(ctx context.Context, st repository.Store, f domain.Filter, p domain.Page) ([]row, domain.PageInfo, error) {
		items, info, err := whole(st).Read().Tenancy.List(ctx, f, p)
		return rowsOf(items, info, err, func(g domain.ScalingGroupGrant) row {
			return row{key: fmt.Sprintf("%q", g), values: map[string]any{"scaling_group": g.ScalingGroup, "domain": g.Domain, "project": g.Project}}
		})
	},
}

var auditList = list{
	name: "audit", fields: domain.AuditFields,
	fill: func(t *testing.T, st repository.Store) {
		statuses := []domain.AuditStatus{domain.AuditStarted, domain.AuditOK, domain.AuditFailed, domain.AuditDenied}
		for i, name := range odd {
			e := newEntry(domain.Actor{ID: domain.UserID(name), Role: []domain.Role{"user", "User", "admin"}[i%3], Domain: "default"})
			e.At, e.Action, e.Status, e.ReqID = minute(i), "image."+odd[(i*5+3)%len(odd)], statuses[i%4], odd[(i*7)%len(odd)]
			if e.Status == domain.AuditFailed {
				e.Code, e.Reason = domain.CodeConflict, "alias_taken"
			}
			e.Target = []string{"a_b", "axb", "A_b"}[:i%4%4]
			record(t, st, e)
		}
	},
	more: func(t *testing.T, st repository.Store, i int) {
		e := newEntry(alice)
		e.At = minute(i)
		record(t, st, e)
	},
	page: func(ctx context.Context, st repository.Store, f domain.Filter, p domain.Page) ([]row, domain.PageInfo, error) {
		items, info, err := whole(st).Read().Audit.List(ctx, f, p)
		// What builders do is not audited: they have no entry.
		return rowsOf(items, info, err, func(e domain.AuditEntry) row {
			targets := append([]string{}, e.Target...)
			return row{key: string(e.ID), tie: string(e.ID), values: map[string]any{
				"at": e.At, "actor": string(e.Actor), "role": string(e.Role), "action": e.Action, "status": string(e.Status),
				"code": string(e.Code), "target": targets, "request_id": e.ReqID,
			}}
		})
	},
}

func record(t *testing.T, st repository.Store, e domain.AuditEntry) {
	t.Helper()
	if err := st.Record(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}
