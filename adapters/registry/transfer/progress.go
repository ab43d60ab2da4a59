package transfer

import (
	"sync"

	"github.com/wharf-project/wharf/domain"
)

// What step events say of a layer.
const (
	statusPushing  = "pushing"
	statusPulling  = "pulling"
	statusExists   = "exists"
	statusMounted  = "mounted"
	statusPushed   = "pushed"
	statusPulled   = "pulled"
	statusRetrying = "retrying"
)

// telling passes events of many goroutines to a sink, one at a time.
type telling struct {
	mu   sync.Mutex
	sink domain.TransferSink
}

// step tells of a layer. Its calls are few: the transfers of package oci report
// ten times a second at most.
func (t *telling) step(d descriptor, status string, current int64) {
	if t.sink == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sink(domain.TransferEvent{
		Kind: domain.TransferStep, LayerID: d.Digest.String(), Status: status, Current: min(current, d.Size), Total: d.Size,
	})
}

// moving returns what tells the progress of a layer. A position that went back
// is a transfer that began anew.
func (t *telling) moving(d descriptor, status string) func(int64) {
	last := int64(0)
	return func(current int64) {
		if current < last {
			t.step(d, statusRetrying, current)
		} else {
			t.step(d, status, current)
		}
		last = current
	}
}
