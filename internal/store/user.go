package store

import (
	"context"
	"database/sql"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/workspace"
)

const selectUser = `SELECT workspace_id, id, name, grants, created_at, version FROM users `

// User returns a user of a workspace.
func (s *Store) User(ctx context.Context, workspaceID, id string) (workspace.User, error) {
	if indexable(workspaceID, id) != nil {
		return workspace.User{}, named("user", ErrNotFound)
	}
	u, err := scanUser(s.reader.QueryRowContext(ctx, selectUser+`WHERE workspace_id = $1 AND id = $2`, workspaceID, id))
	return u, named("user", s.classify(err))
}

// Users returns users of a workspace in the order of their IDs, after the given one.
func (s *Store) Users(ctx context.Context, workspaceID, after string, limit int) ([]workspace.User, error) {
	if err := storable(workspaceID, after); err != nil {
		return nil, named("users", err)
	}
	rows, err := s.reader.QueryContext(ctx, selectUser+`WHERE workspace_id = $1 AND id > $2 ORDER BY id LIMIT $3`,
		workspaceID, after, page(limit))
	list, err := all(rows, err, scanUser)
	return list, named("users", s.classify(err))
}

// CreateUser adds a user.
func (s *Store) CreateUser(ctx context.Context, u workspace.User, e audit.Entry) error {
	return s.change(ctx, "create user", []string{u.WorkspaceID}, []audit.Entry{e}, func(tx *sql.Tx, _ int64) error {
		return insertUser(ctx, tx, u)
	})
}

func insertUser(ctx context.Context, tx *sql.Tx, u workspace.User) error {
	if err := indexable(u.WorkspaceID, u.ID, u.Name); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO users (workspace_id, id, name, grants, created_at, version)
		VALUES ($1, $2, $3, $4, $5, $6)`, u.WorkspaceID, u.ID, u.Name, blob(u.Grants), micros(u.CreatedAt), u.Version)
	return err
}

func scanUser(r row) (u workspace.User, err error) {
	var createdAt int64
	err = r.Scan(&u.WorkspaceID, &u.ID, &u.Name, &u.Grants, &createdAt, &u.Version)
	u.Grants, u.CreatedAt = blob(u.Grants), moment(createdAt)
	return u, err
}
