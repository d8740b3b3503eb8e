package audit

import (
	"context"
	"log/slog"
	"time"

	"github.com/nsc-federation/nsc/internal/evidence"
	"github.com/nsc-federation/nsc/internal/id"
)

// Logs is what the checkpointer needs of the store.
type Logs interface {
	AcquireLease(ctx context.Context, name, holder string, ttl time.Duration) (bool, error)
	// UnsignedLogs returns logs that are longer than their checkpoints say.
	UnsignedLogs(ctx context.Context, limit int) ([]LogHead, error)
	// KeepCheckpoints keeps checkpoints, unless longer ones are there.
	KeepCheckpoints(ctx context.Context, list []LogHead) error
}

// Notary signs checkpoints, and nothing else.
type Notary interface {
	SignCheckpoint(ctx context.Context, workspaceID string, c evidence.Checkpoint) (string, error)
}

// CheckpointMeter is told how the checkpoints go.
type CheckpointMeter interface {
	LogWaits(events int64) // that no checkpoint covers yet
	CheckpointsSigned(n int)
}

const (
	checkpointEvery = time.Second
	checkpointBatch = 200 // logs
	checkpointLease = "checkpoints"
)

// Checkpointer signs checkpoints of the logs that have grown, each at most once a second. Any number of nodes may run it;
// the one that holds the lease works. Where two do, for a moment, one log has two checkpoints, which agree.
type Checkpointer struct {
	Logs   Logs
	Notary Notary
	Issuer func(workspace string) string
	Meter  CheckpointMeter
	Log    *slog.Logger
}

// Run signs until the context ends.
func (c *Checkpointer) Run(ctx context.Context) {
	holder := id.New(time.Now())
	wait := checkpointEvery
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if err := c.turn(ctx, holder); err == nil {
			wait = checkpointEvery
		} else if ctx.Err() == nil {
			wait = min(2*wait, slowest)
			c.Log.Warn("checkpoints could not be signed", "error", err, "next_try", wait)
		}
	}
}

// turn signs all that waits. An idle server writes nothing: the lease is taken where there is work.
func (c *Checkpointer) turn(ctx context.Context, holder string) error {
	for {
		waiting, err := c.Logs.UnsignedLogs(ctx, checkpointBatch)
		if err != nil {
			return err
		}
		c.Meter.LogWaits(unsigned(waiting))
		if len(waiting) == 0 {
			return nil
		}
		held, err := c.Logs.AcquireLease(ctx, checkpointLease, holder, sequenceLease)
		if err != nil || !held {
			return err
		}
		if err := c.sign(ctx, waiting); err != nil || len(waiting) < checkpointBatch {
			return err
		}
	}
}

func unsigned(list []LogHead) (events int64) {
	for _, h := range list {
		events += h.Size - h.SignedSize
	}
	return events
}

func (c *Checkpointer) sign(ctx context.Context, list []LogHead) error {
	for i := range list {
		h := &list[i]
		checkpoint := evidence.Checkpoint{Origin: evidence.Origin(c.Issuer(h.Workspace)), Size: h.Size, Root: h.Root}
		var err error
		if h.Checkpoint, err = c.Notary.SignCheckpoint(ctx, h.WorkspaceID, checkpoint); err != nil {
			return err
		}
		h.SignedSize = h.Size
	}
	err := c.Logs.KeepCheckpoints(ctx, list)
	if err == nil {
		c.Meter.CheckpointsSigned(len(list))
	}
	return err
}
