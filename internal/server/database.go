package server

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/store"
)

func openStore(ctx context.Context, c Config, serves bool) (*store.Store, error) {
	postgres, err := c.postgres()
	if err != nil {
		return nil, err
	}
	options := store.Options{PostgresURL: postgres, Serves: serves}
	if postgres == "" {
		options.SQLiteFile = c.sqliteFile()
	}
	db, err := store.Open(ctx, options)
	if err != nil {
		return nil, c.databaseFailure(err)
	}
	return db, nil
}

// worded returns an error for whoever starts the server or works on its database. What is worded already stays as it is; what
// the store says of anything but the database itself stands without the store's name for it.
func (c Config) worded(err error) error {
	var said *failure.Failure
	switch {
	case err == nil, errors.As(err, &said):
		return err
	case errors.Is(err, store.ErrRunning):
		return failure.Wrap(failure.Failed, err, "nsc server runs on this database",
			"stop every node of the installation first, also on other machines")
	case store.Trouble(err) != "":
		return c.databaseFailure(err)
	case plain(err) != err.Error():
		return failure.Wrap(failure.Failed, err, oneLine(plain(err)), "")
	}
	return err
}

// databaseFailure says what is wrong with the database, and what to do about it.
func (c Config) databaseFailure(err error) error {
	what := store.Trouble(err)
	if what == "" {
		what = plain(err)
	}
	if c.Database == "" && c.DatabaseFile == "" {
		return failure.Wrap(failure.Failed, err, "database "+c.sqliteFile()+": "+oneLine(what),
			"it must be a file that this nsc, or an older one, has made and may write, with its folder: restore it from a backup, or name another data_dir")
	}
	return failure.Wrap(failure.Failed, err, "database: "+oneLine(what),
		"see that PostgreSQL runs, that it is reached from here, and that it takes what database or database_file says")
}

// plain returns what the store says, without the store's name for it.
func plain(err error) string {
	var stored *store.Error
	if errors.As(err, &stored) {
		err = stored.Unwrap()
	}
	return err.Error()
}

// oneLine returns in one line what a database's driver says in several, one for each address and way that it tried.
func oneLine(text string) string {
	first, rest, _ := strings.Cut(text, "\n")
	var tried []string
	for line := range strings.Lines(rest) {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(tried, line) {
			tried = append(tried, line)
		}
	}
	return strings.TrimSpace(first + " " + strings.Join(tried, "; "))
}
