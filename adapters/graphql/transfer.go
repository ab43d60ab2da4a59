package graphql

import (
	"context"

	"github.com/wharf-project/wharf/actions"
)

func (q query) ListRemoteImages(ctx context.Context, _ map[string]any) (*actions.ListRemoteImagesResult, error) {
	return call(ctx, q.resolver, q.svc.ListRemoteImages)
}

func (q query) ListImageTags(ctx context.Context, _ map[string]any) (*actions.ListImageTagsResult, error) {
	return call(ctx, q.resolver, q.svc.ListImageTags)
}

func (q query) GetImageDigest(ctx context.Context, _ map[string]any) (*actions.GetImageDigestResult, error) {
	return call(ctx, q.resolver, q.svc.GetImageDigest)
}

func (q query) GetTagInfo(ctx context.Context, _ map[string]any) (*actions.GetTagInfoResult, error) {
	return call(ctx, q.resolver, q.svc.GetTagInfo)
}

func (q query) GetImageSize(ctx context.Context, _ map[string]any) (*actions.GetImageSizeResult, error) {
	return call(ctx, q.resolver, q.svc.GetImageSize)
}

func (m mutation) RemoveRemoteImage(ctx context.Context, _ map[string]any) (*actions.RemoveRemoteImageResult, error) {
	return call(ctx, m.resolver, m.svc.RemoveRemoteImage)
}

func (m mutation) PushImage(ctx context.Context, _ map[string]any) (*actions.PushImageResult, error) {
	return call(ctx, m.resolver, m.svc.PushImage)
}

func (m mutation) PullImage(ctx context.Context, _ map[string]any) (*actions.PullImageResult, error) {
	return call(ctx, m.resolver, m.svc.PullImage)
}

func (m mutation) SaveImage(ctx context.Context, _ map[string]any) (*actions.SaveImageResult, error) {
	return call(ctx, m.resolver, m.svc.SaveImage)
}
