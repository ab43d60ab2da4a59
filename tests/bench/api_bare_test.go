package bench_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

// The rows that the statements give, as the store has them.
type (
	bareKey struct {
		ID, Name, Hash, UserID, Actor, CreatedBy    string
		CreatedAt, ExpiresAt, LastUsedAt, RevokedAt time.Time
	}
	bareImage struct {
		ID, RegistryID, Registry, Project, Name, Tag, Architecture, Repository, Canonical string
		TagDigest, ManifestDigest, ConfigDigest                                           string
		SizeBytes                                                                         int64
		Type, Status                                                                      string
		IsLocal, Operation, Customized                                                    bool
		Owner, Accelerators, Labels, OperatorLabels, CustomLimits                         string
		CreatedAt, UpdatedAt, LastUsedAt                                                  time.Time
		Revision                                                                          int64
		Installed                                                                         int
	}
	bareAlias struct {
		ID, Alias, ImageID string
		CreatedAt          time.Time
	}
	bareHeld struct {
		AgentID, Canonical, Architecture, Digest string
		SizeBytes                                int64
		Containers                               string
		ObservedAt                               time.Time
		ImageID, Expected                        string
	}
)

// bareStatement is a statement with how its rows are read. It says how many
// there were.
type bareStatement struct {
	text string
	scan func(pgx.Rows) (int, error)
}

func into[T any](rows pgx.Rows) (int, error) {
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[T])
	return len(list), err
}

// bareStatements finds the rows of each statement by its columns.
func bareStatements(tb testing.TB, dsn string, texts []string) []bareStatement {
	tb.Helper()
	conn := bareConn(tb, dsn)
	var list []bareStatement
	for _, text := range texts {
		rows, err := conn.Query(tb.Context(), text)
		require.NoError(tb, err)
		has := func(name string) bool {
			return slices.ContainsFunc(rows.FieldDescriptions(), func(d pgconn.FieldDescription) bool { return d.Name == name })
		}
		s := bareStatement{text: text}
		switch {
		case has("hash"):
			s.scan = into[bareKey]
		case has("alias"):
			s.scan = into[bareAlias]
		case has("expected"):
			s.scan = into[bareHeld]
		case has("custom_limits"):
			s.scan = into[bareImage]
		default:
			tb.Fatalf("nothing to read the rows into: %s", text)
		}
		n, err := s.scan(rows)
		require.NoError(tb, err)
		require.Positive(tb, n, text)
		list = append(list, s)
	}
	return list
}

// bareConn is a connection that sends statements as the store does: their
// values are in the text, so that none is prepared.
func bareConn(tb testing.TB, dsn string) *pgx.Conn {
	tb.Helper()
	cfg, err := pgx.ParseConfig(dsn)
	require.NoError(tb, err)
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	conn, err := pgx.ConnectConfig(tb.Context(), cfg)
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// bareRead does what a page needs and nothing else.
func bareRead(ctx context.Context, conn *pgx.Conn, statements []bareStatement) error {
	for _, s := range statements {
		rows, err := conn.Query(ctx, s.text)
		if err != nil {
			return err
		}
		if n, err := s.scan(rows); err != nil || n == 0 {
			return fmt.Errorf("%d rows: %w", n, err)
		}
	}
	return nil
}
