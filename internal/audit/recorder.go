package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nsc-federation/nsc/internal/trace"
)

// Log is where entries become durable. Append returns once every entry that it reports as Committed would survive a
// power cut; an error means that none of them may be relied on.
type Log interface {
	Append(ctx context.Context, entries []Entry) ([]Outcome, error)
}

// Limits of the group committer.
const (
	queueLength   = 2048                   // entries that wait for a commit, beyond which callers are refused
	maxBatch      = 256                    // entries in one commit
	gatherFor     = 300 * time.Microsecond // how long a commit waits for requests that are under way
	appendTimeout = 5 * time.Second
)

// ErrBusy is returned when more entries wait than the queue holds.
var ErrBusy = errors.New("audit: too many events wait to be recorded")

// ErrClosed is returned after Close.
var ErrClosed = errors.New("audit: the recorder is closed")

// ErrMoved is returned when the workspace changed after the decision was made: decide again (rule 22).
var ErrMoved = errors.New("audit: the workspace changed since the decision")

// ErrReplayed is returned when an external token that may be used once was used before (rule 16).
var ErrReplayed = errors.New("audit: the token was used before")

// ErrNoTokenID is returned when a token that may be used once has no jti to know it by (rule 16).
var ErrNoTokenID = errors.New("audit: a single-use token needs a jti")

type waiting struct {
	entry Entry
	done  chan result // holds one
}

// result is the fate of one entry.
type result struct {
	outcome Outcome
	began   time.Time // before the transaction that recorded it, whose moment nobody else knows exactly
	err     error
}

// Recorder is a group committer: it gathers the events of requests that are under way at the same time and makes
// them durable in one transaction, which is what makes recording before signing affordable.
type Recorder struct {
	log      Log
	now      func() time.Time
	queue    chan waiting
	underWay atomic.Int64

	closing   chan struct{} // closed when no more is taken
	closed    chan struct{} // closed when nobody writes any more
	closeOnce sync.Once
	writers   sync.WaitGroup
}

// NewRecorder starts a recorder with the given number of concurrent commits: one for an engine with a single writer.
func NewRecorder(log Log, writers int, now func() time.Time) *Recorder {
	r := &Recorder{
		log: log, now: now, queue: make(chan waiting, queueLength), closing: make(chan struct{}), closed: make(chan struct{}),
	}
	for range writers {
		r.writers.Go(r.write)
	}
	return r
}

// Close refuses new events, records those that wait, and returns when they are durable.
func (r *Recorder) Close() {
	r.closeOnce.Do(func() {
		close(r.closing)
		r.writers.Wait()
		close(r.closed)
	})
}

// UnderWay tells the recorder that a request began which will have something to record, so that a commit may wait for
// it. The returned function says that the request has ended.
func (r *Recorder) UnderWay() func() {
	r.underWay.Add(1)
	return func() { r.underWay.Add(-1) }
}

// Entry returns an event as an entry for a write that records it in its own transaction.
func (r *Recorder) Entry(e Event) Entry { return e.entry() }

// Note records an event that no token depends on, and returns once it is durable.
func (r *Recorder) Note(ctx context.Context, e Event) error {
	res := r.append(ctx, e.entry())
	if res.err == nil && res.outcome.Verdict != Committed {
		return fmt.Errorf("audit: verdict %d on an event that nothing speaks against", res.outcome.Verdict)
	}
	return res.err
}

// append hands an entry to the writers and waits for its fate. A caller that gives up leaves its entry to be recorded:
// what happened is on the record even where nobody waits for the answer.
func (r *Recorder) append(ctx context.Context, entry Entry) result {
	w := waiting{entry, make(chan result, 1)}
	select {
	case <-r.closing:
		return result{err: ErrClosed}
	default:
	}
	select {
	case r.queue <- w:
	default:
		return result{err: ErrBusy}
	}
	select {
	case res := <-w.done:
		trace.Took(ctx, trace.Append, res.began, res.err)
		return res
	case <-ctx.Done():
		return result{err: fmt.Errorf("audit: gave up waiting for the record: %w", ctx.Err())}
	case <-r.closed:
		return w.late()
	}
}

// late is the fate of an entry once nobody writes any more. One that came while the recorder closed may have missed the
// last writer.
func (w waiting) late() result {
	select {
	case res := <-w.done:
		return res
	default:
		return result{err: ErrClosed}
	}
}

func (r *Recorder) write() {
	for {
		select {
		case first := <-r.queue:
			r.commit(r.gather(first))
		case <-r.closing:
			r.drain()
			return
		}
	}
}

// drain commits what was queued before Close.
func (r *Recorder) drain() {
	for {
		select {
		case first := <-r.queue:
			r.commit(r.gather(first))
		default:
			return
		}
	}
}

// gather collects entries for one commit. It waits only while requests are under way that have not arrived yet.
func (r *Recorder) gather(first waiting) []waiting {
	batch := append(make([]waiting, 0, 16), first)
	var timeout <-chan time.Time
	for len(batch) < maxBatch {
		select {
		case w := <-r.queue:
			batch = append(batch, w)
			continue
		default:
		}
		if int64(len(batch)) >= r.underWay.Load() {
			break
		}
		if timeout == nil {
			timeout = time.After(gatherFor)
		}
		select {
		case w := <-r.queue:
			batch = append(batch, w)
		case <-timeout:
			return batch
		}
	}
	return batch
}

func (r *Recorder) commit(batch []waiting) {
	ctx, cancel := context.WithTimeout(context.Background(), appendTimeout)
	defer cancel()
	entries := make([]Entry, len(batch))
	for i, w := range batch {
		entries[i] = w.entry
	}
	began := time.Now()
	outcomes, err := r.log.Append(ctx, entries)
	if err == nil && len(outcomes) != len(entries) {
		err = fmt.Errorf("audit: %d entries, %d outcomes", len(entries), len(outcomes))
	}
	for i, w := range batch {
		res := result{began: began, err: err}
		if err == nil {
			res.outcome = outcomes[i]
		}
		w.done <- res
	}
}
