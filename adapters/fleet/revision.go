package fleet

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// revisionOf is a digest of an inventory that does not depend on its order. It
// sorts the inventory.
func revisionOf(inv domain.Inventory) string {
	slices.SortFunc(inv.Images, func(a, b domain.InventoryImage) int {
		return cmp.Or(cmp.Compare(a.Canonical, b.Canonical), cmp.Compare(a.Architecture, b.Architecture), cmp.Compare(a.Digest, b.Digest))
	})
	h := sha256.New()
	var row bytes.Buffer
	text := func(s string) { // with its length: no two rows read alike
		row.Write(binary.AppendUvarint(row.AvailableBuffer(), uint64(len(s))))
		row.WriteString(s)
	}
	for _, i := range inv.Images {
		row.Reset()
		text(i.Canonical)
		text(i.Architecture)
		text(i.Digest.String())
		row.Write(binary.AppendVarint(row.AvailableBuffer(), i.SizeBytes))
		row.Write(binary.AppendUvarint(row.AvailableBuffer(), uint64(len(i.Containers))))
		for _, c := range slices.Sorted(slices.Values(i.Containers)) {
			text(c)
		}
		h.Write(row.Bytes())
	}
	return hex.EncodeToString(h.Sum(nil))
}

// look finds out when an inventory has changed.
type look struct {
	agent   port.Agent
	log     *slog.Logger
	poll    time.Duration
	rest    time.Duration // between two looks, however much happens; slow ones rest longer
	changed chan struct{}
	found   chan string // revisions; the first one, "" when it failed, and changes
}

func newLook(n Node) *look {
	return &look{agent: n.Agent, log: n.Logger, poll: n.Poll, rest: n.Every / 10, changed: make(chan struct{}, 1), found: make(chan string)}
}

// again asks for a look soon.
func (l *look) again() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// run looks until ctx ends: at once, when asked, and now and then.
func (l *look) run(ctx context.Context) {
	poll := time.NewTicker(l.poll)
	defer poll.Stop()
	told, known := false, ""
	for {
		begun := time.Now()
		revision, err := l.once(ctx)
		took := time.Since(begun)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			l.log.WarnContext(ctx, "fleet: the inventory cannot be read", "error", err)
			revision = known
		}
		if !told || revision != known {
			select {
			case l.found <- revision:
				told, known = true, revision
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-time.After(max(l.rest, min(4*took, l.poll))):
		case <-ctx.Done():
			return
		}
		select {
		case <-l.changed:
		case <-poll.C:
		case <-ctx.Done():
			return
		}
	}
}

func (l *look) once(ctx context.Context) (revision string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = domain.Internal("fleet: inventory", fmt.Errorf("panic: %v", p))
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, 10*l.poll) // an agent that hangs may have come to itself
	defer cancel()
	inv, err := l.agent.Inventory(ctx)
	if err != nil {
		return "", err
	}
	return revisionOf(inv), nil
}
