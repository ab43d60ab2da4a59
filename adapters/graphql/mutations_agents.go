package graphql

import (
	"context"

	"github.com/wharf-project/wharf/actions"
)

func (m mutation) PurgeImages(ctx context.Context, _ map[string]any) (*actions.PurgeImagesResult, error) {
	return call(ctx, m.resolver, m.svc.PurgeImages)
}

func (m mutation) PreloadImages(ctx context.Context, _ map[string]any) (*actions.PreloadImagesResult, error) {
	return call(ctx, m.resolver, m.svc.PreloadImages)
}

func (m mutation) UnloadImages(ctx context.Context, _ map[string]any) (*actions.UnloadImagesResult, error) {
	return call(ctx, m.resolver, m.svc.UnloadImages)
}

func (m mutation) RegisterAgent(ctx context.Context, _ map[string]any) (*actions.RegisterAgentResult, error) {
	return call(ctx, m.resolver, m.svc.RegisterAgent)
}

func (m mutation) ModifyAgent(ctx context.Context, _ map[string]any) (*actions.ModifyAgentResult, error) {
	return call(ctx, m.resolver, m.svc.ModifyAgent)
}

func (m mutation) RemoveAgent(ctx context.Context, _ map[string]any) (*actions.RemoveAgentResult, error) {
	return call(ctx, m.resolver, m.svc.RemoveAgent)
}

func (m mutation) ReportInventory(ctx context.Context, _ map[string]any) (*actions.ReportInventoryResult, error) {
	return call(ctx, m.resolver, m.svc.ReportInventory)
}

func (m mutation) DropIntents(ctx context.Context, _ map[string]any) (*actions.DropIntentsResult, error) {
	return call(ctx, m.resolver, m.svc.DropIntents)
}

func (m mutation) AllowScalingGroup(ctx context.Context, _ map[string]any) (*actions.AllowScalingGroupResult, error) {
	return call(ctx, m.resolver, m.svc.AllowScalingGroup)
}

func (m mutation) DisallowScalingGroup(ctx context.Context, _ map[string]any) (*actions.DisallowScalingGroupResult, error) {
	return call(ctx, m.resolver, m.svc.DisallowScalingGroup)
}
