package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nsc-federation/nsc/internal/trace"
)

// Log is where entries become durable. Append returns once every entry that it reports as Committed would survive a
// power cut; an error means that none of them may be relied on.
type Log interface {
	Append(ctx context.Context, entries []Entry) ([]Outcome, error)
}

const appendTimeout = 5 * time.Second // of one commit

// ErrBusy is returned when more entries wait than the queue holds.
var ErrBusy = errors.New("audit: too many events wait to be recorded")

// ErrClosed is returned after Close.
var ErrClosed = errors.New("audit: the recorder is closed")

// ErrMoved is returned when the workspace changed after the decision was made: decide again (rule 22).
var ErrMoved = errors.New("audit: the workspace changed since the decision")

// MovedError is ErrMoved, of a change that somebody asked for in a workspace.
type MovedError struct{ WorkspaceID string }

// Error names the workspace.
func (e *MovedError) Error() string { return ErrMoved.Error() + ": workspace " + e.WorkspaceID }

// Unwrap returns ErrMoved.
func (e *MovedError) Unwrap() error { return ErrMoved }

// ErrReplayed is returned when an external token that may be used once was used before (rule 16).
var ErrReplayed = errors.New("audit: the token was used before")

// ErrNoTokenID is returned when a token that may be used once has no jti to know it by (rule 16).
var ErrNoTokenID = errors.New("audit: a single-use token needs a jti")

// result is the fate of one entry.
type result struct {
	outcome Outcome
	began   time.Time // before the transaction that recorded it, whose moment nobody else knows exactly
	err     error
}

// Recorder is a group committer: it gathers the events of requests that are under way at the same time and makes
// them durable in one transaction, which is what makes recording before signing affordable. One commit runs at a time, on
// PostgreSQL, too: a second would only make both smaller, and what a commit costs is mostly not a matter of its size.
type Recorder struct {
	log    Log
	now    func() time.Time
	gather gathering
	idle   chan struct{} // closed when nobody writes any more
}

// NewRecorder starts a recorder. It writes until Close.
func NewRecorder(log Log, now func() time.Time) *Recorder {
	r := &Recorder{log: log, now: now, idle: make(chan struct{}), gather: gathering{busy: processors(), news: make(chan struct{}, 1)}}
	go r.write()
	return r
}

// Close refuses new events, records those that wait, and returns when they are durable.
func (r *Recorder) Close() {
	r.gather.end()
	<-r.idle
}

// UnderWay tells the recorder that a request began which will have something to record, so that a commit may wait for
// it. The returned function says that the request has ended.
func (r *Recorder) UnderWay() func() {
	r.gather.underWay.Add(1)
	return func() { r.gather.underWay.Add(-1) }
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
	b, at, err := r.gather.add(entry)
	if err != nil {
		return result{err: err}
	}
	select {
	case <-b.done:
		res := b.result(at)
		trace.Took(ctx, trace.Append, res.began, res.err)
		return res
	case <-ctx.Done():
		return result{err: fmt.Errorf("audit: gave up waiting for the record: %w", ctx.Err())}
	}
}

// write commits batches until no more come.
func (r *Recorder) write() {
	defer close(r.idle)
	for b := r.gather.next(); b != nil; b = r.gather.next() {
		r.commit(b)
	}
}

func (r *Recorder) commit(b *batch) {
	ctx, cancel := context.WithTimeout(context.Background(), appendTimeout)
	defer cancel()
	defer close(b.done)
	b.began = time.Now()
	b.outcomes, b.err = r.log.Append(ctx, b.entries)
	if b.err == nil && len(b.outcomes) != len(b.entries) {
		b.err = fmt.Errorf("audit: %d entries, %d outcomes", len(b.entries), len(b.outcomes))
	}
}
