package docker

import (
	"context"
	"sync"
)

// keyLock is one lock per key: a check of a tag and the change that follows it
// must not meet another change of the same tag.
type keyLock struct {
	mu   sync.Mutex
	held map[string]*keyHold
}

type keyHold struct {
	turn    chan struct{}
	holders int // who holds or waits
}

func (k *keyLock) lock(ctx context.Context, key string) (unlock func(), err error) {
	k.mu.Lock()
	h := k.held[key]
	if h == nil {
		h = &keyHold{turn: make(chan struct{}, 1)}
		k.held[key] = h
	}
	h.holders++
	k.mu.Unlock()
	leave := func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if h.holders--; h.holders == 0 {
			delete(k.held, key)
		}
	}
	select {
	case h.turn <- struct{}{}:
		return func() { <-h.turn; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, contextError(ctx, "lock")
	}
}
