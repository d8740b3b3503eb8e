package server

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/store"
)

// Restore begins a new epoch on a database that was restored from a backup (rule 30): no token that was ever issued is
// good any more. No server may run on it.
func Restore(ctx context.Context, c Config) (store.Restored, error) {
	f, db, err := openDatabase(ctx, c, false)
	if err != nil {
		return store.Restored{}, err
	}
	defer f.close()
	done, err := restore(ctx, db, c)
	return done, c.worded(errors.Join(err, db.Close()))
}

func restore(ctx context.Context, db *store.Store, c Config) (store.Restored, error) {
	installed, err := db.Installation(ctx)
	if errors.Is(err, store.ErrNotFound) {
		return store.Restored{}, errors.New("there is no installation in this database, so nothing was restored")
	}
	if err != nil {
		return store.Restored{}, err
	}
	master, err := openInstallation(ctx, db, c, installed.BaseURL, time.Now)
	if err != nil {
		return store.Restored{}, err
	}
	work, stop := context.WithCancel(ctx)
	defer stop()
	recorder := audit.NewRecorder(db, time.Now)
	defer recorder.Close()
	schedule := keys.Schedule{PublishAhead: c.PublishAhead, RotateEvery: c.RotateEvery}
	rotator := keys.NewRotator(db, recorder, keys.NewPool(work), master, schedule, time.Now, func(string) {})
	if err := unpack(ctx, db); err != nil {
		return store.Restored{}, err
	}
	return db.Restore(ctx, rotator.Fresh, func(workspaceID string, epoch int64) (audit.Entry, error) {
		head, err := db.LogHead(ctx, workspaceID)
		if errors.Is(err, store.ErrNotFound) {
			err = nil // nothing is on the record
		}
		e := installationEvent(audit.InstallationRestored, workspaceID)
		e.Details = map[string]string{ // what follows is compared with what was published of before (rule 30)
			"epoch": strconv.FormatInt(epoch, 10), "old_size": strconv.FormatInt(head.Size, 10), "old_root": head.Root.String(),
		}
		return recorder.Entry(e), err
	})
}
