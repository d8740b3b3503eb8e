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
	sequenceEvery = 200 * time.Millisecond
	sequenceRows  = 64
	sequenceLease = 5 * time.Second
	leaseName     = "sequencer"
)

// Sequence unpacks the queue until the context ends. Any number of nodes may run it; the one that holds the lease works.
func Sequence(ctx context.Context, queue Queue, log *slog.Logger) {
	work := sequencing{queue: queue, holder: id.New(time.Now())}
	tick := time.NewTicker(sequenceEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			work.release()
			return
		case <-tick.C:
		}
		if err := work.drain(ctx); err != nil && ctx.Err() == nil {
			log.Warn("the record's queue could not be unpacked; trying again", "error", err)
		}
	}
}

// sequencing is one node's share in the work. An idle server writes nothing: the lease is taken where there is work.
type sequencing struct {
	queue   Queue
	holder  string
	renewAt time.Time
}

func (s *sequencing) drain(ctx context.Context) error {
	for {
		pending, err := s.queue.Pending(ctx)
		if err != nil || !pending {
			return err
		}
		held, err := s.lead(ctx)
		if err != nil || !held {
			return err
		}
		if _, err := s.queue.Sequence(ctx, sequenceRows); err != nil {
			return err
		}
	}
}

// lead reports whether this node holds the lease, renewing it in its second half.
func (s *sequencing) lead(ctx context.Context) (bool, error) {
	if time.Now().Before(s.renewAt) {
		return true, nil
	}
	held, err := s.queue.AcquireLease(ctx, leaseName, s.holder, sequenceLease)
	if err == nil && held {
		s.renewAt = time.Now().Add(sequenceLease / 2)
	}
	return held, err
}

// release gives the lease up, so that another node need not wait for its end.
func (s *sequencing) release() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.queue.ReleaseLease(ctx, leaseName, s.holder) // it ends by itself otherwise
}
