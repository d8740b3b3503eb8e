package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
)

// EraseEvents erases, of all workspaces, at most limit events that happened before a time, and returns their number. Of each
// its leaf stays in the log, with its index and its ID (rule 25). What is in no log yet stays whole.
func (s *Store) EraseEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	erased := 0
	err := s.write(ctx, "erase events", func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT e.workspace_id, e.id, e.entry FROM log_heads AS h
			JOIN events AS e ON e.workspace_id = h.workspace_id
			WHERE e.time < $1 AND e.log_index >= 0 LIMIT $2`, micros(before), page(limit))
		list, err := all(rows, err, scanDoomed)
		if err != nil {
			return err
		}
		erased = len(list)
		for _, e := range list {
			if err := e.erase(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return erased, nil
}

// doomed is an event that is to be erased.
type doomed struct {
	workspace, id []byte
	audit.Entry   // zero where it cannot be read
}

func scanDoomed(r row) (d doomed, err error) {
	var encoded []byte
	if err := r.Scan(&d.workspace, &d.id, &encoded); err != nil {
		return d, err
	}
	if len(d.workspace) != id.Size || len(d.id) != id.Size {
		return d, errDamaged
	}
	if e, err := decodeEntry(encoded); err == nil {
		d.Entry = e
	}
	return d, nil
}

// erase removes an event and what it is found by.
func (d doomed) erase(ctx context.Context, tx *sql.Tx) error {
	links := make([][]byte, 0, len(d.Trusts)+len(d.Parents)+len(d.Actors))
	for _, t := range d.Trusts {
		links = append(links, digest(t))
	}
	for _, p := range d.Parents {
		links = append(links, parentKey(p))
	}
	for _, a := range d.Actors {
		links = append(links, actorKey(a))
	}
	for _, link := range links {
		_, err := tx.ExecContext(ctx, `DELETE FROM event_trusts WHERE workspace_id = $1 AND trust = $2 AND event_id = $3`,
			d.workspace, link, d.id)
		if err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM events WHERE workspace_id = $1 AND id = $2`, d.workspace, d.id)
	return err
}
