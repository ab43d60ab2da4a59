package main

import (
	"fmt"
	"maps"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/tests/kernels"
)

// Images of the story that are not published ones, and some that are.
const (
	operator    = "ops/cleaner:1.0"
	alicesImage = "stable/python:alice-notebook"
	bobsImage   = "stable/python:bob-notebook"
	every       = 6 // of the published images, every sixth
)

// images makes the registry's content: published repositories, tags and labels,
// every seventh for two architectures, an operation image and two customized
// ones.
func images() []kernels.Image {
	var list []kernels.Image
	for i, k := range kernels.Legal() {
		if i%every != 0 {
			continue
		}
		img := kernels.Image{Repository: "stable/" + k.Repository, Tag: k.Tag, Labels: k.Labels}
		if i%(7*every) == 0 {
			img.Architectures = []string{"amd64", "arm64"}
		}
		list = append(list, img)
	}
	python := map[string]string{domain.LabelKernelSpec: "1", domain.LabelFeatures: "uid-match"}
	owned := func(user string) map[string]string {
		l := maps.Clone(python)
		l[domain.LabelCustomizedOwner], l[domain.LabelCustomizedName] = "user:"+user, user+"'s notebook"
		return l
	}
	return append(list,
		kernels.Image{Repository: "ops/cleaner", Tag: "1.0", Labels: map[string]string{domain.LabelFeatures: "operation"}},
		kernels.Image{Repository: "stable/python", Tag: "alice-notebook", Labels: owned("alice")},
		kernels.Image{Repository: "stable/python", Tag: "bob-notebook", Labels: owned("bob")},
		kernels.Image{Repository: "stable/solver", Tag: "2.0", Architectures: []string{"amd64", "arm64"}, Labels: map[string]string{
			domain.LabelKernelSpec: "1", "ai.backend.resource.min.cpu": "2", "ai.backend.resource.min.mem": "4g",
		}},
		kernels.Image{Repository: "stable/solver", Tag: "1.0", Labels: map[string]string{domain.LabelKernelSpec: "1"}},
	)
}

func (s *story) setUp() error {
	s.chapter("A catalogue, a registry, three nodes")
	list := images()
	for _, img := range list {
		s.pushed += max(1, len(img.Architectures))
	}
	err := kernels.Push(s.root, s.host, list)
	if err := s.step(fmt.Sprintf("push %d tags to a registry in this process", len(list)), fmt.Sprintf("%d images", s.pushed), err, s.pushed > 60); err != nil {
		return err
	}
	reg, err := s.app.CreateRegistry(s.root, actions.CreateRegistryAction{Name: registryName, URL: "http://" + s.host, PrivateNetwork: true})
	if err := s.step("register it as "+registryName, string(reg.Registry.ID), err, reg.Registry.ID != ""); err != nil {
		return err
	}
	allowed, err := s.app.AllowRegistry(s.root, actions.AllowRegistryAction{RegistryID: reg.Registry.ID, Domain: "default"})
	if err := s.step("allow it for the domain default", fmt.Sprint(allowed.Changed), err, allowed.Changed); err != nil {
		return err
	}
	for _, n := range []struct{ id, group, arch string }{{"node-1", "gpu", "amd64"}, {"node-2", "gpu", "amd64"}, {"node-3", "arm", "arm64"}} {
		res, err := s.app.RegisterAgent(s.root, actions.RegisterAgentAction{
			AgentID: domain.AgentID(n.id), Kind: domain.AgentOCILayout, Address: s.nodeDir(domain.AgentID(n.id)), ScalingGroup: n.group, Architecture: n.arch,
		})
		if err := s.step("register "+n.id, res.Agent.ScalingGroup+", "+res.Agent.Architecture, err, res.Agent.Status == domain.AgentOnline); err != nil {
			return err
		}
	}
	grant := domain.ScalingGroupGrant{ScalingGroup: "gpu", Domain: "default", Project: "vision"}
	g, err := s.app.AllowScalingGroup(s.root, actions.AllowScalingGroupAction{ScalingGroupGrant: grant})
	return s.step("allow the scaling group gpu for the project vision", fmt.Sprint(g.Changed), err, g.Changed)
}

func (s *story) scan() error {
	s.chapter("Rescan: what the registry has becomes the catalogue")
	ctx, bar := s.progress(s.root, "scanning")
	res, err := s.app.RescanImages(ctx, actions.RescanImagesAction{Registry: registryName})
	bar()
	if err != nil {
		return s.step("rescan", "", err, false)
	}
	r := res.Registries[0]
	account := func(r actions.RegistryScan) string {
		return fmt.Sprintf("seen %d = added %d + updated %d + unchanged %d + skipped %d + failed %d", r.Seen, r.Added, r.Updated, r.Unchanged, r.Skipped, r.Failed)
	}
	if err := s.step("first rescan", account(r), err, r.Complete && r.Added == s.pushed && r.Seen == s.pushed); err != nil {
		return err
	}
	res, err = s.app.RescanImages(s.root, actions.RescanImagesAction{})
	if err != nil {
		return s.step("rescan", "", err, false)
	}
	r = res.Registries[0]
	return s.step("second rescan, of all registries", account(r), err, r.Complete && r.Unchanged == s.pushed && r.Seen == s.pushed)
}

func (s *story) list() error {
	s.chapter("List and filter")
	yes, no := true, false
	count := func(did string, a actions.ListImagesAction, want func(int) bool) error {
		a.Limit, a.Count = 10, true
		res, err := s.app.ListImages(s.root, a)
		if err != nil || len(res.Images) == 0 {
			return s.step(did, "nothing", err, false)
		}
		first := res.Images[0]
		return s.step(did, fmt.Sprintf("%d, first %s (%s)", *res.Total, first.Canonical(), first.HumanizedName()), err, want(*res.Total))
	}
	is := func(n int) func(int) bool { return func(got int) bool { return got == n } }
	some := func(got int) bool { return got > 0 && got < s.pushed }
	return all(
		func() error { return count("everything", actions.ListImagesAction{}, is(s.pushed)) },
		func() error {
			return count("operation images", actions.ListImagesAction{ImageQuery: domain.ImageQuery{IsOperation: &yes}}, is(1))
		},
		func() error {
			return count("all others", actions.ListImagesAction{ImageQuery: domain.ImageQuery{IsOperation: &no}}, is(s.pushed-1))
		},
		func() error {
			return count("accelerator = cuda and name contains tensorflow", actions.ListImagesAction{ImageQuery: domain.ImageQuery{Where: domain.AllOf(
				domain.Where("accelerator", domain.Eq, "cuda"), domain.Where("name", domain.Contains, "tensorflow"))}}, some)
		},
		func() error {
			return count("aarch64, by size, largest first", actions.ListImagesAction{
				ImageQuery: domain.ImageQuery{Where: domain.Where("architecture", domain.Eq, "aarch64")}, Page: domain.Page{Sort: "size_bytes", Desc: true},
			}, some)
		},
		s.pages,
	)
}

// pages walks the whole list in small pages: every image once.
func (s *story) pages() error {
	seen := map[domain.ImageID]bool{}
	page := domain.Page{Limit: 7, Sort: "created_at"}
	pages := 0
	for {
		res, err := s.app.ListImages(s.root, actions.ListImagesAction{Page: page})
		if err != nil {
			return err
		}
		for _, img := range res.Images {
			seen[img.ID] = true
		}
		if pages++; res.Next == "" {
			return s.step("walk through it in pages of 7", fmt.Sprintf("%d pages, %d images", pages, len(seen)), nil, len(seen) == s.pushed)
		}
		page.After = res.Next
	}
}

func (s *story) names() error {
	s.chapter("Names")
	alias, err := s.app.AliasImage(s.root, actions.AliasImageAction{Alias: "solver", ImageCanonical: image("stable/solver:2.0"), Architecture: "amd64"})
	if err := s.step("alias solver", string(alias.ImageID), err, alias.Alias.Alias == "solver"); err != nil {
		return err
	}
	got, err := s.app.GetImage(s.root, actions.GetImageAction{Reference: "solver"})
	if err := s.step("get through the alias", got.Image.Canonical()+" "+got.Image.Architecture, err, got.Image.ID == alias.ImageID); err != nil {
		return err
	}
	_, err = s.app.AliasImage(s.root, actions.AliasImageAction{Alias: "solver", ImageCanonical: image("stable/solver:1.0")})
	if err := s.refused("the same alias for another image", err, domain.CodeConflict); err != nil {
		return err
	}
	_, err = s.app.ForgetImage(s.root, actions.ForgetImageAction{Reference: image("stable/solver:2.0")})
	return s.refused("forget a tag of two architectures", err, domain.CodeInvalid)
}

func (s *story) limits() error {
	s.chapter("Resource limits")
	before, err := s.app.GetImage(s.root, actions.GetImageAction{Reference: "solver"})
	if err := s.step("limits from labels", limitsText(before.Image.ResourceLimits()), err, len(before.Image.ResourceLimits()) == 2); err != nil {
		return err
	}
	for _, l := range []actions.SetImageResourceLimitAction{{Slot: "cpu", Min: "10", Max: "16"}, {Slot: "memory", Min: "32g"}, {Slot: "cuda.device", Min: "1"}} {
		l.Reference = "solver"
		res, err := s.app.SetImageResourceLimit(s.root, l)
		if err := s.step("set "+l.Slot, limitsText(res.ResourceLimits), err, err == nil); err != nil {
			return err
		}
	}
	after, err := s.app.GetImage(s.root, actions.GetImageAction{Reference: "solver"})
	limits := after.Image.ResourceLimits()
	if err := s.step("read again", limitsText(limits), err, len(limits) == 3 && limits[0].Key == "cpu" && limits[0].Min == "10"); err != nil {
		return err
	}
	_, err = s.app.SetImageResourceLimit(s.root, actions.SetImageResourceLimitAction{Reference: "solver", Slot: "cpu", Min: "8", Max: "4"})
	if err := s.refused("a minimum above the maximum", err, domain.CodeInvalid); err != nil {
		return err
	}
	cleared, err := s.app.ClearImageCustomResourceLimit(s.root, actions.ClearImageCustomResourceLimitAction{ImageCanonical: "solver"})
	return s.step("clear them", limitsText(cleared.ResourceLimits), err, limitsText(cleared.ResourceLimits) == limitsText(before.Image.ResourceLimits()))
}
