package store

import (
	"bytes"
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
		careful = careful || errors.Is(err, ErrExists)
		if !errors.Is(err, ErrExists) && !errors.Is(err, errOvertaken) {
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

// sequence returns the number of events that it took off the queue. An event that is among the events already, because a
// commit was taken for lost, is ErrExists. Careful, it looks for those first, which costs too much to do every time.
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
		err = s.unpack(ctx, tx, list, careful)
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

const ( // columns
	eventWidth = 8
	linkWidth  = 3
)

const insertLinks = `INSERT INTO event_trusts (workspace_id, trust, event_id) VALUES `

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

// unpack inserts events, and the trusts, parents and actors that they are found by. The database is asked about repetitions
// only where it is to be careful: PostgreSQL takes half as long again to look for each row before it inserts it.
func (s *Store) unpack(ctx context.Context, tx *sql.Tx, list []sequenced, careful bool) error {
	events := make([]any, 0, eventWidth*len(list))
	links := make([]any, 0, linkWidth*2*len(list))
	for i := range list {
		e := &list[i]
		events = append(events, e.workspace(), e.id(), micros(e.Time), string(e.Kind), digest(e.Subject), tokenColumn(&e.Entry), e.encoded, e.index)
		links = appendLinks(links, e)
	}
	if err := execRows(ctx, tx, s.hot.events, events, eventWidth); err != nil {
		return err
	}
	if careful {
		return tolerant(ctx, tx, links)
	}
	return execRows(ctx, tx, s.hot.eventTrusts, links, linkWidth)
}

// appendLinks appends the rows of what an event is found by, each once.
func appendLinks(links []any, e *sequenced) []any {
	first := len(links)
	link := func(key []byte) {
		for i := first; i < len(links); i += linkWidth {
			if bytes.Equal(links[i+1].([]byte), key) {
				return
			}
		}
		links = append(links, e.workspace(), key, e.id())
	}
	for _, t := range e.Trusts {
		link(digest(t))
	}
	for _, p := range e.Parents {
		link(parentKey(p))
	}
	for _, a := range e.Actors {
		link(actorKey(a))
	}
	return links
}

// tolerant inserts links some of which may be there.
func tolerant(ctx context.Context, tx *sql.Tx, links []any) error {
	for row := range slices.Chunk(links, linkWidth) {
		if _, err := tx.ExecContext(ctx, insertLinks+tuples(1, linkWidth)+` ON CONFLICT DO NOTHING`, row...); err != nil {
			return err
		}
	}
	return nil
}

// ownToken stands for a token ID that is the event's own, as that of every issued token is: the primary key finds it.
var ownToken = []byte{0}

func tokenColumn(e *audit.Entry) []byte {
	if e.TokenID == e.ID {
		return ownToken
	}
	return digest(e.TokenID)
}

// execRows executes a statement for rows of values.
func execRows(ctx context.Context, tx *sql.Tx, stmts shaped, values []any, width int) error {
	return stmts.each(len(values)/width, func(stmt *sql.Stmt, from, to int) error {
		_, err := tx.StmtContext(ctx, stmt).ExecContext(ctx, values[from*width:to*width]...)
		return err
	})
}
