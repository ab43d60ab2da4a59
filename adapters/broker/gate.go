package broker

import (
	"context"
	"encoding/base64"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/wharf-project/wharf/domain"
)

const (
	nodesTimeout = 5 * time.Second
	nodesAtOnce  = 32 // so that a thousand returning nodes do not ask the database at once

	// connectionsPerNode is more than a node has, with those that it lost and
	// the server has not noticed: one node must not take all there are.
	connectionsPerNode = 16
)

// gate lets connections in: managers by their one key, nodes by theirs.
type gate struct {
	manager     string
	nodes       func(context.Context, string) (domain.AgentID, bool, error)
	permissions func(domain.AgentID) (publish, subscribe []string)
	log         *slog.Logger

	ctx   context.Context //nolint:containedctx // the server calls without one; this ends with the server
	close context.CancelFunc
	slots chan struct{}

	mu     sync.Mutex
	online map[uint64]node // by connection
}

type node struct {
	key string
	id  domain.AgentID
}

func newGate(e *embedded) *gate {
	ctx, cancel := context.WithCancel(context.Background())
	return &gate{
		manager: e.manager.PublicKey(), nodes: e.nodes, permissions: e.permissions, log: e.log,
		ctx: ctx, close: cancel, slots: make(chan struct{}, nodesAtOnce), online: map[uint64]node{},
	}
}

// Check implements [server.Authentication]: it is called for every connection,
// many at once, with what the client claims.
func (g *gate) Check(c server.ClientAuthentication) bool {
	claim := c.GetOpts()
	if c.Kind() != server.CLIENT || !proves(claim, c.GetNonce()) {
		return false
	}
	if claim.Nkey == g.manager {
		c.RegisterUser(&server.User{Username: claim.Nkey})
		return true
	}
	id, known, err := g.find(g.ctx, claim.Nkey)
	if err != nil {
		g.log.Warn("a node cannot be looked up, and is refused", "key", claim.Nkey, "err", err)
		return false
	}
	if !known {
		g.log.Info("an unknown node is refused", "key", claim.Nkey, "from", c.RemoteAddress())
		return false
	}
	if !g.enter(c.GetID(), node{claim.Nkey, id}) {
		g.log.Warn("a node has too many connections", "key", claim.Nkey, "agent", id, "from", c.RemoteAddress())
		return false
	}
	c.RegisterUser(&server.User{Username: claim.Nkey, Permissions: g.rights(id)})
	return true
}

func (g *gate) enter(conn uint64, n node) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	others := 0
	for _, other := range g.online {
		if other.key == n.key {
			others++
		}
	}
	if others >= connectionsPerNode {
		return false
	}
	g.online[conn] = n
	return true
}

// proves reports whether the client has the key that it names.
func proves(claim *server.ClientOpts, nonce []byte) bool {
	if len(nonce) == 0 || !nkeys.IsValidPublicUserKey(claim.Nkey) {
		return false
	}
	sig, err := base64.RawURLEncoding.DecodeString(claim.Sig)
	if err != nil {
		return false
	}
	key, err := nkeys.FromPublicKey(claim.Nkey)
	return err == nil && key.Verify(nonce, sig) == nil
}

func (g *gate) find(ctx context.Context, key string) (domain.AgentID, bool, error) {
	if g.nodes == nil {
		return "", false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, nodesTimeout)
	defer cancel()
	select {
	case g.slots <- struct{}{}:
		defer func() { <-g.slots }()
	case <-ctx.Done():
		return "", false, ctx.Err()
	}
	return g.nodes(ctx, key)
}

// rights are what a node may do. To the server an empty list is no limit, so
// none is left empty.
func (g *gate) rights(id domain.AgentID) *server.Permissions {
	none := &server.SubjectPermission{Deny: []string{">"}}
	p := &server.Permissions{Publish: none, Subscribe: none}
	if g.permissions == nil {
		return p
	}
	publish, subscribe := g.permissions(id)
	if len(publish) > 0 {
		p.Publish = &server.SubjectPermission{Allow: publish}
	}
	if len(subscribe) > 0 {
		p.Subscribe = &server.SubjectPermission{Allow: subscribe}
	}
	return p
}

// recheck disconnects the nodes whose key is no longer known, or is another
// agent's by now. It stops at the first failure to ask: that revokes nothing.
func (g *gate) recheck(ctx context.Context, srv *server.Server) error {
	g.mu.Lock()
	keys := map[string][]uint64{}
	for conn, n := range g.online {
		keys[n.key] = append(keys[n.key], conn)
	}
	g.mu.Unlock()
	for key, conns := range keys {
		var there []uint64
		for _, conn := range conns {
			if srv.GetClient(conn) == nil {
				g.forget(conn)
				continue
			}
			there = append(there, conn)
		}
		if len(there) == 0 {
			continue
		}
		id, known, err := g.find(ctx, key)
		if err != nil {
			return domain.Wrap("broker: recheck", err)
		}
		for _, conn := range there {
			if !known || g.is(conn) != id {
				g.log.InfoContext(ctx, "a node whose key was revoked is disconnected", "key", key, "agent", g.is(conn))
				_ = srv.DisconnectClientByID(conn) // it may have left by itself
				g.forget(conn)
			}
		}
	}
	return nil
}

func (g *gate) is(conn uint64) domain.AgentID {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.online[conn].id
}

func (g *gate) forget(conn uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.online, conn)
}
