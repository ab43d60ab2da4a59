package ocilayout

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/wharf-project/wharf/domain"
)

const lockFile = "lock"

// lock keeps everybody else out of the directory: goroutines by turn, other
// openers and processes by the file. It is held for moments, never while the
// network is waited for.
func (l *layout) lock(ctx context.Context) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, contextError(ctx, "lock")
	}
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, contextError(ctx, "lock")
	}
	// Without O_CREATE: a directory that was taken away must not look empty.
	release, err := l.lockFile(ctx, 0)
	if err != nil {
		<-l.turn
		return nil, err
	}
	return func() { release(); <-l.turn }, nil
}

// lockFile waits by trying again: the system call that waits cannot be canceled.
func (l *layout) lockFile(ctx context.Context, flag int) (release func(), err error) {
	f, err := os.OpenFile(l.path(privateDir, lockFile), os.O_RDWR|flag, 0o644)
	if err != nil {
		return nil, storageError(l.on, "lock", err)
	}
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		got, err := tryLock(f)
		if err == nil && got {
			return func() { _ = f.Close() }, nil // closing releases
		}
		if err != nil {
			_ = f.Close()
			return nil, storageError(l.on, "lock", err)
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, contextError(ctx, "lock")
		case <-time.After(pause):
		}
	}
}

// locked runs fn under the lock.
func (l *layout) locked(ctx context.Context, fn func() error) error {
	if err := domain.RefuseInTx(ctx, "ocilayout"); err != nil {
		return err
	}
	unlock, err := l.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return fn()
}

// keyLock is one lock per key, so that two pulls do not fetch one blob twice.
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
