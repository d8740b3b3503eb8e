package credentials

import (
	"context"
	"os"
	"path/filepath"
)

// Derived returns the token for a workspace that was had by federation from the origin before, where it has not ended.
// In the last third of its life (see Ending) it still serves, and is better had anew.
func (s Store) Derived(origin Credential, workspace string) (Credential, bool) {
	c, err := s.load("", workspace)
	ok := err == nil && c.DerivedBy(origin) && c.Workspace == workspace && c.Base == origin.Base && !c.Expired(s.now())
	return c, ok
}

// RenewDerived returns a token for a workspace that was had by federation from the origin, other than the one that the
// caller has seen and does not want (its bearer token; "" for none). However many processes ask at once, one of them
// exchanges, and the others take what it kept: under the lock, whatever is there that they have not seen is younger.
//
// It never replaces a sign-in that is still good: that one is somebody's, a derived one can be had again. A new token that
// cannot be kept is returned beside the error that says so; "" means that there is none.
func (s Store) RenewDerived(ctx context.Context, origin Credential, workspace, seen string, exchange func(context.Context) (string, error)) (string, error) {
	path, err := s.Path("", workspace)
	if err != nil {
		return "", err
	}
	release, kept := s.lockDerived(ctx, path)
	defer release()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if c, ok := s.Derived(origin, workspace); ok && c.BearerToken != seen {
		return c.BearerToken, nil
	}
	token, err := exchange(ctx)
	if err != nil {
		return "", err
	}
	if s.occupied(path) {
		return token, nil
	}
	if kept == nil {
		kept = save(path, Stored{BearerToken: token, DerivedFrom: Digest(origin.BearerToken)})
	}
	if kept != nil {
		return token, unwritable(path, kept)
	}
	return token, nil
}

// lockDerived takes the lock of a file for a derived token. Where that cannot be had, the token is had without: each
// process for itself. Nobody waits for a lock where nothing would be kept.
func (s Store) lockDerived(ctx context.Context, path string) (release func(), err error) {
	nothing := func() {}
	if s.occupied(path) {
		return nothing, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nothing, err
	}
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	release, err = lock(ctx, path)
	if err != nil {
		return nothing, tooLong(err)
	}
	return release, nil
}

// occupied reports whether a file holds a sign-in that is still good, or is not ours to write (rule 38).
func (s Store) occupied(path string) bool {
	c, err := Load(path, User)
	return s.named(path) || err == nil && c.DerivedFrom == "" && !c.Expired(s.now())
}
