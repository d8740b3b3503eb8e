package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// Reseal seals all private keys under the master key of another file, which it creates where there is none. No server
// may run on the database: it could not open what is sealed anew.
func Reseal(ctx context.Context, c Config, newKeyFile string) error {
	f, db, err := openDatabase(ctx, c, false)
	if err != nil {
		return err
	}
	defer f.close()
	return c.worded(errors.Join(reseal(ctx, db, c, newKeyFile), db.Close()))
}

func reseal(ctx context.Context, db *store.Store, c Config, newKeyFile string) error {
	installed, err := db.Installation(ctx)
	if errors.Is(err, store.ErrNotFound) {
		return errors.New("there is no installation in this database, so nothing to seal anew")
	}
	if err != nil {
		return err
	}
	from, err := openInstallation(ctx, db, c, installed.BaseURL, time.Now)
	if err != nil {
		return err
	}
	to, err := keys.LoadMaster(newKeyFile)
	if errors.Is(err, os.ErrNotExist) {
		to, err = keys.CreateMaster(newKeyFile)
	}
	if err != nil {
		return err
	}
	system, err := db.WorkspaceByName(ctx, workspace.SystemName)
	if err != nil {
		return fmt.Errorf("system workspace: %w", err)
	}
	recorder := audit.NewRecorder(db, time.Now)
	defer recorder.Close()
	now := time.Now()
	entry := recorder.Entry(audit.Event{ID: id.New(now), Time: now, WorkspaceID: system.ID, Kind: audit.KeysResealed})
	return db.Reseal(ctx, store.Resealing{
		Key:    func(k keys.Stored) ([]byte, error) { return k.Reseal(from, to) },
		LogKey: func(k keys.LogKey) ([]byte, error) { return k.Reseal(from, to) },
	}, to.Check(), entry)
}
