package store

import (
	"context"
	"database/sql"
	"slices"

	"github.com/nsc-federation/nsc/internal/audit"
)

// Append records entries in one transaction, and says what became of each. When it returns, those that are Committed
// survive a power cut; where it returns an error, none may be relied on.
//
// An error of the commit itself leaves open whether the entries were recorded: a connection may be lost between the two.
// Then nothing was signed for them, and whoever tries again gives them new IDs.
//
// It needs the locks of as many workspaces as entries name with a generation, shared, and of the rows of their single
// uses; both are taken in the order of their keys, so that nodes cannot wait for each other in a circle.
func (s *Store) Append(ctx context.Context, entries []audit.Entry) ([]audit.Outcome, error) {
	drafts, err := drafts(entries)
	if err != nil {
		return nil, named("append", err)
	}
	ctx, err = s.engine.begin(ctx)
	if err != nil {
		return nil, named("append", err)
	}
	if recorded, err := s.appendAtOnce(ctx, drafts); err != nil {
		return nil, named("append", s.classify(err))
	} else if recorded {
		return slices.Repeat([]audit.Outcome{{Verdict: audit.Committed}}, len(entries)), nil
	}
	return s.appendEach(ctx, drafts)
}

// appendAtOnce reports whether it recorded the entries, all of them or none.
func (s *Store) appendAtOnce(ctx context.Context, entries []draft) (bool, error) {
	unmoved, ok := expected(entries)
	if !ok {
		return false, nil
	}
	stmt, args := s.hot.enqueueUnmoved.of(unmoved)
	var changed int64
	err := s.framed(entries, func(frame []byte) error {
		args[0] = frame
		result, err := stmt.ExecContext(ctx, args...)
		if err == nil {
			changed, err = result.RowsAffected()
		}
		return err
	})
	return changed == 1, err
}

// expected returns the workspaces whose generation matters with the one that each is to have, or false where one statement
// cannot tell.
func expected(entries []draft) (map[string]int64, bool) {
	unmoved := make(map[string]int64, 1)
	if len(entries) == 0 {
		return nil, false
	}
	for _, e := range entries {
		if e.Use != nil {
			return nil, false
		}
		if e.Generation == 0 {
			continue
		}
		if known, ok := unmoved[e.WorkspaceID]; ok && known != e.Generation {
			return nil, false
		}
		unmoved[e.WorkspaceID] = e.Generation
	}
	return unmoved, len(unmoved) <= mostUnmoved
}

// appendEach records those entries that nothing speaks against.
func (s *Store) appendEach(ctx context.Context, entries []draft) ([]audit.Outcome, error) {
	var outcomes []audit.Outcome
	err := s.write(ctx, "append", func(tx *sql.Tx) error {
		b := batch{s, tx, entries, make([]audit.Outcome, len(entries))}
		outcomes = b.outcomes
		if err := b.compare(ctx); err != nil {
			return err
		}
		if err := b.consume(ctx); err != nil {
			return err
		}
		return b.enqueue(ctx)
	})
	if err != nil {
		return nil, err
	}
	return outcomes, nil
}

// batch is the entries of one transaction on their way.
type batch struct {
	store    *Store
	tx       *sql.Tx
	entries  []draft
	outcomes []audit.Outcome
}

// compare finds the entries that were decided under a generation that is not their workspace's any more (rule 22).
func (b *batch) compare(ctx context.Context) error {
	ids := b.compared()
	generations := make(map[string]int64, len(ids))
	err := b.store.hot.generations.each(len(ids), func(stmt *sql.Stmt, from, to int) error {
		return b.lock(ctx, stmt, ids[from:to], generations)
	})
	if err != nil {
		return err
	}
	for i, e := range b.entries {
		if e.Generation != 0 && generations[e.WorkspaceID] != e.Generation {
			b.outcomes[i].Verdict = audit.Moved
		}
	}
	return nil
}

// compared returns the workspaces whose generation matters, sorted.
func (b *batch) compared() []string {
	ids := make([]string, 0, len(b.entries))
	for _, e := range b.entries {
		if e.Generation != 0 {
			ids = append(ids, e.WorkspaceID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func (b *batch) lock(ctx context.Context, stmt *sql.Stmt, ids []string, generations map[string]int64) error {
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	rows, err := b.tx.StmtContext(ctx, stmt).QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var generation int64
		if err := rows.Scan(&id, &generation); err != nil {
			return err
		}
		generations[id] = generation
	}
	return rows.Err()
}

const largestKept = 1 << 20 // bytes of a frame's buffer

// enqueue records the entries that nothing speaks against, as one row.
func (b *batch) enqueue(ctx context.Context) error {
	committed := make([]draft, 0, len(b.entries))
	for i, e := range b.entries {
		if b.outcomes[i].Verdict == audit.Undecided {
			b.outcomes[i].Verdict = audit.Committed
			committed = append(committed, e)
		}
	}
	if len(committed) == 0 {
		return nil
	}
	return b.store.framed(committed, func(frame []byte) error {
		_, err := b.tx.StmtContext(ctx, b.store.hot.enqueue).ExecContext(ctx, frame)
		return err
	})
}

// framed calls f with the frame of entries, which is another's once f has returned.
func (s *Store) framed(entries []draft, f func(frame []byte) error) error {
	buffer, ok := s.frames.Get().(*[]byte)
	if !ok {
		buffer = new([]byte)
	}
	frame := appendFrame((*buffer)[:0], entries)
	err := f(frame)
	if *buffer = frame; cap(frame) <= largestKept { // the driver has copied it
		s.frames.Put(buffer)
	}
	return err
}

// record puts the events of a write into its transaction, and the answers that go with them.
func record(ctx context.Context, tx *sql.Tx, entries ...audit.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	drafts, err := drafts(entries)
	if err != nil {
		return err
	}
	if err := keepAnswers(ctx, tx, entries); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, insertQueue, appendFrame(nil, drafts))
	return err
}
