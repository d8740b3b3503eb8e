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
	// the same where each of several workspaces has the generation that it is to have
	enqueueUnmoved enqueuing
	oldest         *sql.Stmt // rows of the queue
	dequeue        shaped
	events         shaped
	eventTrusts    shaped

	unlogged *sql.Stmt // events that are in no log yet
	logged   *sql.Stmt
	logHead  *sql.Stmt
	newHead  *sql.Stmt
	moveHead *sql.Stmt
	logTile  *sql.Stmt
	keepTile *sql.Stmt
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
	r := preparer{ctx: ctx, db: reader, nameless: e.nameless}
	s.opaque = r.stmt(`SELECT payload FROM opaque_tokens WHERE hash = $1`)
	p := preparer{ctx: ctx, db: writer, nameless: e.nameless}
	s.generations = p.shaped([]int{64, 16, 4, 1}, func(n int) string {
		return `SELECT id, generation FROM workspaces WHERE id IN ` + tuples(1, n) + ` ORDER BY id` + e.share
	})
	s.consume = p.shaped([]int{16, 4, 1}, func(n int) string {
		return `INSERT INTO uses (workspace_id, token, used_at, expires_at, retry_key, payload) VALUES ` + tuples(n, 6) +
			` ON CONFLICT (workspace_id, token) DO NOTHING RETURNING token`
	})
	s.firstUse = p.stmt(`SELECT retry_key, payload, used_at FROM uses WHERE workspace_id = $1 AND token = $2`)
	s.enqueue = p.stmt(insertQueue)
	s.enqueueUnmoved = p.unmoved([]int{1, 4, mostUnmoved}, e.share)
	s.oldest = p.stmt(`SELECT id, frame FROM queue ORDER BY id LIMIT $1` + e.claim)
	s.dequeue = p.shaped([]int{16, 4, 1}, func(n int) string { return `DELETE FROM queue WHERE id IN ` + tuples(1, n) })
	s.events = p.shaped(e.eventRows, func(n int) string {
		return `INSERT INTO events (workspace_id, id, time, kind, subject, token, entry, log_index) VALUES ` + tuples(n, eventWidth)
	})
	s.eventTrusts = p.shaped(e.eventRows, func(n int) string { return insertLinks + tuples(n, linkWidth) })
	s.prepareLog(&p, e)
	return errors.Join(r.err, p.err)
}

func (s *statements) prepareLog(p *preparer, e *engine) {
	s.unlogged = p.stmt(`SELECT workspace_id, id, entry FROM events WHERE log_index < 0 ORDER BY workspace_id, id LIMIT $1`)
	s.logged = p.stmt(`UPDATE events SET log_index = $1 WHERE workspace_id = $2 AND id = $3 AND log_index < 0`)
	s.logHead = p.stmt(`SELECT size, frontier FROM log_heads WHERE workspace_id = $1` + e.own)
	s.newHead = p.stmt(`INSERT INTO log_heads (workspace_id, size, frontier, signed_size, checkpoint) VALUES ($1, $2, $3, 0, '')
		ON CONFLICT (workspace_id) DO NOTHING`)
	s.moveHead = p.stmt(`UPDATE log_heads SET size = $2, frontier = $3 WHERE workspace_id = $1 AND size = $4`)
	s.logTile = p.stmt(`SELECT hashes, events FROM log_tiles WHERE workspace_id = $1 AND level = $2 AND number = $3`)
	s.keepTile = p.stmt(`INSERT INTO log_tiles (workspace_id, level, number, hashes, events) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (workspace_id, level, number) DO UPDATE SET hashes = excluded.hashes, events = excluded.events`)
}

// preparer prepares statements until one fails.
type preparer struct {
	ctx      context.Context
	db       *sql.DB
	nameless bool // placeholders lose their numbers where they can
	err      error
}

func (p *preparer) stmt(text string) *sql.Stmt {
	if p.err != nil {
		return nil
	}
	if p.nameless {
		text = nameless(text)
	}
	stmt, err := p.db.PrepareContext(p.ctx, text)
	p.err = err
	return stmt
}

// nameless returns a statement with ? for each of its placeholders, or as it is where these are not $1, $2 and so on, once
// each and in this order.
func nameless(text string) string {
	var b strings.Builder
	for n, rest := 1, text; ; n++ {
		before, after, found := strings.Cut(rest, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		number := strconv.Itoa(n)
		if rest = strings.TrimPrefix(after, number); len(rest) == len(after) || rest != "" && '0' <= rest[0] && rest[0] <= '9' {
			return text
		}
		b.WriteByte('?')
	}
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
