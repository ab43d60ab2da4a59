package repositorytest

import (
	"testing"

	"github.com/wharf-project/wharf/repository"
)

// Harness makes the stores that [Run] looks at.
type Harness struct {
	// New returns a fresh, empty store that goes away with the test. A store that
	// is an io.Closer is also tried after Close.
	New func(tb testing.TB) repository.Store
}

// Run checks the contract of [repository.Store] and of the repositories behind
// it. Every subtest has a store of its own, so they run at the same time.
func Run(t *testing.T, h Harness) {
	for _, topic := range topics() {
		t.Run(topic.name, func(t *testing.T) {
			for _, s := range topic.sentences {
				t.Run(s.says, func(t *testing.T) {
					t.Parallel()
					s.holds(t, h.New(t))
				})
			}
		})
	}
}

// sentence is one promise of the contract and how to see that it is kept.
type sentence struct {
	says  string
	holds func(*testing.T, repository.Store)
}

type topic struct {
	name      string
	sentences []sentence
}

func topics() []topic {
	return []topic{
		{"scopes", append(scopes, scopesOfOthers...)},
		{"visibility", visibility()},
		{"lookup", lookups},
		{"sync", append(syncs, marks...)},
		{"save", saves},
		{"delete", deletes},
		{"aliases", aliases},
		{"lists", lists()},
		{"filters", filters()},
		{"transactions", append(transactions, refusals...)},
		{"audit", append(audits, records...)},
		{"agents", append(agents, inventories...)},
		{"registries", append(registries, links...)},
		{"tenancy", tenancies},
		{"idempotency", idempotency},
		{"tasks", tasks},
		{"intents", intents},
		{"reservations", reservations},
		{"access", accesses},
		{"keys", apiKeys},
		{"builds", append(builds, builtImages...)},
		{"endings", endings},
		{"names", names},
	}
}
