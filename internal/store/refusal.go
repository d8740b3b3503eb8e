package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/refusal"
)

// ring is one bounded set of refusals.
type ring struct {
	workspaceID string
	verified    bool
}

// AddRefusals keeps refusals, and of each workspace and kind the newest refusal.PerKind. It moves no generation: no
// decision depends on them.
func (s *Store) AddRefusals(ctx context.Context, refusals []refusal.Refusal) error {
	return s.write(ctx, "add refusals", func(tx *sql.Tx) error {
		rings := map[ring]bool{}
		for _, r := range refusals {
			if err := insertRefusal(ctx, tx, r); err != nil {
				return err
			}
			rings[ring{r.WorkspaceID, r.Verified}] = true
		}
		for r := range rings {
			if err := r.trim(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
}

func insertRefusal(ctx context.Context, tx *sql.Tx, r refusal.Refusal) error {
	if err := indexable(r.WorkspaceID); err != nil {
		return err
	}
	key, err := id.Bytes(r.ID)
	if err != nil {
		return fmt.Errorf("%w: refusal %q: %w", ErrInvalid, r.ID, err)
	}
	body, err := r.Encode()
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO refusals (workspace_id, verified, id, time, body)
		VALUES ($1, $2, $3, $4, $5)`,
		r.WorkspaceID, flag(r.Verified), key[:], micros(r.Time), body)
	return err
}

// trim removes all but the newest.
func (r ring) trim(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM refusals WHERE workspace_id = $1 AND verified = $2 AND id < (
		SELECT id FROM refusals WHERE workspace_id = $1 AND verified = $2 ORDER BY id DESC LIMIT 1 OFFSET $3)`,
		r.workspaceID, flag(r.verified), refusal.PerKind-1)
	return err
}

const selectRefusal = `SELECT workspace_id, verified, id, time, body FROM refusals `

// Refusal returns one refusal of a workspace.
func (s *Store) Refusal(ctx context.Context, workspaceID, refusalID string) (refusal.Refusal, error) {
	key, err := id.Bytes(refusalID)
	if err != nil || indexable(workspaceID) != nil {
		return refusal.Refusal{}, named("refusal", ErrNotFound)
	}
	r, err := scanRefusal(s.reader.QueryRowContext(ctx,
		selectRefusal+`WHERE workspace_id = $1 AND verified IN (0, 1) AND id = $2`, workspaceID, key[:]))
	return r, named("refusal", s.classify(err))
}

// VerifiedRefusals returns those refusals of a workspace whose token's signature verified, from a time on, newest first.
func (s *Store) VerifiedRefusals(ctx context.Context, workspaceID string, since, until time.Time) ([]refusal.Refusal, error) {
	if err := storable(workspaceID); err != nil {
		return nil, named("refusals", err)
	}
	last := int64(1<<63 - 1)
	if !until.IsZero() {
		last = micros(until)
	}
	rows, err := s.reader.QueryContext(ctx,
		selectRefusal+`WHERE workspace_id = $1 AND verified = 1 AND time >= $2 AND time < $3 ORDER BY id DESC LIMIT $4`,
		workspaceID, micros(since), last, refusal.PerKind)
	list, err := all(rows, err, scanRefusal)
	return list, named("refusals", s.classify(err))
}

func scanRefusal(row row) (r refusal.Refusal, err error) {
	var key, body []byte
	var at int64
	if err = row.Scan(&r.WorkspaceID, &r.Verified, &key, &at, &body); err != nil {
		return refusal.Refusal{}, err
	}
	if len(key) != id.Size {
		return refusal.Refusal{}, errDamaged
	}
	r.ID, r.Time = id.Text([id.Size]byte(key)), moment(at)
	return r, r.Decode(body)
}

// RefusalsWhere returns the refusals of a workspace that a function chooses, of both kinds.
func (s *Store) RefusalsWhere(ctx context.Context, workspaceID string, choose func(refusal.Refusal) bool) ([]refusal.Refusal, error) {
	if err := storable(workspaceID); err != nil {
		return nil, named("refusals", err)
	}
	rows, err := s.reader.QueryContext(ctx, selectRefusal+`WHERE workspace_id = $1 AND verified IN (0, 1) ORDER BY id`, workspaceID)
	list, err := all(rows, err, scanRefusal)
	if err != nil {
		return nil, named("refusals", s.classify(err))
	}
	return slices.DeleteFunc(list, func(r refusal.Refusal) bool { return !choose(r) }), nil
}

// DeleteRefusals removes refusals; it is no error that one is gone.
func (s *Store) DeleteRefusals(ctx context.Context, refusals []refusal.Refusal) error {
	return s.write(ctx, "delete refusals", func(tx *sql.Tx) error {
		for _, r := range refusals {
			key, err := id.Bytes(r.ID)
			if err != nil {
				return fmt.Errorf("%w: refusal %q: %w", ErrInvalid, r.ID, err)
			}
			_, err = tx.ExecContext(ctx, `DELETE FROM refusals WHERE workspace_id = $1 AND verified = $2 AND id = $3`,
				r.WorkspaceID, flag(r.Verified), key[:])
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// CountRefusals returns how many refusals are kept of all workspaces.
func (s *Store) CountRefusals(ctx context.Context) (n int64, err error) {
	err = s.reader.QueryRowContext(ctx, `SELECT count(*) FROM refusals`).Scan(&n)
	return n, named("count refusals", s.classify(err))
}

// SweepRefusals removes, of all workspaces, at most limit refusals from before a time, and returns their number.
func (s *Store) SweepRefusals(ctx context.Context, before time.Time, limit int) (int, error) {
	var swept int64
	err := s.write(ctx, "sweep refusals", func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `DELETE FROM refusals WHERE (workspace_id, verified, id) IN (
			SELECT workspace_id, verified, id FROM refusals WHERE time < $1 ORDER BY time LIMIT $2)`, micros(before), page(limit))
		if err == nil {
			swept, err = result.RowsAffected()
		}
		return err
	})
	return int(swept), err
}
