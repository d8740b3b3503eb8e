package identity

import (
	"sync"
	"time"
)

// What one workspace may fetch: as much at once, and as much again in every minute. Some 480 live issuers renewed every
// four minutes fit in.
const (
	budgetSize  = 120
	budgetPause = time.Minute / budgetSize // one fetch more for each
	maxBuckets  = 10_000                   // a forgotten bucket is a full one
)

// budget counts the fetches of each workspace (rule 15), so that no tenant makes us the engine of his own traffic.
type budget struct {
	now func() time.Time

	mu    sync.Mutex
	spent *lru[string, time.Time] // by workspace: when its bucket will be full again
}

func newBudget(now func() time.Time) *budget {
	return &budget{now: now, spent: newLRU[string, time.Time](maxBuckets)}
}

// wait returns how long until the workspace may fetch; 0 is now.
func (b *budget) wait(workspaceID string) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	wait, _ := b.look(workspaceID)
	return wait
}

// take uses up one fetch and returns 0, or returns how long until there is one.
func (b *budget) take(workspaceID string) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	wait, full := b.look(workspaceID)
	if wait == 0 {
		b.spent.put(workspaceID, full.Add(budgetPause))
	}
	return wait
}

func (b *budget) look(workspaceID string) (wait time.Duration, full time.Time) {
	now := b.now()
	full, _ = b.spent.get(workspaceID)
	full = later(full, now)
	return max(0, full.Add(budgetPause).Sub(now)-budgetSize*budgetPause), full
}
