package actions

import "github.com/wharf-project/wharf/domain"

// AllowScalingGroupAction lets a domain, or one project of it, use a scaling
// group.
type AllowScalingGroupAction struct {
	domain.ScalingGroupGrant
}

// AllowScalingGroupResult says whether that was new.
type AllowScalingGroupResult ChangedResult

// Spec of scaling_group.allow.
func (AllowScalingGroupAction) Spec() Spec {
	return Spec{Name: "scaling_group.allow", Summary: "Allow a scaling group for a domain or project", Effect: Write}
}

// Validate checks the names.
func (a AllowScalingGroupAction) Validate() error { return a.Check() }

// DisallowScalingGroupAction takes AllowScalingGroup back.
type DisallowScalingGroupAction struct {
	domain.ScalingGroupGrant
}

// DisallowScalingGroupResult says whether it was allowed before.
type DisallowScalingGroupResult ChangedResult

// Spec of scaling_group.disallow.
func (DisallowScalingGroupAction) Spec() Spec {
	return Spec{Name: "scaling_group.disallow", Summary: "No longer allow a scaling group", Effect: Write}
}

// Validate checks the names.
func (a DisallowScalingGroupAction) Validate() error { return a.Check() }

// ListScalingGroupsAction lists which scaling groups may be used by whom.
type ListScalingGroupsAction struct {
	Where domain.Filter `json:"where,omitzero" doc:"a filter over scaling_group, domain, project"`
	domain.Page
}

// ListScalingGroupsResult is one page.
type ListScalingGroupsResult struct {
	ScalingGroups []domain.ScalingGroupGrant `json:"scaling_groups"`
	domain.PageInfo
}

// Spec of scaling_group.list.
func (ListScalingGroupsAction) Spec() Spec {
	return Spec{Name: "scaling_group.list", Summary: "List allowed scaling groups", Effect: Read}
}

// Validate checks filter, order and cursor.
func (a ListScalingGroupsAction) Validate() error {
	return needList(a.Where, a.Page, domain.ScalingGroupFields, "scaling_group")
}
