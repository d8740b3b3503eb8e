package audit

import (
	"context"
	"log/slog"
	"time"

	"github.com/nsc-federation/nsc/internal/id"
)

// Queue is what the sequencer needs of the store.
type Queue interface {
	// AcquireLease takes or renews a lease by the database's clock, and reports whether this holder has it.
	AcquireLease(ctx context.Context, name, holder string, ttl time.Duration) (bool, error)
	ReleaseLease(ctx context.Context, name, holder string) error
	// Pending reports whether the queue has rows.
	Pending(ctx context.Context) (bool, error)
	// Sequence unpacks at most maxRows rows of the queue into events, in one transaction, and returns their number.
	Sequence(ctx context.Context, maxRows int) (events int, err error)
}

const (
	sequenceEvery = 200 * time.Millisecond // at the latest
	sequenceSoon  = 25 * time.Millisecond  // at the earliest
	sequenceRests = 3                      // times as long as it worked
	sequenceRows  = 64
	sequenceLease = 5 * time.Second
	slowest       = 30 * time.Second // between two attempts while they fail
	leaseName     = "sequencer"
)

// Sequence unpacks the queue until the context ends. Any number of nodes may run it; the one that holds the lease works.
func Sequence(ctx context.Context, queue Queue, log *slog.Logger) {
	work := sequencing{queue: queue, holder: id.New(time.Now())}
	defer work.release()
	wait := sequenceEvery
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		began := time.Now()
		if worked, err := work.drain(ctx); err == nil {
			wait = pause(worked, time.Since(began))
		} else if ctx.Err() == nil {
			wait = min(2*wait, slowest)
			log.Warn("the record's queue could not be unpacked", "error", err, "next_try", wait)
		}
	}
}

// pause returns how long to wait after work that took a while. On SQLite those who record wait for it, so it comes soon and is
// little; where there is so much that it would be always at work it comes late, and much together costs less.
func pause(worked bool, took time.Duration) time.Duration {
	if !worked {
		return sequenceEvery
	}
	return min(max(sequenceSoon, sequenceRests*took), sequenceEvery)
}

// sequencing is one node's share in the work. An idle server writes nothing: the lease is taken where there is work.
type sequencing struct {
	queue   Queue
	holder  string
	renewAt time.Time // zero where this node never led
}

// drain unpacks until nothing is left, or until another node takes what is, and reports whether it did.
func (s *sequencing) drain(ctx context.Context) (worked bool, err error) {
	for {
		pending, err := s.queue.Pending(ctx)
		if err != nil || !pending {
			return worked, err
		}
		held, err := s.lead(ctx)
		if err != nil || !held {
			return worked, err
		}
		if events, err := s.queue.Sequence(ctx, sequenceRows); err != nil || events == 0 {
			return worked, err
		}
		worked = true
	}
}

// lead reports whether this node holds the lease, renewing it in its second half. To believe in it for too long costs
// no more than work done twice.
func (s *sequencing) lead(ctx context.Context) (bool, error) {
	asked := time.Now()
	if asked.Before(s.renewAt) {
		return true, nil
	}
	held, err := s.queue.AcquireLease(ctx, leaseName, s.holder, sequenceLease)
	if err == nil && held {
		s.renewAt = asked.Add(sequenceLease / 2)
	}
	return held, err
}

// release gives the lease up, so that another node need not wait for its end.
func (s *sequencing) release() {
	if s.renewAt.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.queue.ReleaseLease(ctx, leaseName, s.holder) // it ends by itself otherwise
}
