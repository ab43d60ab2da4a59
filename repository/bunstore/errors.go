package bunstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/wharf-project/wharf/domain"
)

// translate is the border: no driver's error leaves the package uncoded. Coded
// errors pass. Unique violations become conflict; callers name the thing with
// asConflict.
func translate(op string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*domain.Error](err); ok {
		return err
	}
	e := &domain.Error{Code: codeOf(err), Op: "store." + op, Err: err}
	switch e.Code {
	case domain.CodeUnavailable:
		e.Reason = "database_unavailable"
	case domain.CodeConflict:
		e.Reason = "database_conflict"
	}
	return e
}

func codeOf(err error) domain.Code {
	if errors.Is(err, context.Canceled) {
		return domain.CodeCanceled
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return domain.CodeTimeout
	}
	switch {
	case isUnique(err):
		return domain.CodeConflict
	case isForeignKey(err):
		return domain.CodePrecondition
	case isSerialization(err):
		return domain.CodeUnavailable
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch e.Code[:2] {
		case "08", "53", "57": // connection, resources, operator intervention
			return domain.CodeUnavailable
		}
		return domain.CodeInternal
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() & 0xff {
		case sqlite3.SQLITE_INTERRUPT:
			return domain.CodeCanceled
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN:
			return domain.CodeUnavailable
		}
		return domain.CodeInternal
	}
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	_, network := errors.AsType[net.Error](err)
	if connecting || network || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || err.Error() == "sql: database is closed" {
		return domain.CodeUnavailable
	}
	return domain.CodeInternal
}

func isUnique(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "23505"
	}
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && (e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

func isForeignKey(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "23503" || e.Code == "23001"
	}
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
}

// isSerialization reports whether running the transaction again may help.
func isSerialization(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "40001" || e.Code == "40P01"
	}
	return false
}
