package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// The names of RFC 8693 §2.1 and §3.
const (
	tokenExchange   = "urn:ietf:params:oauth:grant-type:token-exchange"
	typeJWT         = "urn:ietf:params:oauth:token-type:jwt"
	typeAccessToken = "urn:ietf:params:oauth:token-type:access_token"
	typeIDToken     = "urn:ietf:params:oauth:token-type:id_token"
)

// Answer is what the token endpoint issues (RFC 8693 §2.2.1).
type Answer struct {
	AccessToken string `json:"access_token"` // whatever kind of token it is
	ExpiresIn   int64  `json:"expires_in"`   // seconds
	Workspace   string `json:"workspace"`
	WorkspaceID string `json:"workspace_id"`
}

// Lifetime returns how long the token is good for.
func (a Answer) Lifetime() time.Duration { return time.Duration(a.ExpiresIn) * time.Second }

// IDTokenRequest asks for an ID token.
type IDTokenRequest struct {
	Bearer    string        // the workspace's access token
	Audience  string        // for whom
	Algorithm string        // "" is the server's choice
	Duration  time.Duration // 0 is the server's choice
}

// IssueIDToken has a workspace issue an ID token to the bearer of its access token.
func (c *Client) IssueIDToken(ctx context.Context, workspace string, r IDTokenRequest) (Answer, error) {
	form := url.Values{
		"subject_token": {r.Bearer}, "subject_token_type": {typeAccessToken},
		"requested_token_type": {typeIDToken}, "audience": {r.Audience},
	}
	if r.Algorithm != "" {
		form.Set("id_token_signed_response_alg", r.Algorithm)
	}
	setDuration(form, r.Duration)
	return c.token(ctx, workspace, form)
}

// SignInRequest asks for an access token in exchange for somebody else's token.
type SignInRequest struct {
	Token    string        // of another issuer, or of somebody who delegates to the actor
	Actor    string        // the workspace's access token of who acts for the token's subject; "" for nobody
	Trust    string        // ID of the one trust to use; "" is all that match
	Duration time.Duration // 0 is the trust's choice
}

// SignIn exchanges another issuer's token for an access token of a workspace. Without the workspace's name the token's
// audience must be its issuer (rule 6).
func (c *Client) SignIn(ctx context.Context, workspace string, r SignInRequest) (Answer, error) {
	form := url.Values{
		"subject_token": {r.Token}, "subject_token_type": {typeJWT}, "requested_token_type": {typeAccessToken},
	}
	if r.Trust != "" {
		form.Set("trust", r.Trust)
	}
	if r.Actor != "" {
		form.Set("actor_token", r.Actor)
		form.Set("actor_token_type", typeAccessToken)
	}
	setDuration(form, r.Duration)
	return c.token(ctx, workspace, form)
}

// DelegateRequest asks for a token with which somebody else may act for its subject.
type DelegateRequest struct {
	Bearer   string        // the workspace's access token of who delegates
	To       string        // the subject of who may act
	Grants   []Grant       // what he may use; nil is everything
	Duration time.Duration // 0 is the server's choice
}

// mayAct is the claim of RFC 8693 §4.4 with which a token is delegated.
type mayAct struct {
	Subject string   `json:"sub"`
	Details []detail `json:"authorization_details,omitempty"`
}

// detail is a Grant as RFC 9396 §2.2 names its parts.
type detail struct {
	Type       string   `json:"type"`
	Identifier string   `json:"identifier"`
	Actions    []string `json:"actions"`
}

// Delegate has a workspace issue an access token that is of use to its holder and, by exchange, to one actor.
func (c *Client) Delegate(ctx context.Context, workspace string, r DelegateRequest) (Answer, error) {
	claim := mayAct{Subject: r.To}
	for _, g := range r.Grants {
		claim.Details = append(claim.Details, detail{g.ResourceType, g.ResourceID, g.Actions})
	}
	text, err := json.Marshal(claim)
	if err != nil {
		return Answer{}, err
	}
	form := url.Values{
		"subject_token": {r.Bearer}, "subject_token_type": {typeAccessToken},
		"requested_token_type": {typeAccessToken}, "may_act": {string(text)},
	}
	setDuration(form, r.Duration)
	return c.token(ctx, workspace, form)
}

func setDuration(form url.Values, d time.Duration) {
	if d > 0 {
		form.Set("expires_in", strconv.FormatInt(int64(d/time.Second), 10))
	}
}

// token posts to a workspace's token endpoint, or to the server's. The idempotency key lets net/http repeat the request
// on a connection that broke without wasting a token that may be used only once (rule 16).
func (c *Client) token(ctx context.Context, workspace string, form url.Values) (Answer, error) {
	form.Set("grant_type", tokenExchange)
	path := "/token"
	if workspace != "" {
		path = "/w/" + segment(workspace) + "/token"
	}
	var a Answer
	err := c.call(ctx, request{method: http.MethodPost, path: path, form: form,
		header: http.Header{"Idempotency-Key": {rand.Text()}}}, &a)
	if err == nil && a.AccessToken == "" {
		err = strange(c.base, "answered without a token")
	}
	return a, err
}
