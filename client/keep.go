package client

import (
	"context"
	"os"
	"time"

	"golang.org/x/oauth2"

	"github.com/nsc-federation/nsc/internal/credentials"
)

// TokenSource returns a source of ID tokens for an audience, for whatever takes such a source: oauth2.NewClient makes an
// [http.Client] of it that sends them as bearer tokens.
func (c *Client) TokenSource(audience string) oauth2.TokenSource { return source{c, audience} }

type source struct {
	client   *Client
	audience string
}

// Token returns a token that is good now.
func (s source) Token() (*oauth2.Token, error) {
	token, err := s.client.IDToken(context.Background(), s.audience)
	if err != nil {
		return nil, err
	}
	return &oauth2.Token{AccessToken: token.secret, TokenType: "Bearer", Expiry: token.ExpiresAt}, nil
}

// KeepFile writes an ID token for an audience to a file, bare and for the owner alone, and keeps a good one there until
// the context ends, for programs that read their token from a file (as AWS's web-identity token file). It returns once
// the first token is there; failures after that are logged, and tried again. The file is replaced by another each time,
// so that no reader sees half of it; its folder must exist. Where somebody removes the file or writes something else to
// it, the token is back within ten seconds, and sooner where tokens live for less than a minute.
func (c *Client) KeepFile(ctx context.Context, path, audience string) error {
	token, err := c.renewed(ctx, audience)
	if err == nil {
		err = credentials.Replace(path, []byte(token.secret))
	}
	if err != nil {
		return err
	}
	go c.keepFile(ctx, path, audience, token)
	return nil
}

func (c *Client) keepFile(ctx context.Context, path, audience string, token Token) {
	for {
		pause := token.pace()
		if due := time.Until(token.renewAt); due > 0 {
			pause = min(pause, due)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		present, err := c.renewed(ctx, audience)
		if err == nil {
			token = present
			err = restore(path, token.secret)
		}
		if err != nil && ctx.Err() == nil {
			c.log().WarnContext(ctx, "nsc: token file not renewed", "file", path, "error", err)
		}
	}
}

// renewed returns the token that is good now, and waits for it where one is due.
func (c *Client) renewed(ctx context.Context, audience string) (Token, error) {
	return c.kept.renewed(ctx, "audience "+audience, c.log(), c.issue(audience))
}

// restore writes a token where the file does not hold it. What has another size is not read: a link, or something that has
// no end.
func restore(path, token string) error {
	if state, err := os.Lstat(path); err == nil && state.Size() == int64(len(token)) {
		if content, err := os.ReadFile(path); err == nil && string(content) == token {
			return nil
		}
	}
	return credentials.Replace(path, []byte(token))
}
