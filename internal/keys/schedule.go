package keys

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
)

// Schedule says when keys are replaced.
type Schedule struct {
	PublishAhead time.Duration // how long a key is published before it signs (rule 29); longer than anybody caches the JWKS
	RotateEvery  time.Duration // how long a key signs
}

// DefaultSchedule is a day and thirty days.
var DefaultSchedule = Schedule{PublishAhead: 24 * time.Hour, RotateEvery: 30 * 24 * time.Hour}

// Leases keep two nodes from doing the same work. Where they do it all the same, a ring has two successors: the one that
// begins later signs, and both retire together.
type Leases interface {
	AcquireLease(ctx context.Context, name, holder string, ttl time.Duration) (bool, error)
}

const (
	leaseName   = "rotation"
	rotateCheck = time.Minute
	rotateBatch = 50
)

// Run keeps the schedule until the context ends: it publishes successors in time and removes keys that are gone. Any
// number of nodes may run it; the one that holds the lease works.
func (r *Rotator) Run(ctx context.Context, leases Leases, log *slog.Logger) {
	holder := id.New(r.now())
	lead := func(ctx context.Context) (bool, error) {
		return leases.AcquireLease(ctx, leaseName, holder, rotateCheck)
	}
	tick := time.NewTicker(rotateCheck)
	defer tick.Stop()
	for {
		if err := r.turn(ctx, lead); err != nil && ctx.Err() == nil {
			log.Error("keys could not be rotated; trying again in a minute", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (r *Rotator) turn(ctx context.Context, lead func(context.Context) (bool, error)) error {
	now := r.now()
	due, err := r.store.RotationDue(ctx, now.Add(r.schedule.PublishAhead-r.schedule.RotateEvery), rotateBatch)
	if err != nil {
		return err
	}
	gone, err := r.store.KeysGone(ctx, now, rotateBatch)
	if err != nil || len(due)+len(gone) == 0 {
		return err
	}
	if held, err := lead(ctx); err != nil || !held {
		return err
	}
	var failures []error
	for _, k := range due {
		if _, err := r.Rotate(ctx, k.WorkspaceID, k.Algorithm, audit.Event{}); err != nil && !errors.Is(err, ErrPublished) {
			failures = append(failures, fmt.Errorf("rotate %s: %w", k.ID, err))
		}
	}
	for _, k := range gone {
		if err := r.remove(ctx, k, audit.Event{}, "expired"); err != nil && !fault.Is(err, fault.NotFound) { // another node was first
			failures = append(failures, fmt.Errorf("remove %s: %w", k.ID, err))
		}
	}
	return errors.Join(failures...)
}
