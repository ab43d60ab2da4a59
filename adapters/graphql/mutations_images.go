package graphql

import (
	"context"

	"github.com/wharf-project/wharf/actions"
)

func (m mutation) AliasImageByID(ctx context.Context, _ map[string]any) (*actions.AliasImageResult, error) {
	return call(ctx, m.resolver, m.svc.AliasImageByID)
}

func (m mutation) ForgetImageByID(ctx context.Context, _ map[string]any) (*actions.ForgetImageResult, error) {
	return call(ctx, m.resolver, m.svc.ForgetImageByID)
}

func (m mutation) ForgetImages(ctx context.Context, _ map[string]any) (*actions.ForgetImagesResult, error) {
	return call(ctx, m.resolver, m.svc.ForgetImages)
}

func (m mutation) RestoreImage(ctx context.Context, _ map[string]any) (*actions.RestoreImageResult, error) {
	return call(ctx, m.resolver, m.svc.RestoreImage)
}

func (m mutation) PurgeImageByID(ctx context.Context, _ map[string]any) (*actions.PurgeImageByIDResult, error) {
	return call(ctx, m.resolver, m.svc.PurgeImageByID)
}

func (m mutation) PurgeImagesByID(ctx context.Context, _ map[string]any) (*actions.PurgeImagesByIDResult, error) {
	return call(ctx, m.resolver, m.svc.PurgeImagesByID)
}

func (m mutation) ModifyImage(ctx context.Context, _ map[string]any) (*actions.ModifyImageResult, error) {
	return call(ctx, m.resolver, m.svc.ModifyImage)
}

func (m mutation) ModifyImageByID(ctx context.Context, _ map[string]any) (*actions.ModifyImageResult, error) {
	return call(ctx, m.resolver, m.svc.ModifyImageByID)
}

func (m mutation) SetImageResourceLimit(ctx context.Context, _ map[string]any) (*actions.SetImageResourceLimitResult, error) {
	return call(ctx, m.resolver, m.svc.SetImageResourceLimit)
}

func (m mutation) SetImageResourceLimitByID(ctx context.Context, _ map[string]any) (*actions.SetImageResourceLimitResult, error) {
	return call(ctx, m.resolver, m.svc.SetImageResourceLimitByID)
}

func (m mutation) ClearImageCustomResourceLimit(ctx context.Context, _ map[string]any) (*actions.ClearImageCustomResourceLimitResult, error) {
	return call(ctx, m.resolver, m.svc.ClearImageCustomResourceLimit)
}

func (m mutation) ClearImageCustomResourceLimitByID(ctx context.Context, _ map[string]any) (*actions.ClearImageCustomResourceLimitResult, error) {
	return call(ctx, m.resolver, m.svc.ClearImageCustomResourceLimitByID)
}

func (m mutation) RecordImageUse(ctx context.Context, _ map[string]any) (*actions.RecordImageUseResult, error) {
	return call(ctx, m.resolver, m.svc.RecordImageUse)
}

func (m mutation) UntagImageFromRegistry(ctx context.Context, _ map[string]any) (*actions.UntagImageFromRegistryResult, error) {
	return call(ctx, m.resolver, m.svc.UntagImageFromRegistry)
}

func (m mutation) ScanImage(ctx context.Context, _ map[string]any) (*actions.ScanImageResult, error) {
	return call(ctx, m.resolver, m.svc.ScanImage)
}

func (m mutation) ClearImages(ctx context.Context, _ map[string]any) (*actions.ClearImagesResult, error) {
	return call(ctx, m.resolver, m.svc.ClearImages)
}
