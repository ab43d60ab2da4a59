package repositorytest

import (
	"context"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// subject is one of everything, for calls that need something to be about.
type subject struct {
	reg   domain.Registry
	img   domain.Image
	agent domain.AgentID
	alias string
}

type (
	call      func(ctx context.Context, v repository.View) error
	adminCall func(ctx context.Context, v repository.AdminView) error
)

// reads is every read of a scoped view.
func (s subject) reads() map[string]call {
	ids := []domain.ImageID{s.img.ID}
	return map[string]call{
		"Images.Get": func(ctx context.Context, v repository.View) error { return second(v.Images.Get(ctx, s.img.ID)) },
		"Images.Find": func(ctx context.Context, v repository.View) error {
			return second(v.Images.Find(ctx, domain.Lookup{ID: s.img.ID}))
		},
		"Images.Many": func(ctx context.Context, v repository.View) error { return second(v.Images.Many(ctx, ids)) },
		"Images.List": func(ctx context.Context, v repository.View) error {
			return third(v.Images.List(ctx, everything(), page))
		},
		"Images.Detail":   func(ctx context.Context, v repository.View) error { return second(v.Images.Detail(ctx, s.img)) },
		"Images.Siblings": func(ctx context.Context, v repository.View) error { return second(v.Images.Siblings(ctx, s.img)) },
		"Images.Holders":  func(ctx context.Context, v repository.View) error { return second(v.Images.Holders(ctx, ids)) },
		"Images.HoldingAgents": func(ctx context.Context, v repository.View) error {
			return second(v.Images.HoldingAgents(ctx, s.img.ID))
		},
		"Images.OfTags": func(ctx context.Context, v repository.View) error {
			return second(v.Images.OfTags(ctx, s.reg.ID, s.img.Repository()))
		},
		"Images.HiddenRepositories": func(ctx context.Context, v repository.View) error {
			return second(v.Images.HiddenRepositories(ctx, s.reg.ID))
		},
		"Registries.Claims": func(ctx context.Context, v repository.View) error {
			return second(v.Registries.Claims(ctx, s.reg.Name))
		},
		"Aliases.Get": func(ctx context.Context, v repository.View) error { return second(v.Aliases.Get(ctx, s.alias)) },
		"Aliases.List": func(ctx context.Context, v repository.View) error {
			return third(v.Aliases.List(ctx, domain.Filter{}, page))
		},
		"Registries.Get": func(ctx context.Context, v repository.View) error { return second(v.Registries.Get(ctx, s.reg.ID)) },
		"Registries.Find": func(ctx context.Context, v repository.View) error {
			return second(v.Registries.Find(ctx, s.reg.Name, "a"))
		},
		"Registries.List": func(ctx context.Context, v repository.View) error {
			return third(v.Registries.List(ctx, domain.Filter{}, page))
		},
		"Agents.Get": func(ctx context.Context, v repository.View) error { return second(v.Agents.Get(ctx, s.agent)) },
		"Agents.List": func(ctx context.Context, v repository.View) error {
			return third(v.Agents.List(ctx, domain.Filter{}, page))
		},
		"Tenancy.ScalingGroups": func(ctx context.Context, v repository.View) error {
			return second(v.Tenancy.ScalingGroups(ctx, "default", "ml"))
		},
		"Tenancy.List": func(ctx context.Context, v repository.View) error {
			return third(v.Tenancy.List(ctx, domain.Filter{}, page))
		},
		"Saves.Node": func(ctx context.Context, v repository.View) error { return second(v.Saves.Node(ctx, s.agent)) },
		"Audit.List": func(ctx context.Context, v repository.View) error {
			return third(v.Audit.List(ctx, domain.Filter{}, page))
		},
		"Builds.Tasks": func(ctx context.Context, v repository.View) error {
			return third(v.Builds.Tasks(ctx, domain.Filter{}, page))
		},
		"Builds.Buildables": func(ctx context.Context, v repository.View) error {
			return third(v.Builds.Buildables(ctx, domain.BuildableModel, domain.Filter{}, page))
		},
		"Builds.Images": func(ctx context.Context, v repository.View) error {
			return third(v.Builds.Images(ctx, domain.Filter{}, page))
		},
		"Builds.Hosts": func(ctx context.Context, v repository.View) error {
			return second(v.Builds.Hosts(ctx, repository.HostQuery{}))
		},
		"Builds.Host": func(ctx context.Context, v repository.View) error { return second(v.Builds.Host(ctx, s.agent)) },
	}
}

// adminReads is every read of an admin view that a scoped one does not have.
func (s subject) adminReads() map[string]adminCall {
	return map[string]adminCall{
		"Images.Get": func(ctx context.Context, v repository.AdminView) error { return second(v.Images.Get(ctx, s.img.ID)) },
		"Images.OfRepository": func(ctx context.Context, v repository.AdminView) error {
			return second(v.Images.OfRepository(ctx, s.reg.ID, s.img.Repository()))
		},
		"Images.Repositories": func(ctx context.Context, v repository.AdminView) error {
			return second(v.Images.Repositories(ctx, s.reg.ID))
		},
		"Registries.Named": func(ctx context.Context, v repository.AdminView) error {
			return second(v.Registries.Named(ctx, s.reg.Name, nil))
		},
		"Agents.Many": func(ctx context.Context, v repository.AdminView) error {
			return second(v.Agents.Many(ctx, []domain.AgentID{s.agent}))
		},
		"Agents.Installed": func(ctx context.Context, v repository.AdminView) error {
			return second(v.Agents.Installed(ctx, s.agent))
		},
	}
}

// writes is every write of a scoped view.
func (s subject) writes() map[string]call {
	return map[string]call{
		"Images.Save": func(ctx context.Context, v repository.View) error {
			img := s.img
			img.Forget()
			return second(v.Images.Save(ctx, img))
		},
		"Images.Delete": func(ctx context.Context, v repository.View) error {
			return second(v.Images.Delete(ctx, []domain.ImageID{s.img.ID}))
		},
		"Images.Unheld": func(ctx context.Context, v repository.View) error {
			return v.Images.Unheld(ctx, s.img.ID, []domain.AgentID{s.agent})
		},
		"Images.MarkMissing": func(ctx context.Context, v repository.View) error {
			return second(v.Images.MarkMissing(ctx, []domain.Image{s.img}))
		},
		"Images.Used": func(ctx context.Context, v repository.View) error { return v.Images.Used(ctx, s.img.ID, Now) },
		"Aliases.Create": func(ctx context.Context, v repository.View) error {
			return second(v.Aliases.Create(ctx, "new", s.img.ID))
		},
		"Aliases.Delete": func(ctx context.Context, v repository.View) error { return second(v.Aliases.Delete(ctx, s.alias)) },
		"Agents.Replace": func(ctx context.Context, v repository.View) error {
			return second(v.Agents.Replace(ctx, s.agent, domain.Inventory{}))
		},
		"Builds.CreateTask": func(ctx context.Context, v repository.View) error { return second(v.Builds.CreateTask(ctx, "new")) },
		"Saves.Reserve": func(ctx context.Context, v repository.View) error {
			return v.Saves.Reserve(ctx, place(s.reg, "new", 1))
		},
		"Saves.Release": func(ctx context.Context, v repository.View) error { return v.Saves.Release(ctx, "id") },
	}
}

// adminWrites is every write of an admin view that a scoped one does not have.
func (s subject) adminWrites() map[string]adminCall {
	g := domain.ScalingGroupGrant{ScalingGroup: "new", Domain: "default"}
	return map[string]adminCall{
		"Images.Sync": func(ctx context.Context, v repository.AdminView) error {
			return second(v.Images.Sync(ctx, []domain.Image{seen(s.reg, domain.Image{Name: "new"})}))
		},
		"Images.Clear": func(ctx context.Context, v repository.AdminView) error { return second(v.Images.Clear(ctx, s.reg.ID)) },
		"Registries.Create": func(ctx context.Context, v repository.AdminView) error {
			return v.Registries.Create(ctx, newRegistry(Registry{Name: "new.example.org"}))
		},
		"Registries.Save": func(ctx context.Context, v repository.AdminView) error {
			r := s.reg
			r.URL = "http://new.example.org"
			return second(v.Registries.Save(ctx, r))
		},
		"Registries.Delete": func(ctx context.Context, v repository.AdminView) error { return v.Registries.Delete(ctx, s.reg.ID) },
		"Registries.Allow": func(ctx context.Context, v repository.AdminView) error {
			return second(v.Registries.Allow(ctx, s.reg.ID, "new"))
		},
		"Registries.Disallow": func(ctx context.Context, v repository.AdminView) error {
			return second(v.Registries.Disallow(ctx, s.reg.ID, "default"))
		},
		"Registries.Associate": func(ctx context.Context, v repository.AdminView) error {
			return second(v.Registries.Associate(ctx, s.reg.ID, "new"))
		},
		"Registries.Disassociate": func(ctx context.Context, v repository.AdminView) error {
			return second(v.Registries.Disassociate(ctx, s.reg.ID, "ml"))
		},
		"Agents.Create": func(ctx context.Context, v repository.AdminView) error {
			return v.Agents.Create(ctx, newAgent(domain.Agent{ID: "new"}))
		},
		"Agents.Save": func(ctx context.Context, v repository.AdminView) error {
			a, err := v.Agents.Get(ctx, s.agent)
			if err != nil {
				return err
			}
			a.Address = "/new"
			return second(v.Agents.Save(ctx, a))
		},
		"Agents.Delete": func(ctx context.Context, v repository.AdminView) error { return v.Agents.Delete(ctx, s.agent) },
		"Agents.Hold": func(ctx context.Context, v repository.AdminView) error {
			return v.Agents.Hold(ctx, s.agent, []domain.InventoryImage{{Canonical: "new/new:1", Architecture: "x86_64"}})
		},
		"Agents.Drop": func(ctx context.Context, v repository.AdminView) error {
			return v.Agents.Drop(ctx, s.agent, inventory(s.img).Images)
		},
		"Tenancy.Allow": func(ctx context.Context, v repository.AdminView) error { return second(v.Tenancy.Allow(ctx, g)) },
		"Tenancy.Disallow": func(ctx context.Context, v repository.AdminView) error {
			return second(v.Tenancy.Disallow(ctx, domain.ScalingGroupGrant{ScalingGroup: "gpu", Domain: "default"}))
		},
	}
}

func second[T any](_ T, err error) error { return err }

func third[T, U any](_ T, _ U, err error) error { return err }
