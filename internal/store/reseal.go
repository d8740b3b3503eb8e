package store

import (
	"context"
	"database/sql"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/keys"
)

const resealPage = 500

// Resealing says how keys are sealed anew.
type Resealing struct {
	Key    func(keys.Stored) ([]byte, error)
	LogKey func(keys.LogKey) ([]byte, error)
}

// Reseal gives every sealed key to a function and keeps what it returns, together with a new seal check: all of it, or
// where anything fails, nothing. Every workspace moves.
func (s *Store) Reseal(ctx context.Context, reseal Resealing, sealCheck []byte, entries ...audit.Entry) error {
	return s.write(ctx, "reseal", func(tx *sql.Tx) error {
		if err := s.alone(ctx, tx); err != nil {
			return err
		}
		if err := bumpAll(ctx, tx); err != nil {
			return err
		}
		err := one(tx.ExecContext(ctx, `UPDATE installation SET seal_check = $1 WHERE id = 1`, blob(sealCheck)))
		if err != nil {
			return err
		}
		if err := resealKeys(ctx, tx, reseal.Key); err != nil {
			return err
		}
		if err := resealLogKeys(ctx, tx, reseal.LogKey); err != nil {
			return err
		}
		return record(ctx, tx, entries...)
	})
}

// bumpAll moves every workspace. No new one can appear meanwhile: its creator waits for the installation's row.
func bumpAll(ctx context.Context, tx *sql.Tx) error {
	generation, err := next(ctx, tx)
	if err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, `SELECT id FROM workspaces`)
	ids, err := all(rows, err, func(r row) (id string, err error) { return id, r.Scan(&id) })
	if err != nil {
		return err
	}
	return move(ctx, tx, generation, ids)
}

func resealKeys(ctx context.Context, tx *sql.Tx, reseal func(keys.Stored) ([]byte, error)) error {
	var last keys.Stored
	for {
		rows, err := tx.QueryContext(ctx, selectKey+`WHERE (workspace_id, id) > ($1, $2) ORDER BY workspace_id, id LIMIT $3`,
			last.WorkspaceID, last.ID, resealPage)
		list, err := all(rows, err, scanKey)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, last = range list {
			sealed, err := reseal(last)
			if err != nil {
				return err
			}
			err = one(tx.ExecContext(ctx, `UPDATE keys SET sealed = $1 WHERE workspace_id = $2 AND id = $3`,
				blob(sealed), last.WorkspaceID, last.ID))
			if err != nil {
				return err
			}
		}
	}
}

func resealLogKeys(ctx context.Context, tx *sql.Tx, reseal func(keys.LogKey) ([]byte, error)) error {
	last := ""
	for {
		rows, err := tx.QueryContext(ctx, selectLogKey+`WHERE workspace_id > $1 ORDER BY workspace_id LIMIT $2`, last, resealPage)
		list, err := all(rows, err, scanLogKey)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, k := range list {
			last = k.WorkspaceID
			sealed, err := reseal(k)
			if err != nil {
				return err
			}
			if err := one(tx.ExecContext(ctx, `UPDATE log_keys SET sealed = $1 WHERE workspace_id = $2`, blob(sealed), last)); err != nil {
				return err
			}
		}
	}
}
