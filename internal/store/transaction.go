package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/nsc-federation/nsc/internal/audit"
)

// write runs f in a transaction that may write. Nothing of it remains where it returns an error, except that the commit
// itself may have taken effect when the connection is lost during it.
func (s *Store) write(ctx context.Context, operation string, f func(*sql.Tx) error) error {
	return named(operation, s.transact(ctx, s.writer, s.engine.write, f))
}

// read runs f in a transaction whose reads all see the same moment.
func (s *Store) read(ctx context.Context, operation string, f func(*sql.Tx) error) error {
	return named(operation, s.transact(ctx, s.reader, s.engine.read, f))
}

func (s *Store) transact(ctx context.Context, db *sql.DB, options *sql.TxOptions, f func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, options)
	if err != nil {
		return s.classify(err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit there is nothing to roll back; else the connection is done for
	if err := f(tx); err != nil {
		return s.classify(ended(ctx, err))
	}
	return s.classify(ended(ctx, tx.Commit()))
}

// ended prefers the context's error, for which database/sql rolls back by itself and then says only that it did.
func ended(ctx context.Context, err error) error {
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// change runs f in a transaction that moves workspaces to the next generation, which f gets, and puts the entries of what
// it does on the record. Every write on somebody's behalf is one: where an entry names the generation that its caller was
// found entitled under, and his workspace has moved since, nothing is written (rule 22).
func (s *Store) change(ctx context.Context, operation string, workspaceIDs []string, entries []audit.Entry,
	f func(tx *sql.Tx, generation int64) error) error {
	return s.write(ctx, operation, func(tx *sql.Tx) error {
		generation, err := next(ctx, tx)
		if err != nil {
			return err
		}
		if err := unmoved(ctx, tx, entries); err != nil {
			return err
		}
		if err := move(ctx, tx, generation, workspaceIDs); err != nil {
			return err
		}
		if err := f(tx, generation); err != nil {
			return err
		}
		return record(ctx, tx, entries...)
	})
}

// unmoved compares generations. The installation's lock is held: what is read is so until the transaction ends.
func unmoved(ctx context.Context, tx *sql.Tx, entries []audit.Entry) error {
	for _, e := range entries {
		if e.Generation == 0 {
			continue
		}
		var present int64
		err := tx.QueryRowContext(ctx, `SELECT generation FROM workspaces WHERE id = $1`, e.WorkspaceID).Scan(&present)
		switch {
		case err != nil:
			return err
		case present != e.Generation:
			return &audit.MovedError{WorkspaceID: e.WorkspaceID}
		}
	}
	return nil
}

// next moves the installation to its next generation. From here on to the end of the transaction no other transaction of
// this kind runs.
func next(ctx context.Context, tx *sql.Tx) (generation int64, err error) {
	err = tx.QueryRowContext(ctx, `UPDATE installation SET generation = generation + 1 WHERE id = 1 RETURNING generation`).
		Scan(&generation)
	return generation, err
}

// move moves workspaces to a generation, in the order of their IDs.
func move(ctx context.Context, tx *sql.Tx, generation int64, workspaceIDs []string) error {
	if err := indexable(workspaceIDs...); err != nil {
		return err
	}
	slices.Sort(workspaceIDs)
	for _, id := range slices.Compact(workspaceIDs) {
		err := one(tx.ExecContext(ctx, `UPDATE workspaces SET generation = $1 WHERE id = $2`, generation, id))
		if err != nil {
			return err
		}
	}
	return nil
}
