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
// outside of 1 to 1000 is 1000. Single uses are not returned.
func (s *Store) Search(ctx context.Context, q audit.Query) ([]audit.Entry, error) {
	f, err := newFilter(q)
	if err != nil {
		return nil, named("search", err)
	}
	var found []audit.Entry
	err = s.read(ctx, "search", func(tx *sql.Tx) error {
		newest := newest{limit: page(q.Limit)}
		if err := scanQueue(ctx, tx, f, newest.add); err != nil {
			return err
		}
		for _, part := range f.selections() {
			events, err := searchEvents(ctx, tx, part, newest.limit)
			if err != nil {
				return err
			}
			newest.add(events...)
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

func searchEvents(ctx context.Context, tx *sql.Tx, part selection, limit int) ([]audit.Entry, error) {
	args := append(part.args, limit)
	rows, err := tx.QueryContext(ctx,
		`SELECT e.entry `+part.from+` ORDER BY `+part.id+` DESC LIMIT $`+strconv.Itoa(len(args)), args...)
	return all(rows, err, func(r row) (audit.Entry, error) {
		var encoded []byte
		if err := r.Scan(&encoded); err != nil {
			return audit.Entry{}, err
		}
		return decodeEntry(encoded)
	})
}

// newest keeps the newest entries of those that it is given.
type newest struct {
	limit int
	kept  []audit.Entry
}

func (n *newest) add(entries ...audit.Entry) {
	if n.kept = append(n.kept, entries...); len(n.kept) >= 2*n.limit {
		n.kept = n.entries()
	}
}

// entries returns what is kept in order, each event once.
func (n *newest) entries() []audit.Entry {
	slices.SortFunc(n.kept, func(a, b audit.Entry) int { return compareIDs(b.ID, a.ID) })
	once := slices.CompactFunc(n.kept, func(a, b audit.Entry) bool { return a.ID == b.ID })
	return once[:min(n.limit, len(once))]
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
