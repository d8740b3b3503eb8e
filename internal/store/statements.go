package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
)

// statements are those that every token passes through, or every event: they are parsed once per connection, and closed
// with it.
type statements struct {
	generations shaped // of workspaces by ID, locked against change
	consume     shaped // single uses
	firstUse    *sql.Stmt
	opaque      *sql.Stmt // the claims of an opaque token
	enqueue     *sql.Stmt
	oldest      *sql.Stmt // rows of the queue
	dequeue     shaped
	events      shaped
	eventTrusts shaped
}

// shaped is one statement prepared for several numbers of rows.
type shaped []shape

type shape struct {
	rows int
	stmt *sql.Stmt
}

// each calls f for the parts of n rows, with the statement for as many.
func (s shaped) each(n int, f func(stmt *sql.Stmt, from, to int) error) error {
	from := 0
	for _, shape := range s { // in descending order, to one row
		for ; n-from >= shape.rows; from += shape.rows {
			if err := f(shape.stmt, from, from+shape.rows); err != nil {
				return err
			}
		}
	}
	return nil
}

const insertQueue = `INSERT INTO queue (frame) VALUES ($1)`

func (s *statements) prepare(ctx context.Context, writer, reader *sql.DB, e *engine) error {
	r := preparer{ctx: ctx, db: reader}
	s.opaque = r.stmt(`SELECT payload FROM opaque_tokens WHERE hash = $1`)
	p := preparer{ctx: ctx, db: writer}
	s.generations = p.shaped([]int{64, 16, 4, 1}, func(n int) string {
		return `SELECT id, generation FROM workspaces WHERE id IN ` + tuples(1, n) + ` ORDER BY id` + e.share
	})
	s.consume = p.shaped([]int{16, 4, 1}, func(n int) string {
		return `INSERT INTO uses (workspace_id, token, used_at, expires_at, retry_key, payload) VALUES ` + tuples(n, 6) +
			` ON CONFLICT (workspace_id, token) DO NOTHING RETURNING token`
	})
	s.firstUse = p.stmt(`SELECT retry_key, payload, used_at FROM uses WHERE workspace_id = $1 AND token = $2`)
	s.enqueue = p.stmt(insertQueue)
	s.oldest = p.stmt(`SELECT id, frame FROM queue ORDER BY id LIMIT $1` + e.claim)
	s.dequeue = p.shaped([]int{16, 4, 1}, func(n int) string { return `DELETE FROM queue WHERE id IN ` + tuples(1, n) })
	s.events = p.shaped(e.eventRows, func(n int) string {
		return `INSERT INTO events (workspace_id, id, time, kind, subject, token, entry) VALUES ` + tuples(n, 7) +
			` ON CONFLICT (workspace_id, id) DO NOTHING`
	})
	s.eventTrusts = p.shaped(e.eventRows, func(n int) string {
		return `INSERT INTO event_trusts (workspace_id, trust, event_id) VALUES ` + tuples(n, 3) +
			` ON CONFLICT (workspace_id, trust, event_id) DO NOTHING`
	})
	return errors.Join(r.err, p.err)
}

// preparer prepares statements until one fails.
type preparer struct {
	ctx context.Context
	db  *sql.DB
	err error
}

func (p *preparer) stmt(text string) *sql.Stmt {
	if p.err != nil {
		return nil
	}
	stmt, err := p.db.PrepareContext(p.ctx, text)
	p.err = err
	return stmt
}

func (p *preparer) shaped(sizes []int, text func(n int) string) shaped {
	s := make(shaped, len(sizes))
	for i, n := range sizes {
		s[i] = shape{n, p.stmt(text(n))}
	}
	return s
}

// tuples returns n tuples of placeholders, numbered on: ($1, $2), ($3, $4) …
func tuples(n, width int) string {
	var b strings.Builder
	for i := range n * width {
		switch {
		case i == 0:
			b.WriteByte('(')
		case i%width == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(i + 1))
	}
	return b.String() + ")"
}
