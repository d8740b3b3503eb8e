package store

import (
	"context"
	"database/sql"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/workspace"
)

const selectRevocable = `SELECT t.workspace_id, w.name, t.id, t.hash, t.name, t.grants, t.created_by, t.created_at,
	t.refreshed_at, t.expires_at, t.version FROM revocable_tokens t JOIN workspaces w ON w.id = t.workspace_id `

// Revocable returns a revocable token by the hash of its secret, whichever workspace it belongs to.
func (s *Store) Revocable(ctx context.Context, hash []byte) (workspace.Revocable, error) {
	t, err := scanRevocable(s.reader.QueryRowContext(ctx, selectRevocable+`WHERE t.hash = $1`, blob(hash)))
	return t, named("revocable token", s.classify(err))
}

// RevocableByID returns a revocable token of a workspace.
func (s *Store) RevocableByID(ctx context.Context, workspaceID, id string) (workspace.Revocable, error) {
	if indexable(workspaceID, id) != nil {
		return workspace.Revocable{}, named("revocable token", ErrNotFound)
	}
	t, err := scanRevocable(s.reader.QueryRowContext(ctx, selectRevocable+`WHERE t.workspace_id = $1 AND t.id = $2`, workspaceID, id))
	return t, named("revocable token", s.classify(err))
}

// Revocables returns revocable tokens of a workspace in the order of their IDs, after the given one.
func (s *Store) Revocables(ctx context.Context, workspaceID, after string, limit int) ([]workspace.Revocable, error) {
	if err := storable(workspaceID, after); err != nil {
		return nil, named("revocable tokens", err)
	}
	rows, err := s.reader.QueryContext(ctx, selectRevocable+`WHERE t.workspace_id = $1 AND t.id > $2 ORDER BY t.id LIMIT $3`,
		workspaceID, after, page(limit))
	list, err := all(rows, err, scanRevocable)
	return list, named("revocable tokens", s.classify(err))
}

// CreateRevocable adds a revocable token.
func (s *Store) CreateRevocable(ctx context.Context, t workspace.Revocable, e audit.Entry) error {
	return s.change(ctx, "create revocable token", []string{t.WorkspaceID}, []audit.Entry{e}, func(tx *sql.Tx, _ int64) error {
		if err := indexable(t.WorkspaceID, t.ID, t.Name); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO revocable_tokens (workspace_id, id, hash, name, grants, created_by, created_at,
			refreshed_at, expires_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, t.WorkspaceID, t.ID, blob(t.Hash), t.Name,
			blob(t.Grants), t.CreatedBy, micros(t.CreatedAt), micros(t.RefreshedAt), micros(t.ExpiresAt), t.Version)
		return err
	})
}

// RefreshRevocable replaces the secret of a revocable token, and its end, where its version is still the one before. It is
// ErrStale otherwise. The generation that it takes first keeps another refresh out.
func (s *Store) RefreshRevocable(ctx context.Context, t workspace.Revocable, e audit.Entry) error {
	return s.change(ctx, "refresh revocable token", []string{t.WorkspaceID}, []audit.Entry{e}, func(tx *sql.Tx, _ int64) error {
		if indexable(t.WorkspaceID, t.ID) != nil {
			return ErrNotFound
		}
		var version int64
		err := tx.QueryRowContext(ctx, `SELECT version FROM revocable_tokens WHERE workspace_id = $1 AND id = $2`, t.WorkspaceID, t.ID).
			Scan(&version)
		if err != nil {
			return err
		}
		if version != t.Version-1 {
			return ErrStale
		}
		_, err = tx.ExecContext(ctx, `UPDATE revocable_tokens SET hash = $1, refreshed_at = $2, expires_at = $3, version = $4
			WHERE workspace_id = $5 AND id = $6`, blob(t.Hash), micros(t.RefreshedAt), micros(t.ExpiresAt), t.Version, t.WorkspaceID, t.ID)
		return err
	})
}

// DeleteRevocable removes a revocable token, and so ends what rests on it.
func (s *Store) DeleteRevocable(ctx context.Context, workspaceID, id string, e audit.Entry) error {
	return s.change(ctx, "delete revocable token", []string{workspaceID}, []audit.Entry{e}, func(tx *sql.Tx, _ int64) error {
		if indexable(workspaceID, id) != nil {
			return ErrNotFound
		}
		return one(tx.ExecContext(ctx, `DELETE FROM revocable_tokens WHERE workspace_id = $1 AND id = $2`, workspaceID, id))
	})
}

func scanRevocable(r row) (t workspace.Revocable, err error) {
	var createdAt, refreshedAt, expiresAt int64
	err = r.Scan(&t.WorkspaceID, &t.Workspace, &t.ID, &t.Hash, &t.Name, &t.Grants, &t.CreatedBy, &createdAt, &refreshedAt, &expiresAt, &t.Version)
	t.Hash, t.Grants = blob(t.Hash), blob(t.Grants)
	t.CreatedAt, t.RefreshedAt, t.ExpiresAt = moment(createdAt), moment(refreshedAt), moment(expiresAt)
	return t, err
}
