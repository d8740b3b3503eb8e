package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// Moved says what a table of a moved installation held.
type Moved = store.Moved

// Export writes a whole installation, signing keys (sealed) and record included, for Import into a database of either
// engine. No server may run on it. The master key is not part of it.
func Export(ctx context.Context, c Config, w io.Writer) ([]Moved, error) {
	f, db, err := openDatabase(ctx, c, false)
	if err != nil {
		return nil, err
	}
	defer f.close()
	tables, err := export(ctx, db, w)
	return tables, c.worded(errors.Join(err, db.Close()))
}

func export(ctx context.Context, db *store.Store, w io.Writer) ([]Moved, error) {
	system, err := db.WorkspaceByName(ctx, workspace.SystemName)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errors.New("there is no installation in this database, so nothing to export")
	}
	if err != nil {
		return nil, err
	}
	recorder := audit.NewRecorder(db, time.Now)
	err = recorder.Note(ctx, installationEvent(audit.InstallationExported, system.ID))
	recorder.Close()
	if err = errors.Join(err, unpack(ctx, db)); err != nil {
		return nil, err
	}
	return db.Export(ctx, w)
}

// unpack empties the record's queue, as the sequencer does while a server runs.
func unpack(ctx context.Context, db *store.Store) error {
	for {
		if n, err := db.Sequence(ctx, sequenceAtOnce); n == 0 || err != nil {
			return err
		}
	}
}

const sequenceAtOnce = 64 // rows of the queue

func installationEvent(kind audit.Kind, workspaceID string) audit.Event {
	now := time.Now()
	return audit.Event{ID: id.New(now), Time: now, WorkspaceID: workspaceID, Kind: kind}
}

// Import makes an empty database the installation that Export wrote. The master key file must be the exported
// installation's; it is checked before anything is kept.
func Import(ctx context.Context, c Config, r io.Reader) ([]Moved, error) {
	f, err := openFolder(c.DataDir, purposeServer)
	if err != nil {
		return nil, err
	}
	defer f.close()
	master, err := keys.LoadMaster(c.masterKeyFile())
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("the master key file %s is missing: copy it from the exported installation, or name it with master_key_file", c.masterKeyFile())
	}
	if err != nil {
		return nil, err
	}
	db, err := openStore(ctx, c, false)
	if err != nil {
		return nil, err
	}
	tables, err := importInto(ctx, db, c, master, r)
	return tables, c.worded(errors.Join(err, db.Close()))
}

func importInto(ctx context.Context, db *store.Store, c Config, master keys.Master, r io.Reader) ([]Moved, error) {
	recorder := audit.NewRecorder(db, time.Now)
	defer recorder.Close()
	fits := func(i store.Installation) error {
		if !master.Fits(i.SealCheck) {
			return fmt.Errorf("the master key in %s is not the one of the exported installation", c.masterKeyFile())
		}
		return nil
	}
	return db.Import(ctx, r, fits, func(systemID string) audit.Entry {
		return recorder.Entry(installationEvent(audit.InstallationImported, systemID))
	})
}
