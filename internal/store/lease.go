package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// AcquireLease takes a lease, or renews it for its holder, and reports whether the holder has it. It ends by itself after
// ttl. Time is the database's, so that nodes whose clocks differ agree.
//
// A lease saves work, it does not exclude: a holder that was held up may believe in it for too long. What is done under
// it must be right when two do it.
func (s *Store) AcquireLease(ctx context.Context, name, holder string, ttl time.Duration) (bool, error) {
	held := false
	err := s.write(ctx, "acquire lease", func(tx *sql.Tx) error {
		if err := indexable(name, holder); err != nil {
			return err
		}
		var now int64
		if err := tx.QueryRowContext(ctx, `SELECT `+s.engine.now).Scan(&now); err != nil {
			return err
		}
		err := tx.QueryRowContext(ctx, `INSERT INTO leases (name, holder, expires_at) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
			WHERE leases.holder = excluded.holder OR leases.expires_at <= $4 RETURNING holder`,
			name, holder, now+ttl.Microseconds(), now).Scan(&holder)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		held = err == nil
		return err
	})
	return held && err == nil, err
}

// ReleaseLease gives a lease up. It is no error that the holder does not have it.
func (s *Store) ReleaseLease(ctx context.Context, name, holder string) error {
	return s.write(ctx, "release lease", func(tx *sql.Tx) error {
		if err := indexable(name, holder); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM leases WHERE name = $1 AND holder = $2`, name, holder)
		return err
	})
}
