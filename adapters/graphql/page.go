package graphql

import (
	"context"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/graphql/view"
	"github.com/wharf-project/wharf/domain"
)

// The resolvers of schema/page.graphql.

func (q query) Image(ctx context.Context, reference string) (*view.Image, error) {
	res, err := q.svc.GetImage(ctx, actions.GetImageAction{Reference: reference})
	if err != nil {
		return nil, err
	}
	list := []*view.Image{view.ImageOf(res.Image)}
	return list[0], q.withAgents(ctx, list, []domain.ImageID{res.Image.ID})
}

func (q query) Images(ctx context.Context, isInstalled, isOperation *bool, inDomain, group, scalingGroup *string) ([]*view.Image, error) {
	a := actions.ListImagesAction{
		ImageQuery: domain.ImageQuery{IsInstalled: isInstalled, IsOperation: isOperation, Domain: inDomain, Group: group, ScalingGroup: scalingGroup},
		Page:       domain.Page{Limit: domain.MaxPageSize},
	}
	list, ids := []*view.Image{}, []domain.ImageID{}
	for {
		res, err := q.svc.ListImages(ctx, a)
		if err != nil {
			return nil, err
		}
		for _, d := range res.Images {
			list, ids = append(list, view.ImageOf(d)), append(ids, d.ID)
		}
		if len(list) > q.maxImages || res.Total != nil && *res.Total > q.maxImages || len(list) == q.maxImages && res.Next != "" {
			return nil, domain.Invalid("too_many_images", "images", "there are more than %d images; ask for them page by page, with images_page", q.maxImages)
		}
		if res.Next == "" {
			return list, q.withAgents(ctx, list, ids)
		}
		a.Count = a.After == "" // once, so that too many are not read before they are refused
		a.After = res.Next
	}
}

// withAgents adds the agents that hold the images, for superadmins that ask.
func (q query) withAgents(ctx context.Context, list []*view.Image, ids []domain.ImageID) error {
	if len(ids) == 0 || !selected(ctx, "installed_agents") {
		return nil
	}
	may, err := q.superadmin(ctx)
	if code := domain.CodeOf(err); code == domain.CodeForbidden || code == domain.CodePrecondition { // may not ask, or nobody can tell
		return nil
	}
	if err != nil || !may {
		return err
	}
	held, err := q.visibleHolders(ctx, ids)
	if err != nil || held == nil {
		return err
	}
	for i, img := range list {
		img.InstalledAgents = make([]string, 0, len(held[ids[i]]))
		for _, h := range held[ids[i]] {
			img.InstalledAgents = append(img.InstalledAgents, string(h.AgentID))
		}
	}
	return nil
}

// holders asks who holds the images, as many as one action takes at a time.
func (q query) holders(ctx context.Context, ids []domain.ImageID) (map[domain.ImageID][]domain.InstalledImage, error) {
	held := make(map[domain.ImageID][]domain.InstalledImage, len(ids))
	for len(ids) > 0 {
		n := min(len(ids), actions.MaxBulk)
		res, err := q.svc.GetImageInstalledAgents(ctx, actions.GetImageInstalledAgentsAction{ImageIDs: ids[:n]})
		if err != nil {
			return nil, err
		}
		for id, agents := range res.Agents {
			held[id] = agents
		}
		ids = ids[n:]
	}
	return held, nil
}

// superadmin reports whether the caller is what the documented interface calls
// so: one who may forget any image. Errors: forbidden for who may not ask, such
// as a key without that scope; precondition where nobody can tell.
func (r *resolver) superadmin(ctx context.Context) (bool, error) {
	res, err := r.svc.Explain(ctx, actions.ExplainAction{Permission: actions.ForgetImageAction{}.Spec().Requires()})
	return res.Decision.Grant.Reach == domain.ReachAny, err
}

// payload answers a mutation of the documented interface: what is refused is an
// answer there, not an error.
func payload(task domain.TaskID, err error) (*view.Payload, error) {
	if err != nil {
		return &view.Payload{Msg: domain.MessageOf(err)}, nil
	}
	p := &view.Payload{OK: true}
	if task != "" {
		id := string(task)
		p.TaskID = &id
	}
	return p, nil
}

func (m mutation) RescanImages(ctx context.Context, registry string) (*view.Payload, error) {
	if registry == "" { // which would mean all of them
		return payload("", domain.Invalid("field_required", "registry", "registry is required"))
	}
	res, err := m.svc.RescanImages(ctx, actions.RescanImagesAction{Registry: registry, Background: true})
	return payload(res.TaskID, err)
}

func (m mutation) PreloadImage(ctx context.Context, reference, targetAgents string) (*view.Payload, error) {
	res, err := m.svc.PreloadImages(ctx, actions.PreloadImagesAction{
		Images: []actions.ImageRef{{Name: reference}}, TargetAgents: targetAgents, Background: true,
	})
	return payload(res.TaskID, err)
}

func (m mutation) UnloadImage(ctx context.Context, reference, targetAgents string) (*view.Payload, error) {
	res, err := m.svc.UnloadImages(ctx, actions.UnloadImagesAction{
		Images: []actions.ImageRef{{Name: reference}}, TargetAgents: targetAgents, Background: true,
	})
	return payload(res.TaskID, err)
}

func (m mutation) ForgetImage(ctx context.Context, reference string) (*view.Payload, error) {
	may, err := m.superadmin(ctx)
	if err == nil && !may {
		err = domain.Errorf(domain.CodeForbidden, "reach_too_small", reference, "forget_image is for superadmins; for an image of yours use forget_image_by_id")
	}
	if err == nil {
		_, err = m.svc.ForgetImage(ctx, actions.ForgetImageAction{Reference: reference})
	}
	return payload("", err)
}

func (m mutation) AliasImage(ctx context.Context, alias, target string) (*view.Payload, error) {
	_, err := m.svc.AliasImage(ctx, actions.AliasImageAction{Alias: alias, ImageCanonical: target})
	return payload("", err)
}

func (m mutation) DealiasImage(ctx context.Context, alias string) (*view.Payload, error) {
	_, err := m.svc.DealiasImage(ctx, actions.DealiasImageAction{Alias: alias})
	return payload("", err)
}
