package bunstore

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	// answerWithin is how long Postgres may say nothing to somebody who waits:
	// then the connection is lost, as one is that a firewall forgot.
	answerWithin = 30 * time.Second
	pingWithin   = 2 * time.Second
	// idleInTx is how long a process may leave a transaction open. One that
	// stands still, or that the network lost, would keep its locks for ever.
	idleInTx = "15s"
)

// patient makes connections that are lost without a word end all the same.
func patient(cfg *pgx.ConnConfig) *pgx.ConnConfig {
	cfg = cfg.Copy()
	dial := cfg.DialFunc
	cfg.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &patientConn{Conn: conn}, nil
	}
	return cfg
}

// tidy bounds what a connection can leave behind. It is a statement, since
// poolers in between refuse such parameters at the start of a session.
func tidy(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "SET idle_in_transaction_session_timeout = '"+idleInTx+"'")
	return err
}

// pinged tries a connection that was idle. One that does not answer is closed,
// which its next user is told, and takes another.
func pinged(ctx context.Context, p stdlib.ShouldPingParams) bool {
	if p.IdleDuration > time.Second {
		ctx, cancel := context.WithTimeout(ctx, pingWithin)
		defer cancel()
		_ = p.Conn.Ping(ctx)
	}
	return false
}

type patientConn struct {
	net.Conn
	mu    sync.Mutex
	given bool // a deadline was set by the driver
}

func (c *patientConn) Read(b []byte) (int, error) {
	c.mu.Lock()
	if !c.given {
		_ = c.Conn.SetReadDeadline(time.Now().Add(answerWithin))
	}
	c.mu.Unlock()
	return c.Conn.Read(b)
}

func (c *patientConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.given = !t.IsZero()
	return c.Conn.SetDeadline(t)
}

func (c *patientConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.given = !t.IsZero()
	return c.Conn.SetReadDeadline(t)
}
