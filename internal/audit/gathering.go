package audit

import (
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

// Limits of the group committer.
const (
	queueLength = 2048 // entries that wait for a commit, beyond which callers are refused
	maxBatch    = 256  // entries in one commit

	waitAtMost = 500 * time.Microsecond // from a batch's first entry to its commit, besides commits before it
	waitGaps   = 3                      // how many times the usual time between two entries a commit waits for one more
	busyAtMost = 4 * time.Millisecond   // waitAtMost where the processors have more to do than they can
	busyPeriod = 500 * time.Microsecond // how often that is looked at
)

// batch is entries that share a commit, and what became of it.
type batch struct {
	entries  []Entry
	first    time.Time     // when it got its first entry
	done     chan struct{} // closed when what follows is known
	began    time.Time
	outcomes []Outcome
	err      error
}

func (b *batch) result(at int) result {
	if b.err != nil {
		return result{began: b.began, err: b.err}
	}
	return result{outcome: b.outcomes[at], began: b.began}
}

// gathering is the entries that wait for a commit. A commit costs much the same for one entry as for many, in processor
// time, too: so it waits a moment where more are to be expected, by the time that usually lies between two of them, and
// no longer than until as many are there as requests were lately under way at once. A lone caller waits for nobody. Where
// goroutines queue for the processors, those whose requests are on the way among them, a commit would only take one from
// them: it waits longer, and they come the sooner.
type gathering struct {
	busy     func() bool   // whether goroutines queue for the processors
	underWay atomic.Int64  // requests that will have something to record
	news     chan struct{} // holds one: the first entry, the last that is waited for, or the end

	mu      sync.Mutex
	ended   bool
	batches []*batch // all full but the last
	waiting int      // entries in them
	seen    int      // entries of the first one when the writer last looked, without news since
	last    time.Time
	gap     time.Duration // between two entries, usually
	peak    int64         // requests under way at once, lately
}

// add returns the batch that an entry became part of, and its place in it.
func (g *gathering) add(entry Entry) (*batch, int, error) {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.ended:
		return nil, 0, ErrClosed
	case g.waiting == queueLength:
		return nil, 0, ErrBusy
	}
	g.gap += (min(now.Sub(g.last), time.Second) - g.gap) / 8
	g.last = now
	g.peak = max(g.peak, g.underWay.Load())
	g.waiting++
	b := g.open(now)
	b.entries = append(b.entries, entry)
	if n := len(b.entries); n == 1 || n == maxBatch || int64(n) == g.peak {
		g.call()
	}
	return b, len(b.entries) - 1, nil
}

// open returns the batch that has room.
func (g *gathering) open(now time.Time) *batch {
	if n := len(g.batches); n > 0 && len(g.batches[n-1].entries) < maxBatch {
		return g.batches[n-1]
	}
	b := &batch{first: now, done: make(chan struct{}), entries: make([]Entry, 0, 16)}
	g.batches = append(g.batches, b)
	return b
}

// call wakes the writer.
func (g *gathering) call() {
	select {
	case g.news <- struct{}{}:
	default:
	}
}

// next returns the next batch once it is worth a commit, or nil after the end.
func (g *gathering) next() *batch {
	for {
		b, wait, ended := g.take()
		switch {
		case b != nil || ended:
			return b
		case wait > 0:
			g.await(wait)
		default:
			<-g.news
		}
	}
}

func (g *gathering) await(wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-g.news:
		g.mu.Lock()
		g.seen = 0
		g.mu.Unlock()
	}
}

// take returns the next batch; or for how long to wait for more of it, 0 where nothing is there; or that nothing will be.
func (g *gathering) take() (b *batch, wait time.Duration, ended bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.batches) == 0 {
		return nil, 0, g.ended
	}
	b = g.batches[0]
	if wait := g.patience(b); wait > 0 {
		g.seen = len(b.entries)
		return nil, wait, false
	}
	g.batches = g.batches[1:]
	g.waiting -= len(b.entries)
	g.seen = 0
	g.peak = max(g.peak-g.peak/8-1, g.underWay.Load())
	return b, 0, false
}

// patience returns for how long it is worth to wait for more than a batch has: not at all where nothing came in the time
// for which it waited last, unless the processors are to blame.
func (g *gathering) patience(b *batch) time.Duration {
	n, waited := len(b.entries), time.Since(b.first)
	switch {
	case g.ended, n == maxBatch, int64(n) >= g.peak, g.gap > busyAtMost:
		return 0
	case n != g.seen && g.gap <= waitAtMost && waited < waitAtMost:
		return min(waitGaps*g.gap, waitAtMost-waited)
	case waited < busyAtMost && g.busy():
		return min(busyPeriod, busyAtMost-waited)
	}
	return 0
}

// processors tells whether more goroutines wait for one of them than there are of them.
func processors() func() bool {
	waiting := []metrics.Sample{{Name: "/sched/goroutines/runnable:goroutines"}}
	return func() bool {
		metrics.Read(waiting)
		return waiting[0].Value.Kind() == metrics.KindUint64 && waiting[0].Value.Uint64() > uint64(runtime.GOMAXPROCS(0))
	}
}

// end refuses what comes from now on.
func (g *gathering) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = true
	g.call()
}
