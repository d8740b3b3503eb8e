package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/policy"
)

const selectKey = `SELECT workspace_id, id, algorithm, public, sealed, created_at, active_at, retire_at, gone_at FROM keys `

// Keys returns all keys of a workspace in the order of their IDs.
func (s *Store) Keys(ctx context.Context, workspaceID string) ([]keys.Stored, error) {
	if err := storable(workspaceID); err != nil {
		return nil, named("keys", err)
	}
	return s.keys(ctx, "keys", selectKey+`WHERE workspace_id = $1 ORDER BY id`, workspaceID)
}

// RotationDue returns, of all workspaces, the newest key of each ring whose newest became active before a time.
func (s *Store) RotationDue(ctx context.Context, activeBefore time.Time, limit int) ([]keys.Stored, error) {
	return s.keys(ctx, "rotation due", selectKey+`AS k WHERE active_at < $1 AND NOT EXISTS (
			SELECT 1 FROM keys AS newer WHERE newer.workspace_id = k.workspace_id AND newer.algorithm = k.algorithm
			AND (newer.active_at, newer.id) > (k.active_at, k.id))
		ORDER BY active_at, workspace_id, id LIMIT $2`, micros(activeBefore), page(limit))
}

// KeysGone returns, of all workspaces, the keys that left the JWKS before a time.
func (s *Store) KeysGone(ctx context.Context, before time.Time, limit int) ([]keys.Stored, error) {
	return s.keys(ctx, "keys gone", selectKey+`WHERE gone_at <> 0 AND gone_at < $1 ORDER BY gone_at, workspace_id, id LIMIT $2`,
		micros(before), page(limit))
}

func (s *Store) keys(ctx context.Context, operation, query string, args ...any) ([]keys.Stored, error) {
	rows, err := s.reader.QueryContext(ctx, query, args...)
	list, err := all(rows, err, scanKey)
	return list, named(operation, s.classify(err))
}

// AddKey adds a key and, in the same transaction, sets when the given ones of its workspace retire and are gone, which is
// later than they say where a trust lets tokens live for longer than is usual.
func (s *Store) AddKey(ctx context.Context, key keys.Stored, retire []keys.Stored, e audit.Entry) error {
	return s.change(ctx, "add key", []string{key.WorkspaceID}, []audit.Entry{e}, func(tx *sql.Tx, _ int64) error {
		if err := insertKey(ctx, tx, key); err != nil {
			return err
		}
		for _, k := range retire {
			if err := retireKey(ctx, tx, key.WorkspaceID, k); err != nil {
				return err
			}
		}
		longest, err := scanDuration(tx.QueryRowContext(ctx, selectLongestDuration, key.WorkspaceID))
		if err != nil {
			return err
		}
		return keepKeys(ctx, tx, key.WorkspaceID, longest)
	})
}

// keepKeys keeps retired keys of a workspace until the last of the tokens has expired that live for as long as a trust lets
// them. Trusts and keys change under one lock, so that none of either is overlooked.
func keepKeys(ctx context.Context, tx *sql.Tx, workspaceID string, life time.Duration) error {
	if life <= policy.UsualDuration {
		return nil
	}
	_, err := tx.ExecContext(ctx, `UPDATE keys SET gone_at = retire_at + $1 WHERE workspace_id = $2 AND retire_at <> 0 AND gone_at < retire_at + $1`,
		keys.VerifiableFor(life).Microseconds(), workspaceID)
	return err
}

func retireKey(ctx context.Context, tx *sql.Tx, workspaceID string, k keys.Stored) error {
	if err := errors.Join(belongs(k.WorkspaceID, workspaceID), indexable(k.ID)); err != nil {
		return err
	}
	return one(tx.ExecContext(ctx, `UPDATE keys SET retire_at = $1, gone_at = $2 WHERE workspace_id = $3 AND id = $4`,
		micros(k.RetireAt), micros(k.GoneAt), workspaceID, k.ID))
}

// DeleteKey removes a key at once.
func (s *Store) DeleteKey(ctx context.Context, workspaceID, id string, e audit.Entry) error {
	return s.change(ctx, "delete key", []string{workspaceID}, []audit.Entry{e}, func(tx *sql.Tx, _ int64) error {
		if err := indexable(id); err != nil {
			return err
		}
		return one(tx.ExecContext(ctx, `DELETE FROM keys WHERE workspace_id = $1 AND id = $2`, workspaceID, id))
	})
}

func insertKey(ctx context.Context, tx *sql.Tx, k keys.Stored) error {
	if err := indexable(k.WorkspaceID, k.ID, string(k.Algorithm)); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO keys
		(workspace_id, id, algorithm, public, sealed, created_at, active_at, retire_at, gone_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		k.WorkspaceID, k.ID, string(k.Algorithm), blob(k.Public), blob(k.Sealed),
		micros(k.CreatedAt), micros(k.ActiveAt), micros(k.RetireAt), micros(k.GoneAt))
	return err
}

func scanKey(r row) (k keys.Stored, err error) {
	var createdAt, activeAt, retireAt, goneAt int64
	err = r.Scan(&k.WorkspaceID, &k.ID, &k.Algorithm, &k.Public, &k.Sealed, &createdAt, &activeAt, &retireAt, &goneAt)
	k.Public, k.Sealed = blob(k.Public), blob(k.Sealed)
	k.CreatedAt, k.ActiveAt, k.RetireAt, k.GoneAt = moment(createdAt), moment(activeAt), moment(retireAt), moment(goneAt)
	return k, err
}
