package store

import (
	"context"
	"database/sql"
	"time"
)

// CreateOpaque keeps the claims of an opaque access token under the hash of its secret.
func (s *Store) CreateOpaque(ctx context.Context, workspaceID string, hash, payload []byte, expiresAt time.Time) error {
	return s.write(ctx, "create opaque token", func(tx *sql.Tx) error {
		if err := indexable(workspaceID); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO opaque_tokens (hash, workspace_id, payload, expires_at) VALUES ($1, $2, $3, $4)`,
			blob(hash), workspaceID, blob(payload), micros(expiresAt))
		return err
	})
}

// Opaque returns the claims of an opaque access token, whichever workspace issued it: the secret alone finds it, and the
// claims name the workspace.
func (s *Store) Opaque(ctx context.Context, hash []byte) (payload []byte, err error) {
	err = s.hot.opaque.QueryRowContext(ctx, blob(hash)).Scan(&payload)
	return blob(payload), named("opaque token", s.classify(err))
}

// SweepOpaque removes, of all workspaces, at most limit opaque tokens that have expired, and returns their number.
func (s *Store) SweepOpaque(ctx context.Context, now time.Time, limit int) (int, error) {
	var swept int64
	err := s.write(ctx, "sweep opaque tokens", func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `DELETE FROM opaque_tokens WHERE hash IN (
			SELECT hash FROM opaque_tokens WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`, micros(now), page(limit))
		if err == nil {
			swept, err = result.RowsAffected()
		}
		return err
	})
	return int(swept), err
}
