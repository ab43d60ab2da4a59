package main

import (
	"context"
	"fmt"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

func (s *story) lifecycle() error {
	s.chapter("Forget, restore, and delete for good")
	ref := image("stable/solver:1.0")
	res, err := s.app.ForgetImage(s.root, actions.ForgetImageAction{Reference: ref})
	if err := s.step("forget "+ref, string(res.Image.Status), err, res.Changed); err != nil {
		return err
	}
	res, err = s.app.ForgetImage(s.root, actions.ForgetImageAction{Reference: ref})
	if err := s.step("forget it twice", fmt.Sprintf("changed: %v", res.Changed), err, !res.Changed); err != nil {
		return err
	}
	_, err = s.app.GetImage(s.root, actions.GetImageAction{Reference: ref})
	if err := s.refused("get it", err, domain.CodeNotFound); err != nil {
		return err
	}
	scan, err := s.app.ScanImage(s.root, actions.ScanImageAction{Reference: ref})
	if err := s.step("a scan does not bring it back", "forgotten", err, err == nil && scan.Images[0].Image.Status == domain.ImageForgotten); err != nil {
		return err
	}
	back, err := s.app.RestoreImage(s.root, actions.RestoreImageAction{Reference: ref})
	if err := s.step("restore it", string(back.Image.Status), err, back.Changed); err != nil {
		return err
	}
	purge := actions.PurgeImageByIDAction{ImageID: back.Image.ID, RemoveFromRegistry: true, DryRun: true}
	plan, err := s.app.PurgeImageByID(s.root, purge)
	if err := s.step("plan its purge, also from the registry", fmt.Sprintf("aliases %v, held by %v", plan.Aliases, plan.HeldBy), err, plan.DryRun); err != nil {
		return err
	}
	purge.DryRun = false
	_, err = s.app.PurgeImageByID(s.root, purge)
	if err := s.step("purge it", "gone", err, err == nil); err != nil {
		return err
	}
	rescan, err := s.app.RescanImages(s.root, actions.RescanImagesAction{})
	if err := s.step("a rescan does not find it", fmt.Sprintf("added %d", rescan.Registries[0].Added), err, err == nil && rescan.Registries[0].Added == 0); err != nil {
		return err
	}
	_, err = s.app.GetImage(s.root, actions.GetImageAction{Reference: ref, Statuses: domain.ImageStatuses()})
	return s.refused("get it, whatever its status", err, domain.CodeNotFound)
}

func (s *story) untag() error {
	s.chapter("Untag: one tag, and nobody else's")
	got, err := s.app.GetImage(s.root, actions.GetImageAction{Reference: "solver"})
	if err != nil {
		return err
	}
	_, err = s.app.UntagImageFromRegistry(s.root, actions.UntagImageFromRegistryAction{ImageID: got.Image.ID})
	if err := s.refused("untag one architecture of two", err, domain.CodePrecondition); err != nil {
		return err
	}
	res, err := s.app.UntagImageFromRegistry(s.root, actions.UntagImageFromRegistryAction{ImageID: got.Image.ID, Force: true})
	if err := s.step("force it: both go", fmt.Sprintf("%s, %d sibling", res.Image.Status, len(res.Siblings)), err, res.Image.Status == domain.ImageMissing && len(res.Siblings) == 1); err != nil {
		return err
	}
	rescan, err := s.app.RescanImages(s.root, actions.RescanImagesAction{})
	if err != nil {
		return s.step("rescan", "", err, false)
	}
	r := rescan.Registries[0]
	return s.step("the rest of the registry is as it was", fmt.Sprintf("unchanged %d", r.Unchanged), err, r.Complete && r.Unchanged == s.pushed-3 && r.Gone == 0)
}

func (s *story) users() error {
	s.chapter("Alice, an ordinary user, and a monitor")
	mine, err := s.app.GetImage(s.alice, actions.GetImageAction{Reference: image(alicesImage)})
	if err := s.step("alice sees her customized image", mine.Image.HumanizedName(), err, mine.Image.Owner == "alice"); err != nil {
		return err
	}
	_, err = s.app.GetImage(s.alice, actions.GetImageAction{Reference: image(bobsImage)})
	if err := s.refused("she does not know of bob's", err, domain.CodeNotFound); err != nil {
		return err
	}
	_, err = s.app.ForgetImage(s.alice, actions.ForgetImageAction{Reference: image(operator)})
	if err := s.refused("she may not forget what she only sees", err, domain.CodeForbidden); err != nil {
		return err
	}
	other := "other"
	_, err = s.app.ListImages(s.alice, actions.ListImagesAction{ImageQuery: domain.ImageQuery{Domain: &other}})
	if err := s.refused("she may not ask for another domain", err, domain.CodeForbidden); err != nil {
		return err
	}
	for _, c := range []struct {
		did string
		run func(context.Context) error
	}{
		{"alias", func(ctx context.Context) error {
			_, err := s.app.AliasImage(ctx, actions.AliasImageAction{Alias: "x", ImageCanonical: image(alicesImage)})
			return err
		}},
		{"rescan", func(ctx context.Context) error {
			_, err := s.app.RescanImages(ctx, actions.RescanImagesAction{})
			return err
		}},
		{"purge nodes", func(ctx context.Context) error {
			_, err := s.app.PurgeImages(ctx, actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{{AgentID: "node-1", Images: []actions.ImageRef{{Name: image(operator)}}}}})
			return err
		}},
	} {
		if err := s.refused("nor may she "+c.did, c.run(s.alice), domain.CodeForbidden); err != nil {
			return err
		}
	}
	res, err := s.app.ForgetImage(s.alice, actions.ForgetImageAction{Reference: image(alicesImage)})
	if err := s.step("she forgets her own", string(res.Image.Status), err, res.Changed); err != nil {
		return err
	}
	list, err := s.app.ListImages(s.watch, actions.ListImagesAction{Page: domain.Page{Count: true, Limit: 1}})
	if err := s.step("the monitor reads everything", fmt.Sprintf("%d images", deref(list.Total)), err, deref(list.Total) == s.pushed-4); err != nil {
		return err
	}
	_, err = s.app.ForgetImage(s.watch, actions.ForgetImageAction{Reference: image(operator)})
	return s.refused("and changes nothing", err, domain.CodeForbidden)
}

func deref(n *int) int {
	if n == nil {
		return -1
	}
	return *n
}

func (s *story) trail() error {
	s.chapter("The trail")
	why, err := s.app.Explain(s.root, actions.ExplainAction{Permission: "alias.create", Actor: &domain.Actor{ID: "alice", Role: domain.RoleUser, Domain: "default"}})
	if err := s.step("why alice may not alias", why.Decision.Missing, err, why.Decision.Grant.Reach == domain.ReachNone && why.Decision.Missing != ""); err != nil {
		return err
	}
	denied, err := s.app.SearchAudit(s.root, actions.SearchAuditAction{Where: domain.Where("status", domain.Eq, string(domain.AuditDenied))})
	if err := s.step("what was denied", fmt.Sprintf("%d entries", len(denied.Entries)), err, len(denied.Entries) == 6); err != nil {
		return err
	}
	mine, err := s.app.SearchAudit(s.root, actions.SearchAuditAction{Where: domain.AllOf(
		domain.Where("actor", domain.Eq, "alice"), domain.Where("status", domain.Eq, string(domain.AuditOK)))})
	return s.step("what alice changed", fmt.Sprintf("%d entry", len(mine.Entries)), err, len(mine.Entries) == 1 && len(mine.Entries[0].Target) == 1)
}
