package store

import (
	"bufio"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strconv"
	"strings"
)

// A moved installation is lines of JSON, so that it can be looked at: a Head; for each table its name and columns, and
// then its rows, each a list of its columns' values; and a line that says how many rows each table had, and their digest.
// Numbers are integers, texts are strings, bytes are {"b64": …}. What it is of, engine or page, is not in it.

// MoveFormat is the format and version of a moved installation.
const MoveFormat = "nsc-installation/1"

const maxMovedLine = 64 << 20 // bytes: a frame or an uploaded key set is far below

// moved are the tables that make an installation, each after those that it refers to, with the columns that order it.
var moved = []movedTable{
	{"installation", "id"},
	{"workspaces", "id"},
	{"users", "workspace_id, id"},
	{"trusts", "workspace_id, id"},
	{"keys", "workspace_id, id"},
	{"uses", "workspace_id, token"},
	{"cut_offs", "workspace_id, id"},
	{"answers", "workspace_id, key"},
	{"opaque_tokens", "hash"},
	{"revocable_tokens", "workspace_id, id"},
	{"events", "workspace_id, id"},
	{"event_trusts", "workspace_id, trust, event_id"},
	{"log_heads", "workspace_id"},
	{"log_tiles", "workspace_id, level, number"},
	{"log_keys", "workspace_id"},
	{"log_cosignatures", "workspace_id, witness"},
}

// left are the tables that stay: what is in them is nothing once no server runs, is published once more, or, of refusals,
// nothing rests on it.
var left = []string{"queue", "leases", "log_publications", "refusals"}

type movedTable struct{ name, order string }

// Head begins a moved installation.
type Head struct {
	Format string `json:"format"`
	Schema int64  `json:"schema"` // version
}

// Moved says what a table of a moved installation held.
type Moved struct {
	Table  string `json:"table"`
	Rows   int64  `json:"rows"`
	Digest string `json:"sha256"` // of the rows as they are written, in the order of the table's key
}

type movedColumns struct {
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
}

type movedEnd struct {
	End []Moved `json:"end"`
}

// movedBytes is how bytes are told from text.
type movedBytes struct {
	Base64 []byte `json:"b64"`
}

// Export writes the whole installation, as it is at one moment, and says what it wrote. The record's queue must be empty,
// which it stays where no server runs.
func (s *Store) Export(ctx context.Context, w io.Writer) (tables []Moved, err error) {
	schema, err := s.schemaVersion(ctx)
	if err != nil {
		return nil, named("export", s.classify(err))
	}
	out := bufio.NewWriter(w)
	if err := writeLine(out, Head{MoveFormat, schema}); err != nil {
		return nil, err
	}
	err = s.read(ctx, "export", func(tx *sql.Tx) error {
		if err := s.alone(ctx, tx); err != nil {
			return err
		}
		if err := idle(ctx, tx); err != nil {
			return err
		}
		for _, t := range moved {
			m, err := t.write(ctx, tx, out)
			if err != nil {
				return fmt.Errorf("table %s: %w", t.name, err)
			}
			tables = append(tables, m)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return tables, errors.Join(writeLine(out, movedEnd{tables}), out.Flush())
}

func idle(ctx context.Context, tx *sql.Tx) error {
	var waiting bool
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM queue)`).Scan(&waiting)
	if err == nil && waiting {
		return ErrRunning
	}
	return err
}

func (s *Store) schemaVersion(ctx context.Context) (version int64, err error) {
	err = s.reader.QueryRowContext(ctx, `SELECT max(version_id) FROM goose_db_version`).Scan(&version)
	return version, err
}

func writeLine(w io.Writer, value any) error {
	line, err := json.Marshal(value)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// write writes a table and says what it held.
func (t movedTable) write(ctx context.Context, tx *sql.Tx, w io.Writer) (Moved, error) {
	rows, err := tx.QueryContext(ctx, `SELECT * FROM `+t.name+` ORDER BY `+t.order)
	if err != nil {
		return Moved{}, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return Moved{}, err
	}
	names := slices.Sorted(slices.Values(columns)) // engines may have them in another order
	if err := writeLine(w, movedColumns{t.name, names}); err != nil {
		return Moved{}, err
	}
	sum := tally{name: t.name, hash: sha256.New()}
	for rows.Next() {
		line, err := movedRow(rows, columns, names)
		if err != nil {
			return Moved{}, err
		}
		if _, err := w.Write(line); err != nil {
			return Moved{}, err
		}
		sum.add(line)
	}
	return sum.moved(), rows.Err()
}

// tally counts and hashes the rows of a table.
type tally struct {
	name string
	rows int64
	hash hash.Hash
}

func (t *tally) add(line []byte) {
	t.rows++
	t.hash.Write(line)
}

func (t *tally) moved() Moved { return Moved{t.name, t.rows, hex.EncodeToString(t.hash.Sum(nil))} }

// movedRow returns the line of a row, its columns in the order of names.
func movedRow(rows *sql.Rows, columns, names []string) ([]byte, error) {
	values := make([]any, len(columns))
	targets := make([]any, len(columns))
	for i, column := range columns {
		targets[i] = &values[slices.Index(names, column)]
	}
	if err := rows.Scan(targets...); err != nil {
		return nil, err
	}
	line := []byte{'['}
	for i, value := range values {
		if i > 0 {
			line = append(line, ',')
		}
		var err error
		if line, err = appendMoved(line, value); err != nil {
			return nil, fmt.Errorf("column %s: %w", names[i], err)
		}
	}
	return append(line, ']', '\n'), nil
}

func appendMoved(line []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return append(line, "null"...), nil
	case int64:
		return strconv.AppendInt(line, v, 10), nil
	case []byte:
		line = append(line, `{"b64":"`...)
		line = base64.StdEncoding.AppendEncode(line, v)
		return append(line, `"}`...), nil
	case string:
		text, err := json.Marshal(v)
		return append(line, text...), err
	}
	return nil, fmt.Errorf("a value of type %T", value)
}

// readMoved returns the values of a row.
func readMoved(line []byte) ([]any, error) {
	var values []any
	var parts []json.RawMessage
	if err := json.Unmarshal(line, &parts); err != nil {
		return nil, err
	}
	for _, part := range parts {
		value, err := readMovedValue(part)
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, nil
}

func readMovedValue(part json.RawMessage) (any, error) {
	switch text := strings.TrimSpace(string(part)); {
	case text == "null":
		return nil, nil
	case strings.HasPrefix(text, `"`):
		var v string
		err := json.Unmarshal(part, &v)
		return v, err
	case strings.HasPrefix(text, `{`):
		var v movedBytes
		err := json.Unmarshal(part, &v)
		return blob(v.Base64), err
	}
	return strconv.ParseInt(string(part), 10, 64)
}
