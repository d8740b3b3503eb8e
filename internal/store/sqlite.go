package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const sqliteReaders = 4

var sqliteEngine = engine{
	name:    "sqlite",
	dialect: goose.DialectSQLite3,
	write:   &sql.TxOptions{},               // BEGIN IMMEDIATE, by the writer's _txlock: never a deadlock between two upgrades
	read:    &sql.TxOptions{ReadOnly: true}, // BEGIN; in WAL mode a snapshot from its first read on
	now:     "CAST(unixepoch('now', 'subsec') * 1000000 AS INTEGER)",

	brief:     true,
	nameless:  true,
	eventRows: []int{8, 1},
	check:     checkSQLite,
	meaning:   sqliteMeaning,
}

// openSQLite returns a store with a single writer, for which writers wait in line here rather than by polling a lock in
// the file, and a few readers, which never wait for it.
func openSQLite(file string, readers int) (*Store, error) {
	if readers <= 0 {
		readers = sqliteReaders
	}
	if err := createPrivate(file); err != nil {
		return nil, err
	}
	writer, err := sqliteDB(file, 1, url.Values{
		"_txlock": {"immediate"},
		"_pragma": {
			"busy_timeout(5000)", "foreign_keys(1)", "journal_mode(WAL)", "synchronous(FULL)",
			"temp_store(MEMORY)", // statements of several rows keep a journal, which is to cost no write
			"trusted_schema(0)",
		},
	})
	if err != nil {
		return nil, err
	}
	reader, err := sqliteDB(file, readers, url.Values{
		"_pragma": {"busy_timeout(5000)", "query_only(1)", "trusted_schema(0)"},
	})
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	return &Store{engine: &sqliteEngine, writer: writer, reader: reader}, nil
}

// createPrivate creates the file, because SQLite would let everybody read it. Its other files take over the mode.
func createPrivate(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func sqliteDB(file string, conns int, options url.Values) (*sql.DB, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	location := url.URL{Scheme: "file", Path: filepath.ToSlash(file), RawQuery: options.Encode()}
	db, err := sql.Open("sqlite", location.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// checkSQLite refuses the file of another program. One that has no table but that of the migrations is of a start that did
// not come far.
func checkSQLite(ctx context.Context, db *sql.DB) error {
	var table string
	err := db.QueryRowContext(ctx, `SELECT name FROM sqlite_schema
		WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~' AND name <> 'goose_db_version'
		AND 3 > (SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('goose_db_version', 'installation', 'workspaces'))
		ORDER BY name LIMIT 1`).Scan(&table)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("the file is another program's: it has a table %q, and lacks those of nsc", table)
}

func sqliteMeaning(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return nil
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return ErrExists
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return ErrNotFound // the workspace
	}
	switch e.Code() & 0xff { // the primary code; the rest tells its cause
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR,
		sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PROTOCOL:
		return ErrUnavailable
	}
	return nil
}
