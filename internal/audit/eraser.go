package audit

import (
	"context"
	"log/slog"
	"time"

	"github.com/nsc-federation/nsc/internal/id"
)

// Erasure is what the eraser needs of the store.
type Erasure interface {
	AcquireLease(ctx context.Context, name, holder string, ttl time.Duration) (bool, error)
	// EraseEvents erases at most limit events that happened before a time, and returns their number.
	EraseEvents(ctx context.Context, before time.Time, limit int) (int, error)
}

const (
	eraseEvery = time.Minute
	eraseBatch = 100 // on SQLite those who record wait for it
	eraseLease = "retention"
	eraseRests = 20 * time.Millisecond // between two batches, for those who record
)

// Eraser erases events of a certain age: their bodies, and what they are found by. Their leaves stay, and with them what
// every checkpoint says (rule 25).
type Eraser struct {
	Erasure Erasure
	Age     time.Duration
	Now     func() time.Time
	Log     *slog.Logger
}

// Run erases until the context ends. Any number of nodes may run it; the one that holds the lease works.
func (e *Eraser) Run(ctx context.Context) {
	holder := id.New(time.Now())
	wait := eraseEvery
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		erased, err := e.turn(ctx, holder)
		switch {
		case err != nil && ctx.Err() == nil:
			e.Log.Warn("events could not be erased that are older than record_retention says", "error", err)
			fallthrough
		case erased < eraseBatch:
			wait = eraseEvery
		default:
			wait = eraseRests
		}
	}
}

// turn erases one batch.
func (e *Eraser) turn(ctx context.Context, holder string) (erased int, err error) {
	held, err := e.Erasure.AcquireLease(ctx, eraseLease, holder, 2*eraseEvery)
	if err != nil || !held {
		return 0, err
	}
	return e.Erasure.EraseEvents(ctx, e.Now().Add(-e.Age), eraseBatch)
}
