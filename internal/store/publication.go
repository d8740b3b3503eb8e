package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
)

// Unpublished returns logs whose newest checkpoint a place does not have, of all workspaces or of some.
func (s *Store) Unpublished(ctx context.Context, q audit.Unpublished) ([]audit.LogHead, error) {
	var after key
	err := indexable(append([]string{q.Place}, q.Workspaces...)...)
	if err == nil && q.After != "" {
		if after, err = id.Bytes(q.After); err != nil {
			err = fmt.Errorf("%w: %w", ErrInvalid, err)
		}
	}
	if err != nil {
		return nil, named("unpublished", err)
	}
	of, args := "", []any(nil)
	if len(q.Workspaces) > 0 {
		if args, err = s.idsOf(ctx, q.Workspaces); err != nil || len(args) == 0 {
			return nil, named("unpublished", s.classify(err))
		}
		of = "h.workspace_id IN " + tuples(1, len(args)) + " AND "
	}
	n := len(args)
	return s.logHeads(ctx, "unpublished", fmt.Sprintf(`SELECT h.workspace_id FROM log_heads AS h
		LEFT JOIN log_publications AS p ON p.workspace_id = h.workspace_id AND p.place = $%d
		WHERE %sh.signed_size > COALESCE(p.size, 0) AND h.workspace_id > $%d ORDER BY h.workspace_id LIMIT $%d`, n+1, of, n+2, n+3),
		append(args, q.Place, after[:], page(q.Limit))...)
}

// idsOf returns the IDs of those workspaces that there are, as the logs have them.
func (s *Store) idsOf(ctx context.Context, names []string) (ids []any, err error) {
	args := make([]any, len(names))
	for i, name := range names {
		args[i] = name
	}
	rows, err := s.reader.QueryContext(ctx, `SELECT id FROM workspaces WHERE name IN `+tuples(1, len(names)), args...)
	return all(rows, err, func(r row) (any, error) {
		var text string
		if err := r.Scan(&text); err != nil {
			return nil, err
		}
		workspace, err := id.Bytes(text)
		return workspace[:], err
	})
}

// KeepPublications notes which checkpoints a place has.
func (s *Store) KeepPublications(ctx context.Context, place string, list []audit.LogHead) error {
	return s.write(ctx, "keep publications", func(tx *sql.Tx) error {
		if err := indexable(place); err != nil {
			return err
		}
		for _, h := range list {
			workspace, err := id.Bytes(h.WorkspaceID)
			if err != nil {
				return fmt.Errorf("%w: %w", ErrInvalid, err)
			}
			_, err = tx.ExecContext(ctx, `INSERT INTO log_publications (workspace_id, place, size) VALUES ($1, $2, $3)
				ON CONFLICT (workspace_id, place) DO UPDATE SET size = excluded.size WHERE log_publications.size < excluded.size`,
				workspace[:], place, h.SignedSize)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
