package fleet

import (
	"crypto/rand"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

// board hands the frames that come in to the calls that wait for them: one
// subscription for all nodes and calls of a manager.
type board struct {
	conn    *nats.Conn
	manager string // nobody else's

	mu    sync.Mutex
	sub   *nats.Subscription
	calls map[string]*call
	last  uint64
}

func newBoard(conn *nats.Conn) *board {
	return &board{conn: conn, manager: rand.Text(), calls: map[string]*call{}}
}

// begin makes a call to a node. The error is the connection's.
func (b *board) begin(node string) (*call, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.conn.IsConnected() {
		return nil, nats.ErrDisconnected // else the ask would wait and be worked when nobody awaits it
	}
	if b.sub == nil || !b.sub.IsValid() {
		sub, err := b.conn.Subscribe(replyRoot+"*."+b.manager+".*", b.hand)
		if err != nil {
			return nil, err
		}
		b.sub = sub
	}
	b.last++
	c := &call{id: strconv.FormatUint(b.last, 36), node: node, wake: make(chan struct{}, 1)}
	c.reply = replyRoot + node + "." + b.manager + "." + c.id
	b.calls[c.id] = c
	return c, nil
}

func (b *board) end(c *call) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.calls, c.id)
}

// hand is the subscription's callback; it must not wait for anything. What is
// for no call, or from another node than was asked, is dropped.
func (b *board) hand(m *nats.Msg) {
	node, rest, _ := strings.Cut(strings.TrimPrefix(m.Subject, replyRoot), ".")
	_, id, _ := strings.Cut(rest, ".")
	b.mu.Lock()
	c := b.calls[id]
	b.mu.Unlock()
	if c == nil || c.node != node {
		return
	}
	c.put(m.Data, len(m.Data) == 0 && m.Header.Get("Status") == "503")
}

// call is one ask that waits for its answer.
type call struct {
	id    string
	node  string
	reply string
	wake  chan struct{} // something is there

	mu      sync.Mutex
	frames  [][]byte
	bytes   int
	absent  bool // nobody takes the ask
	flooded bool // frames came faster than they could be read, and were dropped
}

func (c *call) put(data []byte, absent bool) {
	c.mu.Lock()
	switch {
	case absent:
		c.absent = true
	case c.bytes+len(data) > longestWaiting:
		c.flooded = true
	default:
		c.frames = append(c.frames, data)
		c.bytes += len(data) + frameCost
	}
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// frameCost is what a waiting frame takes beside its bytes; empty ones are not
// free.
const frameCost = 64

func (c *call) take() (frames [][]byte, absent, flooded bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	frames, c.frames, c.bytes = c.frames, nil, 0
	return frames, c.absent, c.flooded
}
