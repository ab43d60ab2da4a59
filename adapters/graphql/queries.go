package graphql

import (
	"context"

	"github.com/wharf-project/wharf/actions"
)

func (q query) Audit(ctx context.Context, _ map[string]any) (*actions.SearchAuditResult, error) {
	return call(ctx, q.resolver, q.svc.SearchAudit)
}

func (q query) Explain(ctx context.Context, _ map[string]any) (*actions.ExplainResult, error) {
	return call(ctx, q.resolver, q.svc.Explain)
}

func (q query) Agents(ctx context.Context, _ map[string]any) (*actions.ListAgentsResult, error) {
	return call(ctx, q.resolver, q.svc.ListAgents)
}

func (q query) Intents(ctx context.Context, _ map[string]any) (*actions.ListIntentsResult, error) {
	return call(ctx, q.resolver, q.svc.ListIntents)
}

func (q query) ScalingGroups(ctx context.Context, _ map[string]any) (*actions.ListScalingGroupsResult, error) {
	return call(ctx, q.resolver, q.svc.ListScalingGroups)
}

func (q query) Aliases(ctx context.Context, _ map[string]any) (*actions.SearchAliasesResult, error) {
	return call(ctx, q.resolver, q.svc.SearchAliases)
}

func (q query) ParseReference(ctx context.Context, _ map[string]any) (*actions.ParseReferenceResult, error) {
	return call(ctx, q.resolver, q.svc.ParseReference)
}

func (q query) Registries(ctx context.Context, _ map[string]any) (*actions.ListRegistriesResult, error) {
	return call(ctx, q.resolver, q.svc.ListRegistries)
}

func (q query) Task(ctx context.Context, _ map[string]any) (*actions.GetTaskResult, error) {
	return call(ctx, q.resolver, q.svc.GetTask)
}

func (q query) Tasks(ctx context.Context, _ map[string]any) (*actions.ListTasksResult, error) {
	return call(ctx, q.resolver, q.svc.ListTasks)
}

func (q query) Keys(ctx context.Context, _ map[string]any) (*actions.ListKeysResult, error) {
	return call(ctx, q.resolver, q.svc.ListKeys)
}

func (q query) WhoCan(ctx context.Context, _ map[string]any) (*actions.WhoCanResult, error) {
	return call(ctx, q.resolver, q.svc.WhoCan)
}

func (q query) SimulateAccess(ctx context.Context, _ map[string]any) (*actions.SimulateAccessResult, error) {
	return call(ctx, q.resolver, q.svc.SimulateAccess)
}

func (q query) Role(ctx context.Context, _ map[string]any) (*actions.GetRoleResult, error) {
	return call(ctx, q.resolver, q.svc.GetRole)
}

func (q query) Roles(ctx context.Context, _ map[string]any) (*actions.ListRolesResult, error) {
	return call(ctx, q.resolver, q.svc.ListRoles)
}

func (q query) RoleBindings(ctx context.Context, _ map[string]any) (*actions.ListRoleBindingsResult, error) {
	return call(ctx, q.resolver, q.svc.ListRoleBindings)
}
