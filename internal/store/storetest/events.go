package storetest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/store"
)

var events = map[string]func(*lab){
	"events are found by what the query says, from the queue and unpacked": func(l *lab) {
		all := l.population(60)
		for _, unpack := range []int{0, 2, 1000} {
			if unpack > 0 {
				_, err := l.Sequence(l.ctx, unpack)
				l.must(err)
			}
			for name, q := range queries(all) {
				l.Log(name, "after unpacking", unpack)
				l.finds(q, all)
			}
		}
	},

	"a reader goes on from the last event that it saw": func(l *lab) {
		all := l.population(60)
		for _, unpack := range []int{0, 2, 1000} {
			_, err := l.Sequence(l.ctx, unpack)
			l.must(err)
			var got []audit.Entry
			for before := ""; ; before = got[len(got)-1].ID {
				page, err := l.Search(l.ctx, audit.Query{WorkspaceID: l.one.ID, Limit: 7, Before: before})
				l.must(err)
				if got = append(got, page...); len(page) < 7 {
					break
				}
			}
			equal(l, ids(got), ids(expected(all, audit.Query{WorkspaceID: l.one.ID})))
		}
	},

	"a page is at most a thousand events": func(l *lab) {
		var batch []audit.Entry
		for range 1001 {
			batch = append(batch, event(l.one.ID, "x"))
		}
		_, err := l.Append(l.ctx, batch)
		l.must(err)
		for range 2 {
			for _, limit := range []int{-1, 0, 1000, 1001} {
				found, err := l.Search(l.ctx, audit.Query{WorkspaceID: l.one.ID, Limit: limit})
				l.must(err)
				equal(l, len(found), 1000)
			}
			n, err := l.Count(l.ctx, audit.Query{WorkspaceID: l.one.ID, Limit: 1})
			l.must(err)
			equal(l, n, 1001)
			l.sequence()
		}
	},

	"a page ends with the event that completes its bytes": func(l *lab) {
		var all []audit.Entry
		for n := range 30 {
			e := event(l.one.ID, "x")
			e.TokenID, e.Body = fmt.Sprint(n%2), bytes.Repeat([]byte("x"), 100*(n%3+1))
			all = append(all, e)
			_, err := l.Append(l.ctx, []audit.Entry{e})
			l.must(err)
		}
		for _, unpack := range []int{0, 7, 1000} {
			_, err := l.Sequence(l.ctx, max(unpack, 1))
			l.must(err)
			for _, q := range []audit.Query{{WorkspaceID: l.one.ID}, {WorkspaceID: l.one.ID, TokenID: "1"}, {WorkspaceID: l.one.ID, TokenID: all[3].ID}} {
				whole, err := l.Search(l.ctx, q)
				l.must(err)
				for _, q.Bytes = range []int{1, 100, 250, 600, 1 << 20} {
					var got []audit.Entry
					for q.Before = ""; ; q.Before = got[len(got)-1].ID {
						page, err := l.Search(l.ctx, q)
						l.must(err)
						size := 0
						for i, e := range page {
							if size >= q.Bytes {
								l.Errorf("%d events where %d have %d bytes", len(page), i, size)
							}
							size += len(e.Body)
						}
						if got = append(got, page...); len(page) == 0 {
							break
						}
					}
					equal(l, ids(got), ids(whole))
				}
			}
		}
	},

	"a query names a workspace and cursors that are IDs": func(l *lab) {
		for _, q := range []audit.Query{
			{}, {WorkspaceID: "one"}, {WorkspaceID: l.one.ID, Before: "x"}, {WorkspaceID: l.one.ID, Kinds: []audit.Kind{"\x00"}},
		} {
			_, err := l.Search(l.ctx, q)
			l.is(err, store.ErrInvalid)
			_, err = l.Count(l.ctx, q)
			l.is(err, store.ErrInvalid)
		}
	},

	"what an event is found by is told once, however often it names it": func(l *lab) {
		e := event(l.one.ID, audit.TokenIssued)
		trust, parent := id.New(now), id.New(now)
		e.Trusts, e.Parents, e.Actors = []string{trust, trust}, []string{parent, "p", parent, "p"}, []string{"a", "a"}
		_, err := l.Append(l.ctx, []audit.Entry{e})
		l.must(err)
		equal(l, l.sequence(), 1)
		for _, q := range []audit.Query{{Trust: trust}, {Parent: parent}, {Parent: "p"}, {Actor: "a"}} {
			q.WorkspaceID = l.one.ID
			found, err := l.Search(l.ctx, q)
			l.must(err)
			equal(l, found, []audit.Entry{e})
		}
	},

	"an event that was recorded twice is there once": func(l *lab) {
		e := l.issued(l.one)
		for range 2 {
			l.appends(e, audit.Committed)
		}
		equal(l, l.recorded(l.one), []string{e.ID})
		_, err := l.Sequence(l.ctx, 1)
		l.must(err)
		equal(l, l.recorded(l.one), []string{e.ID})
		l.sequence()
		equal(l, l.recorded(l.one), []string{e.ID})
	},

	"the queue is unpacked row by row, and is then empty": func(l *lab) {
		for range 3 {
			_, err := l.Append(l.ctx, []audit.Entry{l.issued(l.one), l.issued(l.one)})
			l.must(err)
		}
		for _, want := range []int{4, 2, 0} {
			pending, err := l.Pending(l.ctx)
			l.must(err)
			equal(l, pending, want > 0)
			n, err := l.Sequence(l.ctx, 2)
			l.must(err)
			equal(l, n, want)
		}
		equal(l, len(l.recorded(l.one)), 6)
	},

	"of sequencers that run at once none loses an event or repeats one": func(l *lab) {
		const batches = 40
		nodes := []*store.Store{l.Store, l.node()}
		var sequenced atomic.Int64
		var working sync.WaitGroup
		for _, node := range nodes {
			working.Go(func() {
				for range batches {
					if _, err := node.Append(l.ctx, []audit.Entry{l.issued(l.one), l.issued(l.two)}); err != nil {
						l.Error(err)
					}
				}
			})
			working.Go(func() {
				for range batches {
					n, err := node.Sequence(l.ctx, 3)
					if err != nil {
						l.Error(err)
					}
					sequenced.Add(int64(n))
				}
			})
		}
		working.Wait()
		equal(l, sequenced.Load()+int64(l.sequence()), 2*2*batches)
		equal(l, len(l.recorded(l.one)), 2*batches)
		equal(l, len(l.recorded(l.two)), 2*batches)
	},
}

var (
	someKinds    = []audit.Kind{audit.TokenIssued, audit.TokenRefused, audit.TrustCreated}
	someSubjects = []string{"", "subject one", "subject two"}
	someTrusts   = []string{"t1", "t2", "t3"}
	parentID     = id.New(now)
)

// population records events of all sorts in both workspaces, a few to a batch.
func (l *lab) population(n int) []audit.Entry {
	l.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var all []audit.Entry
	for i := range n {
		e := event(l.one.ID, someKinds[r.IntN(3)])
		if r.IntN(4) == 0 {
			e.WorkspaceID = l.two.ID
		}
		e.Time = now.Add(time.Duration(r.IntN(100)) * time.Second)
		e.ID, e.Subject, e.Body = id.New(e.Time), someSubjects[r.IntN(3)], fmt.Append(nil, i)
		e.TokenID = []string{"", e.ID, "jti"}[r.IntN(3)]
		e.Parents = [][]string{nil, {"parent"}, {parentID, "parent"}}[r.IntN(3)]
		e.Actors = [][]string{nil, {"actor"}, {"subject one", "actor"}}[r.IntN(3)]
		for _, t := range someTrusts {
			if r.IntN(2) == 0 {
				e.Trusts = append(e.Trusts, t)
			}
		}
		all = append(all, e)
	}
	for batch := range slices.Chunk(all, 7) {
		_, err := l.Append(l.ctx, batch)
		l.must(err)
	}
	return all
}

func queries(all []audit.Entry) map[string]audit.Query {
	own := all[slices.IndexFunc(all, func(e audit.Entry) bool { return e.ID == e.TokenID })]
	return map[string]audit.Query{
		"all":               {},
		"since":             {Since: now.Add(50 * time.Second)},
		"until":             {Until: now.Add(50 * time.Second)},
		"between":           {Since: now.Add(20 * time.Second), Until: now.Add(50 * time.Second)},
		"one kind":          {Kinds: []audit.Kind{audit.TokenIssued}},
		"another kind":      {Kinds: []audit.Kind{audit.TokenRefused}},
		"two kinds":         {Kinds: []audit.Kind{audit.TokenIssued, audit.TrustCreated}},
		"two rare kinds":    {Kinds: []audit.Kind{audit.TokenRefused, audit.TrustCreated}},
		"no kind there is":  {Kinds: []audit.Kind{"none"}},
		"subject":           {Subject: "subject one"},
		"nobody":            {Subject: "nobody"},
		"trust":             {Trust: "t2"},
		"token":             {TokenID: "jti"},
		"parent":            {Parent: "parent"},
		"own parent":        {Parent: parentID},
		"parent and trust":  {Parent: "parent", Trust: "t1"},
		"no parent":         {Parent: "t1"},
		"actor":             {Actor: "subject one"},
		"actor who is both": {Actor: "subject one", Subject: "subject one"},
		"actor, all else":   {Actor: "actor", Parent: "parent", Trust: "t1"},
		"no actor":          {Actor: "parent"},
		"own token":         {TokenID: own.ID},
		"event, no token":   {TokenID: all[slices.IndexFunc(all, func(e audit.Entry) bool { return e.TokenID == "" })].ID},
		"one":               {ID: own.ID},
		"one of a trust":    {ID: all[slices.IndexFunc(all, func(e audit.Entry) bool { return slices.Contains(e.Trusts, "t2") })].ID, Trust: "t2"},
		"one of a token":    {ID: own.ID, TokenID: own.ID},
		"one of another":    {ID: own.ID, Subject: "nobody"},
		"one that is none":  {ID: id.New(now)},
		"before":            {Before: own.ID},
		"limit":             {Limit: 3},
		"trust and subject": {Trust: "t1", Subject: "subject two"},
		"everything": {
			Since: now, Until: now.Add(90 * time.Second), Kinds: []audit.Kind{audit.TokenIssued, audit.TokenRefused}, Subject: "subject two",
			Trust: "t1", TokenID: "jti", Limit: 2, Before: id.New(now.Add(time.Hour)),
		},
	}
}

// expected says in plain words what a query selects.
func expected(all []audit.Entry, q audit.Query) []audit.Entry {
	var want []audit.Entry
	for _, e := range all {
		switch {
		case e.WorkspaceID != q.WorkspaceID:
		case !q.Since.IsZero() && e.Time.Before(q.Since):
		case !q.Until.IsZero() && !e.Time.Before(q.Until):
		case q.Kinds != nil && !slices.Contains(q.Kinds, e.Kind):
		case q.Subject != "" && e.Subject != q.Subject:
		case q.Trust != "" && !slices.Contains(e.Trusts, q.Trust):
		case q.Parent != "" && !slices.Contains(e.Parents, q.Parent):
		case q.Actor != "" && !slices.Contains(e.Actors, q.Actor):
		case q.ID != "" && e.ID != q.ID:
		case q.TokenID != "" && e.TokenID != q.TokenID:
		case q.Before != "" && !older(e.ID, q.Before):
		default:
			want = append(want, e)
		}
	}
	slices.SortFunc(want, func(a, b audit.Entry) int {
		if older(a.ID, b.ID) {
			return 1
		}
		return -1
	})
	return want
}

func older(a, b string) bool {
	x, errX := id.Bytes(a)
	y, errY := id.Bytes(b)
	return errX == nil && errY == nil && bytes.Compare(x[:], y[:]) < 0
}

// finds checks a query in both workspaces.
func (l *lab) finds(q audit.Query, all []audit.Entry) {
	l.Helper()
	for _, w := range []string{l.one.ID, l.two.ID} {
		q.WorkspaceID = w
		want := expected(all, q)
		n, err := l.Count(l.ctx, q)
		l.must(err)
		equal(l, n, int64(len(want)))
		found, err := l.Search(l.ctx, q)
		l.must(err)
		if q.Limit > 0 {
			want = want[:min(q.Limit, len(want))]
		}
		equal(l, len(found), len(want))
		for i := range want {
			equal(l, found[i], want[i])
		}
	}
}
