package service_test

import (
	"context"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// The repositories of fleetFlaky. A scoped view has no admin part.

type fleetFlakyImages struct {
	repository.ImageRepository
	f     *fleetFlaky
	admin repository.AdminImageRepository
}

func (r fleetFlakyImages) Get(ctx context.Context, id domain.ImageID) (domain.Image, error) {
	return fleetCall(r.f, "images.get", func() (domain.Image, error) { return r.ImageRepository.Get(ctx, id) })
}

func (r fleetFlakyImages) Find(ctx context.Context, l domain.Lookup) ([]domain.Candidate, error) {
	return fleetCall(r.f, "images.find", func() ([]domain.Candidate, error) { return r.ImageRepository.Find(ctx, l) })
}

func (r fleetFlakyImages) Many(ctx context.Context, ids []domain.ImageID) ([]domain.Image, error) {
	return fleetCall(r.f, "images.many", func() ([]domain.Image, error) { return r.ImageRepository.Many(ctx, ids) })
}

func (r fleetFlakyImages) List(ctx context.Context, q domain.ImageQuery, p domain.Page) ([]domain.ImageDetail, domain.PageInfo, error) {
	return fleetPage(r.f, "images.list", func() ([]domain.ImageDetail, domain.PageInfo, error) { return r.ImageRepository.List(ctx, q, p) })
}

func (r fleetFlakyImages) Detail(ctx context.Context, img domain.Image) (domain.ImageDetail, error) {
	return fleetCall(r.f, "images.detail", func() (domain.ImageDetail, error) { return r.ImageRepository.Detail(ctx, img) })
}

func (r fleetFlakyImages) Save(ctx context.Context, img domain.Image) (domain.Image, error) {
	return fleetCall(r.f, "images.save", func() (domain.Image, error) { return r.ImageRepository.Save(ctx, img) })
}

func (r fleetFlakyImages) Delete(ctx context.Context, ids []domain.ImageID) ([]domain.ImageID, error) {
	return fleetCall(r.f, "images.delete", func() ([]domain.ImageID, error) { return r.ImageRepository.Delete(ctx, ids) })
}

func (r fleetFlakyImages) Siblings(ctx context.Context, img domain.Image) ([]domain.Image, error) {
	return fleetCall(r.f, "images.siblings", func() ([]domain.Image, error) { return r.ImageRepository.Siblings(ctx, img) })
}

func (r fleetFlakyImages) HoldingAgents(ctx context.Context, id domain.ImageID) ([]domain.Agent, error) {
	return fleetCall(r.f, "images.holding_agents", func() ([]domain.Agent, error) { return r.ImageRepository.HoldingAgents(ctx, id) })
}

func (r fleetFlakyImages) Unheld(ctx context.Context, id domain.ImageID, agents []domain.AgentID) error {
	if err := r.f.tick("images.unheld"); err != nil {
		return err
	}
	return r.ImageRepository.Unheld(ctx, id, agents)
}

func (r fleetFlakyImages) MarkMissing(ctx context.Context, at []domain.Image) ([]domain.ImageID, error) {
	return fleetCall(r.f, "images.mark_missing", func() ([]domain.ImageID, error) { return r.ImageRepository.MarkMissing(ctx, at) })
}

func (r fleetFlakyImages) OfTags(ctx context.Context, id domain.RegistryID, repo string) ([]repository.KnownTag, error) {
	return fleetCall(r.f, "images.of_tags", func() ([]repository.KnownTag, error) { return r.ImageRepository.OfTags(ctx, id, repo) })
}

func (r fleetFlakyImages) HiddenRepositories(ctx context.Context, id domain.RegistryID) ([]string, error) {
	return fleetCall(r.f, "images.hidden", func() ([]string, error) { return r.ImageRepository.HiddenRepositories(ctx, id) })
}

func (r fleetFlakyImages) Used(ctx context.Context, id domain.ImageID, at time.Time) error {
	if err := r.f.tick("images.used"); err != nil {
		return err
	}
	return r.ImageRepository.Used(ctx, id, at)
}

func (r fleetFlakyImages) OfRepository(ctx context.Context, id domain.RegistryID, repo string) ([]domain.Image, error) {
	return fleetCall(r.f, "images.of_repository", func() ([]domain.Image, error) { return r.admin.OfRepository(ctx, id, repo) })
}

func (r fleetFlakyImages) Repositories(ctx context.Context, id domain.RegistryID) ([]string, error) {
	return fleetCall(r.f, "images.repositories", func() ([]string, error) { return r.admin.Repositories(ctx, id) })
}

func (r fleetFlakyImages) CountOf(ctx context.Context, id domain.RegistryID, statuses ...domain.ImageStatus) (int, error) {
	return fleetCall(r.f, "images.count_of", func() (int, error) { return r.admin.CountOf(ctx, id, statuses...) })
}

func (r fleetFlakyImages) Sync(ctx context.Context, seen []domain.Image) ([]repository.SyncedImage, error) {
	return fleetCall(r.f, "images.sync", func() ([]repository.SyncedImage, error) { return r.admin.Sync(ctx, seen) })
}

func (r fleetFlakyImages) Clear(ctx context.Context, id domain.RegistryID) ([]domain.ImageID, error) {
	return fleetCall(r.f, "images.clear", func() ([]domain.ImageID, error) { return r.admin.Clear(ctx, id) })
}

type fleetFlakyRegistries struct {
	repository.RegistryRepository
	f     *fleetFlaky
	admin repository.AdminRegistryRepository
}

func (r fleetFlakyRegistries) Get(ctx context.Context, id domain.RegistryID) (domain.Registry, error) {
	return fleetCall(r.f, "registries.get", func() (domain.Registry, error) { return r.RegistryRepository.Get(ctx, id) })
}

func (r fleetFlakyRegistries) Find(ctx context.Context, host, repo string) (domain.Registry, error) {
	return fleetCall(r.f, "registries.find", func() (domain.Registry, error) { return r.RegistryRepository.Find(ctx, host, repo) })
}

func (r fleetFlakyRegistries) List(ctx context.Context, w domain.Filter, p domain.Page) ([]domain.Registry, domain.PageInfo, error) {
	return fleetPage(r.f, "registries.list", func() ([]domain.Registry, domain.PageInfo, error) { return r.RegistryRepository.List(ctx, w, p) })
}

func (r fleetFlakyRegistries) Claims(ctx context.Context, host string) ([]repository.RegistryClaim, error) {
	return fleetCall(r.f, "registries.claims", func() ([]repository.RegistryClaim, error) { return r.RegistryRepository.Claims(ctx, host) })
}

func (r fleetFlakyRegistries) Named(ctx context.Context, host string, project *string) ([]domain.Registry, error) {
	return fleetCall(r.f, "registries.named", func() ([]domain.Registry, error) { return r.admin.Named(ctx, host, project) })
}

func (r fleetFlakyRegistries) Create(ctx context.Context, row domain.Registry) error {
	if err := r.f.tick("registries.create"); err != nil {
		return err
	}
	return r.admin.Create(ctx, row)
}

func (r fleetFlakyRegistries) Save(ctx context.Context, row domain.Registry) (domain.Registry, error) {
	return fleetCall(r.f, "registries.save", func() (domain.Registry, error) { return r.admin.Save(ctx, row) })
}

func (r fleetFlakyRegistries) Delete(ctx context.Context, id domain.RegistryID) error {
	if err := r.f.tick("registries.delete"); err != nil {
		return err
	}
	return r.admin.Delete(ctx, id)
}

func (r fleetFlakyRegistries) Allow(ctx context.Context, id domain.RegistryID, name string) (bool, error) {
	return fleetCall(r.f, "registries.allow", func() (bool, error) { return r.admin.Allow(ctx, id, name) })
}

func (r fleetFlakyRegistries) Disallow(ctx context.Context, id domain.RegistryID, name string) (bool, error) {
	return fleetCall(r.f, "registries.disallow", func() (bool, error) { return r.admin.Disallow(ctx, id, name) })
}

func (r fleetFlakyRegistries) Associate(ctx context.Context, id domain.RegistryID, name string) (bool, error) {
	return fleetCall(r.f, "registries.associate", func() (bool, error) { return r.admin.Associate(ctx, id, name) })
}

func (r fleetFlakyRegistries) Disassociate(ctx context.Context, id domain.RegistryID, name string) (bool, error) {
	return fleetCall(r.f, "registries.disassociate", func() (bool, error) { return r.admin.Disassociate(ctx, id, name) })
}

type fleetFlakyAgents struct {
	repository.AgentRepository
	f     *fleetFlaky
	admin repository.AdminAgentRepository
}

func (r fleetFlakyAgents) Get(ctx context.Context, id domain.AgentID) (domain.Agent, error) {
	return fleetCall(r.f, "agents.get", func() (domain.Agent, error) { return r.AgentRepository.Get(ctx, id) })
}

func (r fleetFlakyAgents) List(ctx context.Context, w domain.Filter, p domain.Page) ([]domain.Agent, domain.PageInfo, error) {
	return fleetPage(r.f, "agents.list", func() ([]domain.Agent, domain.PageInfo, error) { return r.AgentRepository.List(ctx, w, p) })
}

func (r fleetFlakyAgents) Replace(ctx context.Context, id domain.AgentID, inv domain.Inventory) (domain.InventoryChange, error) {
	return fleetCall(r.f, "agents.replace", func() (domain.InventoryChange, error) { return r.AgentRepository.Replace(ctx, id, inv) })
}

func (r fleetFlakyAgents) SetStatus(ctx context.Context, id domain.AgentID, s domain.AgentStatus) error {
	if err := r.f.tick("agents.set_status"); err != nil {
		return err
	}
	return r.AgentRepository.SetStatus(ctx, id, s)
}

func (r fleetFlakyAgents) Defer(ctx context.Context, list []domain.Intent) error {
	if err := r.f.tick("agents.defer"); err != nil {
		return err
	}
	return r.admin.Defer(ctx, list)
}

func (r fleetFlakyAgents) DropIntents(ctx context.Context, id domain.AgentID, keys []domain.ImageKey) (int, error) {
	return fleetCall(r.f, "agents.drop_intents", func() (int, error) { return r.admin.DropIntents(ctx, id, keys) })
}

func (r fleetFlakyAgents) Intents(ctx context.Context, w domain.Filter, p domain.Page) ([]domain.Intent, domain.PageInfo, error) {
	return fleetPage(r.f, "agents.intents", func() ([]domain.Intent, domain.PageInfo, error) { return r.admin.Intents(ctx, w, p) })
}

func (r fleetFlakyAgents) Many(ctx context.Context, ids []domain.AgentID) ([]domain.Agent, error) {
	return fleetCall(r.f, "agents.many", func() ([]domain.Agent, error) { return r.admin.Many(ctx, ids) })
}

func (r fleetFlakyAgents) Create(ctx context.Context, row domain.Agent) error {
	if err := r.f.tick("agents.create"); err != nil {
		return err
	}
	return r.admin.Create(ctx, row)
}

func (r fleetFlakyAgents) Save(ctx context.Context, row domain.Agent) (domain.Agent, error) {
	return fleetCall(r.f, "agents.save", func() (domain.Agent, error) { return r.admin.Save(ctx, row) })
}

func (r fleetFlakyAgents) Delete(ctx context.Context, id domain.AgentID) error {
	if err := r.f.tick("agents.delete"); err != nil {
		return err
	}
	return r.admin.Delete(ctx, id)
}

func (r fleetFlakyAgents) Installed(ctx context.Context, id domain.AgentID) ([]domain.InstalledImage, error) {
	return fleetCall(r.f, "agents.installed", func() ([]domain.InstalledImage, error) { return r.admin.Installed(ctx, id) })
}

func (r fleetFlakyAgents) Hold(ctx context.Context, id domain.AgentID, images []domain.InventoryImage) error {
	if err := r.f.tick("agents.hold"); err != nil {
		return err
	}
	return r.admin.Hold(ctx, id, images)
}

func (r fleetFlakyAgents) Drop(ctx context.Context, id domain.AgentID, images []domain.InventoryImage) error {
	if err := r.f.tick("agents.drop"); err != nil {
		return err
	}
	return r.admin.Drop(ctx, id, images)
}

type fleetFlakySaves struct {
	f *fleetFlaky
	repository.SaveRepository
}

func (r fleetFlakySaves) Node(ctx context.Context, id domain.AgentID) (domain.Agent, error) {
	return fleetCall(r.f, "saves.node", func() (domain.Agent, error) { return r.SaveRepository.Node(ctx, id) })
}

func (r fleetFlakySaves) Reserve(ctx context.Context, v repository.Reservation) error {
	if err := r.f.tick("saves.reserve"); err != nil {
		return err
	}
	return r.SaveRepository.Reserve(ctx, v)
}

func (r fleetFlakySaves) Release(ctx context.Context, id string) error {
	if err := r.f.tick("saves.release"); err != nil {
		return err
	}
	return r.SaveRepository.Release(ctx, id)
}

func (r fleetFlakySaves) Fulfil(ctx context.Context, id string, seen []domain.Image) ([]domain.Image, error) {
	return fleetCall(r.f, "saves.fulfil", func() ([]domain.Image, error) { return r.SaveRepository.Fulfil(ctx, id, seen) })
}
