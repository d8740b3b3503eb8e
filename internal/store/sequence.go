package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
)

// enoughEvents ends a transaction of the sequencer: on SQLite those who record wait for it.
const enoughEvents = 256

// sequenced is an entry on its way from the queue into the events and the log.
type sequenced struct {
	audit.Entry
	encoded []byte
	index   int64 // in its workspace's log
}

func (e *sequenced) workspace() []byte { return e.encoded[atWorkspace:atRest] }

func (e *sequenced) id() []byte { return e.encoded[atID:atWorkspace] }

// sequenceAttempts is how often a transaction is begun anew that another node overtook.
const sequenceAttempts = 5

// errRepeated is returned where an event of the queue is among the events already.
var errRepeated = errors.New("an event was recorded twice")

// Sequence unpacks the oldest rows of the queue into events, each with its place in its workspace's log, and removes them,
// in one transaction. It stops after maxRows rows, or before that where they hold many events, and returns the number of
// events; 0 is an empty queue. Events that are in no log yet, because an earlier release unpacked them, come first, in the
// order of their IDs.
//
// It takes whatever rows are there. To remember the last one and ask for what is above it would skip those that took
// their number earlier and committed later.
func (s *Store) Sequence(ctx context.Context, maxRows int) (events int, err error) {
	ctx, err = s.engine.begin(ctx)
	if err != nil {
		return 0, named("sequence", err)
	}
	careful := false
	for range sequenceAttempts {
		err = s.write(ctx, "sequence", func(tx *sql.Tx) (err error) {
			if events, err = s.adopt(ctx, tx); events == 0 && err == nil {
				events, err = s.sequence(ctx, tx, maxRows, careful)
			}
			return err
		})
		careful = careful || errors.Is(err, errRepeated)
		if !errors.Is(err, errRepeated) && !errors.Is(err, errOvertaken) {
			break
		}
	}
	if err != nil {
		return 0, err
	}
	return events, nil
}

// adopt gives events that have none their places in the logs.
func (s *Store) adopt(ctx context.Context, tx *sql.Tx) (int, error) {
	rows, err := tx.StmtContext(ctx, s.hot.unlogged).QueryContext(ctx, enoughEvents)
	list, err := all(rows, err, scanUnlogged)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	err = s.extend(ctx, tx, list)
	for i := 0; i < len(list) && err == nil; i++ {
		_, err = tx.StmtContext(ctx, s.hot.logged).ExecContext(ctx, list[i].index, list[i].workspace(), list[i].id())
	}
	return len(list), err
}

// scanUnlogged returns an event that is in no log. One that is damaged gets a leaf all the same, of nothing but its ID: the
// others cannot wait for it.
func scanUnlogged(r row) (e sequenced, err error) {
	var workspace, eventID []byte
	if err := r.Scan(&workspace, &eventID, &e.encoded); err != nil {
		return e, err
	}
	if len(workspace) != id.Size || len(eventID) != id.Size {
		return e, errDamaged
	}
	if e.Entry, err = decodeEntry(e.encoded); err != nil {
		e.Entry = audit.Entry{Body: eventID}
		e.encoded = slices.Concat([]byte{entryVersion}, eventID, workspace)
	}
	return e, nil
}

// sequence returns the number of events that it took off the queue. Careful, it looks for those that are there already
// first, which costs too much to do every time.
func (s *Store) sequence(ctx context.Context, tx *sql.Tx, maxRows int, careful bool) (int, error) {
	encoded, err := s.dequeue(ctx, tx, maxRows)
	if err != nil {
		return 0, err
	}
	list, err := decodeEntries(encoded)
	if err == nil && careful {
		list, err = unknownOf(ctx, tx, list)
	}
	if err == nil {
		err = s.extend(ctx, tx, list)
	}
	if err == nil {
		err = s.unpack(ctx, tx, list)
	}
	return len(encoded), err
}

func decodeEntries(encoded [][]byte) ([]sequenced, error) {
	list := make([]sequenced, len(encoded))
	for i := range encoded {
		var err error
		list[i].encoded = encoded[i]
		if list[i].Entry, err = decodeEntry(encoded[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// unknownOf leaves out what is among the events already, and what comes twice.
func unknownOf(ctx context.Context, tx *sql.Tx, list []sequenced) (unknown []sequenced, err error) {
	seen := map[[2]key]bool{}
	for _, e := range list {
		name := [2]key{key(e.workspace()), key(e.id())}
		if seen[name] {
			continue
		}
		seen[name] = true
		var there int64
		err := tx.QueryRowContext(ctx, `SELECT count(*) FROM events WHERE workspace_id = $1 AND id = $2`, e.workspace(), e.id()).Scan(&there)
		if err != nil {
			return nil, err
		}
		if there == 0 {
			unknown = append(unknown, e)
		}
	}
	return unknown, nil
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
	_, err = execRows(ctx, tx, s.hot.dequeue, oldest.ids, 1)
	return oldest.entries, err
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

const eventWidth = 8 // columns

// parentKey returns what the tokens are found by that were issued for one. One of our own has an ID, which is kept as it is:
// those made at one time are together in the index.
func parentKey(jti string) []byte {
	if own, err := id.Bytes(jti); err == nil {
		return own[:]
	}
	return digest(parentLink + jti)
}

// actorKey returns what the tokens are found by that a subject acts in.
func actorKey(subject string) []byte { return digest(actorLink + subject) }

// unpack inserts events, and the trusts, parents and actors that they are found by, or returns errRepeated where one is there already.
func (s *Store) unpack(ctx context.Context, tx *sql.Tx, list []sequenced) error {
	events := make([]any, 0, eventWidth*len(list))
	links := make([]any, 0, 3*2*len(list))
	for i := range list {
		e := &list[i]
		events = append(events, e.workspace(), e.id(), micros(e.Time), string(e.Kind), digest(e.Subject), tokenColumn(&e.Entry), e.encoded, e.index)
		for _, t := range e.Trusts {
			links = append(links, e.workspace(), digest(t), e.id())
		}
		for _, p := range e.Parents {
			links = append(links, e.workspace(), parentKey(p), e.id())
		}
		for _, a := range e.Actors {
			links = append(links, e.workspace(), actorKey(a), e.id())
		}
	}
	inserted, err := execRows(ctx, tx, s.hot.events, events, eventWidth)
	switch {
	case err != nil:
		return err
	case inserted != int64(len(list)):
		return errRepeated
	}
	_, err = execRows(ctx, tx, s.hot.eventTrusts, links, 3)
	return err
}

// ownToken stands for a token ID that is the event's own, as that of every issued token is: the primary key finds it.
var ownToken = []byte{0}

func tokenColumn(e *audit.Entry) []byte {
	if e.TokenID == e.ID {
		return ownToken
	}
	return digest(e.TokenID)
}

// execRows executes a statement for rows of values, and returns how many it changed.
func execRows(ctx context.Context, tx *sql.Tx, stmts shaped, values []any, width int) (changed int64, err error) {
	err = stmts.each(len(values)/width, func(stmt *sql.Stmt, from, to int) error {
		result, err := tx.StmtContext(ctx, stmt).ExecContext(ctx, values[from*width:to*width]...)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		changed += n
		return err
	})
	return changed, err
}
