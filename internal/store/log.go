package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/evidence"
	"github.com/nsc-federation/nsc/internal/id"
)

const selectLogHead = `SELECT h.workspace_id, w.name, h.size, h.frontier, h.signed_size, h.checkpoint
	FROM log_heads AS h JOIN workspaces AS w ON w.id = `

// LogHead returns where a workspace's log stands, or ErrNotFound where it has no event yet.
func (s *Store) LogHead(ctx context.Context, workspaceID string) (audit.LogHead, error) {
	workspace, err := id.Bytes(workspaceID)
	if err != nil {
		return audit.LogHead{}, named("log head", ErrNotFound)
	}
	h, err := scanLogHead(s.reader.QueryRowContext(ctx, selectLogHead+`$1 WHERE h.workspace_id = $2`, workspaceID, workspace[:]))
	return h, named("log head", s.classify(err))
}

// UnsignedLogs returns, of all workspaces, at most limit logs that are longer than their checkpoints say.
func (s *Store) UnsignedLogs(ctx context.Context, limit int) ([]audit.LogHead, error) {
	return s.logHeads(ctx, "unsigned logs", `SELECT workspace_id FROM log_heads WHERE size > signed_size LIMIT $1`, page(limit))
}

// logHeads returns the heads of the logs whose workspaces a query selects.
func (s *Store) logHeads(ctx context.Context, operation, query string, args ...any) ([]audit.LogHead, error) {
	rows, err := s.reader.QueryContext(ctx, query, args...)
	workspaces, err := all(rows, err, func(r row) (w []byte, err error) { return w, r.Scan(&w) })
	if err != nil {
		return nil, named(operation, s.classify(err))
	}
	list := make([]audit.LogHead, 0, len(workspaces))
	for _, w := range workspaces {
		if len(w) != id.Size {
			return nil, named(operation, errDamaged)
		}
		h, err := s.LogHead(ctx, id.Text(key(w)))
		if err != nil {
			return nil, err
		}
		list = append(list, h)
	}
	return list, nil
}

func scanLogHead(r row) (h audit.LogHead, err error) {
	var workspace, encoded []byte
	if err := r.Scan(&workspace, &h.Workspace, &h.Size, &encoded, &h.SignedSize, &h.Checkpoint); err != nil {
		return audit.LogHead{}, err
	}
	if len(workspace) != id.Size {
		return audit.LogHead{}, errDamaged
	}
	frontier, err := evidence.DecodeFrontier(h.Size, encoded)
	h.WorkspaceID, h.Root = id.Text(key(workspace)), frontier.Root()
	return h, err
}

// KeepCheckpoints keeps the checkpoints of logs, in one transaction. One of a longer log stays where it is.
func (s *Store) KeepCheckpoints(ctx context.Context, list []audit.LogHead) error {
	return s.write(ctx, "keep checkpoints", func(tx *sql.Tx) error {
		for _, h := range list {
			workspace, err := id.Bytes(h.WorkspaceID)
			if err = errors.Join(err, storable(h.Checkpoint)); err != nil {
				return fmt.Errorf("%w: %w", ErrInvalid, err)
			}
			_, err = tx.ExecContext(ctx, `UPDATE log_heads SET signed_size = $1, checkpoint = $2
				WHERE workspace_id = $3 AND signed_size < $1 AND size >= $1`, h.SignedSize, h.Checkpoint, workspace[:])
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// logStep is how many events are read before it is seen how large they are.
const logStep = 32

// LogEntries returns at most limit events of a workspace's log from an index on, in its order, those that were erased
// among them. It stops once their bodies have so many bytes, but not before the first; 0 is no bound.
func (s *Store) LogEntries(ctx context.Context, workspaceID string, from int64, limit, bytes int) ([]audit.Logged, error) {
	workspace, err := id.Bytes(workspaceID)
	if err != nil || from < 0 {
		return nil, named("log entries", ErrNotFound)
	}
	var list []audit.Logged
	err = s.read(ctx, "log entries", func(tx *sql.Tx) error {
		size := 0
		for limit = page(limit); limit > 0; {
			part, err := logPart(ctx, tx, workspace, from, min(limit, logStep))
			if err != nil || len(part) == 0 {
				return err
			}
			for _, e := range part {
				list = append(list, e)
				if size += len(e.Entry.Body); bytes > 0 && size >= bytes {
					return nil
				}
			}
			from, limit = from+int64(len(part)), limit-len(part)
		}
		return nil
	})
	return list, err
}

// logPart returns the events of one tile from an index on.
func logPart(ctx context.Context, tx *sql.Tx, workspace key, from int64, limit int) ([]audit.Logged, error) {
	t, err := readTile(ctx, tx, workspace, 0, from/tileWidth)
	if err != nil {
		return nil, err
	}
	first := from % tileWidth
	last := min(first+int64(limit), int64(len(t.hashes)/tlog.HashSize))
	if last <= first {
		return nil, nil
	}
	if int64(len(t.events)) < last*id.Size {
		return nil, errDamaged
	}
	list := make([]audit.Logged, last-first)
	for i := range list {
		at := first + int64(i)
		list[i] = audit.Logged{
			Index: from + int64(i), ID: id.Text(key(t.events[at*id.Size:])), Leaf: tlog.Hash(t.hashes[at*tlog.HashSize:]),
		}
	}
	return list, fillEntries(ctx, tx, workspace, list, t.events[first*id.Size:last*id.Size])
}

// fillEntries finds the events that were not erased.
func fillEntries(ctx context.Context, tx *sql.Tx, workspace key, list []audit.Logged, ids []byte) error {
	args := []any{workspace[:]}
	for eventID := range slices.Chunk(ids, id.Size) {
		args = append(args, eventID)
	}
	var w strings.Builder
	for i := range list {
		fmt.Fprintf(&w, ", $%d", i+2)
	}
	rows, err := tx.QueryContext(ctx, `SELECT entry FROM events WHERE workspace_id = $1 AND id IN (`+w.String()[2:]+`)`, args...)
	entries, err := all(rows, err, scanEntry)
	if err != nil {
		return err
	}
	byID := make(map[string]audit.Entry, len(entries))
	for _, e := range entries {
		if e.ID != "" {
			byID[e.ID] = e
		}
	}
	for i := range list {
		list[i].Entry = byID[list[i].ID]
	}
	return nil
}

// scanEntry returns the zero entry for one that is damaged: of it the leaf is all that is left, as of an erased one.
func scanEntry(r row) (audit.Entry, error) {
	var encoded []byte
	if err := r.Scan(&encoded); err != nil {
		return audit.Entry{}, err
	}
	e, err := decodeEntry(encoded)
	if err != nil {
		e = audit.Entry{}
	}
	return e, nil
}

func readTile(ctx context.Context, tx *sql.Tx, workspace key, level, number int64) (tile, error) {
	var t tile
	err := tx.QueryRowContext(ctx, `SELECT hashes, events FROM log_tiles WHERE workspace_id = $1 AND level = $2 AND number = $3`,
		workspace[:], level, number).Scan(&t.hashes, &t.events)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return t, err
}

// LogHashes returns hashes of a workspace's tree, by the numbers that tlog.StoredHashIndex gives them, or ErrNotFound where
// the log is shorter.
func (s *Store) LogHashes(ctx context.Context, workspaceID string, indexes []int64) ([]tlog.Hash, error) {
	workspace, err := id.Bytes(workspaceID)
	if err != nil {
		return nil, named("log hashes", ErrNotFound)
	}
	hashes := make([]tlog.Hash, len(indexes))
	err = s.read(ctx, "log hashes", func(tx *sql.Tx) error {
		held := map[tileName]tile{}
		for i, index := range indexes {
			want := tlog.TileForIndex(tileHeight, index)
			name := tileName{int64(want.L), want.N}
			t, ok := held[name]
			if !ok {
				if t, err = readTile(ctx, tx, workspace, name.level, name.number); err != nil {
					return err
				}
				held[name] = t
			}
			if len(t.hashes) < want.W*tlog.HashSize {
				return ErrNotFound
			}
			if hashes[i], err = tlog.HashFromTile(want, t.hashes[:want.W*tlog.HashSize], index); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return hashes, nil
}
