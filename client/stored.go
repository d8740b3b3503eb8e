package client

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/nsc-federation/nsc/internal/credentials"
)

// stored returns the sign-in that the command line would use, renewed where SignIn says how.
func (c *Client) stored(ctx context.Context, workspace string) (credentials.Credential, error) {
	store := credentials.NewStore(os.Getenv, time.Now)
	found, err := store.Find("", workspace)
	if c.SignIn == nil {
		return found, err
	}
	path := found.Path
	switch {
	case errors.Is(err, ErrNotSignedIn):
		if path, err = store.Path("", workspace); err != nil {
			return found, err
		}
	case err != nil:
		if path = spoiledFile(store, workspace, err); path != "" {
			return c.mended(ctx, path, err)
		}
		return found, err
	case found.Source != credentials.User:
		return found, err
	}
	in, err := store.Renew(ctx, path, c.renew)
	if err != nil && in.BearerToken != "" && !in.Expired(time.Now()) {
		c.log().WarnContext(ctx, "nsc: sign-in not renewed", "file", path, "ends", in.ExpiresAt, "error", err)
		return in, nil
	}
	return in, err
}

// renew gets what is stored in place of a sign-in that is about to end.
func (c *Client) renew(ctx context.Context, _ credentials.Stored) (credentials.Stored, error) {
	token, err := c.SignIn(ctx)
	if err != nil {
		return credentials.Stored{}, err
	}
	if _, err := read(token); err != nil {
		return credentials.Stored{}, err
	}
	return credentials.Stored{BearerToken: token}, nil
}
