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
		limit := page(q.Limit)
		newest := newest{limit: limit}
		if err := scanQueue(ctx, tx, f, newest.add); err != nil {
			return err
		}
		events, err := searchEvents(ctx, tx, f, limit)
		found = merge(newest.entries(), events, limit)
		return err
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
		from, args := f.sql()
		if err := tx.QueryRowContext(ctx, `SELECT count(*) `+from, args...).Scan(&n); err != nil {
			return err
		}
		return scanQueue(ctx, tx, f, func(audit.Entry) { n++ })
	})
	return n, err
}

// scanQueue calls found for each event of the queue that the filter selects.
func scanQueue(ctx context.Context, tx *sql.Tx, f filter, found func(audit.Entry)) error {
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

func scanFrame(frame []byte, f filter, found func(audit.Entry)) error {
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

func searchEvents(ctx context.Context, tx *sql.Tx, f filter, limit int) ([]audit.Entry, error) {
	from, args := f.sql()
	args = append(args, limit)
	rows, err := tx.QueryContext(ctx, `SELECT e.entry `+from+` ORDER BY e.id DESC LIMIT $`+strconv.Itoa(len(args)), args...)
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

func (n *newest) add(e audit.Entry) {
	if n.kept = append(n.kept, e); len(n.kept) >= 2*n.limit {
		n.kept = n.entries()
	}
}

func (n *newest) entries() []audit.Entry { return merge(n.kept, nil, n.limit) }

// merge returns the newest of both, each event once.
func merge(a, b []audit.Entry, limit int) []audit.Entry {
	merged := append(a, b...)
	slices.SortFunc(merged, func(x, y audit.Entry) int { return -compareIDs(x.ID, y.ID) })
	merged = slices.CompactFunc(merged, func(x, y audit.Entry) bool { return x.ID == y.ID })
	return merged[:min(limit, len(merged))]
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
