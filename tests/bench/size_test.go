package bench_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository/bunstore"
	"github.com/wharf-project/wharf/tests/containers"
)

// The catalogue at size.
const (
	manyImages   = 100_000
	manyAgents   = 2_000
	manyHeld     = 500_000 // rows of what agents hold
	aliasedOneIn = 20
)

// seed makes every run the same.
var seed = [2]uint64{20, 26}

// scalingGroups are those of the agents, with their shares in percent.
var scalingGroups = []struct {
	name, architecture string
	percent            int
}{{"a100", "x86_64", 45}, {"cpu", "x86_64", 35}, {"h100", "x86_64", 12}, {"edge", "aarch64", 8}}

// bigCatalogue returns the DSN of a database with a catalogue at size, with
// statistics. Its rows are written past the store, which would take minutes.
func bigCatalogue(tb testing.TB) string {
	tb.Helper()
	dsn := containers.Postgres(tb) // not a template: copying it takes as long as filling it
	s, err := bunstore.OpenPostgres(tb.Context(), dsn)
	require.NoError(tb, err)
	defer s.Close()
	require.NoError(tb, s.Migrate(tb.Context()))
	require.NoError(tb, fill(tb.Context(), dsn))
	return dsn
}

// copyRows writes rows into a table with COPY, over a connection of its own.
func copyRows(ctx context.Context, dsn, table string, columns []string, n int, row func(i int) []any) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromSlice(n, func(i int) ([]any, error) { return row(i), nil }))
	if err != nil {
		return fmt.Errorf("%s: %w", table, err)
	}
	return nil
}

func fill(ctx context.Context, dsn string) error {
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	places, images := manyRegistries(), []domain.Image{}
	for _, p := range places {
		images = append(images, p.images(rand.New(rand.NewPCG(seed[0], uint64(len(images)))), now)...) //nolint:gosec // made up data
	}
	return bare(ctx, dsn, func() error {
		var g errgroup.Group
		g.Go(func() error { return fillRegistries(ctx, dsn, places, now) })
		g.Go(func() error { return fillImages(ctx, dsn, images) })
		g.Go(func() error { return fillAgents(ctx, dsn, images, now) })
		return g.Wait()
	})
}

func fillRegistries(ctx context.Context, dsn string, places []place, now time.Time) error {
	err := copyRows(ctx, dsn, "wharf_registries", []string{
		"id", "name", "project", "url", "type", "username", "password", "is_global", "tls_skip_verify", "private_network",
		"token_realms", "created_at", "updated_at", "revision",
	}, len(places), func(i int) []any {
		p := places[i]
		return []any{string(p.id), p.registry, p.project, "https://" + p.registry, "oci", "", "", p.groups == nil, false, false, "[]", now, now, 1}
	})
	if err != nil {
		return err
	}
	var domains, groups [][]any
	for _, p := range places {
		for _, d := range p.domains {
			domains = append(domains, []any{string(p.id), d})
		}
		for _, g := range p.groups {
			groups = append(groups, []any{string(p.id), g})
		}
	}
	if err := copyRows(ctx, dsn, "wharf_registry_domains", []string{"registry_id", "domain"}, len(domains), at(domains)); err != nil {
		return err
	}
	if err := copyRows(ctx, dsn, "wharf_registry_projects", []string{"registry_id", "project"}, len(groups), at(groups)); err != nil {
		return err
	}
	grants := [][]any{{"a100", "lab", "vision"}, {"h100", "lab", "vision"}, {"cpu", "lab", ""}, {"cpu", "corp", ""}, {"edge", "guest", ""}}
	return copyRows(ctx, dsn, "wharf_scaling_groups", []string{"scaling_group", "domain", "project"}, len(grants), at(grants))
}

func at(rows [][]any) func(int) []any { return func(i int) []any { return rows[i] } }

// fillAgents writes agents and what they hold: mostly images of the catalogue,
// some more often than others, and a few that it does not know.
func fillAgents(ctx context.Context, dsn string, images []domain.Image, now time.Time) error {
	rnd := rand.New(rand.NewPCG(seed[0], seed[1])) //nolint:gosec // made up data
	groupOf := func(i int) int {
		for g, share := 0, 0; ; g++ {
			if share += scalingGroups[g].percent; i%100 < share {
				return g
			}
		}
	}
	err := copyRows(ctx, dsn, "wharf_agents", []string{
		"id", "kind", "address", "scaling_group", "architecture", "status", "inventory_at", "created_at", "updated_at", "revision",
	}, manyAgents, func(i int) []any {
		g := scalingGroups[groupOf(i)]
		return []any{string(nodeID(i)), "docker", fmt.Sprintf("10.0.%d.%d", i/250, i%250), g.name, g.architecture, "online", now, now, now, 1}
	})
	if err != nil {
		return err
	}
	pools := map[string][]domain.Image{}
	for _, img := range images {
		if img.Status == domain.ImageAlive && rnd.IntN(10) > 0 { // one in ten nobody has
			pools[img.Architecture] = append(pools[img.Architecture], img)
		}
	}
	for _, arch := range []string{"x86_64", "aarch64"} {
		pool := pools[arch]
		rnd.Shuffle(len(pool), func(a, b int) { pool[a], pool[b] = pool[b], pool[a] })
	}
	rows := make([][]any, 0, manyHeld)
	for agent := range manyAgents {
		pool := pools[scalingGroups[groupOf(agent)].architecture]
		held := map[int]bool{}
		for len(held) < manyHeld/manyAgents {
			u := rnd.Float64()
			held[int(u*(0.7+0.3*u)*float64(len(pool)))] = true // the first ones half as often again
		}
		for _, i := range slices.Sorted(keysOf(held)) {
			img := pool[i]
			canonical := img.Canonical()
			if rnd.IntN(50) == 0 {
				canonical = "docker.io/library/" + img.Name + ":" + img.Tag
			}
			rows = append(rows, []any{string(nodeID(agent)), canonical, img.Architecture, string(img.ConfigDigest), img.SizeBytes, "[]", now})
		}
	}
	return copyRows(ctx, dsn, "wharf_installed", []string{
		"agent_id", "canonical", "architecture", "digest", "size_bytes", "containers", "observed_at",
	}, len(rows), at(rows))
}
