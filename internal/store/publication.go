package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
)

// Unpublished returns, of all workspaces, at most limit logs whose newest checkpoint a place does not have, in the order of
// their workspaces' IDs, from after one on.
func (s *Store) Unpublished(ctx context.Context, place, after string, limit int) ([]audit.LogHead, error) {
	if err := indexable(place); err != nil {
		return nil, named("unpublished", err)
	}
	var last []byte
	if after != "" {
		workspace, err := id.Bytes(after)
		if err != nil {
			return nil, named("unpublished", fmt.Errorf("%w: %w", ErrInvalid, err))
		}
		last = workspace[:]
	}
	return s.logHeads(ctx, "unpublished", `SELECT h.workspace_id FROM log_heads AS h
		LEFT JOIN log_publications AS p ON p.workspace_id = h.workspace_id AND p.place = $1
		WHERE h.signed_size > COALESCE(p.size, 0) AND h.workspace_id > $2 ORDER BY h.workspace_id LIMIT $3`, place, blob(last), page(limit))
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
