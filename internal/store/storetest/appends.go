package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/workspace"
)

var appends = map[string]func(*lab){
	"an entry comes back as it was recorded": func(l *lab) {
		full := audit.Entry{
			ID: id.New(now), WorkspaceID: l.one.ID, Generation: l.one.Generation, Time: now, Kind: audit.TokenIssued,
			Subject: "workspace/x/user/y", TokenID: "any \x00 text", Trusts: []string{"t1", "t2"}, Salt: [16]byte{1, 2, 3}, Body: []byte("{\x00\xff}"),
		}
		bare := audit.Entry{ID: id.New(now), WorkspaceID: l.one.ID, Body: []byte{}}
		for range 2 {
			outcomes, err := l.Append(l.ctx, []audit.Entry{full, bare})
			l.must(err)
			equal(l, verdicts(outcomes), []audit.Verdict{audit.Committed, audit.Committed})
			for _, want := range []audit.Entry{full, bare} {
				found, err := l.Search(l.ctx, audit.Query{WorkspaceID: l.one.ID})
				l.must(err)
				equal(l, found[slices.IndexFunc(found, func(e audit.Entry) bool { return e.ID == want.ID })], want)
			}
			l.sequence()
			full.ID, bare.ID = id.New(now), id.New(now)
		}
	},

	"rule 22: an entry of another generation is not recorded": func(l *lab) {
		l.must(l.CreateUser(l.ctx, user(l.one.ID), event(l.two.ID, "x")))
		l.one.Generation = l.generation(l.one)
		l.sequence()
		current, behind, ahead, unknown, free := l.issued(l.one), l.issued(l.one), l.issued(l.two), l.issued(l.one), l.issued(l.two)
		behind.Generation--
		ahead.Generation++
		unknown.WorkspaceID = id.New(now)
		free.Generation = 0
		outcomes, err := l.Append(l.ctx, []audit.Entry{current, behind, ahead, unknown, free})
		l.must(err)
		equal(l, verdicts(outcomes), []audit.Verdict{audit.Committed, audit.Moved, audit.Moved, audit.Moved, audit.Committed})
		equal(l, l.recorded(l.one), []string{current.ID})
		equal(l, l.sequence(), 2)
		l.isRecorded(free, true)
	},

	"rule 22: once a write has returned, no node records what was decided before it": func(l *lab) {
		const cuts = 10
		var cut atomic.Int64 // the generation of the last write that has returned
		cut.Store(l.one.Generation)
		var deciding, started sync.WaitGroup
		done := make(chan struct{})
		for range 2 {
			node := l.node()
			for range 4 {
				started.Add(1)
				deciding.Go(func() { l.decide(node, &cut, started.Done, done) })
			}
		}
		started.Wait()
		for range cuts {
			l.must(l.CreateUser(l.ctx, user(l.one.ID), event(l.one.ID, "x")))
			cut.Store(l.generation(l.one))
		}
		close(done)
		deciding.Wait()
	},

	"recorders and writers of many workspaces do not wait for each other in a circle": func(l *lab) {
		const rounds = 30
		var many []workspace.Workspace
		for i := range 6 {
			many = append(many, l.workspace(fmt.Sprintf("w%d", i)))
		}
		other := l.node()
		var working sync.WaitGroup
		for range 2 {
			working.Go(func() {
				for range rounds {
					var batch []audit.Entry
					for _, i := range rand.Perm(len(many)) {
						batch = append(batch, l.issued(many[i]))
					}
					if _, err := other.Append(l.ctx, batch); err != nil {
						l.Error(err)
					}
				}
			})
		}
		for round := range rounds {
			var operators []policy.Trust
			for _, i := range rand.Perm(len(many)) {
				operators = append(operators, trust(many[i].ID))
			}
			w := workspace.Workspace{ID: id.New(now), Name: fmt.Sprintf("round%d", round)}
			if _, err := l.CreateWorkspace(l.ctx, w, nil, nil, operators); err != nil {
				l.Error(err)
			}
		}
		working.Wait()
	},

	"a batch of many workspaces and uses is one transaction": func(l *lab) {
		var batch []audit.Entry
		for i := range 90 {
			w := l.workspace(fmt.Sprintf("w%d", i))
			e := l.issued(w)
			e.Use = once("issuer", fmt.Sprint(i))
			batch = append(batch, e)
		}
		outcomes, err := l.Append(l.ctx, batch)
		l.must(err)
		equal(l, verdicts(outcomes), slices.Repeat([]audit.Verdict{audit.Committed}, len(batch)))
		equal(l, l.sequence(), len(batch))
	},

	"rule 22: a batch of however many workspaces is recorded but for those that moved": func(l *lab) {
		var many []workspace.Workspace
		for i := range 18 {
			many = append(many, l.workspace(fmt.Sprintf("w%d", i)))
		}
		for _, n := range []int{1, 2, 4, 5, 16, 17} {
			batch := make([]audit.Entry, n)
			want := slices.Repeat([]audit.Verdict{audit.Committed}, n)
			for moved := -1; moved < n; moved++ {
				for i := range batch {
					batch[i] = l.issued(many[i])
				}
				if moved >= 0 {
					batch[moved].Generation++
					want[moved] = audit.Moved
				}
				outcomes, err := l.Append(l.ctx, batch)
				l.must(err)
				equal(l, verdicts(outcomes), want)
				if moved >= 0 {
					want[moved] = audit.Committed
				}
				equal(l, l.sequence(), n-min(moved+1, 1))
			}
		}
	},

	"rule 22: entries of one workspace that were decided under different generations": func(l *lab) {
		present, ahead := l.issued(l.one), l.issued(l.one)
		ahead.Generation++
		for _, batch := range [][]audit.Entry{{present, ahead}, {ahead, present}} {
			outcomes, err := l.Append(l.ctx, batch)
			l.must(err)
			for i, e := range batch {
				equal(l, outcomes[i].Verdict == audit.Committed, e.Generation == l.one.Generation)
			}
			equal(l, l.sequence(), 1)
			present.ID = id.New(now)
		}
	},

	"a batch of which nothing is recorded leaves no row": func(l *lab) {
		e := l.issued(l.one)
		e.Generation++
		for _, batch := range [][]audit.Entry{nil, {}, {e}} {
			_, err := l.Append(l.ctx, batch)
			l.must(err)
		}
		equal(l, l.sequence(), 0)
	},

	"a batch with an entry that cannot be one is refused whole": func(l *lab) {
		good := l.issued(l.one)
		for name, spoil := range map[string]func(*audit.Entry){
			"no ID":                  func(e *audit.Entry) { e.ID = "" },
			"ID that is none":        func(e *audit.Entry) { e.ID = "no ID" },
			"workspace that is none": func(e *audit.Entry) { e.WorkspaceID = "no ID" },
			"kind with a NUL byte":   func(e *audit.Entry) { e.Kind = "a\x00b" },
		} {
			bad := l.issued(l.one)
			spoil(&bad)
			l.Log(name)
			_, err := l.Append(l.ctx, []audit.Entry{good, bad})
			l.is(err, store.ErrInvalid)
		}
		equal(l, l.recorded(l.one), []string{})
	},

	"nothing is recorded for a caller that gave up": func(l *lab) {
		ctx, cancel := context.WithCancel(l.ctx)
		cancel()
		_, err := l.Append(ctx, []audit.Entry{l.issued(l.one)})
		l.is(err, context.Canceled)
		equal(l, l.recorded(l.one), []string{})
	},
}

// issued returns the event of a token that was decided on under the workspace's present generation.
func (l *lab) issued(w workspace.Workspace) audit.Entry {
	e := event(w.ID, audit.TokenIssued)
	e.TokenID, e.Generation = e.ID, w.Generation
	return e
}

// decide records until it is done what was decided a little earlier.
func (l *lab) decide(node *store.Store, cut *atomic.Int64, started func(), done <-chan struct{}) {
	first := sync.OnceFunc(started)
	defer first()
	for decided := cut.Load(); ; {
		select {
		case <-done:
			return
		default:
		}
		e := l.issued(l.one)
		e.Generation = decided
		forbidden := cut.Load()
		outcomes, err := node.Append(l.ctx, []audit.Entry{e})
		if err != nil {
			l.Error(err)
			return
		}
		if decided < forbidden && outcomes[0].Verdict != audit.Moved {
			l.Errorf("generation %d was recorded after %d had come", decided, forbidden)
		}
		decided = forbidden
		first()
	}
}
