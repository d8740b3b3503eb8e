package refusal

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nsc-federation/nsc/internal/limit"
)

const (
	queued    = 256                    // refusals that wait to be written
	perSecond = 5                      // of one workspace and kind; four times as many at once
	writeTime = 5 * time.Second        // that a write may take
	gatherFor = 200 * time.Millisecond // before a write, so that a flood makes few of them
)

// Store keeps refusals for all nodes.
type Store interface {
	// AddRefusals keeps refusals, and of each workspace and kind the newest PerKind.
	AddRefusals(ctx context.Context, refusals []Refusal) error
}

// Ring writes refusals in the background. It never makes a request wait: where too many come, the rest is lost, and
// counted.
type Ring struct {
	store  Store
	queue  chan Refusal
	limit  *limit.Buckets
	lost   func(n int)
	failed atomic.Bool // the last write
}

// NewRing returns a ring over a store. Lost is told how many refusals were not kept.
func NewRing(store Store, lost func(n int)) *Ring {
	return &Ring{store: store, queue: make(chan Refusal, queued), limit: limit.New(perSecond), lost: lost}
}

// Keep has a refusal written, or counts it as lost.
func (r *Ring) Keep(refused Refusal) {
	kind := "unverified "
	if refused.Verified {
		kind = "verified "
	}
	if r.limit.Take(kind+refused.WorkspaceID) != nil {
		r.lost(1)
		return
	}
	select {
	case r.queue <- refused:
	default:
		r.lost(1)
	}
}

// Run writes until the context ends, and then what still waits.
func (r *Ring) Run(ctx context.Context, log *slog.Logger) {
	for {
		select {
		case first := <-r.queue:
			r.write(r.gather(ctx, first), log)
		case <-ctx.Done():
			if rest := r.drain(nil); len(rest) > 0 {
				r.write(rest, log)
			}
			return
		}
	}
}

// gather waits a moment for what follows the first of a batch.
func (r *Ring) gather(ctx context.Context, first Refusal) []Refusal {
	timer := time.NewTimer(gatherFor)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return r.drain([]Refusal{first})
}

func (r *Ring) drain(batch []Refusal) []Refusal {
	for {
		select {
		case next := <-r.queue:
			batch = append(batch, next)
		default:
			return batch
		}
	}
}

// write says once that it fails, not with every batch.
func (r *Ring) write(batch []Refusal, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), writeTime)
	defer cancel()
	err := r.store.AddRefusals(ctx, batch)
	if err != nil {
		r.lost(len(batch))
	}
	if failed := err != nil; r.failed.Swap(failed) != failed && failed {
		log.Warn("refusals cannot be kept; nobody will be able to look them up", "error", err)
	}
}
