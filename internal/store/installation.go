package store

import (
	"context"
	"database/sql"
	"time"
)

// Installation is what is so for all workspaces together.
type Installation struct {
	BaseURL   string
	CreatedAt time.Time
	SealCheck []byte // opens only with the master key that the installation's keys are sealed with
	Epoch     int64  // a restore begins a new one
}

// Installation returns the installation, or ErrNotFound in a new database.
func (s *Store) Installation(ctx context.Context) (Installation, error) {
	var i Installation
	var createdAt int64
	err := s.reader.QueryRowContext(ctx, `SELECT base_url, created_at, seal_check, epoch FROM installation WHERE id = 1`).
		Scan(&i.BaseURL, &createdAt, &i.SealCheck, &i.Epoch)
	if err != nil {
		return Installation{}, named("installation", s.classify(err))
	}
	i.SealCheck, i.CreatedAt = blob(i.SealCheck), moment(createdAt)
	return i, nil
}

// CreateInstallation makes a new database into an installation, or returns ErrExists where another node was first.
func (s *Store) CreateInstallation(ctx context.Context, i Installation) error {
	return s.write(ctx, "create installation", func(tx *sql.Tx) error {
		if err := storable(i.BaseURL); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO installation (id, base_url, created_at, seal_check, epoch, generation)
			VALUES (1, $1, $2, $3, $4, 0)`, i.BaseURL, micros(i.CreatedAt), blob(i.SealCheck), i.Epoch)
		return err
	})
}

// WholeSince returns from when on events are found by those who act in their tokens, and name the key that signs; the zero
// time is from the first on. What an earlier release recorded does neither, nor what it still records beside this one.
func (s *Store) WholeSince(ctx context.Context) (time.Time, error) {
	var since int64
	err := s.reader.QueryRowContext(ctx, `SELECT whole_since FROM installation WHERE id = 1`).Scan(&since)
	return moment(since), named("whole since", s.classify(err))
}
