package store

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// Setting returns a setting of one of the store's connections.
func Setting(t *testing.T, s *Store, name string) (value string) {
	t.Helper()
	if err := s.writer.QueryRowContext(t.Context(), `SELECT current_setting($1)`, name).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// MovedTables returns the tables of an export, and those that are left.
func MovedTables() (names []string) {
	for _, t := range moved {
		names = append(names, t.name)
	}
	return append(names, left...)
}

// Earlier makes a database as an earlier release left it: of a schema's version, with those rows of an export that there
// were tables for, and of them the columns that there were. It returns the number of versions.
func Earlier(t *testing.T, o Options, version int64, export []byte) (versions int64) {
	t.Helper()
	s, err := connect(t.Context(), o)
	must(t, err)
	defer s.Close()
	provider, err := s.migrations()
	must(t, err)
	_, err = provider.UpTo(t.Context(), version)
	must(t, err)
	var insert func(line []byte)
	for line := range bytes.Lines(export) {
		switch {
		case bytes.HasPrefix(line, []byte(`{"table"`)):
			insert = s.inserter(t, line)
		case line[0] == '[' && insert != nil:
			insert(line)
		}
	}
	_, versions, err = provider.GetVersions(t.Context())
	must(t, err)
	return versions
}

// inserter returns what inserts rows of a table of an export; nil where there is no such table yet.
func (s *Store) inserter(t *testing.T, line []byte) func([]byte) {
	var table movedColumns
	must(t, json.Unmarshal(line, &table))
	rows, err := s.writer.QueryContext(t.Context(), `SELECT * FROM `+table.Table+` LIMIT 0`)
	if err != nil {
		return nil
	}
	here, err := rows.Columns()
	must(t, err)
	must(t, rows.Close())
	names := slices.DeleteFunc(slices.Clone(table.Columns), func(name string) bool { return !slices.Contains(here, name) })
	statement := `INSERT INTO ` + table.Table + ` (` + strings.Join(names, ", ") + `) VALUES ` + tuples(1, len(names))
	return func(line []byte) {
		all, err := readMoved(line)
		must(t, err)
		var values []any
		for i, name := range table.Columns {
			if slices.Contains(names, name) {
				values = append(values, all[i])
			}
		}
		_, err = s.writer.ExecContext(t.Context(), statement, values...)
		must(t, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
