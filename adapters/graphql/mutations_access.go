package graphql

import (
	"context"

	"github.com/wharf-project/wharf/actions"
)

func (m mutation) CreateKey(ctx context.Context, _ map[string]any) (*actions.CreateKeyResult, error) {
	return call(ctx, m.resolver, m.svc.CreateKey)
}

func (m mutation) RevokeKey(ctx context.Context, _ map[string]any) (*actions.RevokeKeyResult, error) {
	return call(ctx, m.resolver, m.svc.RevokeKey)
}

func (m mutation) CreateRole(ctx context.Context, _ map[string]any) (*actions.CreateRoleResult, error) {
	return call(ctx, m.resolver, m.svc.CreateRole)
}

func (m mutation) ModifyRole(ctx context.Context, _ map[string]any) (*actions.ModifyRoleResult, error) {
	return call(ctx, m.resolver, m.svc.ModifyRole)
}

func (m mutation) DeleteRole(ctx context.Context, _ map[string]any) (*actions.DeleteRoleResult, error) {
	return call(ctx, m.resolver, m.svc.DeleteRole)
}

func (m mutation) BindRole(ctx context.Context, _ map[string]any) (*actions.BindRoleResult, error) {
	return call(ctx, m.resolver, m.svc.BindRole)
}

func (m mutation) UnbindRole(ctx context.Context, _ map[string]any) (*actions.UnbindRoleResult, error) {
	return call(ctx, m.resolver, m.svc.UnbindRole)
}
