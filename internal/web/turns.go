package web

import (
	"context"
	"sync"
)

// turns lets those who were overtaken in one workspace try again one after another, and so lose to nobody of their own
// node twice. Waiting has the limits of the requests that wait.
type turns struct {
	mu sync.Mutex
	of map[string]*turn // by workspace ID, while somebody has or awaits one
}

type turn struct {
	taken  chan struct{}
	claims int // of who has it and who awaits it
}

// take waits for the turn in a workspace and returns what gives it back.
func (t *turns) take(ctx context.Context, workspaceID string) (give func(), err error) {
	own := t.claim(workspaceID)
	select {
	case own.taken <- struct{}{}:
		return func() { <-own.taken; t.release(workspaceID, own) }, nil
	case <-ctx.Done():
		t.release(workspaceID, own)
		return nil, ctx.Err()
	}
}

func (t *turns) claim(workspaceID string) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	own := t.of[workspaceID]
	if own == nil {
		if t.of == nil {
			t.of = map[string]*turn{}
		}
		own = &turn{taken: make(chan struct{}, 1)}
		t.of[workspaceID] = own
	}
	own.claims++
	return own
}

func (t *turns) release(workspaceID string, own *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if own.claims--; own.claims == 0 {
		delete(t.of, workspaceID)
	}
}
