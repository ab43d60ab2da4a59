package bench_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/repository/bunstore"
)

const (
	sizePage   = 50
	rowsOfPage = 20 // rows of large tables that are read for each row of a page, at most
)

var visionUser = domain.Actor{ID: "u007", Domain: "lab", Projects: []string{"vision"}}

type sizeFilter struct {
	name  string
	actor domain.Actor // zero: an administrator
	query domain.ImageQuery
	sorts []string
}

func where(fs ...domain.Filter) domain.ImageQuery {
	return domain.ImageQuery{Where: domain.AllOf(fs...)}
}

// sizeFilters are what people ask for. Each comes with the sorts whose pages
// stay within the budget; none: the usual ones.
func sizeFilters() []sizeFilter {
	yes, no, vision, lab, a100 := true, false, "vision", "lab", "a100"
	guest := domain.Actor{ID: "g", Domain: "guest"}
	dates := []string{"created_at", "last_used_at"}
	return []sizeFilter{
		{name: "everything", sorts: sizeSorts()},
		{name: "every status", query: domain.ImageQuery{Statuses: domain.ImageStatuses()}},
		{name: "missing", query: domain.ImageQuery{Statuses: []domain.ImageStatus{domain.ImageMissing}}, sorts: sizeSorts()},
		{name: "not alive", query: domain.ImageQuery{Statuses: []domain.ImageStatus{domain.ImageMissing, domain.ImageForgotten}}},
		{name: "a user", actor: visionUser, sorts: sizeSorts()},
		{name: "a user of a small domain", actor: guest},
		{name: "a user with a group", actor: visionUser, query: domain.ImageQuery{Group: &vision}},
		{name: "a user, installed", actor: visionUser, query: domain.ImageQuery{IsInstalled: &yes}},
		{name: "a user's own", actor: visionUser, query: where(domain.Where("owner", domain.Eq, "u007"))},
		{name: "a domain", query: domain.ImageQuery{Domain: &lab}},
		{name: "a scaling group", query: domain.ImageQuery{ScalingGroup: &a100}},
		{name: "installed", query: domain.ImageQuery{IsInstalled: &yes}, sorts: sizeSorts()},
		{name: "not installed", query: domain.ImageQuery{IsInstalled: &no}, sorts: []string{"name", "created_at"}},
		{name: "a registry", query: where(domain.Where("registry", domain.Eq, "registry.corp.example:5000"))},
		{name: "a small registry", query: where(domain.Where("registry", domain.Eq, "guest.example"))},
		{name: "a project", query: where(domain.Where("project", domain.Eq, "speech"))},
		{name: "a name", query: where(domain.Where("name", domain.Eq, "python-tensorflow")), sorts: []string{"name", "created_at", "last_used_at"}},
		{name: "a name of few", query: where(domain.Where("name", domain.Eq, "team-07/python-pytorch"))},
		{name: "name starts with", query: where(domain.Where("name", domain.Prefix, "python-")), sorts: []string{"name", "created_at", "last_used_at"}},
		{name: "name starts with, few", query: where(domain.Where("name", domain.Prefix, "team-07/"))},
		{name: "name contains, few", query: where(domain.Where("name", domain.Contains, "bento"))},
		{name: "name contains, none", query: where(domain.Where("name", domain.Contains, "nowhere"))},
		{name: "a tag", query: where(domain.Where("tag", domain.Eq, "2.4-py36-b3"))},
		{name: "an architecture", query: where(domain.Where("architecture", domain.Eq, "aarch64"))},
		{name: "a label is there", query: where(domain.Where("label.ai.backend.accelerators", domain.Exists)), sorts: dates},
		{name: "a label of few", query: where(domain.Where("label.com.nvidia.cudnn.version", domain.Exists))},
		{name: "a value of few", query: where(domain.Where("label.ai.backend.resource.min.mem", domain.Eq, "2g"))},
		{name: "an accelerator", query: where(domain.Where("accelerator", domain.Eq, "cuda")), sorts: []string{"canonical", "created_at", "last_used_at"}},
		{name: "no accelerator", query: where(domain.Where("accelerator", domain.Ne, "cuda")), sorts: []string{"canonical", "created_at", "last_used_at"}},
		{name: "large", query: where(domain.Where("size_bytes", domain.Gt, "2000000000"))},
		{name: "huge", query: where(domain.Where("size_bytes", domain.Gt, "15000000000"))},
		{name: "used lately", query: where(domain.Where("last_used_at", domain.Ge, "2026-03-01T00:00:00Z")), sorts: []string{"canonical", "name", "size_bytes", "last_used_at"}},
		{name: "never used", query: where(domain.Where("last_used_at", domain.Lt, "1971-01-01T00:00:00Z"))},
		{name: "an alias", query: where(domain.Where("alias", domain.In, "vendor-bentoml-59960", "vendor-bentoml-61980", "nobody"))},
		{name: "an agent", query: where(domain.Where("agent", domain.Eq, "node-0007"))},
	}
}

func sizeSorts() []string {
	return []string{"canonical", "name", "size_bytes", "created_at", "updated_at", "last_used_at"}
}

// keyOf is the sort key of an image in a cursor.
func keyOf(d domain.ImageDetail, sort string) string {
	at := func(t time.Time) string {
		if t.IsZero() {
			t = time.Unix(0, 0)
		}
		return domain.CursorTime(t)
	}
	return map[string]string{
		"canonical": d.Canonical(), "name": d.Name, "size_bytes": strconv.FormatInt(d.SizeBytes, 10),
		"created_at": at(d.CreatedAt), "updated_at": at(d.UpdatedAt), "last_used_at": at(d.LastUsedAt),
	}[sort]
}

func TestPagesOfALargeCatalogueReadLittle(t *testing.T) {
	if os.Getenv("WHARF_TEST_SIZE") == "" {
		t.Skip("make test and make bench-size run it, without the race detector")
	}
	t.Parallel()
	dsn := bigCatalogue(t)
	s, err := bunstore.OpenPostgres(t.Context(), dsn)
	require.NoError(t, err)
	defer s.Close()
	var seen statements
	s.AddQueryHook(&seen)
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	requireSize(t, conn)
	cases := 0
	for _, f := range sizeFilters() {
		sorts := f.sorts
		if sorts == nil {
			sorts = []string{"canonical", "updated_at", "last_used_at"}
		}
		for _, sort := range sorts {
			for _, desc := range []bool{false, true} {
				cases++
				p := domain.Page{Limit: sizePage, Sort: sort, Desc: desc}
				name := fmt.Sprintf("%s, by %s, descending %t", f.name, sort, desc)
				first := f.list(t, s, p)
				c, plan := explained(t, conn, seen.take())
				check(t, name+", first page", c, plan)

				// The last page is the first one of the other order, backwards.
				p.Desc, p.Limit = !desc, sizePage+1
				back := f.list(t, s, p)
				seen.take()
				if len(back) <= sizePage {
					slices.Reverse(back)
					require.Equal(t, back, first, name)
					continue
				}
				before := back[sizePage]
				p = domain.Page{Limit: sizePage, Sort: sort, Desc: desc}
				p.After = domain.Cursor{Sort: sort, Desc: desc, Key: keyOf(before, sort), ID: string(before.ID)}.String()
				last := f.list(t, s, p)
				c, plan = explained(t, conn, seen.take())
				check(t, name+", last page", c, plan)
				slices.Reverse(last)
				require.Equal(t, back[:sizePage], last, name)
			}
		}
	}
	t.Logf("%d lists", cases)
}

func requireSize(tb testing.TB, conn *pgx.Conn) {
	tb.Helper()
	for table, n := range map[string]int{
		"wharf_images": manyImages, "wharf_agents": manyAgents, "wharf_installed": manyHeld, "wharf_aliases": manyImages / aliasedOneIn,
	} {
		var have int
		require.NoError(tb, conn.QueryRow(tb.Context(), "SELECT count(*) FROM "+table).Scan(&have))
		require.Equal(tb, n, have, table)
	}
}

// list asks for a page as the filter's actor.
func (f sizeFilter) list(tb testing.TB, s *bunstore.Store, p domain.Page) []domain.ImageDetail {
	tb.Helper()
	u := repository.Unit{Now: time.Now(), Scope: domain.Scope{Reach: domain.ReachAny, Actor: domain.Actor{ID: "root"}}}
	view := s.Admin(u).Read().View
	if f.actor.ID != "" {
		u.Scope = domain.Scope{Reach: domain.ReachVisible, Actor: f.actor}
		view = s.Scoped(u).Read()
	}
	list, _, err := view.Images.List(tb.Context(), f.query, p)
	require.NoError(tb, err)
	return list
}

func check(t *testing.T, name string, c cost, plan string) {
	t.Helper()
	if len(c.sequential) > 0 || c.rows > sizePage*rowsOfPage {
		t.Errorf("%s: %.0f rows read, in full: %v", name, c.rows, c.sequential)
		if testing.Verbose() {
			t.Log(plan)
		}
	}
}
