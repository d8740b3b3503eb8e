package store

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/nsc-federation/nsc/internal/audit"
)

// ErrDamaged is returned for what is no moved installation, or not a whole one.
var ErrDamaged = errors.New("the file is not a whole export of an installation")

// Import makes an empty database the installation that Export wrote, all of it or nothing. What was written is read back
// and compared, so that nothing that it returns without an error can have been lost. Before that check is asked whether
// the installation is one that can be used here, as by its master key. An event goes on its record, in the workspace
// of the system.
func (s *Store) Import(ctx context.Context, r io.Reader, check func(Installation) error, event func(systemID string) audit.Entry) (tables []Moved, err error) {
	err = s.write(ctx, "import", func(tx *sql.Tx) error {
		if err := s.alone(ctx, tx); err != nil {
			return err
		}
		in := incoming{ctx: ctx, tx: tx, lines: bufio.NewScanner(r)}
		in.lines.Buffer(make([]byte, 64<<10), maxMovedLine)
		schema, err := s.schemaVersion(ctx)
		if err != nil {
			return err
		}
		if err := in.begin(schema); err != nil {
			return err
		}
		if tables, err = in.read(); err != nil {
			return err
		}
		if err := in.compare(tables); err != nil {
			return err
		}
		return finish(ctx, tx, check, event)
	})
	if err != nil {
		return nil, err
	}
	return tables, nil
}

// finish asks whether the installation can be used, and records that it came.
func finish(ctx context.Context, tx *sql.Tx, check func(Installation) error, event func(systemID string) audit.Entry) error {
	var i Installation
	err := tx.QueryRowContext(ctx, `SELECT base_url, seal_check, epoch FROM installation WHERE id = 1`).Scan(&i.BaseURL, &i.SealCheck, &i.Epoch)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%w: it has no installation in it", ErrDamaged)
	}
	if err == nil {
		err = check(i)
	}
	if err != nil {
		return err
	}
	var systemID string
	if err := tx.QueryRowContext(ctx, `SELECT id FROM workspaces WHERE name = 'system'`).Scan(&systemID); err != nil {
		return fmt.Errorf("%w: it has no workspace called system: %w", ErrDamaged, err)
	}
	return record(ctx, tx, event(systemID))
}

// incoming is a moved installation on its way into a transaction.
type incoming struct {
	ctx   context.Context
	tx    *sql.Tx
	lines *bufio.Scanner
}

func (in *incoming) begin(schema int64) error {
	var head Head
	if err := in.next(&head); err != nil {
		return err
	}
	switch {
	case head.Format != MoveFormat:
		return fmt.Errorf("%w: its format is %q, not %q", ErrDamaged, head.Format, MoveFormat)
	case head.Schema != schema:
		return fmt.Errorf("the export has schema %d and this release makes %d: export and import with the same release of nsc", head.Schema, schema)
	}
	for _, t := range moved {
		var full bool
		if err := in.tx.QueryRowContext(in.ctx, `SELECT EXISTS (SELECT 1 FROM `+t.name+`)`).Scan(&full); err != nil {
			return err
		}
		if full {
			return fmt.Errorf("%w: the database is not empty", ErrExists)
		}
	}
	return nil
}

func (in *incoming) line() ([]byte, error) {
	if in.lines.Scan() {
		return in.lines.Bytes(), nil
	}
	if err := in.lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil, fmt.Errorf("%w: it ends too early", ErrDamaged)
}

func (in *incoming) next(value any) error {
	line, err := in.line()
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(value); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

// read inserts the rows of all tables, and returns what the file says of them.
func (in *incoming) read() ([]Moved, error) {
	var table *inserting
	for {
		line, err := in.line()
		if err != nil {
			return nil, err
		}
		switch {
		case line[0] == '[' && table != nil:
			err = table.insert(in.ctx, line)
		case bytes.HasPrefix(line, []byte(`{"end":`)):
			return in.end(table, line)
		default:
			table, err = in.table(table, line)
		}
		if err != nil {
			return nil, err
		}
	}
}

// table begins the next table, which is the one after the last.
func (in *incoming) table(last *inserting, line []byte) (*inserting, error) {
	var columns movedColumns
	if err := json.Unmarshal(line, &columns); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	at := 0
	if last != nil {
		at = last.at + 1
		if err := last.close(); err != nil {
			return nil, err
		}
	}
	if at == len(moved) || columns.Table != moved[at].name {
		return nil, fmt.Errorf("%w: table %q is not expected there", ErrDamaged, columns.Table)
	}
	return in.prepare(at, columns)
}

// prepare demands exactly the columns that the table has here: their names become part of a statement.
func (in *incoming) prepare(at int, columns movedColumns) (*inserting, error) {
	rows, err := in.tx.QueryContext(in.ctx, `SELECT * FROM `+moved[at].name+` LIMIT 0`)
	if err != nil {
		return nil, err
	}
	here, err := rows.Columns()
	if err := errors.Join(err, rows.Close()); err != nil {
		return nil, err
	}
	if slices.Sort(here); !slices.Equal(here, columns.Columns) {
		return nil, fmt.Errorf("%w: table %s has other columns", ErrDamaged, moved[at].name)
	}
	stmt, err := in.tx.PrepareContext(in.ctx,
		`INSERT INTO `+moved[at].name+` (`+strings.Join(here, ", ")+`) VALUES `+tuples(1, len(here)))
	return &inserting{at, len(here), stmt}, err
}

// inserting is a table that rows go into.
type inserting struct {
	at    int // in moved
	width int
	stmt  *sql.Stmt
}

func (t *inserting) insert(ctx context.Context, line []byte) error {
	values, err := readMoved(line)
	if err != nil || len(values) != t.width {
		return fmt.Errorf("%w: a row of table %s: %w", ErrDamaged, moved[t.at].name, err)
	}
	_, err = t.stmt.ExecContext(ctx, values...)
	return err
}

func (t *inserting) close() error { return t.stmt.Close() }

func (in *incoming) end(last *inserting, line []byte) ([]Moved, error) {
	var end movedEnd
	if err := json.Unmarshal(line, &end); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if last == nil || last.at != len(moved)-1 || len(end.End) != len(moved) {
		return nil, fmt.Errorf("%w: tables are missing", ErrDamaged)
	}
	return end.End, last.close()
}

// compare reads everything back and holds it against what was said to be there.
func (in *incoming) compare(tables []Moved) error {
	for i, t := range moved {
		found, err := t.write(in.ctx, in.tx, io.Discard)
		if err != nil {
			return err
		}
		if found != tables[i] {
			return fmt.Errorf("%w: table %s has %d rows (%s) where %d (%s) were exported", ErrDamaged,
				t.name, found.Rows, brief(found.Digest), tables[i].Rows, brief(tables[i].Digest))
		}
	}
	return nil
}

func brief(digest string) string { return digest[:min(12, len(digest))] }
