package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
)

// Answer returns what a caller of a workspace was answered under a key. What has expired is not found.
func (s *Store) Answer(ctx context.Context, workspaceID string, key [sha256.Size]byte, now time.Time) (audit.Answer, error) {
	if indexable(workspaceID) != nil {
		return audit.Answer{}, named("answer", ErrNotFound)
	}
	a := audit.Answer{Key: key}
	var request []byte
	var expiresAt int64
	err := s.reader.QueryRowContext(ctx, `SELECT request, body, expires_at FROM answers
		WHERE workspace_id = $1 AND key = $2 AND expires_at > $3`, workspaceID, key[:], micros(now)).
		Scan(&request, &a.Body, &expiresAt)
	if err != nil {
		return audit.Answer{}, named("answer", s.classify(err))
	}
	copy(a.Request[:], request)
	a.ExpiresAt = moment(expiresAt)
	return a, nil
}

// keepAnswers keeps the answers that go with the events of a write, in its transaction. A key that was answered before is
// ErrAnswered, unless that has expired: of two requests with one key, on whatever nodes, one creates something.
func keepAnswers(ctx context.Context, tx *sql.Tx, entries []audit.Entry) error {
	for _, e := range entries {
		if e.Answer == nil {
			continue
		}
		if err := keepAnswer(ctx, tx, e.WorkspaceID, e.Time, e.Answer); err != nil {
			return err
		}
	}
	return nil
}

func keepAnswer(ctx context.Context, tx *sql.Tx, workspaceID string, now time.Time, a *audit.Answer) error {
	err := one(tx.ExecContext(ctx, `INSERT INTO answers (workspace_id, key, request, body, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (workspace_id, key) DO UPDATE SET request = excluded.request, body = excluded.body,
			created_at = excluded.created_at, expires_at = excluded.expires_at
		WHERE answers.expires_at <= excluded.created_at`,
		workspaceID, a.Key[:], a.Request[:], blob(a.Body), micros(now), micros(a.ExpiresAt)))
	if errors.Is(err, ErrNotFound) {
		return ErrAnswered
	}
	return err
}

// SweepAnswers removes, of all workspaces, at most limit answers that have expired, and returns their number.
func (s *Store) SweepAnswers(ctx context.Context, now time.Time, limit int) (int, error) {
	var swept int64
	err := s.write(ctx, "sweep answers", func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `DELETE FROM answers WHERE (workspace_id, key) IN (
			SELECT workspace_id, key FROM answers WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`, micros(now), page(limit))
		if err == nil {
			swept, err = result.RowsAffected()
		}
		return err
	})
	return int(swept), err
}
