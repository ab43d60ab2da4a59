package transfer

import (
	"context"
	"os"
	"time"
)

// lockFile opens a file, makes it when it is missing, and locks it until it is
// closed: alone, or with others that share. It waits by trying again, for the
// system call that waits cannot be canceled. A file that was renamed or removed
// while it was waited for is opened anew.
func lockFile(ctx context.Context, name string, share bool) (*os.File, error) {
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		f, got, err := tryLockFile(name, share)
		if err != nil || got {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// tryLockFile is lockFile without waiting; false: somebody else has it.
func tryLockFile(name string, share bool) (*os.File, bool, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, false, err
	}
	got, err := tryLock(f, share)
	if err == nil && got {
		mine, errMine := f.Stat()
		now, errNow := os.Stat(name)
		if errMine == nil && errNow == nil && os.SameFile(mine, now) {
			return f, true, nil
		}
	}
	_ = f.Close()
	return nil, false, err
}
