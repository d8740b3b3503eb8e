package server

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/store"
)

// offline works on the database of a configuration where no server runs (rule 37).
func offline(ctx context.Context, c Config, mayInstall bool, work func(*parts) error) error {
	if _, err := c.fixedBaseURL(); err != nil && c.saysWhere() { // before anything is made
		return err
	}
	f, db, err := openDatabase(ctx, c, mayInstall && c.saysWhere())
	if err != nil {
		return err
	}
	defer f.close()
	baseURL, err := c.installedBaseURL(ctx, db, mayInstall)
	if err != nil {
		return c.worded(errors.Join(err, db.Close()))
	}
	background, stop := context.WithCancel(ctx)
	defer stop()
	p, err := openPartsOn(background, db, c, baseURL, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		return c.worded(err)
	}
	return c.worded(errors.Join(work(p), p.close()))
}

// openDatabase locks the folder and opens the database. A mistyped folder must not become a new installation, or be left
// behind as an empty one: unless it may be made, the database is there already.
func openDatabase(ctx context.Context, c Config, mayMake bool) (*folder, *store.Store, error) {
	if !mayMake {
		if err := c.missingDatabase(); err != nil {
			return nil, nil, err
		}
	}
	f, err := openFolder(c.DataDir, purposeServer)
	if err != nil {
		return nil, nil, err
	}
	db, err := openStore(ctx, c, false)
	if err != nil {
		f.close()
		return nil, nil, err
	}
	return f, db, nil
}

// missingDatabase returns an error where the database of SQLite does not exist. Whether PostgreSQL holds an installation is
// seen when it is open.
func (c Config) missingDatabase() error {
	if c.Database != "" || c.DatabaseFile != "" {
		return nil
	}
	if _, err := os.Stat(c.sqliteFile()); errors.Is(err, fs.ErrNotExist) {
		return errNoInstallation(c)
	}
	return nil
}

// installedBaseURL returns the base URL that the database was made with, where the configuration does not say another: then
// that is compared. A new installation has what somebody said, never a default, because it keeps it for ever.
func (c Config) installedBaseURL(ctx context.Context, db *store.Store, mayInstall bool) (string, error) {
	installed, err := db.Installation(ctx)
	switch {
	case errors.Is(err, store.ErrNotFound) && !(mayInstall && c.saysWhere()):
		return "", errNoInstallation(c)
	case errors.Is(err, store.ErrNotFound):
		return c.fixedBaseURL()
	case err != nil:
		return "", err
	case !c.saysWhere():
		return installed.BaseURL, nil
	}
	return c.fixedBaseURL()
}

// saysWhere reports whether somebody said how the server is reached.
func (c Config) saysWhere() bool {
	return c.BaseURL != "" || c.ListenGiven || c.Listen != DefaultListen
}

func errNoInstallation(c Config) error {
	where := "the database"
	if c.Database == "" && c.DatabaseFile == "" {
		where = c.sqliteFile()
	}
	return failure.New(failure.Misused, "there is no installation in "+where,
		"name the data_dir or the database of the one that you mean; nsc server and nsc admin bootstrap make a new one, the latter where base_url or listen is given")
}
