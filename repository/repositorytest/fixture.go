package repositorytest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// Now is the clock reading of every builder. It has microseconds, so that lost
// digits show.
var Now = time.Date(2026, 1, 31, 12, 30, 15, 123456000, time.UTC)

// Registry is what a registry of the fixture differs in from the default one:
// cr.example.org, allowed for the domain "default", and not global.
type Registry struct {
	Name     string
	Project  string
	Domains  []string // nil: default
	Projects []string
	Global   bool
}

// AddRegistry adds a registry row with its domains and projects.
func AddRegistry(tb testing.TB, st repository.Store, r Registry) domain.Registry {
	tb.Helper()
	row := newRegistry(r)
	if r.Domains == nil {
		r.Domains = []string{"default"}
	}
	mustTx(tb, root(st), func(ctx context.Context, tx repository.AdminView) error {
		if err := tx.Registries.Create(ctx, row); err != nil {
			return err
		}
		for _, d := range r.Domains {
			if _, err := tx.Registries.Allow(ctx, row.ID, d); err != nil {
				return err
			}
		}
		for _, p := range r.Projects {
			if _, err := tx.Registries.Associate(ctx, row.ID, p); err != nil {
				return err
			}
		}
		return nil
	})
	return must(root(st).Read().Registries.Get(tb.Context(), row.ID))(tb)
}

func newRegistry(r Registry) domain.Registry {
	return domain.Registry{
		ID: domain.NewID[domain.RegistryID](), Name: cmp.Or(r.Name, "cr.example.org"), Project: r.Project,
		Type: domain.RegistryOCI, IsGlobal: r.Global, CreatedAt: Now, UpdatedAt: Now,
	}
}

// AddImages adds images to a registry, as a scan would, and then gives them
// what only operators and use give: status, operator labels, custom limits,
// time of last use. What is not set is python:3.12 for x86_64, with digests
// that follow from the name. It returns the images as stored.
func AddImages(tb testing.TB, st repository.Store, reg domain.Registry, images ...domain.Image) []domain.Image {
	tb.Helper()
	return addImagesAt(tb, st, Now, reg, images...)
}

// AddImage is AddImages for one.
func AddImage(tb testing.TB, st repository.Store, reg domain.Registry, img domain.Image) domain.Image {
	tb.Helper()
	return AddImages(tb, st, reg, img)[0]
}

func addImagesAt(tb testing.TB, st repository.Store, now time.Time, reg domain.Registry, images ...domain.Image) []domain.Image {
	tb.Helper()
	scan := make([]domain.Image, len(images))
	for i, img := range images {
		scan[i] = seen(reg, img)
	}
	out := make([]domain.Image, len(images))
	mustTx(tb, rootAt(st, now), func(ctx context.Context, tx repository.AdminView) error {
		synced, err := tx.Images.Sync(ctx, scan)
		if err != nil {
			return err
		}
		for i, s := range synced {
			if out[i], err = dress(ctx, tx.Images, s.Image, images[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return out
}

// seen is an image as a scan reports it.
func seen(reg domain.Registry, img domain.Image) domain.Image {
	img.ID, img.RegistryID, img.Registry, img.Project = domain.NewID[domain.ImageID](), reg.ID, reg.Name, reg.Project
	img.Name = cmp.Or(img.Name, "python")
	img.Tag = cmp.Or(img.Tag, "3.12")
	img.Architecture = cmp.Or(img.Architecture, "x86_64")
	img.SizeBytes = cmp.Or(img.SizeBytes, 1000)
	img.TagDigest = cmp.Or(img.TagDigest, digestOf("tag "+img.Canonical()))
	img.ManifestDigest = cmp.Or(img.ManifestDigest, digestOf("manifest "+img.Canonical()+img.Architecture))
	img.ConfigDigest = cmp.Or(img.ConfigDigest, digestOf("config "+img.Canonical()+img.Architecture))
	img.Status, img.OperatorLabels, img.CustomLimits, img.LastUsedAt = domain.ImageAlive, nil, nil, time.Time{}
	img.Derive()
	return img
}

// dress gives a scanned image what scans do not.
func dress(ctx context.Context, images repository.AdminImageRepository, img, want domain.Image) (domain.Image, error) {
	if status := cmp.Or(want.Status, domain.ImageAlive); status != img.Status || want.OperatorLabels != nil || want.CustomLimits != nil {
		img.Status, img.OperatorLabels, img.CustomLimits = status, want.OperatorLabels, want.CustomLimits
		img.Derive()
		var err error
		if img, err = images.Save(ctx, img); err != nil {
			return img, err
		}
	}
	if !want.LastUsedAt.IsZero() {
		if err := images.Used(ctx, img.ID, want.LastUsedAt); err != nil {
			return img, err
		}
	}
	return images.Get(ctx, img.ID)
}

func digestOf(s string) domain.Digest {
	sum := sha256.Sum256([]byte(s))
	return domain.Digest("sha256:" + hex.EncodeToString(sum[:]))
}

// OwnedBy is the labels of an image that a user customized.
func OwnedBy(user domain.UserID) map[string]string {
	return map[string]string{domain.LabelCustomizedOwner: "user:" + string(user)}
}

// AddAlias adds an alias of an image.
func AddAlias(tb testing.TB, st repository.Store, img domain.Image, alias string) domain.Alias {
	tb.Helper()
	return addAliasAt(tb, st, Now, img.ID, alias)
}

func addAliasAt(tb testing.TB, st repository.Store, now time.Time, id domain.ImageID, alias string) domain.Alias {
	tb.Helper()
	var a domain.Alias
	mustTx(tb, rootAt(st, now), func(ctx context.Context, tx repository.AdminView) (err error) {
		a, err = tx.Aliases.Create(ctx, alias, id)
		return err
	})
	return a
}

// AddAgent adds an agent. What is not set is an online agent a1 of the scaling
// group gpu, for x86_64.
func AddAgent(tb testing.TB, st repository.Store, a domain.Agent) domain.Agent {
	tb.Helper()
	a = newAgent(a)
	mustTx(tb, root(st), func(ctx context.Context, tx repository.AdminView) error { return tx.Agents.Create(ctx, a) })
	return must(root(st).Read().Agents.Get(tb.Context(), a.ID))(tb)
}

func newAgent(a domain.Agent) domain.Agent {
	a.ID = cmp.Or(a.ID, "a1")
	a.Kind = cmp.Or(a.Kind, domain.AgentOCILayout)
	a.Address = cmp.Or(a.Address, "/var/lib/images")
	a.ScalingGroup = cmp.Or(a.ScalingGroup, "gpu")
	a.Architecture = cmp.Or(a.Architecture, "x86_64")
	a.Status = cmp.Or(a.Status, domain.AgentOnline)
	a.CreatedAt, a.UpdatedAt = Now, Now
	return a
}

// Install records that an agent holds images.
func Install(tb testing.TB, st repository.Store, agent domain.AgentID, images ...domain.Image) {
	tb.Helper()
	mustTx(tb, root(st), func(ctx context.Context, tx repository.AdminView) error {
		return tx.Agents.Hold(ctx, agent, inventory(images...).Images)
	})
}

// inventory is what an agent with these images reports.
func inventory(images ...domain.Image) domain.Inventory {
	var inv domain.Inventory
	for _, img := range images {
		inv.Images = append(inv.Images, domain.InventoryImage{
			Canonical: img.Canonical(), Architecture: img.Architecture, Digest: img.ConfigDigest, SizeBytes: img.SizeBytes,
		})
	}
	return inv
}

// AddGrant lets a domain, or a project in it, use a scaling group.
func AddGrant(tb testing.TB, st repository.Store, g domain.ScalingGroupGrant) {
	tb.Helper()
	mustTx(tb, root(st), func(ctx context.Context, tx repository.AdminView) error {
		_, err := tx.Tenancy.Allow(ctx, g)
		return err
	})
}
