package store

import (
	"bytes"
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
)

// Search returns the events of a workspace that a query selects, newest first: those with the greatest IDs. A limit
// outside of 1 to 1000 is 1000. The event whose body completes the query's bytes is the last. Single uses are not returned.
// An event whose entry is damaged is returned with what its columns say, and without a body.
func (s *Store) Search(ctx context.Context, q audit.Query) ([]audit.Entry, error) {
	f, err := newFilter(q)
	if err != nil {
		return nil, named("search", err)
	}
	var found []audit.Entry
	err = s.read(ctx, "search", func(tx *sql.Tx) error {
		newest := newest{limit: page(q.Limit), bytes: q.Bytes}
		if err := scanQueue(ctx, tx, f, newest.add); err != nil {
			return err
		}
		for _, part := range f.selections() {
			if err := f.searchEvents(ctx, tx, part, newest.limit, newest.add); err != nil {
				return err
			}
		}
		found = newest.entries()
		return nil
	})
	return found, err
}

// Count returns the number of events that a query selects; its Limit says nothing.
func (s *Store) Count(ctx context.Context, q audit.Query) (int64, error) {
	f, err := newFilter(q)
	if err != nil {
		return 0, named("count", err)
	}
	var n int64
	err = s.read(ctx, "count", func(tx *sql.Tx) error {
		for _, part := range f.selections() {
			var events int64
			if err := tx.QueryRowContext(ctx, `SELECT count(*) `+part.from, part.args...).Scan(&events); err != nil {
				return err
			}
			n += events
		}
		return scanQueue(ctx, tx, f, func(found ...audit.Entry) { n += int64(len(found)) })
	})
	return n, err
}

// scanQueue calls found for each event of the queue that the filter selects.
func scanQueue(ctx context.Context, tx *sql.Tx, f filter, found func(...audit.Entry)) error {
	rows, err := tx.QueryContext(ctx, `SELECT frame FROM queue`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var frame sql.RawBytes
		if err := rows.Scan(&frame); err != nil {
			return err
		}
		if err := scanFrame(frame, f, found); err != nil {
			return err
		}
	}
	return rows.Err()
}

func scanFrame(frame []byte, f filter, found func(...audit.Entry)) error {
	entries, err := splitFrame(frame)
	if err != nil {
		return err
	}
	for _, encoded := range entries {
		if !bytes.Equal(encoded[atWorkspace:atRest], f.workspace[:]) {
			continue
		}
		e, err := decodeEntry(encoded)
		if err != nil {
			return err
		}
		if f.selects(&e) {
			e.Body = bytes.Clone(e.Body)
			found(e)
		}
	}
	return nil
}

// searchEvents calls found for the newest events of a selection, as many as the query has room for.
func (f filter) searchEvents(ctx context.Context, tx *sql.Tx, part selection, limit int, found func(...audit.Entry)) error {
	args := append(part.args, limit)
	rows, err := tx.QueryContext(ctx, `SELECT e.id, e.time, e.kind, e.entry `+part.from+
		` ORDER BY `+part.id+` DESC LIMIT $`+strconv.Itoa(len(args)), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for size := 0; rows.Next(); {
		e, err := scanEvent(rows, f.WorkspaceID)
		if err != nil {
			return err
		}
		found(e)
		if size += len(e.Body); f.Bytes > 0 && size >= f.Bytes {
			return nil
		}
	}
	return rows.Err()
}

func scanEvent(r row, workspaceID string) (audit.Entry, error) {
	var eventID, encoded []byte
	var at int64
	var kind string
	if err := r.Scan(&eventID, &at, &kind, &encoded); err != nil {
		return audit.Entry{}, err
	}
	e, err := decodeEntry(encoded)
	if err != nil {
		d := decoder{rest: eventID}
		e = audit.Entry{ID: id.Text(d.key()), WorkspaceID: workspaceID, Time: moment(at), Kind: audit.Kind(kind)}
	}
	return e, nil
}

// newest keeps the newest entries of those that it is given.
type newest struct {
	limit int
	bytes int // 0 is no bound
	kept  []audit.Entry
	size  int // of the bodies that are kept
}

func (n *newest) add(entries ...audit.Entry) {
	for _, e := range entries {
		n.size += len(e.Body)
	}
	n.kept = append(n.kept, entries...)
	if len(n.kept) >= 2*n.limit || n.bytes > 0 && len(n.kept) > 1 && n.size >= 2*n.bytes {
		n.kept = n.entries()
	}
}

// entries returns what is kept in order, each event once.
func (n *newest) entries() []audit.Entry {
	slices.SortFunc(n.kept, func(a, b audit.Entry) int { return compareIDs(b.ID, a.ID) })
	once := slices.CompactFunc(n.kept, func(a, b audit.Entry) bool { return a.ID == b.ID })
	once = once[:min(n.limit, len(once))]
	n.size = 0
	for i, e := range once {
		if n.size += len(e.Body); n.bytes > 0 && n.size >= n.bytes {
			return once[:i+1]
		}
	}
	return once
}

// compareIDs compares by age, which is not the order of the texts: base32 has its digits after its letters.
func compareIDs(a, b string) int {
	x, errX := id.Bytes(a)
	y, errY := id.Bytes(b)
	if errX != nil || errY != nil {
		return strings.Compare(a, b)
	}
	return bytes.Compare(x[:], y[:])
}
