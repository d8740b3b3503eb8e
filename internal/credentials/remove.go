package credentials

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/nsc-federation/nsc/internal/failure"
)

// Remove deletes the sign-in at a path of the user's folder, "" for none, with every token that was had by federation,
// and returns the files that are gone. A sign-in that cannot be read is removed all the same.
func (s Store) Remove(path string) (gone []string, err error) {
	if path != "" {
		if gone, err = s.remove(nil, path); err != nil {
			return gone, err
		}
	}
	err = s.each("token_*.json", func(path string) error {
		c, err := Load(path, User)
		if err == nil && c.DerivedFrom != "" {
			gone, err = s.remove(gone, path)
			return err
		}
		return nil
	})
	return gone, err
}

// RemoveAll deletes every file of the user's folder that holds a token, and returns those that are gone.
func (s Store) RemoveAll() (gone []string, err error) {
	for _, pattern := range []string{"token.json", "token_*.json", "keychain/*.json"} {
		err := s.each(pattern, func(path string) (err error) {
			gone, err = s.remove(gone, path)
			return err
		})
		if err != nil {
			return gone, err
		}
	}
	return gone, nil
}

// remove leaves the file that NSC_TOKEN_FILE names where it is: it is somebody else's.
func (s Store) remove(gone []string, path string) ([]string, error) {
	if s.named(path) {
		return gone, nil
	}
	err := locked(path, func() error { // a renewal would bring it back
		err := os.Remove(path)
		if !exists(path) {
			removeLock(path)
		}
		return err
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return gone, nil
	case err != nil:
		return gone, failure.Wrap(failure.Failed, err, fmt.Sprintf("the token file %s cannot be removed: %v", path, err),
			"remove it by hand")
	}
	return append(gone, path), nil
}

// Present returns the path of the user's sign-in that commands would use: the keychain's, the workspace's, the one
// without a name, or the only one that there is. The file need not be readable: it is to be removed.
func (s Store) Present(keychain, workspace string) (string, error) {
	path, err := s.Path(keychain, workspace)
	if err != nil || keychain != "" {
		return path, err
	}
	if c, err := Load(path, User); exists(path) && (err != nil || c.DerivedFrom == "") {
		return path, nil
	}
	if path, err = s.Path("", ""); err != nil || exists(path) {
		return path, err
	}
	c, err := s.only(workspace)
	return c.Path, err
}
