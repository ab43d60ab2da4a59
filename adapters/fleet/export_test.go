package fleet

import (
	"context"

	"github.com/nats-io/nats.go"

	"github.com/wharf-project/wharf/domain"
)

// What tests look at from outside.
var (
	Token      = token
	AgentOf    = agentOf
	RevisionOf = revisionOf
)

// The bounds that tests reach.
const (
	LongestFrame  = longestFrame
	LongestAsk    = longestAsk
	LongestAnswer = longestAnswer
	MostImages    = mostImages
	MostWaiting   = mostWaiting
)

// DecodeFrame tells whether a frame of a call is one.
func DecodeFrame(data []byte, call string) error {
	_, err := decodeFrame(data, call)
	return err
}

// DecodeAsk tells whether an ask is one.
func DecodeAsk(data []byte, op string) error {
	_, err := decodeAsk(data, op)
	return err
}

// OverTheWire is a request as the node gets it.
func OverTheWire(r domain.PullRequest) domain.PullRequest { return pullRequestOf(r).request() }

// ServeOnTheWayOut is Serve of a node that has to stop before it has read ask.
func ServeOnTheWayOut(conn *nats.Conn, n Node, ask *nats.Msg) {
	ctx, cancel := context.WithCancel(context.Background())
	s := newServer(ctx, conn, n)
	s.in <- ask
	cancel()
	asks, _ := conn.ChanQueueSubscribe(askRoot+s.token+".*", oneOf, s.in)
	notes, _ := conn.ChanSubscribe(noteRoot+s.token, s.in)
	s.stop(asks, notes)
}
