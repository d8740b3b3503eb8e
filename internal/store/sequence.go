package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/nsc-federation/nsc/internal/audit"
)

// enoughEvents ends a transaction of the sequencer: on SQLite those who record wait for it.
const enoughEvents = 256

// Sequence unpacks the oldest rows of the queue into events, and removes them, in one transaction. It stops after maxRows
// rows, or before that where they hold many events, and returns the number of events; 0 is an empty queue.
//
// It takes whatever rows are there. To remember the last one and ask for what is above it would skip those that took
// their number earlier and committed later.
func (s *Store) Sequence(ctx context.Context, maxRows int) (events int, err error) {
	err = s.write(ctx, "sequence", func(tx *sql.Tx) error {
		entries, err := s.dequeue(ctx, tx, maxRows)
		if err != nil {
			return err
		}
		events = len(entries)
		return s.unpack(ctx, tx, entries)
	})
	if err != nil {
		return 0, err
	}
	return events, nil
}

// dequeue removes the oldest rows and returns their entries.
func (s *Store) dequeue(ctx context.Context, tx *sql.Tx, maxRows int) ([][]byte, error) {
	var oldest oldest
	rows, err := tx.StmtContext(ctx, s.hot.oldest).QueryContext(ctx, maxRows)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for len(oldest.entries) < enoughEvents && rows.Next() {
		if err := oldest.add(rows); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	return oldest.entries, execRows(ctx, tx, s.hot.dequeue, oldest.ids, 1)
}

// oldest is the oldest rows of the queue.
type oldest struct {
	ids     []any
	entries [][]byte
}

func (o *oldest) add(r row) error {
	var id int64
	var frame []byte
	if err := r.Scan(&id, &frame); err != nil {
		return err
	}
	entries, err := splitFrame(frame)
	o.ids, o.entries = append(o.ids, id), append(o.entries, entries...)
	return err
}

// unpack inserts events and the trusts that they are found by. An event that is there already stays as it is.
func (s *Store) unpack(ctx context.Context, tx *sql.Tx, entries [][]byte) error {
	events := make([]any, 0, 7*len(entries))
	trusts := make([]any, 0, 3*len(entries))
	for _, encoded := range entries {
		e, err := decodeEntry(encoded)
		if err != nil {
			return err
		}
		eventID, workspaceID := encoded[atID:atWorkspace], encoded[atWorkspace:atRest]
		events = append(events, workspaceID, eventID, micros(e.Time), string(e.Kind), digest(e.Subject), tokenColumn(&e), encoded)
		for _, t := range e.Trusts {
			trusts = append(trusts, workspaceID, digest(t), eventID)
		}
	}
	if err := execRows(ctx, tx, s.hot.events, events, 7); err != nil {
		return err
	}
	return execRows(ctx, tx, s.hot.eventTrusts, trusts, 3)
}

// ownToken stands for a token ID that is the event's own, as that of every issued token is: the primary key finds it.
var ownToken = []byte{0}

func tokenColumn(e *audit.Entry) []byte {
	if e.TokenID == e.ID {
		return ownToken
	}
	return digest(e.TokenID)
}

func execRows(ctx context.Context, tx *sql.Tx, insert shaped, values []any, width int) error {
	return insert.each(len(values)/width, func(stmt *sql.Stmt, from, to int) error {
		_, err := tx.StmtContext(ctx, stmt).ExecContext(ctx, values[from*width:to*width]...)
		return err
	})
}
