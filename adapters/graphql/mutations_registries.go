package graphql

import (
	"context"

	"github.com/wharf-project/wharf/actions"
)

func (m mutation) RescanRegistries(ctx context.Context, _ map[string]any) (*actions.RescanImagesResult, error) {
	return call(ctx, m.resolver, m.svc.RescanImages)
}

func (m mutation) CreateRegistry(ctx context.Context, _ map[string]any) (*actions.CreateRegistryResult, error) {
	return call(ctx, m.resolver, m.svc.CreateRegistry)
}

func (m mutation) ModifyRegistry(ctx context.Context, _ map[string]any) (*actions.ModifyRegistryResult, error) {
	return call(ctx, m.resolver, m.svc.ModifyRegistry)
}

func (m mutation) DeleteRegistry(ctx context.Context, _ map[string]any) (*actions.DeleteRegistryResult, error) {
	return call(ctx, m.resolver, m.svc.DeleteRegistry)
}

func (m mutation) AllowRegistry(ctx context.Context, _ map[string]any) (*actions.AllowRegistryResult, error) {
	return call(ctx, m.resolver, m.svc.AllowRegistry)
}

func (m mutation) DisallowRegistry(ctx context.Context, _ map[string]any) (*actions.DisallowRegistryResult, error) {
	return call(ctx, m.resolver, m.svc.DisallowRegistry)
}

func (m mutation) AssociateRegistry(ctx context.Context, _ map[string]any) (*actions.AssociateRegistryResult, error) {
	return call(ctx, m.resolver, m.svc.AssociateRegistry)
}

func (m mutation) DisassociateRegistry(ctx context.Context, _ map[string]any) (*actions.DisassociateRegistryResult, error) {
	return call(ctx, m.resolver, m.svc.DisassociateRegistry)
}

func (m mutation) CancelTask(ctx context.Context, _ map[string]any) (*actions.CancelTaskResult, error) {
	return call(ctx, m.resolver, m.svc.CancelTask)
}

func (m mutation) RetryTask(ctx context.Context, _ map[string]any) (*actions.RetryTaskResult, error) {
	return call(ctx, m.resolver, m.svc.RetryTask)
}

func (m mutation) GetRegistryCredential(ctx context.Context, _ map[string]any) (*actions.GetRegistryCredentialResult, error) {
	return call(ctx, m.resolver, m.svc.GetRegistryCredential)
}
