package credentials

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Ending reports whether the bearer token has ended, or is in the last third of its life and better renewed now.
func (c Credential) Ending(now time.Time) bool {
	return c.ExpiresAt.Sub(now) <= c.ExpiresAt.Sub(c.IssuedAt)/3
}

// Renew returns the sign-in in a file of the user's folder, which it renews where there is none, or one that is about
// to end. However many processes ask at once, one of them renews, and the others wait for what it stores: each reads the
// file again once it holds the lock.
//
// The function renew is given what is stored, which is empty where there is no file, and returns what to store in its
// place. Where it fails, the sign-in at hand is returned beside the error: it may not have ended yet.
func (s Store) Renew(ctx context.Context, path string, renew func(context.Context, Stored) (Stored, error)) (Credential, error) {
	c, err := Load(path, User)
	if !s.wanting(c, err) {
		return c, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return c, unwritable(path, err)
	}
	release, err := lock(ctx, path)
	if err != nil {
		return c, unwritable(path, err)
	}
	defer release()
	if c, err = Load(path, User); !s.wanting(c, err) {
		return c, err
	}
	stored, err := renew(ctx, c.Stored)
	if err != nil {
		return c, err
	}
	if err := save(path, stored); err != nil {
		return c, unwritable(path, err)
	}
	return Load(path, User)
}

// wanting reports whether what was loaded is to be renewed. A file that cannot be used is not: it may be precious.
func (s Store) wanting(c Credential, err error) bool {
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	return c.Ending(s.now())
}
