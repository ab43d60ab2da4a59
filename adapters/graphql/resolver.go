package graphql

import (
	"context"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/graphql/generated"
	"github.com/wharf-project/wharf/adapters/graphql/view"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// resolver answers the fields of the schema.
type resolver struct {
	svc       *service.ImageService
	maxImages int
	types     map[string]*ast.Definition
}

type (
	query        struct{ *resolver }
	mutation     struct{ *resolver }
	subscription struct{ *resolver }
	imageRecord  struct{}
	agent        struct{}
	aliasDetail  struct{}
)

func (r *resolver) Query() generated.QueryResolver               { return query{r} }
func (r *resolver) Mutation() generated.MutationResolver         { return mutation{r} }
func (r *resolver) Subscription() generated.SubscriptionResolver { return subscription{r} }
func (*resolver) ImageRecord() generated.ImageRecordResolver     { return imageRecord{} }
func (*resolver) Agent() generated.AgentResolver                 { return agent{} }
func (*resolver) BuildTemplate() generated.BuildTemplateResolver { return buildTemplate{} }
func (*resolver) AliasDetail() generated.AliasDetailResolver     { return aliasDetail{} }

// call makes an action of the field's input, has it done and returns the
// result. A total is counted when the query asks for one.
func call[A actions.Action, R any](ctx context.Context, r *resolver, do func(context.Context, A) (R, error)) (*R, error) {
	var a A
	var extra map[string]any
	if selected(ctx, "total") {
		extra = map[string]any{"count": true}
	}
	if err := r.decode(ctx, "input", &a, extra); err != nil {
		return nil, err
	}
	res, err := do(ctx, a)
	if err != nil {
		return nil, err
	}
	return &res, nil
}

func (imageRecord) Labels(_ context.Context, i *domain.Image) ([]view.KVPair, error) {
	return view.Pairs(i.Labels), nil
}

func (imageRecord) OperatorLabels(_ context.Context, i *domain.Image) ([]view.KVPair, error) {
	return view.Pairs(i.OperatorLabels), nil
}

func (imageRecord) CustomLimits(_ context.Context, i *domain.Image) ([]domain.ResourceLimit, error) {
	return view.Limits(i.CustomLimits), nil
}

func (agent) Labels(_ context.Context, a *domain.Agent) ([]view.KVPair, error) {
	return view.Pairs(a.Labels), nil
}

func (aliasDetail) Alias(_ context.Context, a *domain.AliasDetail) (string, error) {
	return a.Alias.Alias, nil
}
