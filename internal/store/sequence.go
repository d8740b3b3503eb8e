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
		entries, err := dequeue(ctx, tx.StmtContext(ctx, s.hot.dequeue), maxRows)
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

func dequeue(ctx context.Context, stmt *sql.Stmt, maxRows int) (entries [][]byte, err error) {
	for range maxRows {
		var frame []byte
		err := stmt.QueryRowContext(ctx).Scan(&frame)
		if errors.Is(err, sql.ErrNoRows) {
			break
		}
		if err != nil {
			return nil, err
		}
		more, err := splitFrame(frame)
		if err != nil {
			return nil, err
		}
		if entries = append(entries, more...); len(entries) >= enoughEvents {
			break
		}
	}
	return entries, nil
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
	if err := insertRows(ctx, tx, s.hot.events, events, 7); err != nil {
		return err
	}
	return insertRows(ctx, tx, s.hot.eventTrusts, trusts, 3)
}

// ownToken stands for a token ID that is the event's own, as that of every issued token is: the primary key finds it.
var ownToken = []byte{0}

func tokenColumn(e *audit.Entry) []byte {
	if e.TokenID == e.ID {
		return ownToken
	}
	return digest(e.TokenID)
}

func insertRows(ctx context.Context, tx *sql.Tx, insert shaped, values []any, width int) error {
	return insert.each(len(values)/width, func(stmt *sql.Stmt, from, to int) error {
		_, err := tx.StmtContext(ctx, stmt).ExecContext(ctx, values[from*width:to*width]...)
		return err
	})
}
