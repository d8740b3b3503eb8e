package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/keys"
)

// Restored says what a new epoch did.
type Restored struct {
	Epoch      int64 `json:"epoch"`
	Workspaces int   `json:"workspaces"`
	Keys       int   `json:"keys"`      // that took the place of all earlier ones
	Opaque     int64 `json:"opaque"`    // tokens that are gone
	Revocable  int64 `json:"revocable"` // tokens that are gone
}

// Restore begins a new epoch, in which no earlier token is good (rule 30): every workspace gets new keys in place of all that
// it has, by fresh, and what is kept of opaque and revocable tokens is gone. All of it happens, or nothing. The record
// of each workspace gets an event.
func (s *Store) Restore(ctx context.Context, fresh func(workspaceID string, alg jwt.Algorithm) (keys.Stored, error),
	event func(workspaceID string, epoch int64) (audit.Entry, error)) (done Restored, err error) {
	err = s.write(ctx, "restore", func(tx *sql.Tx) error {
		if err := s.alone(ctx, tx); err != nil {
			return err
		}
		if err := bumpAll(ctx, tx); err != nil {
			return err
		}
		err := tx.QueryRowContext(ctx, `UPDATE installation SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch`).Scan(&done.Epoch)
		if err != nil {
			return err
		}
		if done.Opaque, err = emptied(ctx, tx, "opaque_tokens"); err != nil {
			return err
		}
		if done.Revocable, err = emptied(ctx, tx, "revocable_tokens"); err != nil {
			return err
		}
		rings, err := rings(ctx, tx)
		if err != nil {
			return err
		}
		for _, r := range rings {
			n, err := r.renew(ctx, tx, fresh)
			if err != nil {
				return err
			}
			e, err := event(r.workspaceID, done.Epoch)
			if err == nil {
				err = record(ctx, tx, e)
			}
			if err != nil {
				return err
			}
			done.Workspaces, done.Keys = done.Workspaces+1, done.Keys+n
		}
		return nil
	})
	return done, err
}

func emptied(ctx context.Context, tx *sql.Tx, table string) (int64, error) {
	result, err := tx.ExecContext(ctx, `DELETE FROM `+table)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// workspaceRings is a workspace with the algorithms that it has keys for.
type workspaceRings struct {
	workspaceID string
	algorithms  []jwt.Algorithm
}

func rings(ctx context.Context, tx *sql.Tx) ([]workspaceRings, error) {
	type ring struct {
		workspaceID string
		algorithm   sql.NullString
	}
	rows, err := tx.QueryContext(ctx, `SELECT DISTINCT w.id, k.algorithm FROM workspaces AS w
		LEFT JOIN keys AS k ON k.workspace_id = w.id WHERE w.deleted_at = 0 ORDER BY 1, 2`)
	found, err := all(rows, err, func(r row) (x ring, err error) { return x, r.Scan(&x.workspaceID, &x.algorithm) })
	if err != nil {
		return nil, err
	}
	var list []workspaceRings
	for _, f := range found {
		if n := len(list); n == 0 || list[n-1].workspaceID != f.workspaceID {
			list = append(list, workspaceRings{workspaceID: f.workspaceID})
		}
		if f.algorithm.Valid {
			last := &list[len(list)-1]
			last.algorithms = append(last.algorithms, jwt.Algorithm(f.algorithm.String))
		}
	}
	return list, nil
}

// renew gives each ring one key in place of those that it has.
func (w workspaceRings) renew(ctx context.Context, tx *sql.Tx, fresh func(string, jwt.Algorithm) (keys.Stored, error)) (n int, err error) {
	if _, err := tx.ExecContext(ctx, `DELETE FROM keys WHERE workspace_id = $1`, w.workspaceID); err != nil {
		return 0, err
	}
	for _, alg := range w.algorithms {
		key, err := fresh(w.workspaceID, alg)
		if err == nil {
			err = errors.Join(belongs(key.WorkspaceID, w.workspaceID), insertKey(ctx, tx, key))
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
