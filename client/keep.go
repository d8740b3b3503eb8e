package client

import (
	"context"
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
// so that no reader sees half of it; its folder must exist.
func (c *Client) KeepFile(ctx context.Context, path, audience string) error {
	token, err := c.writeFile(ctx, path, audience, "")
	if err != nil {
		return err
	}
	go c.keepFile(ctx, path, audience, token)
	return nil
}

func (c *Client) keepFile(ctx context.Context, path, audience string, token Token) {
	pause := time.Until(token.renewAt)
	for {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		successor, err := c.writeFile(ctx, path, audience, token.secret)
		if err != nil && ctx.Err() == nil {
			c.log().WarnContext(ctx, "nsc: token file not renewed", "file", path, "error", err)
		}
		if err == nil {
			token = successor
		}
		pause = max(time.Until(token.renewAt), renewPace)
	}
}

// writeFile writes the token that is good now, where it is not the one that is there already.
func (c *Client) writeFile(ctx context.Context, path, audience, present string) (Token, error) {
	token, err := c.kept.renewed(ctx, "audience "+audience, c.log(), c.issue(audience))
	if err != nil || token.secret == present {
		return token, err
	}
	return token, credentials.Replace(path, []byte(token.secret))
}
