package bench_test

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// statements keeps the statements that read images, with their arguments in
// them.
type statements struct {
	mu  sync.Mutex
	all []string
}

func (s *statements) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (s *statements) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, e.Query)
}

func (s *statements) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.all
	s.all = nil
	return all
}

// planNode is a node of EXPLAIN (ANALYZE, FORMAT JSON).
type planNode struct {
	Type      string     `json:"Node Type"`
	Relation  string     `json:"Relation Name"`
	Rows      float64    `json:"Actual Rows"` // of a loop, like the others
	Filtered  float64    `json:"Rows Removed by Filter"`
	Rechecked float64    `json:"Rows Removed by Index Recheck"`
	Loops     float64    `json:"Actual Loops"`
	Plans     []planNode `json:"Plans"`
}

// cost is what statements did to the tables that are large.
type cost struct {
	rows       float64 // read, of tables or of indexes in their stead
	sequential []string
}

// add leaves out the entries of indexes that only make bitmaps: the heap scans
// above them count.
func (c *cost) add(n planNode) {
	if slices.Contains([]string{"wharf_images", "wharf_aliases", "wharf_installed"}, n.Relation) {
		c.rows += n.Loops * (n.Rows + n.Filtered + n.Rechecked)
		if n.Type == "Seq Scan" {
			c.sequential = append(c.sequential, n.Relation)
		}
	}
	for _, p := range n.Plans {
		c.add(p)
	}
}

// explained runs statements again and tells what they cost together.
func explained(tb testing.TB, conn *pgx.Conn, queries []string) (c cost, plan string) {
	tb.Helper()
	for _, q := range queries {
		var raw string
		err := conn.QueryRow(tb.Context(), "EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF, FORMAT JSON) "+q, pgx.QueryExecModeSimpleProtocol).Scan(&raw)
		require.NoError(tb, err, q)
		var plans []struct{ Plan planNode }
		require.NoError(tb, json.Unmarshal([]byte(raw), &plans))
		require.Len(tb, plans, 1)
		c.add(plans[0].Plan)
		plan += q + "\n" + raw + "\n"
	}
	return c, plan
}
