package port

import "context"

// Tenancy knows which scaling groups the projects of a domain may use. Without
// one, Wharf's own tables answer (the scaling group actions write them).
type Tenancy interface {
	// ScalingGroups returns the scaling groups that a domain and a project of
	// it may use: what is allowed to either. Project may be "".
	ScalingGroups(ctx context.Context, domain, project string) ([]string, error)
}
