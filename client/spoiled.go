package client

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/nsc-federation/nsc/internal/credentials"
)

// spoiledFile returns the user's file that the search for a sign-in failed with, if what it holds is none: half of one, or
// something else; "" for none. A file that others may read, or that this program may not, is a person's to look after.
func spoiledFile(store credentials.Store, workspace string, failed error) string {
	if os.Getenv("NSC_TOKEN_FILE") != "" {
		return ""
	}
	for _, name := range []string{workspace, ""} {
		path, err := store.Path("", name)
		if err != nil {
			return ""
		}
		_, err = credentials.Load(path, credentials.User)
		if err != nil && err.Error() == failed.Error() && holdsNoSignIn(path) { // the text names the file
			return path
		}
	}
	return ""
}

func holdsNoSignIn(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, credentials.MaxFile+1))
	if err != nil {
		return false
	}
	stored, err := credentials.Parse(content)
	if err == nil {
		_, err = credentials.Read(stored)
	}
	return err != nil
}

// mended signs in anew and replaces a spoiled file. It stays where that fails.
func (c *Client) mended(ctx context.Context, path string, failed error) (credentials.Credential, error) {
	stored, err := c.renew(ctx, credentials.Stored{})
	if err != nil {
		return credentials.Credential{}, fmt.Errorf("%w, and there is no new sign-in: %w", failed, err)
	}
	if err := credentials.Save(path, stored); err != nil {
		return credentials.Credential{}, err
	}
	return credentials.Load(path, credentials.User)
}
