package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
)

// Cosignatures returns the newest cosignature of each witness on a workspace's log, that of the longest log first.
func (s *Store) Cosignatures(ctx context.Context, workspaceID string) ([]audit.Cosignature, error) {
	workspace, err := id.Bytes(workspaceID)
	if err != nil {
		return nil, nil
	}
	rows, err := s.reader.QueryContext(ctx, `SELECT witness, size, checkpoint, line FROM log_cosignatures
		WHERE workspace_id = $1 ORDER BY size DESC, witness`, workspace[:])
	list, err := all(rows, err, func(r row) (audit.Cosignature, error) {
		c := audit.Cosignature{WorkspaceID: workspaceID}
		return c, r.Scan(&c.Witness, &c.Size, &c.Checkpoint, &c.Line)
	})
	return list, named("cosignatures", s.classify(err))
}

// KeepCosignature keeps what a witness vouched for. One of a longer log stays where it is; one of a log that is not as long
// as it says is ErrNotFound.
func (s *Store) KeepCosignature(ctx context.Context, c audit.Cosignature) error {
	return s.write(ctx, "keep cosignature", func(tx *sql.Tx) error {
		workspace, err := id.Bytes(c.WorkspaceID)
		if err = errors.Join(err, indexable(c.Witness), storable(c.Checkpoint), storable(c.Line)); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		var there bool
		err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM log_heads WHERE workspace_id = $1 AND signed_size >= $2)`,
			workspace[:], c.Size).Scan(&there)
		if err == nil && !there {
			err = ErrNotFound
		}
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO log_cosignatures (workspace_id, witness, size, checkpoint, line)
			VALUES ($1, $2, $3, $4, $5) ON CONFLICT (workspace_id, witness) DO UPDATE
			SET size = excluded.size, checkpoint = excluded.checkpoint, line = excluded.line
			WHERE log_cosignatures.size <= excluded.size`, workspace[:], c.Witness, c.Size, c.Checkpoint, c.Line)
		return err
	})
}
