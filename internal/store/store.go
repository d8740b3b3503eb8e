// Package store keeps everything that must outlive the process, and holds all SQL there is.
//
// One text serves two engines, SQLite in the data folder and PostgreSQL for several nodes; storetest runs one suite of
// promises on both. What they promise:
//
//   - Every read and write names the workspace that it is about, so that a foreign ID is as unknown as one that does not
//     exist. The few that are about the whole installation say so.
//   - Every write that matters to a decision moves the generation of its workspaces, in its own transaction, and records
//     its event there. Append, through which every token passes, compares generations in the record's transaction: once
//     a cut-off has returned, no node records what it forbids, and what is not recorded is not signed (rule 22).
//   - A write that returned without an error survives a power cut.
//   - Generations become visible in ascending order: whoever has seen one has seen all before it. The row lock on the
//     installation makes that so, and is always taken first; then come workspaces in the order of their IDs.
//
// Times are kept to the microsecond. The package does not know what a trust means, how a key is sealed, or what is in
// an event.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// Options say where the database is: exactly one of SQLiteFile and PostgresURL.
type Options struct {
	SQLiteFile  string // created with mode 0600 where it does not exist
	PostgresURL string // postgres://… or a list of key=value pairs
	MaxConns    int    // connections (PostgreSQL) or readers (SQLite) at the same time; 0 is a sensible number
	Serves      bool   // whether a server uses it: what needs the database for itself is refused while it is open
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	engine *engine
	writer *sql.DB // SQLite: one connection
	reader *sql.DB // PostgreSQL: the same as writer
	hot    statements
	frames sync.Pool // of *[]byte: buffers of what is being recorded
}

// Open opens the database and brings its schema up to date.
func Open(ctx context.Context, o Options) (*Store, error) {
	s, err := connect(ctx, o)
	if err != nil {
		return nil, named("open", err)
	}
	if err := s.prepare(ctx); err != nil {
		return nil, named("open", errors.Join(err, s.Close()))
	}
	return s, nil
}

func connect(ctx context.Context, o Options) (*Store, error) {
	switch {
	case (o.SQLiteFile == "") == (o.PostgresURL == ""):
		return nil, errors.New("either a SQLite file or a PostgreSQL URL is needed")
	case o.SQLiteFile != "":
		return openSQLite(o.SQLiteFile, o.MaxConns)
	}
	return openPostgres(o.PostgresURL, o.MaxConns, o.Serves)
}

// prepare needs the newest schema for the statements that it keeps.
func (s *Store) prepare(ctx context.Context) error {
	if err := s.engine.check(ctx, s.reader); err != nil { // the writer would change what may be somebody else's
		return s.classify(err)
	}
	if err := s.migrate(ctx); err != nil {
		return s.classify(fmt.Errorf("migrate: %w", err))
	}
	return s.classify(s.hot.prepare(ctx, s.writer, s.reader, s.engine))
}

// Close closes the database. What is under way fails or ends first; nothing may follow.
func (s *Store) Close() error {
	err := s.writer.Close()
	if s.reader != s.writer {
		err = errors.Join(err, s.reader.Close())
	}
	return err
}
