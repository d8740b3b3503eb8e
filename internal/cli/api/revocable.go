package api

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

const revocableTokens = "revocable-tokens"

// Revocable is a revocable token. Token is its secret, only in the answer that made it.
type Revocable struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Subject     string    `json:"subject"`
	Grants      []Grant   `json:"grants"`
	CreatedBy   string    `json:"created_by"`
	CreatedAt   time.Time `json:"created_at"`
	RefreshedAt time.Time `json:"refreshed_at"`
	ExpiresAt   time.Time `json:"expires_at"`
	Token       string    `json:"token,omitempty"`
}

// Unreached is what the end of a token does not reach.
type Unreached struct {
	Unreachable []Unreachable `json:"unreachable"`
	Incomplete  bool          `json:"incomplete,omitempty"`
}

// Refreshed is a revocable token with its new secret.
type Refreshed struct {
	Revocable
	Unreached
}

// NewRevocable asks for a revocable token.
type NewRevocable struct {
	Name      string  `json:"name"`
	Grants    []Grant `json:"grants"`
	ExpiresIn string  `json:"expires_in,omitempty"`
}

// Revocables returns the revocable tokens of a workspace.
func (c *Client) Revocables(ctx context.Context, workspace, bearer string) ([]Revocable, error) {
	return all[Revocable](ctx, c, request{method: http.MethodGet, path: pathIn(workspace, revocableTokens), bearer: bearer})
}

// CreateRevocable registers a revocable token.
func (c *Client) CreateRevocable(ctx context.Context, workspace, bearer string, n NewRevocable) (Revocable, error) {
	var t Revocable
	err := c.call(ctx, request{method: http.MethodPost, path: pathIn(workspace, revocableTokens), bearer: bearer, body: n}, &t)
	return t, err
}

// RefreshRevocable gives a revocable token a new secret. An empty life is as long as before.
func (c *Client) RefreshRevocable(ctx context.Context, workspace, bearer, id, life string) (Refreshed, error) {
	body := struct {
		ExpiresIn string `json:"expires_in,omitempty"`
	}{life}
	var t Refreshed
	path := pathIn(workspace, revocableTokens, id, "refresh")
	err := c.call(ctx, request{method: http.MethodPost, path: path, bearer: bearer, body: body}, &t)
	return t, err
}

// RevokeRevocable revokes a revocable token.
func (c *Client) RevokeRevocable(ctx context.Context, workspace, bearer, id string) (Unreached, error) {
	var done Unreached
	err := c.call(ctx, request{method: http.MethodDelete, path: pathIn(workspace, revocableTokens, id), bearer: bearer}, &done)
	return done, err
}

// RevokeSecret revokes a token for its holder (RFC 7009). A server does not say whether it was one of its own (§2.2).
func (c *Client) RevokeSecret(ctx context.Context, workspace, secret string) error {
	return c.call(ctx, request{method: http.MethodPost, path: "/w/" + segment(workspace) + "/revoke", form: url.Values{"token": {secret}}}, nil)
}
