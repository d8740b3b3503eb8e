package store

import (
	"context"
	"database/sql"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
)

const scanPage = 500 // events

// EachEvent calls a function with every unpacked event of a workspace, oldest first, until it returns an error.
func (s *Store) EachEvent(ctx context.Context, workspaceID string, f func(audit.Entry) error) error {
	key, err := id.Bytes(workspaceID)
	if err != nil {
		return named("each event", ErrNotFound)
	}
	after := []byte{}
	for {
		list, err := s.eventsAfter(ctx, s.reader, key[:], after)
		if err != nil || len(list) == 0 {
			return named("each event", s.classify(err))
		}
		for _, e := range list {
			if after = e.id; e.Entry.ID == "" {
				continue // damaged: nobody knows of whom it speaks
			}
			if err := f(e.Entry); err != nil {
				return err
			}
		}
	}
}

// EraseOf erases the events of a workspace that a function chooses, and returns their number. As with those that are too
// old, of each its leaf stays in the log (rule 25), and what is in no log yet stays whole. Each page is a transaction, the
// last of which records the event that said returns, where there was something to erase.
func (s *Store) EraseOf(ctx context.Context, workspaceID string, choose func(audit.Entry) bool, said func(erased int) audit.Entry) (erased int, err error) {
	key, err := id.Bytes(workspaceID)
	if err != nil {
		return 0, named("erase", ErrNotFound)
	}
	after := []byte{}
	for done := false; !done; {
		err := s.write(ctx, "erase", func(tx *sql.Tx) error {
			list, err := s.eventsAfter(ctx, tx, key[:], after)
			if err != nil {
				return err
			}
			if done = len(list) == 0; done && erased > 0 {
				return record(ctx, tx, said(erased))
			} else if done {
				return nil
			}
			n, err := eraseChosen(ctx, tx, list, choose)
			after, erased = list[len(list)-1].id, erased+n
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return erased, nil
}

func eraseChosen(ctx context.Context, tx *sql.Tx, list []doomed, choose func(audit.Entry) bool) (n int, err error) {
	for _, e := range list {
		if e.Entry.ID == "" || !choose(e.Entry) {
			continue
		}
		if err := e.erase(ctx, tx); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// queryer is a database or a transaction.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func (s *Store) eventsAfter(ctx context.Context, q queryer, workspace, after []byte) ([]doomed, error) {
	rows, err := q.QueryContext(ctx, `SELECT workspace_id, id, entry FROM events
		WHERE workspace_id = $1 AND id > $2 AND log_index >= 0 ORDER BY id LIMIT $3`, workspace, after, scanPage)
	return all(rows, err, scanDoomed)
}
