package service

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// atHand opens a store of this process. Whoever asked calls done. Errors:
// precondition, reason store_unavailable, where open is nil: the process has none.
func atHand(ctx context.Context, open port.OpenLocal, address string) (store port.Local, done func(), err error) {
	if open == nil {
		return nil, nil, domain.Errorf(domain.CodePrecondition, "store_unavailable", "agent_id", "this server has no images at hand; name a node in the place of a store: agent_id")
	}
	if store, err = open(ctx, address); err != nil {
		return nil, nil, err
	}
	done = func() {}
	if closer, is := store.(io.Closer); is {
		done = func() { _ = closer.Close() } // all that it did is done
	}
	return store, done, nil
}

// lasting is an address that means the same store in every folder: that of a
// layout is relative to the folder of the process.
func lasting(address string) (string, error) {
	dir, isLayout := strings.CutPrefix(address, "oci:")
	if !isLayout || dir == "" { // an address without a folder is refused when it is opened
		return address, nil
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", domain.Invalid("store_invalid", "store", "the folder of the process is not known; name the layout by an absolute path")
	}
	if !utf8.ValidString(dir) { // it could not be stored as it is
		return "", domain.Invalid("store_invalid", "store", "the path of a layout is UTF-8, and this is not: %s", domain.Quote(dir))
	}
	return "oci:" + dir, nil
}
