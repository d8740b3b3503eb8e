package store

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/workspace"
)

func sqliteStore(t *testing.T) (*Store, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "nsc.db")
	s, err := Open(t.Context(), Options{SQLiteFile: file})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, file
}

// SQLite itself takes $2 for a name that happens to have a digit in it, numbered in the order of first appearance. The
// driver binds it by its digits, which is what the texts of this package rely on.
func TestPlaceholdersBindByTheirNumbers(t *testing.T) {
	s, _ := sqliteStore(t)
	var a, b, c, d string
	err := s.reader.QueryRowContext(t.Context(), `SELECT $2, $1, $10, $2 WHERE $3 = $4 AND $5 = $6 AND $7 = $8 AND $9 = $3`,
		"one", "two", 3, 3, 3, 3, 3, 3, 3, "ten").Scan(&a, &b, &c, &d)
	if err != nil || a != "two" || b != "one" || c != "ten" || d != "two" {
		t.Fatal(a, b, c, d, err)
	}
	stmt, err := s.reader.PrepareContext(t.Context(), `SELECT $2, $1`)
	if err != nil {
		t.Fatal(err)
	}
	defer stmt.Close()
	if err := stmt.QueryRowContext(t.Context(), "one", "two").Scan(&a, &b); err != nil || a != "two" || b != "one" {
		t.Fatal(a, b, err)
	}
}

func TestSQLiteIsDurableAndStrict(t *testing.T) {
	s, _ := sqliteStore(t)
	for _, c := range []struct {
		db    *sql.DB
		query string
		want  string
	}{
		{s.writer, "PRAGMA journal_mode", "wal"},
		{s.writer, "PRAGMA synchronous", "2"}, // FULL
		{s.writer, "PRAGMA foreign_keys", "1"},
		{s.writer, "PRAGMA busy_timeout", "5000"},
		{s.reader, "PRAGMA journal_mode", "wal"},
		{s.reader, "PRAGMA query_only", "1"},
		{s.reader, "PRAGMA busy_timeout", "5000"},
		{s.reader, `SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND NOT strict
			AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name <> 'goose_db_version'`, "0"},
	} {
		var got string
		if err := c.db.QueryRowContext(t.Context(), c.query).Scan(&got); err != nil || got != c.want {
			t.Errorf("%s: %q, want %q (%v)", c.query, got, c.want, err)
		}
	}
	if n := s.writer.Stats().MaxOpenConnections; n != 1 {
		t.Errorf("%d writers", n)
	}
}

func TestSQLiteFilesArePrivate(t *testing.T) {
	s, file := sqliteStore(t)
	if err := s.CreateInstallation(t.Context(), Installation{}); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if info, err := os.Stat(file + suffix); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", suffix, info.Mode(), err)
		}
	}
}

func TestSQLiteFilesMayHaveAnyName(t *testing.T) {
	for _, name := range []string{"with space.db", "a?mode=memory", "a#b", "100%", "a%41", "ünï", "a&b=c", "file:x"} {
		file := filepath.Join(t.TempDir(), name)
		s, err := Open(t.Context(), Options{SQLiteFile: file})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if info, err := os.Stat(file); err != nil || info.Size() == 0 {
			t.Errorf("%s was not written: %v", name, err)
		}
	}
}

func TestExactlyOneDatabaseIsNamed(t *testing.T) {
	for _, o := range []Options{{}, {SQLiteFile: "a", PostgresURL: "b"}} {
		if s, err := Open(t.Context(), o); err == nil {
			t.Errorf("%+v opened %v", o, s)
		}
	}
}

// TestSQLiteUnavailable makes each outage real, and sees the store recover from it.
func TestSQLiteUnavailable(t *testing.T) {
	run := func(t *testing.T, s *Store, pragma string) {
		t.Helper()
		if _, err := s.writer.ExecContext(t.Context(), pragma); err != nil {
			t.Fatal(err)
		}
	}
	for name, outage := range map[string]func(t *testing.T, s *Store, file string) (end func()){
		"the disk is full": func(t *testing.T, s *Store, _ string) func() {
			run(t, s, "PRAGMA max_page_count = 1") // as many as there are
			return func() { run(t, s, "PRAGMA max_page_count = 1000000") }
		},
		"the file is read-only": func(t *testing.T, s *Store, _ string) func() {
			run(t, s, "PRAGMA query_only = 1")
			return func() { run(t, s, "PRAGMA query_only = 0") }
		},
		"another process writes for longer than we wait": func(t *testing.T, s *Store, file string) func() {
			run(t, s, "PRAGMA busy_timeout = 1")
			other, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate")
			if err != nil {
				t.Fatal(err)
			}
			tx, err := other.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			return func() {
				if err := errors.Join(tx.Rollback(), other.Close()); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, file := sqliteStore(t)
			w := begin(t, s)
			end := outage(t, s, file)
			if n, err := appendLarge(t, s, w); !errors.Is(err, ErrUnavailable) {
				t.Fatalf("%d outcomes, %v", n, err)
			}
			end()
			if n, err := s.Count(t.Context(), audit.Query{WorkspaceID: w}); err != nil || n != 0 {
				t.Fatalf("%d events of a transaction that failed, %v", n, err)
			}
			if n, err := appendLarge(t, s, w); err != nil || n != 1 {
				t.Fatalf("after the outage: %d outcomes, %v", n, err)
			}
		})
	}
}

func TestSQLiteThatCannotBeOpenedIsUnavailable(t *testing.T) {
	if _, err := Open(t.Context(), Options{SQLiteFile: filepath.Join(t.TempDir(), "no", "folder")}); err == nil {
		t.Fatal("opened in a folder that does not exist")
	}
	file := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(file, []byte("this is a text and no database, and long enough to be sure of it"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{SQLiteFile: file}); err == nil || errors.Is(err, ErrUnavailable) {
		t.Fatalf("a text was opened, or is to be tried again: %v", err)
	}
}

func TestTheOldestRowIsUnpackedFirst(t *testing.T) {
	s, _ := sqliteStore(t)
	w := begin(t, s)
	for _, body := range []string{"a", "b"} {
		e := audit.Entry{ID: id.New(time.Now()), WorkspaceID: w, Body: []byte(body)}
		if _, err := s.Append(t.Context(), []audit.Entry{e}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Sequence(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	var frame []byte
	if err := s.reader.QueryRowContext(t.Context(), `SELECT frame FROM queue`).Scan(&frame); err != nil {
		t.Fatal(err)
	}
	if left, err := decode(frame); err != nil || len(left) != 1 || string(left[0].Body) != "b" {
		t.Fatal(left, err)
	}
}

func TestADamagedEventIsFoundByItsColumns(t *testing.T) {
	s, _ := sqliteStore(t)
	w, at := begin(t, s), time.Now().UTC().Truncate(time.Microsecond)
	var made []audit.Entry
	for range 3 {
		e := audit.Entry{ID: id.New(at), WorkspaceID: w, Time: at, Kind: "x", Body: []byte("body")}
		made = append(made, e)
		if _, err := s.Append(t.Context(), []audit.Entry{e}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Sequence(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	damaged, err := id.Bytes(made[1].ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.writer.ExecContext(t.Context(), `UPDATE events SET entry = x'07' WHERE id = $1`, damaged[:]); err != nil {
		t.Fatal(err)
	}
	found, err := s.Search(t.Context(), audit.Query{WorkspaceID: w})
	if err != nil || len(found) != 3 {
		t.Fatal(found, err)
	}
	for _, e := range found {
		want := "body"
		if e.ID == made[1].ID {
			want = ""
		}
		if string(e.Body) != want || e.Kind != "x" || !e.Time.Equal(at) || e.WorkspaceID != w {
			t.Errorf("%+v", e)
		}
	}
}

func begin(t *testing.T, s *Store) (workspaceID string) {
	t.Helper()
	if err := s.CreateInstallation(t.Context(), Installation{}); err != nil {
		t.Fatal(err)
	}
	w, err := s.CreateWorkspace(t.Context(), workspace.Workspace{ID: id.New(time.Now()), Name: "one"}, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.ID
}

// appendLarge needs new pages.
func appendLarge(t *testing.T, s *Store, workspaceID string) (int, error) {
	t.Helper()
	outcomes, err := s.Append(t.Context(), []audit.Entry{
		{ID: id.New(time.Now()), WorkspaceID: workspaceID, Kind: "x", Body: make([]byte, 1<<20)},
	})
	return len(outcomes), err
}

// A file of another program is refused as it is, and what a start left that did not come far is gone on with.
func TestAFileOfAnotherProgramIsRefused(t *testing.T) {
	const migrated = `CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))); INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1);`
	for name, c := range map[string]struct {
		made   string
		refuse bool
	}{
		"tables":                           {"CREATE TABLE customers (name text)", true},
		"tables, migrated as ours are":     {migrated + "CREATE TABLE customers (name text)", true},
		"a table that has the name of one": {migrated + "CREATE TABLE workspaces (name text)", true},
		"no table but the migrations'":     {migrated, false},
		"no table":                         {"PRAGMA user_version = 1", false},
	} {
		file := filepath.Join(t.TempDir(), "nsc.db")
		db, err := sql.Open("sqlite", file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.Exec(c.made)
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		before, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), Options{SQLiteFile: file})
		if (err != nil) != c.refuse {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			s.Close()
			continue
		}
		if after, err := os.ReadFile(file); err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s: the file was changed: %v", name, err)
		}
	}
}
