package store

import (
	"context"
	"embed"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/sqlite/*.sql migrations/postgres/*.sql
var migrations embed.FS

// How long a node waits for another one that is migrating.
const (
	lockEvery    = 1 // seconds
	lockAttempts = 300
)

// migrate brings the schema up to date, each migration in a transaction. Only one node does so at a time: on PostgreSQL
// by an advisory lock of the session, on SQLite because the server holds the folder's lock.
func (s *Store) migrate(ctx context.Context) error {
	provider, err := s.migrations()
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx) // the provider's Close would close the database
	return err
}

func (s *Store) migrations() (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations/"+s.engine.name)
	if err != nil {
		return nil, err
	}
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if s.engine.locked {
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(lockEvery, lockAttempts))
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	return goose.NewProvider(s.engine.dialect, s.writer, files, options...)
}
