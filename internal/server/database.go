package server

import (
	"context"
	"slices"
	"strings"

	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/store"
)

func openStore(ctx context.Context, c Config) (*store.Store, error) {
	postgres, err := c.postgres()
	if err != nil {
		return nil, err
	}
	options := store.Options{PostgresURL: postgres}
	if postgres == "" {
		options.SQLiteFile = c.sqliteFile()
	}
	db, err := store.Open(ctx, options)
	switch {
	case err == nil:
		return db, nil
	case postgres == "":
		return nil, failure.Wrap(failure.Failed, err, "database "+c.sqliteFile()+": "+whyNotOpened(err),
			"it must be a file that this nsc, or an older one, has made and may write: restore it from a backup, or name another data_dir")
	}
	return nil, failure.Wrap(failure.Failed, err, "database: "+whyNotOpened(err),
		"see that PostgreSQL runs, that it is reached from here, and that it takes what database or database_file says")
}

// whyNotOpened returns in one line what a database's driver says in several, one for each address and way that it tried.
func whyNotOpened(err error) string {
	text := err.Error()
	for _, ours := range []string{"store: open: ", "the database is unavailable: "} {
		if _, theirs, ok := strings.Cut(text, ours); ok {
			text = theirs
		}
	}
	first, rest, _ := strings.Cut(text, "\n")
	var tried []string
	for line := range strings.Lines(rest) {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(tried, line) {
			tried = append(tried, line)
		}
	}
	return strings.TrimSpace(first + " " + strings.Join(tried, "; "))
}
