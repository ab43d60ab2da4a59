package bench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"math"
	"math/rand/v2"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/tests/kernels"
)

// place is a registry with a share of the images.
type place struct {
	id                domain.RegistryID
	registry, project string
	domains           []string
	groups            []string // nil: global
	perMille          int
	teams             int  // repositories are below team-NN/
	personal          bool // every image is somebody's
}

func manyRegistries() []place {
	everybody := []string{"lab", "corp", "default"}
	list := []place{
		{registry: "cr.backend.ai", project: "stable", domains: everybody, perMille: 150},
		{registry: "cr.backend.ai", project: "community", domains: everybody, perMille: 100},
		{registry: "cr.backend.ai", project: "nightly", domains: []string{"default"}, perMille: 390},
		{registry: "harbor.lab.example", project: "vision", domains: []string{"lab"}, groups: []string{"vision"}, perMille: 60},
		{registry: "harbor.lab.example", project: "speech", domains: []string{"lab"}, groups: []string{"speech"}, perMille: 50},
		{registry: "harbor.lab.example", project: "shared", domains: []string{"lab"}, groups: []string{"vision", "speech"}, perMille: 40},
		{registry: "harbor.lab.example", project: "users", domains: []string{"lab"}, perMille: 80, personal: true},
		{registry: "registry.corp.example:5000", domains: []string{"corp"}, perMille: 120, teams: 40},
		{registry: "guest.example", project: "open", domains: []string{"guest"}, perMille: 10},
	}
	for i := range list {
		list[i].id = domain.NewID[domain.RegistryID]()
	}
	return list
}

// images makes the images of a registry: every published kernel for two
// architectures, built again and again.
func (p place) images(rnd *rand.Rand, now time.Time) []domain.Image {
	published := kernels.Legal()
	list := make([]domain.Image, manyImages*p.perMille/1000)
	for i := range list {
		build, kernel := i/len(published), published[i%len(published)]
		name, labels := kernel.Repository, kernel.Labels
		if p.teams > 0 {
			name = fmt.Sprintf("team-%02d/%s", rnd.IntN(p.teams), name)
		}
		if p.personal {
			labels = maps.Clone(labels)
			labels[domain.LabelCustomizedOwner] = fmt.Sprintf("user:u%03d", rnd.IntN(200))
		}
		// The age of a build, in days; the newest are of today.
		age := 1000 * float64(build*len(published)+rnd.IntN(len(published))) / float64(len(list))
		created := now.Add(-time.Duration(age * 24 * float64(time.Hour))).Truncate(time.Microsecond)
		img := domain.Image{
			ID: domain.NewID[domain.ImageID](), RegistryID: p.id, Registry: p.registry, Project: p.project,
			Name: name, Tag: fmt.Sprintf("%s-b%d", kernel.Tag, build), Architecture: "x86_64", Labels: labels,
			TagDigest: digest(rnd), ManifestDigest: digest(rnd), ConfigDigest: digest(rnd),
			SizeBytes: int64(1e9 * math.Exp(rnd.NormFloat64())), Status: domain.ImageAlive,
			CreatedAt: created, UpdatedAt: created.Add(time.Duration(rnd.Int64N(int64(now.Sub(created)) + 1))).Truncate(time.Microsecond), Revision: 1,
		}
		if rnd.IntN(20) < 3 {
			img.Architecture = "aarch64"
		}
		if rnd.IntN(3) > 0 {
			img.LastUsedAt = created.Add(time.Duration(rnd.Int64N(int64(now.Sub(created)) + 1))).Truncate(time.Microsecond)
		}
		switch n := rnd.IntN(100); {
		case n < 3:
			img.Status = domain.ImageMissing
		case n < 8:
			img.Status = domain.ImageForgotten
		}
		img.Derive()
		list[i] = img
	}
	return list
}

func digest(rnd *rand.Rand) domain.Digest {
	return domain.Digest(fmt.Sprintf("sha256:%016x%016x%016x%016x", rnd.Uint64(), rnd.Uint64(), rnd.Uint64(), rnd.Uint64()))
}

func keysOf(m map[int]bool) iter.Seq[int] { return maps.Keys(m) }

// fillImages writes images with what hangs on them.
func fillImages(ctx context.Context, dsn string, images []domain.Image) error {
	never := time.Unix(0, 0).UTC()
	err := copyRows(ctx, dsn, "wharf_images", []string{
		"id", "registry_id", "registry", "project", "name", "tag", "architecture", "repository", "canonical", "tag_digest",
		"manifest_digest", "config_digest", "size_bytes", "type", "status", "is_local", "operation", "customized", "owner",
		"accelerators", "labels", "operator_labels", "custom_limits", "created_at", "updated_at", "last_used_at", "revision",
	}, len(images), func(i int) []any {
		m := images[i]
		used := m.LastUsedAt
		if used.IsZero() {
			used = never
		}
		return []any{
			string(m.ID), string(m.RegistryID), m.Registry, m.Project, m.Name, m.Tag, m.Architecture, m.Repository(), m.Canonical(), string(m.TagDigest),
			string(m.ManifestDigest), string(m.ConfigDigest), m.SizeBytes, string(m.Type), string(m.Status), false, m.Operation, m.Customized, string(m.Owner),
			asJSON(m.Accelerators), asJSON(m.Labels), "null", "null", m.CreatedAt, m.UpdatedAt, used, m.Revision,
		}
	})
	if err != nil {
		return err
	}
	var labels, accelerators, aliases [][]any
	for i, m := range images {
		for k, v := range m.Labels {
			labels = append(labels, []any{string(m.ID), k, v})
		}
		for _, a := range m.Accelerators {
			accelerators = append(accelerators, []any{string(m.ID), a})
		}
		if i%aliasedOneIn == 0 {
			id := domain.NewID[domain.AliasID]()
			aliases = append(aliases, []any{string(id), fmt.Sprintf("%s-%05d", m.Name, i), string(m.ID), m.CreatedAt})
		}
	}
	if err := copyRows(ctx, dsn, "wharf_image_labels", []string{"image_id", "name", "value"}, len(labels), at(labels)); err != nil {
		return err
	}
	if err := copyRows(ctx, dsn, "wharf_image_accelerators", []string{"image_id", "accelerator"}, len(accelerators), at(accelerators)); err != nil {
		return err
	}
	return copyRows(ctx, dsn, "wharf_aliases", []string{"id", "alias", "image_id", "created_at"}, len(aliases), at(aliases))
}

func asJSON(v any) string {
	b, _ := json.Marshal(v) // maps and slices of strings: cannot fail
	return string(b)
}
