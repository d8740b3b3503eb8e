package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
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

// bump moves the installation to its next generation and the workspaces, sorted, along with it. From here on to the end
// of the transaction no other transaction of this kind runs.
func bump(ctx context.Context, tx *sql.Tx, workspaceIDs ...string) (int64, error) {
	if err := indexable(workspaceIDs...); err != nil {
		return 0, err
	}
	var generation int64
	err := tx.QueryRowContext(ctx, `UPDATE installation SET generation = generation + 1 WHERE id = 1 RETURNING generation`).
		Scan(&generation)
	if err != nil {
		return 0, err
	}
	slices.Sort(workspaceIDs)
	for _, id := range slices.Compact(workspaceIDs) {
		err := one(tx.ExecContext(ctx, `UPDATE workspaces SET generation = $1 WHERE id = $2`, generation, id))
		if err != nil {
			return 0, err
		}
	}
	return generation, nil
}
