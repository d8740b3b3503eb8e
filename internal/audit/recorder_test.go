package audit

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc/internal/id"
)

// open returns a recorder that ends with the test.
func open(t *testing.T, log Log) *Recorder {
	t.Helper()
	r := NewRecorder(log, time.Now)
	r.gather.busy = func() bool { return false } // what other tests do is not to matter
	t.Cleanup(r.Close)
	return r
}

func event() Event {
	now := time.Now()
	return Event{ID: id.New(now), Time: now, WorkspaceID: tenant.ID, Kind: TrustCreated}
}

// notes records events at the same time and returns where their errors come out.
func notes(t *testing.T, r *Recorder, n int) chan error {
	t.Helper()
	errs := make(chan error, n)
	for range n {
		go func() { errs <- r.Note(t.Context(), event()) }()
	}
	synctest.Wait() // all of them wait for their commit
	return errs
}

func collect(t *testing.T, errs chan error) {
	t.Helper()
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

var errDisk = errors.New("the disk is on fire")

func TestRule26NothingIsSignedThatIsNotOnTheRecord(t *testing.T) {
	for _, row := range []struct {
		rule  string
		log   *memory
		gen   int64
		err   error // nil is any
		kept  int
		fresh bool // a receipt
	}{
		{"a log that kept it", &memory{}, 7, nil, 1, true},
		{"a log that fails before it kept anything", &memory{before: errDisk}, 7, errDisk, 0, false},
		{"a log that fails after it kept all", &memory{after: errDisk}, 7, errDisk, 1, false},
		{"a workspace that moved", &memory{}, 6, ErrMoved, 0, false},
		{"a decision that names no generation", &memory{}, 0, nil, 0, false},
		{"a log that forgets an outcome", &memory{answer: func([]Outcome) []Outcome { return nil }}, 7, nil, 1, false},
		{"a log that invents an outcome", &memory{answer: func(o []Outcome) []Outcome { return append(o, Outcome{}) }}, 7, nil, 1, false},
		{"an outcome that nobody filled in", &memory{answer: func(o []Outcome) []Outcome { return make([]Outcome, len(o)) }}, 7, nil, 1, false},
		{"a verdict that nobody knows", &memory{answer: func(o []Outcome) []Outcome { o[0].Verdict = 9; return o }}, 7, nil, 1, false},
		{"used, where no use was asked for", &memory{answer: func(o []Outcome) []Outcome { o[0].Verdict = Used; return o }}, 7, nil, 1, false},
	} {
		t.Run(row.rule, func(t *testing.T) {
			w, r := newWorld(t), open(t, row.log)
			g := w.grant(w.token(nil), func(x *wish) { x.req.Generation = row.gen })
			receipt, err := r.Intent(t.Context(), g, "k", Origin{})
			if row.fresh != (err == nil) || row.fresh == receipt.IsZero() || row.err != nil && !errors.Is(err, row.err) {
				t.Errorf("receipt %v, error %v", !receipt.IsZero(), err)
			}
			if n := len(row.log.entries()); n != row.kept {
				t.Errorf("%d entries on the record, want %d", n, row.kept)
			}
		})
	}
}

func TestTheRecordHasTheTokenBeforeTheReceipt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memory{entered: make(chan int), gate: make(chan struct{})}
		w, r := newWorld(t), open(t, log)
		g := w.grant(w.token(nil))
		receipts := make(chan Receipt)
		go func() {
			receipt, err := r.Intent(t.Context(), g, "k", Origin{Address: "192.0.2.1"})
			if err != nil {
				t.Error(err)
			}
			receipts <- receipt
		}()
		<-log.entered
		synctest.Wait()
		select {
		case <-receipts:
			t.Error("a receipt before the commit")
		default:
		}
		log.gate <- struct{}{}
		receipt := <-receipts
		e := log.entries()[0]
		recorded, err := Decode(e.Body)
		if err != nil {
			t.Fatal(err)
		}
		if e.ID != g.ID() || e.TokenID != g.ID() || e.Generation != g.Generation() || receipt.TokenID() != g.ID() {
			t.Errorf("entry %+v of grant %s", e, g.ID())
		}
		if recorded.Token.PayloadHash != hashOf(g.Payload()) || recorded.Address != "192.0.2.1" ||
			recorded.Token.KeyID != "k" || receipt.KeyID() != "k" ||
			recorded.Upstream.Issuer != issuer || recorded.Upstream.TokenID != "once" || recorded.Trusts[0] != g.Trusts()[0] {
			t.Errorf("event %+v", recorded)
		}
	})
}

func TestOneCommitForAllThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memory{entered: make(chan int, 10), gate: make(chan struct{})}
		r := open(t, log)
		first := notes(t, r, 1)
		rest := notes(t, r, 2*maxBatch+7)
		close(log.gate)
		collect(t, first)
		collect(t, rest)
		if got := log.sizes(); !slices.Equal(got, []int{1, maxBatch, maxBatch, 7}) {
			t.Errorf("commits of %v", got)
		}
	})
}

func TestAFullQueueRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memory{entered: make(chan int, 100), gate: make(chan struct{})}
		r := open(t, log)
		first := notes(t, r, 1)
		waiting := notes(t, r, queueLength)
		if err := r.Note(t.Context(), event()); !errors.Is(err, ErrBusy) {
			t.Errorf("error %v", err)
		}
		w := newWorld(t)
		if _, err := r.Intent(t.Context(), w.grant(w.token(nil)), "k", Origin{}); !errors.Is(err, ErrBusy) {
			t.Errorf("error %v", err)
		}
		close(log.gate)
		collect(t, first)
		collect(t, waiting)
		if n := len(log.entries()); n != queueLength+1 {
			t.Errorf("%d entries", n)
		}
	})
}

func TestALoneCallerWaitsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, &memory{})
		began := time.Now()
		end := r.UnderWay()
		collect(t, notes(t, r, 1))
		end()
		if waited := time.Since(began); waited != 0 {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestCloseRecordsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memory{entered: make(chan int, 10), gate: make(chan struct{})}
		r := NewRecorder(log, time.Now)
		first := notes(t, r, 1)
		rest := notes(t, r, maxBatch+1)
		closed := make(chan struct{})
		go func() {
			r.Close()
			close(closed)
		}()
		synctest.Wait()
		select {
		case <-closed:
			t.Error("closed while entries wait")
		default:
		}
		if err := r.Note(t.Context(), event()); !errors.Is(err, ErrClosed) {
			t.Errorf("error %v", err)
		}
		close(log.gate)
		<-closed
		collect(t, first)
		collect(t, rest)
		if n := len(log.entries()); n != maxBatch+2 {
			t.Errorf("%d entries", n)
		}
		r.Close()
	})
}

// Nobody waits for ever for an entry that comes while the recorder closes, and it is recorded exactly where its caller is
// told so.
func TestNobodyWaitsForAClosedRecorder(t *testing.T) {
	for range 200 {
		log := &memory{}
		r := NewRecorder(log, time.Now)
		var callers sync.WaitGroup
		var mu sync.Mutex
		recorded := 0
		for range 8 {
			callers.Go(func() {
				err := r.Note(context.Background(), event())
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					recorded++
				} else if !errors.Is(err, ErrClosed) {
					t.Error(err)
				}
			})
		}
		r.Close()
		callers.Wait()
		if n := len(log.entries()); n != recorded {
			t.Fatalf("%d on the record, %d were told so", n, recorded)
		}
	}
}

func TestACallerThatGivesUpIsStillOnTheRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memory{gate: make(chan struct{})}
		r := open(t, log)
		ctx, cancel := context.WithCancel(t.Context())
		errs := make(chan error)
		go func() { errs <- r.Note(ctx, event()) }()
		synctest.Wait()
		cancel()
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		close(log.gate)
		synctest.Wait()
		if n := len(log.entries()); n != 1 {
			t.Errorf("%d entries", n)
		}
	})
}

func TestRule16ACallerWhoIsGoneUsesNothingUp(t *testing.T) {
	log := &memory{}
	w, r := newWorld(t), open(t, log)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Intent(ctx, w.grant(w.token(nil), singleUse), "k", Origin{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	r.Close()
	if n := len(log.entries()); n != 0 {
		t.Errorf("%d entries", n)
	}
}

func TestALogThatHangsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memory{gate: make(chan struct{})}
		r := open(t, log)
		began := time.Now()
		if err := r.Note(t.Context(), event()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if waited := time.Since(began); waited != appendTimeout {
			t.Errorf("waited %s", waited)
		}
	})
}
