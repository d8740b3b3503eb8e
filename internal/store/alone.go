package store

import (
	"context"
	"database/sql"
	"errors"
)

// ErrRunning is returned for what needs the installation for itself while a server runs on it.
var ErrRunning = errors.New("a server runs on this database")

// servedLock is the number of PostgreSQL's advisory lock ("nsc"): every connection of a server shares it, for as long as it
// lives. Unlike a lease it is held by servers that have nothing to do, and ends with the server, however that ends.
const servedLock int64 = 0x6e7363

// alone returns ErrRunning where a server runs on the database, and keeps others from starting until the transaction ends.
// A server holds in memory what the caller is about to change for good. One that is cut off from the database is not seen:
// it finds out by itself.
func (s *Store) alone(ctx context.Context, tx *sql.Tx) error {
	if s.engine.alone == "" {
		return nil
	}
	var alone bool
	if err := tx.QueryRowContext(ctx, s.engine.alone).Scan(&alone); err != nil {
		return err
	}
	if !alone {
		return ErrRunning
	}
	return nil
}
