package repositorytest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// The names of random worlds are few, so that things meet.
var (
	someDomains  = []string{"d1", "d2"}
	someProjects = []string{"p1", "p2", "p3"}
	someGroups   = []string{"g1", "g2", "g3"}
	someUsers    = []domain.UserID{"u1", "u2", "u3"}
)

type dice struct{ *rand.Rand }

func (d dice) chance(p float64) bool { return d.Float64() < p }

func pick[T any](d dice, from ...T) T { return from[d.IntN(len(from))] }

// some takes each of from with chance p.
func some[T any](d dice, p float64, from ...T) []T {
	return slices.DeleteFunc(slices.Clone(from), func(T) bool { return !d.chance(p) })
}

// maybe is one of from, or with chance 1-p none.
func maybe[T any](d dice, p float64, from ...T) *T {
	if !d.chance(p) {
		return nil
	}
	v := pick(d, from...)
	return &v
}

// newWorld makes a random world and stores it.
func newWorld(t *testing.T, d dice, st repository.Store) *world {
	t.Helper()
	w := &world{}
	for _, place := range []Registry{{Name: "one"}, {Name: "one", Project: "team"}, {Name: "two"}, {Name: "two", Project: "team"}} {
		place.Global, place.Domains, place.Projects = d.chance(0.5), some(d, 0.6, someDomains...), some(d, 0.4, someProjects...)
		if place.Domains == nil {
			place.Domains = []string{}
		}
		w.registries = append(w.registries, AddRegistry(t, st, place))
	}
	for _, r := range w.registries {
		w.images = append(w.images, AddImages(t, st, r, randomImages(d)...)...)
	}
	for i := range 4 {
		a := domain.Agent{ID: domain.AgentID(fmt.Sprintf("a%d", i)), ScalingGroup: pick(d, someGroups...)}
		w.agents = append(w.agents, AddAgent(t, st, a))
	}
	w.installed = randomInstalled(d, w.agents, w.images)
	for _, g := range someGroups {
		for _, dom := range someDomains {
			for _, p := range some(d, 0.2, append([]string{""}, someProjects...)...) {
				w.grants = append(w.grants, domain.ScalingGroupGrant{ScalingGroup: g, Domain: dom, Project: p})
				AddGrant(t, st, w.grants[len(w.grants)-1])
			}
		}
	}
	mustTx(t, root(st), func(ctx context.Context, tx repository.AdminView) error {
		for _, h := range w.installed {
			img := domain.InventoryImage{Canonical: h.Canonical, Architecture: h.Architecture, Digest: h.Digest, SizeBytes: h.SizeBytes}
			if err := tx.Agents.Hold(ctx, h.AgentID, []domain.InventoryImage{img}); err != nil {
				return err
			}
		}
		return nil
	})
	return w
}

func randomImages(d dice) []domain.Image {
	var images []domain.Image
	for _, name := range some(d, 0.8, "python", "torch", "base", "") {
		for _, arch := range append([]string{"x86_64"}, some(d, 0.3, "aarch64")...) {
			img := domain.Image{Name: name, Architecture: arch, Labels: map[string]string{}, Status: domain.ImageAlive}
			if name == "" { // the root repository of a project
				img.Name, img.Tag = "root", "v1"
			}
			if d.chance(0.4) {
				img.Labels[domain.LabelCustomizedOwner] = pick(d, "user:u1", "user:u2", "user:u3", "u1", "user:")
			}
			if d.chance(0.3) {
				img.Labels[domain.LabelFeatures] = "uid-match operation"
			}
			if d.chance(0.3) {
				img.Status = pick(d, domain.ImageForgotten, domain.ImageMissing)
			}
			if d.chance(0.1) { // an operator makes it somebody's
				img.OperatorLabels = OwnedBy(pick(d, someUsers...))
			}
			images = append(images, img)
		}
	}
	return images
}

func randomInstalled(d dice, agents []domain.Agent, images []domain.Image) []domain.InstalledImage {
	var all []domain.InstalledImage
	for _, a := range agents {
		for _, img := range some(d, 0.35, images...) {
			h := domain.InstalledImage{AgentID: a.ID, Canonical: img.Canonical(), Architecture: img.Architecture, Digest: img.ConfigDigest, SizeBytes: img.SizeBytes}
			if d.chance(0.15) { // not the image, though it has its name
				h.Architecture = "riscv64"
			}
			if d.chance(0.15) { // stale, yet held
				h.Digest = digestOf("older")
			}
			all = append(all, h)
		}
		all = append(all, domain.InstalledImage{AgentID: a.ID, Canonical: "unknown.example.org/x:1", Architecture: "x86_64", Digest: digestOf("unknown")})
	}
	return all
}

// randomScopes is one actor at every reach.
func randomScopes(d dice) []domain.Scope {
	a := domain.Actor{ID: pick(d, append(someUsers, "")...), Domain: pick(d, "d1", "d1", "d2", ""), Projects: some(d, 0.5, someProjects...)}
	return []domain.Scope{{Reach: domain.ReachOwn, Actor: a}, {Reach: domain.ReachVisible, Actor: a}, {Reach: domain.ReachAny, Actor: a}}
}

func randomQuery(d dice) domain.ImageQuery {
	return domain.ImageQuery{
		IsInstalled:  maybe(d, 0.3, true, false),
		IsOperation:  maybe(d, 0.3, true, false),
		Domain:       maybe(d, 0.25, append(someDomains, "nowhere")...),
		Group:        maybe(d, 0.4, append(someProjects, "nobody")...),
		ScalingGroup: maybe(d, 0.3, append(someGroups, "nothing")...),
		Statuses:     some(d, 0.3, domain.ImageStatuses()...),
	}
}
