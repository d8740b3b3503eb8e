package store

import (
	"context"
	"database/sql"

	"github.com/nsc-federation/nsc/internal/keys"
)

const selectLogKey = `SELECT workspace_id, public, sealed, created_at FROM log_keys `

// LogKey returns the key that signs the checkpoints of a workspace's log.
func (s *Store) LogKey(ctx context.Context, workspaceID string) (keys.LogKey, error) {
	if indexable(workspaceID) != nil {
		return keys.LogKey{}, named("log key", ErrNotFound)
	}
	k, err := scanLogKey(s.reader.QueryRowContext(ctx, selectLogKey+`WHERE workspace_id = $1`, workspaceID))
	return k, named("log key", s.classify(err))
}

// CreateLogKey keeps the key of a workspace's log, or returns ErrExists where it has one: it never has another.
func (s *Store) CreateLogKey(ctx context.Context, k keys.LogKey) error {
	return s.write(ctx, "create log key", func(tx *sql.Tx) error {
		if err := indexable(k.WorkspaceID); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO log_keys (workspace_id, public, sealed, created_at) VALUES ($1, $2, $3, $4)`,
			k.WorkspaceID, blob(k.Public), blob(k.Sealed), micros(k.CreatedAt))
		return err
	})
}

func scanLogKey(r row) (k keys.LogKey, err error) {
	var createdAt int64
	err = r.Scan(&k.WorkspaceID, &k.Public, &k.Sealed, &createdAt)
	k.CreatedAt = moment(createdAt)
	return k, err
}
