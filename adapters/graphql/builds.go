package graphql

import (
	"context"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/graphql/view"
	"github.com/wharf-project/wharf/domain"
)

type buildTemplate struct{}

func (buildTemplate) Files(_ context.Context, t *domain.BuildTemplate) ([]view.KVPair, error) {
	return view.Pairs(t.Files), nil
}

func (m mutation) CreateBuildTask(ctx context.Context, _ map[string]any) (*actions.CreateBuildTaskResult, error) {
	return call(ctx, m.resolver, m.svc.CreateBuildTask)
}

func (q query) BuildTask(ctx context.Context, _ map[string]any) (*actions.GetBuildTaskResult, error) {
	return call(ctx, q.resolver, q.svc.GetBuildTask)
}

func (q query) BuildTasks(ctx context.Context, _ map[string]any) (*actions.ListBuildTasksResult, error) {
	return call(ctx, q.resolver, q.svc.ListBuildTasks)
}

func (m mutation) DeleteBuildTask(ctx context.Context, _ map[string]any) (*actions.DeleteBuildTaskResult, error) {
	return call(ctx, m.resolver, m.svc.DeleteBuildTask)
}

func (m mutation) CreateModel(ctx context.Context, _ map[string]any) (*actions.CreateModelResult, error) {
	return call(ctx, m.resolver, m.svc.CreateModel)
}

func (q query) Model(ctx context.Context, _ map[string]any) (*actions.GetModelResult, error) {
	return call(ctx, q.resolver, q.svc.GetModel)
}

func (q query) Models(ctx context.Context, _ map[string]any) (*actions.ListModelsResult, error) {
	return call(ctx, q.resolver, q.svc.ListModels)
}

func (m mutation) DeleteModel(ctx context.Context, _ map[string]any) (*actions.DeleteModelResult, error) {
	return call(ctx, m.resolver, m.svc.DeleteModel)
}

func (m mutation) CreatePipeline(ctx context.Context, _ map[string]any) (*actions.CreatePipelineResult, error) {
	return call(ctx, m.resolver, m.svc.CreatePipeline)
}

func (q query) Pipeline(ctx context.Context, _ map[string]any) (*actions.GetPipelineResult, error) {
	return call(ctx, q.resolver, q.svc.GetPipeline)
}

func (q query) Pipelines(ctx context.Context, _ map[string]any) (*actions.ListPipelinesResult, error) {
	return call(ctx, q.resolver, q.svc.ListPipelines)
}

func (m mutation) DeletePipeline(ctx context.Context, _ map[string]any) (*actions.DeletePipelineResult, error) {
	return call(ctx, m.resolver, m.svc.DeletePipeline)
}

func (m mutation) BuildImage(ctx context.Context, _ map[string]any) (*actions.BuildImageResult, error) {
	return call(ctx, m.resolver, m.svc.BuildImage)
}

func (q query) BuiltImage(ctx context.Context, _ map[string]any) (*actions.GetBuiltImageResult, error) {
	return call(ctx, q.resolver, q.svc.GetBuiltImage)
}

func (q query) BuiltImages(ctx context.Context, _ map[string]any) (*actions.ListBuiltImagesResult, error) {
	return call(ctx, q.resolver, q.svc.ListBuiltImages)
}

func (m mutation) RenameBuiltImage(ctx context.Context, _ map[string]any) (*actions.RenameBuiltImageResult, error) {
	return call(ctx, m.resolver, m.svc.RenameBuiltImage)
}

func (m mutation) DeleteBuiltImage(ctx context.Context, _ map[string]any) (*actions.DeleteBuiltImageResult, error) {
	return call(ctx, m.resolver, m.svc.DeleteBuiltImage)
}
