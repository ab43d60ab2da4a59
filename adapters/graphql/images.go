package graphql

import (
	"context"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/graphql/view"
	"github.com/wharf-project/wharf/domain"
)

func (q query) ImagesPage(ctx context.Context, first *int, after *string, _, _ map[string]any, isInstalled, isOperation *bool, inDomain, group, scalingGroup *string, statuses []domain.ImageStatus) (*view.ImageConnection, error) {
	a := actions.ListImagesAction{
		ImageQuery: domain.ImageQuery{IsInstalled: isInstalled, IsOperation: isOperation, Domain: inDomain, Group: group, ScalingGroup: scalingGroup, Statuses: statuses},
		Page:       domain.Page{Count: selected(ctx, "total_count")},
	}
	if first != nil {
		if a.Limit = *first; a.Limit == 0 {
			return nil, domain.Invalid("page_invalid", "first", "a page has 1-%d items, not 0", domain.MaxPageSize)
		}
	}
	if after != nil {
		a.After = *after
	}
	if err := q.decode(ctx, "where", &a.Where, nil); err != nil {
		return nil, err
	}
	if err := q.decode(ctx, "order", &a.Page, nil); err != nil {
		return nil, err
	}
	res, err := q.svc.ListImages(ctx, a)
	if err != nil {
		return nil, err
	}
	page, err := a.Page.Check(domain.ImageFields, "canonical") // as the service did
	if err != nil {
		return nil, err
	}
	c := &view.ImageConnection{Edges: make([]view.ImageEdge, 0, len(res.Images)), TotalCount: res.Total, PageInfo: view.PageInfo{HasNextPage: res.Next != ""}}
	ids := make([]domain.ImageID, 0, len(res.Images))
	for _, d := range res.Images {
		c.Edges = append(c.Edges, view.ImageEdge{Node: &view.Node{ImageDetail: d}, Cursor: view.ImageCursor(page, d.Image)})
		ids = append(ids, d.ID)
	}
	if n := len(c.Edges); n > 0 {
		c.PageInfo.EndCursor = &c.Edges[n-1].Cursor
	}
	if selected(ctx, "edges", "node", "agents") {
		held, err := q.visibleHolders(ctx, ids)
		if err != nil || held == nil {
			return c, err
		}
		for i, id := range ids {
			c.Edges[i].Node.Agents = present(held[id])
		}
	}
	return c, nil
}

func (q query) ImageNode(ctx context.Context, _ map[string]any) (*view.Node, error) {
	res, err := call(ctx, q.resolver, q.svc.GetImage)
	if err != nil {
		return nil, err
	}
	n := &view.Node{ImageDetail: res.Image}
	if selected(ctx, "agents") {
		held, err := q.visibleHolders(ctx, []domain.ImageID{n.ID})
		if err != nil || held == nil {
			return n, err
		}
		n.Agents = present(held[n.ID])
	}
	return n, nil
}

// visibleHolders is holders, or nil for those who may not know them.
func (q query) visibleHolders(ctx context.Context, ids []domain.ImageID) (map[domain.ImageID][]domain.InstalledImage, error) {
	held, err := q.holders(ctx, ids)
	if domain.CodeOf(err) == domain.CodeForbidden {
		return nil, nil
	}
	return held, err
}

// present is a list that is there, be it empty.
func present[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (q query) ImageInstalledAgents(ctx context.Context, _ map[string]any) (*view.InstalledAgents, error) {
	var a actions.GetImageInstalledAgentsAction
	if err := q.decode(ctx, "input", &a, nil); err != nil {
		return nil, err
	}
	res, err := q.svc.GetImageInstalledAgents(ctx, a)
	if err != nil {
		return nil, err
	}
	out := &view.InstalledAgents{Agents: []view.ImageHolders{}}
	seen := map[domain.ImageID]bool{}
	for _, id := range a.ImageIDs {
		if held, ok := res.Agents[id]; ok && !seen[id] {
			out.Agents = append(out.Agents, view.ImageHolders{ImageID: id, Agents: held})
			seen[id] = true
		}
	}
	return out, nil
}
