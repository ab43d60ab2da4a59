package app

import (
	"context"
	"sync"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// nodeKeys remembers for a moment whose keys there are: a thousand nodes that
// dial in at once are one look at the database. A key of two agents is nobody's.
type nodeKeys struct {
	mu    sync.Mutex
	known map[string]domain.AgentID
	until time.Time
}

// keysFor is how long a key that was just taken back may be known. One that was
// just registered is known at once.
const keysFor = time.Second

// of returns whose key it is, "" for nobody's.
func (k *nodeKeys) of(ctx context.Context, key string, rows func(context.Context) ([]domain.Agent, error)) (domain.AgentID, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if id := k.known[key]; id != "" && time.Now().Before(k.until) {
		return id, nil
	}
	list, err := rows(ctx)
	if err != nil {
		return "", err
	}
	known, twice := make(map[string]domain.AgentID, len(list)), map[string]bool{}
	for _, row := range list {
		if _, ok := known[row.Address]; ok {
			twice[row.Address] = true
		}
		known[row.Address] = row.ID
	}
	for key := range twice {
		delete(known, key)
	}
	k.known, k.until = known, time.Now().Add(keysFor)
	return known[key], nil
}
