package client

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/nsc-federation/nsc/internal/credentials"
	"github.com/nsc-federation/nsc/internal/jwt"
)

// The names of RFC 8693 §2.1 and §3.
const (
	tokenExchange   = "urn:ietf:params:oauth:grant-type:token-exchange"
	typeJWT         = "urn:ietf:params:oauth:token-type:jwt"
	typeAccessToken = "urn:ietf:params:oauth:token-type:access_token"
	typeIDToken     = "urn:ietf:params:oauth:token-type:id_token"
)

// Exchange exchanges another issuer's OIDC token (a Kubernetes service account's, a CI job's, a cloud identity's) for an
// access token of a workspace, if one of its trust relationships says so. The workspace is the one that Issuer or the
// environment names, and otherwise the one whose issuer is the token's audience. The result is not stored; it is what
// Source and SignIn return.
func (c *Client) Exchange(ctx context.Context, token string) (Token, error) {
	to, err := c.wanted()
	if err != nil {
		return Token{}, err
	}
	if to.base == "" {
		if to.base, err = serverOf(token); err != nil {
			return Token{}, err
		}
	}
	return c.exchange(ctx, to, token)
}

// serverOf returns the server whose workspace the audience of a token is.
func serverOf(token string) (string, error) {
	t, err := jwt.Parse(token)
	if err != nil {
		return "", fmt.Errorf("client: the token to be exchanged: %w", err)
	}
	var found string
	for _, audience := range t.Claims.Audience {
		base, _, ok := credentials.SplitIssuer(audience)
		if !ok {
			continue
		}
		if base = normal(base); found != "" && found != base {
			return "", errors.New("client: the token's audience names several servers; set Issuer")
		}
		found = base
	}
	if found == "" {
		return "", errors.New("client: the token's audience does not name a workspace; set Issuer (or NSC_URL and NSC_WORKSPACE)")
	}
	return found, nil
}

func (c *Client) exchange(ctx context.Context, to workspace, token string) (Token, error) {
	issued, err := c.request(ctx, to, url.Values{
		"subject_token": {token}, "subject_token_type": {typeJWT}, "requested_token_type": {typeAccessToken},
	})
	if err != nil {
		return Token{}, err
	}
	in, err := read(issued.secret)
	if err == nil && normal(in.Base) != to.base {
		err = fmt.Errorf("client: the server at %q calls itself %q, and its tokens would be sent there", to.base, in.Base)
	}
	if err != nil {
		return Token{}, err
	}
	return issued, nil
}

// issueID has the workspace of a sign-in issue an ID token.
func (c *Client) issueID(ctx context.Context, in credentials.Credential, audience string) (Token, error) {
	return c.request(ctx, workspace{normal(in.Base), in.Workspace}, url.Values{
		"subject_token": {in.BearerToken}, "subject_token_type": {typeAccessToken},
		"requested_token_type": {typeIDToken}, "audience": {audience},
	})
}

// request asks a token endpoint for a token (RFC 8693 §2.1).
func (c *Client) request(ctx context.Context, to workspace, form url.Values) (Token, error) {
	endpoint, err := to.endpoint()
	if err != nil {
		return Token{}, err
	}
	form.Set("grant_type", tokenExchange)
	asked := time.Now() // of the answer's way here the token's life is not prolonged
	body, err := c.post(ctx, endpoint, form)
	if err != nil {
		return Token{}, err
	}
	token, err := readAnswer(body, form.Get("requested_token_type"), asked)
	if err != nil {
		return Token{}, fmt.Errorf("client: %s does not answer as an nsc server: %w", endpoint, err)
	}
	return token, nil
}
