package storetest

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/evidence"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/workspace"
)

var logs = map[string]func(*lab){
	"Rule25: every event has its place in its workspace's log, in the order of the queue": func(l *lab) {
		all := l.population(600) // more than two tiles
		equal(l, l.sequence(), 600)
		for _, w := range []workspace.Workspace{l.one, l.two} {
			want := slices.DeleteFunc(slices.Clone(all), func(e audit.Entry) bool { return e.WorkspaceID != w.ID })
			l.hasLog(w, want)
		}
	},

	"a log may be read from any index on": func(l *lab) {
		l.fill(l.one, 520)
		whole := l.log(l.one)
		for _, from := range []int64{0, 1, 255, 256, 257, 511, 512, 519, 520, 9999} {
			for _, limit := range []int{1, 2, 300, 1000} {
				got, err := l.LogEntries(l.ctx, l.one.ID, from, limit, 0)
				l.must(err)
				want := whole[min(from, 520):min(from+int64(limit), 520)]
				if len(got) != len(want) || len(want) > 0 && fmt.Sprint(got) != fmt.Sprint(want) {
					l.Fatalf("from %d, limit %d: %d events", from, limit, len(got))
				}
			}
		}
	},

	"a part of a log is bounded in bytes, and is never empty": func(l *lab) {
		l.fill(l.one, 100) // with bodies of one byte, and then of two
		for bytes, want := range map[int]int{1: 1, 2: 2, 10: 10, 11: 11, 12: 11, 13: 12, 1000: 100} {
			got, err := l.LogEntries(l.ctx, l.one.ID, 0, 0, bytes)
			l.must(err)
			equal(l, len(got), want)
		}
	},

	"the log's hashes are those of the tree": func(l *lab) {
		l.fill(l.one, 700)
		var stored []tlog.Hash
		for i, e := range l.log(l.one) {
			hashes, err := tlog.StoredHashesForRecordHash(int64(i), e.Leaf, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
				out := make([]tlog.Hash, len(indexes))
				for i, index := range indexes {
					out[i] = stored[index]
				}
				return out, nil
			}))
			l.must(err)
			stored = append(stored, hashes...)
		}
		indexes := make([]int64, len(stored))
		for i := range indexes {
			indexes[i] = int64(i)
		}
		got, err := l.LogHashes(l.ctx, l.one.ID, indexes)
		l.must(err)
		equal(l, got, stored)
		_, err = l.LogHashes(l.ctx, l.one.ID, []int64{int64(len(stored))})
		l.is(err, store.ErrNotFound)
		for _, size := range []int64{1, 2, 255, 256, 300, 512, 700} {
			hashes, err := l.LogHashes(l.ctx, l.one.ID, evidence.FrontierIndexes(size))
			l.must(err)
			frontier, err := evidence.NewFrontier(size, hashes)
			l.must(err)
			want, err := tlog.TreeHash(size, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
				return l.LogHashes(l.ctx, l.one.ID, indexes)
			}))
			l.must(err)
			equal(l, frontier.Root(), want)
		}
	},

	"an event that was recorded twice has one place": func(l *lab) {
		first, second := l.issued(l.one), l.issued(l.one)
		for _, e := range []audit.Entry{first, first, second} {
			l.appends(e, audit.Committed)
		}
		equal(l, l.sequence(), 3)
		l.appends(second, audit.Committed)
		l.appends(first, audit.Committed)
		l.sequence()
		l.hasLog(l.one, []audit.Entry{first, second})
	},

	"Rule26: of sequencers that run at once each moves the head by comparison": func(l *lab) {
		nodes := []*store.Store{l.Store, l.node()}
		var working sync.WaitGroup
		for _, node := range nodes {
			working.Go(func() {
				for range 30 {
					if _, err := node.Append(l.ctx, []audit.Entry{l.issued(l.two), l.issued(l.one)}); err != nil {
						l.Error(err)
					}
					if _, err := node.Sequence(l.ctx, 2); err != nil {
						l.Error(err)
					}
				}
			})
		}
		working.Wait()
		l.sequence()
		for _, w := range []workspace.Workspace{l.one, l.two} {
			l.hasLog(w, nil)
			equal(l, len(l.log(w)), 60)
		}
	},

	"a log that grew has no checkpoint until one is kept": func(l *lab) {
		l.fill(l.one, 2)
		waiting, err := l.UnsignedLogs(l.ctx, 10)
		l.must(err)
		head := l.head(l.one)
		equal(l, waiting, []audit.LogHead{head})
		equal(l, head.Workspace, "one")
		head.SignedSize, head.Checkpoint = 2, "two"
		l.must(l.KeepCheckpoints(l.ctx, []audit.LogHead{head}))
		equal(l, l.head(l.one), head)
		waiting, err = l.UnsignedLogs(l.ctx, 10)
		l.must(err)
		equal(l, len(waiting), 0)
		l.fill(l.one, 1)
		for size, kept := range map[int64]int64{1: 2, 2: 2, 4: 2} { // older, the same, and of events that are not there
			l.must(l.KeepCheckpoints(l.ctx, []audit.LogHead{{WorkspaceID: l.one.ID, SignedSize: size, Checkpoint: "other"}}))
			equal(l, l.head(l.one).SignedSize, kept)
			equal(l, l.head(l.one).Checkpoint, "two")
		}
	},

	"each place gets the newest checkpoint of each log once": func(l *lab) {
		l.fill(l.one, 3)
		l.fill(l.two, 2)
		unpublished := func(place string) (names []string) {
			list, err := l.Unpublished(l.ctx, audit.Unpublished{Place: place, Limit: 10})
			l.must(err)
			for _, h := range list {
				names = append(names, fmt.Sprint(h.Workspace, " ", h.SignedSize, " ", h.Checkpoint))
			}
			slices.Sort(names)
			return names
		}
		equal(l, len(unpublished("file")), 0) // nothing is signed
		one, two := l.sign(l.one), l.sign(l.two)
		equal(l, unpublished("file"), []string{"one 3 note of 3", "two 2 note of 2"})
		l.must(l.KeepPublications(l.ctx, "file", []audit.LogHead{one, two}))
		equal(l, len(unpublished("file")), 0)
		equal(l, len(unpublished("webhook")), 2)
		l.fill(l.one, 1)
		l.must(l.KeepPublications(l.ctx, "file", []audit.LogHead{{WorkspaceID: l.one.ID, SignedSize: 1}})) // by a node that was held up
		equal(l, len(unpublished("file")), 0)
		l.sign(l.one)
		equal(l, unpublished("file"), []string{"one 4 note of 4"})
		first, err := l.Unpublished(l.ctx, audit.Unpublished{Place: "webhook", Limit: 1})
		l.must(err)
		next, err := l.Unpublished(l.ctx, audit.Unpublished{Place: "webhook", After: first[0].WorkspaceID, Limit: 10})
		l.must(err)
		equal(l, len(next), 1)
		rest, err := l.Unpublished(l.ctx, audit.Unpublished{Place: "webhook", After: next[0].WorkspaceID, Limit: 10})
		l.must(err)
		equal(l, len(rest), 0)
		for name, x := range map[string]struct {
			of   []string
			want []string
		}{
			"one": {[]string{"one"}, []string{"one"}}, "the other": {[]string{"two", "none"}, []string{"two"}}, "none that is": {[]string{"none"}, nil},
		} {
			list, err := l.Unpublished(l.ctx, audit.Unpublished{Place: "webhook", Workspaces: x.of, Limit: 10})
			l.must(err)
			var names []string
			for _, h := range list {
				names = append(names, h.Workspace)
			}
			l.Log(name)
			equal(l, names, x.want)
		}
		for _, q := range []audit.Unpublished{{Place: "webhook", After: "none"}, {Place: "\x00"}, {Place: "webhook", Workspaces: []string{"\x00"}}} {
			_, err = l.Unpublished(l.ctx, q)
			l.is(err, store.ErrInvalid)
		}
	},

	"the newest cosignature of each witness is kept": func(l *lab) {
		of := func(w workspace.Workspace, witness string, size int64, line string) audit.Cosignature {
			return audit.Cosignature{WorkspaceID: w.ID, Witness: witness, Size: size, Checkpoint: fmt.Sprint("note of ", size), Line: line}
		}
		l.fill(l.one, 3)
		l.is(l.KeepCosignature(l.ctx, of(l.one, "a", 3, "")), store.ErrNotFound) // nothing is signed
		l.sign(l.one)
		for _, c := range []audit.Cosignature{
			of(l.one, "a", 2, "old"), of(l.one, "a", 3, "new"), of(l.one, "a", 1, "late"), of(l.one, "b", 3, "b"), of(l.one, "c", 1, "c"),
		} {
			l.must(l.KeepCosignature(l.ctx, c))
		}
		l.is(l.KeepCosignature(l.ctx, of(l.one, "a", 4, "more than there is")), store.ErrNotFound)
		want := []audit.Cosignature{of(l.one, "a", 3, "new"), of(l.one, "b", 3, "b"), of(l.one, "c", 1, "c")}
		got, err := l.Cosignatures(l.ctx, l.one.ID)
		l.must(err)
		equal(l, got, want)
		l.must(l.KeepCosignature(l.ctx, of(l.one, "a", 3, "again"))) // the same size, later
		got, err = l.Cosignatures(l.ctx, l.one.ID)
		l.must(err)
		equal(l, got[0].Line, "again")
		got, err = l.Cosignatures(l.ctx, l.two.ID)
		l.must(err)
		equal(l, len(got), 0)
	},

	"Rule25: what is erased is found by nothing, and its leaf stays": func(l *lab) {
		all := l.population(300)
		cut := now.Add(50 * time.Second)
		if n, err := l.EraseEvents(l.ctx, cut, 1000); n != 0 || err != nil {
			l.Fatalf("%d erased that are in no log, %v", n, err)
		}
		l.sequence()
		before := map[string][]audit.Logged{l.one.ID: l.log(l.one), l.two.ID: l.log(l.two)}
		heads := []audit.LogHead{l.head(l.one), l.head(l.two)}
		kept := slices.DeleteFunc(slices.Clone(all), func(e audit.Entry) bool { return e.Time.Before(cut) })
		erased := 0
		for n := 7; n == 7; erased += n {
			var err error
			n, err = l.EraseEvents(l.ctx, cut, 7)
			l.must(err)
		}
		equal(l, erased, len(all)-len(kept))
		for _, q := range queries(all) {
			l.finds(q, kept)
		}
		equal(l, []audit.LogHead{l.head(l.one), l.head(l.two)}, heads)
		for _, w := range []workspace.Workspace{l.one, l.two} {
			for i, e := range l.log(w) {
				was := before[w.ID][i]
				if was.Entry.Time.Before(cut) {
					was.Entry = audit.Entry{}
				}
				equal(l, e, was)
			}
		}
		links := 0
		for _, e := range kept {
			links += len(e.Trusts) + len(e.Parents) + len(e.Actors)
		}
		tables, err := l.Export(l.ctx, io.Discard)
		l.must(err)
		at := slices.IndexFunc(tables, func(m store.Moved) bool { return m.Table == "event_trusts" })
		equal(l, tables[at].Rows, int64(links))
		l.furnished() // the log goes on
		l.sequence()
	},

	"a log has one key for ever": func(l *lab) {
		k := keys.LogKey{WorkspaceID: l.one.ID, Public: []byte{1}, Sealed: []byte{2}, CreatedAt: now}
		l.must(l.CreateLogKey(l.ctx, k))
		other := k
		other.Public = []byte{3}
		l.is(l.CreateLogKey(l.ctx, other), store.ErrExists)
		got, err := l.LogKey(l.ctx, l.one.ID)
		l.must(err)
		equal(l, got, k)
		_, err = l.LogKey(l.ctx, l.two.ID)
		l.is(err, store.ErrNotFound)
	},
}

// fill puts events into a workspace's log.
func (l *lab) fill(w workspace.Workspace, n int) {
	l.Helper()
	var batch []audit.Entry
	for i := range n {
		e := event(w.ID, audit.TrustCreated)
		e.Body = fmt.Append(nil, i)
		batch = append(batch, e)
	}
	_, err := l.Append(l.ctx, batch)
	l.must(err)
	l.sequence()
}

// sign gives a workspace's log a checkpoint of all that is in it.
func (l *lab) sign(w workspace.Workspace) audit.LogHead {
	l.Helper()
	h := l.head(w)
	h.SignedSize, h.Checkpoint = h.Size, fmt.Sprint("note of ", h.Size)
	l.must(l.KeepCheckpoints(l.ctx, []audit.LogHead{h}))
	return h
}

func (l *lab) head(w workspace.Workspace) audit.LogHead {
	l.Helper()
	h, err := l.LogHead(l.ctx, w.ID)
	l.must(err)
	return h
}

// log returns a workspace's whole log.
func (l *lab) log(w workspace.Workspace) (whole []audit.Logged) {
	l.Helper()
	for {
		part, err := l.LogEntries(l.ctx, w.ID, int64(len(whole)), 0, 0)
		l.must(err)
		if len(part) == 0 {
			return whole
		}
		whole = append(whole, part...)
	}
}

// hasLog checks that a workspace's log is whole: leaves, indexes and head fit; and that it has these events, if any are
// given.
func (l *lab) hasLog(w workspace.Workspace, want []audit.Entry) {
	l.Helper()
	var frontier evidence.Frontier
	seen := map[string]bool{}
	for i, e := range l.log(w) {
		equal(l, e.Index, int64(i))
		if e.Erased() || e.ID != e.Entry.ID || e.Leaf != evidence.Leaf(e.Entry.Salt, e.Entry.Body) || seen[e.ID] {
			l.Fatalf("event %d: %+v", i, e)
		}
		if want != nil {
			equal(l, e.ID, want[i].ID)
		}
		seen[e.ID] = true
		frontier.Add(e.Leaf, nil)
	}
	head := l.head(w)
	equal(l, head.Size, frontier.Size())
	equal(l, head.Root, frontier.Root())
	if want != nil {
		equal(l, head.Size, int64(len(want)))
	}
	if !id.Valid(head.WorkspaceID) {
		l.Fatal(head)
	}
}
