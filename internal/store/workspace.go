package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/workspace"
)

const selectWorkspace = `SELECT id, name, created_at, created_by, deleted_at, generation FROM workspaces `

// WorkspaceByName returns a workspace, also a deleted one: its name is taken for ever (rule 8).
func (s *Store) WorkspaceByName(ctx context.Context, name string) (workspace.Workspace, error) {
	return s.workspace(ctx, selectWorkspace+`WHERE name = $1`, name)
}

// WorkspaceByID returns a workspace, also a deleted one.
func (s *Store) WorkspaceByID(ctx context.Context, id string) (workspace.Workspace, error) {
	return s.workspace(ctx, selectWorkspace+`WHERE id = $1`, id)
}

func (s *Store) workspace(ctx context.Context, query, key string) (workspace.Workspace, error) {
	if indexable(key) != nil {
		return workspace.Workspace{}, named("workspace", ErrNotFound)
	}
	w, err := scanWorkspace(s.reader.QueryRowContext(ctx, query, key))
	return w, named("workspace", s.classify(err))
}

// Workspaces returns workspaces in the order of their names, after the given one.
func (s *Store) Workspaces(ctx context.Context, after string, limit int) ([]workspace.Workspace, error) {
	if err := storable(after); err != nil {
		return nil, named("workspaces", err)
	}
	rows, err := s.reader.QueryContext(ctx, selectWorkspace+`WHERE name > $1 ORDER BY name LIMIT $2`, after, page(limit))
	list, err := all(rows, err, scanWorkspace)
	return list, named("workspaces", s.classify(err))
}

// Generations returns the workspaces that moved after a generation, in the order in which they did.
func (s *Store) Generations(ctx context.Context, after int64) ([]workspace.Generation, error) {
	rows, err := s.reader.QueryContext(ctx,
		`SELECT id, generation FROM workspaces WHERE generation > $1 ORDER BY generation, id`, after)
	list, err := all(rows, err, func(r row) (g workspace.Generation, err error) {
		return g, r.Scan(&g.WorkspaceID, &g.Generation)
	})
	return list, named("generations", s.classify(err))
}

// CreateWorkspace creates a workspace with all that it begins with, and returns it with its generation. Trusts may also
// belong to other workspaces, as an operator's does to the system workspace; those move along. A name that was ever used
// is ErrExists.
func (s *Store) CreateWorkspace(ctx context.Context, w workspace.Workspace, ring []keys.Stored, users []workspace.User,
	trusts []policy.Trust, entries ...audit.Entry) (workspace.Workspace, error) {
	err := s.change(ctx, "create workspace", others(w.ID, trusts), entries, func(tx *sql.Tx, generation int64) error {
		w.Generation = generation
		if err := insertWorkspace(ctx, tx, w); err != nil {
			return err
		}
		return furnish(ctx, tx, w.ID, ring, users, trusts)
	})
	if err != nil {
		return workspace.Workspace{}, err
	}
	w.CreatedAt, w.DeletedAt = moment(micros(w.CreatedAt)), moment(micros(w.DeletedAt))
	return w, nil
}

func others(workspaceID string, trusts []policy.Trust) []string {
	var ids []string
	for _, t := range trusts {
		if t.WorkspaceID != workspaceID {
			ids = append(ids, t.WorkspaceID)
		}
	}
	return ids
}

func insertWorkspace(ctx context.Context, tx *sql.Tx, w workspace.Workspace) error {
	if err := indexable(w.ID, w.Name, w.CreatedBy); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO workspaces (id, name, created_at, created_by, deleted_at, generation)
		VALUES ($1, $2, $3, $4, $5, $6)`,
		w.ID, w.Name, micros(w.CreatedAt), w.CreatedBy, micros(w.DeletedAt), w.Generation)
	return err
}

// furnish inserts what a new workspace begins with.
func furnish(ctx context.Context, tx *sql.Tx, id string, ring []keys.Stored, users []workspace.User,
	trusts []policy.Trust) error {
	for _, k := range ring {
		if err := belongs(k.WorkspaceID, id); err != nil {
			return err
		}
		if err := insertKey(ctx, tx, k); err != nil {
			return err
		}
	}
	for _, u := range users {
		if err := belongs(u.WorkspaceID, id); err != nil {
			return err
		}
		if err := insertUser(ctx, tx, u); err != nil {
			return err
		}
	}
	for _, t := range trusts {
		if err := insertTrust(ctx, tx, t); err != nil {
			return err
		}
	}
	return nil
}

func belongs(workspaceID, to string) error {
	if workspaceID != to {
		return fmt.Errorf("%w: it belongs to another workspace", ErrInvalid)
	}
	return nil
}

func scanWorkspace(r row) (w workspace.Workspace, err error) {
	var createdAt, deletedAt int64
	err = r.Scan(&w.ID, &w.Name, &createdAt, &w.CreatedBy, &deletedAt, &w.Generation)
	w.CreatedAt, w.DeletedAt = moment(createdAt), moment(deletedAt)
	return w, err
}
