package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/workspace"
)

const selectCutOff = `SELECT workspace_id, id, kind, value, reason, created_by, created_at, expires_at FROM cut_offs `

// CutOffs returns cut-offs of a workspace that have not ended at a time, in the order of their IDs, after the given one.
func (s *Store) CutOffs(ctx context.Context, workspaceID, after string, now time.Time, limit int) ([]workspace.CutOff, error) {
	if err := storable(workspaceID, after); err != nil {
		return nil, named("cut-offs", err)
	}
	rows, err := s.reader.QueryContext(ctx, selectCutOff+`WHERE workspace_id = $1 AND id > $2
		AND (expires_at = 0 OR expires_at > $3) ORDER BY id LIMIT $4`, workspaceID, after, micros(now), page(limit))
	list, err := all(rows, err, scanCutOff)
	return list, named("cut-offs", s.classify(err))
}

// CutOff returns a cut-off of a workspace.
func (s *Store) CutOff(ctx context.Context, workspaceID, id string) (workspace.CutOff, error) {
	if indexable(workspaceID, id) != nil {
		return workspace.CutOff{}, named("cut-off", ErrNotFound)
	}
	c, err := scanCutOff(s.reader.QueryRowContext(ctx, selectCutOff+`WHERE workspace_id = $1 AND id = $2`, workspaceID, id))
	return c, named("cut-off", s.classify(err))
}

// CutOffOf returns the cut-off of one thing in a workspace.
func (s *Store) CutOffOf(ctx context.Context, workspaceID string, kind workspace.CutKind, value string) (workspace.CutOff, error) {
	if indexable(workspaceID, string(kind), value) != nil {
		return workspace.CutOff{}, named("cut-off", ErrNotFound)
	}
	c, err := scanCutOff(s.reader.QueryRowContext(ctx, selectCutOff+`WHERE workspace_id = $1 AND kind = $2 AND value = $3`,
		workspaceID, string(kind), value))
	return c, named("cut-off", s.classify(err))
}

// Cuts returns what a node remembers of a workspace's cut-offs.
func (s *Store) Cuts(ctx context.Context, workspaceID string) (workspace.Cuts, error) {
	cuts := workspace.Cuts{Subjects: map[string]bool{}, Issuers: map[string]bool{}}
	if err := storable(workspaceID); err != nil {
		return cuts, named("cuts", err)
	}
	err := s.read(ctx, "cuts", func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, selectCutOff+`WHERE workspace_id = $1 AND kind IN ($2, $3)`,
			workspaceID, string(workspace.CutSubject), string(workspace.CutIssuer))
		lasting, err := all(rows, err, scanCutOff)
		if err != nil {
			return err
		}
		for _, c := range lasting {
			if c.Kind == workspace.CutSubject {
				cuts.Subjects[c.Value] = true
			} else {
				cuts.Issuers[c.Value] = true
			}
		}
		return tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM cut_offs WHERE workspace_id = $1 AND kind = $2)`,
			workspaceID, string(workspace.CutToken)).Scan(&cuts.Tokens)
	})
	return cuts, err
}

// TokenCut reports whether a token of a workspace is cut off.
func (s *Store) TokenCut(ctx context.Context, workspaceID, tokenID string) (cut bool, err error) {
	if err := storable(workspaceID, tokenID); err != nil {
		return false, named("token cut", err)
	}
	err = s.reader.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM cut_offs
		WHERE workspace_id = $1 AND kind = $2 AND value = $3)`, workspaceID, string(workspace.CutToken), tokenID).Scan(&cut)
	return cut, named("token cut", s.classify(err))
}

// CreateCutOff adds a cut-off. What is cut off already is ErrExists; one that has ended by then makes way.
func (s *Store) CreateCutOff(ctx context.Context, c workspace.CutOff, e audit.Entry) error {
	return s.change(ctx, "create cut-off", []string{c.WorkspaceID}, []audit.Entry{e}, func(tx *sql.Tx, _ int64) error {
		if err := indexable(c.WorkspaceID, c.ID, string(c.Kind), c.Value); err != nil {
			return err
		}
		if err := storable(c.Reason, c.CreatedBy); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM cut_offs WHERE workspace_id = $1 AND kind = $2 AND value = $3
			AND expires_at <> 0 AND expires_at <= $4`, c.WorkspaceID, string(c.Kind), c.Value, micros(c.CreatedAt))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO cut_offs
			(workspace_id, id, kind, value, reason, created_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			c.WorkspaceID, c.ID, string(c.Kind), c.Value, c.Reason, c.CreatedBy, micros(c.CreatedAt), micros(c.ExpiresAt))
		return err
	})
}

// DeleteCutOff lifts a cut-off.
func (s *Store) DeleteCutOff(ctx context.Context, workspaceID, id string, e audit.Entry) error {
	return s.change(ctx, "delete cut-off", []string{workspaceID}, []audit.Entry{e}, func(tx *sql.Tx, _ int64) error {
		if indexable(workspaceID, id) != nil {
			return ErrNotFound
		}
		return one(tx.ExecContext(ctx, `DELETE FROM cut_offs WHERE workspace_id = $1 AND id = $2`, workspaceID, id))
	})
}

// SweepCutOffs removes, of all workspaces, at most limit cut-offs of what has expired, and returns their number. No
// generation moves: what they forbade is refused as expired.
func (s *Store) SweepCutOffs(ctx context.Context, now time.Time, limit int) (int, error) {
	var swept int64
	err := s.write(ctx, "sweep cut-offs", func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `DELETE FROM cut_offs WHERE (workspace_id, id) IN (
			SELECT workspace_id, id FROM cut_offs WHERE expires_at <> 0 AND expires_at < $1 ORDER BY expires_at LIMIT $2)`,
			micros(now), page(limit))
		if err == nil {
			swept, err = result.RowsAffected()
		}
		return err
	})
	return int(swept), err
}

func scanCutOff(r row) (c workspace.CutOff, err error) {
	var kind string
	var createdAt, expiresAt int64
	err = r.Scan(&c.WorkspaceID, &c.ID, &kind, &c.Value, &c.Reason, &c.CreatedBy, &createdAt, &expiresAt)
	c.Kind, c.CreatedAt, c.ExpiresAt = workspace.CutKind(kind), moment(createdAt), moment(expiresAt)
	return c, err
}
