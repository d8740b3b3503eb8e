package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Explanation is a refusal with why it was one.
type Explanation struct {
	ID       string          `json:"id"`
	Time     time.Time       `json:"time"`
	Code     string          `json:"code"`
	Verified bool            `json:"verified"`
	Summary  string          `json:"summary"`
	Reason   string          `json:"reason,omitempty"`
	Address  string          `json:"address,omitempty"`
	Asked    Asked           `json:"asked"`
	Claims   json.RawMessage `json:"claims,omitempty"`
	Decision *Decision       `json:"decision,omitempty"`
	Advice   []string        `json:"advice,omitempty"`
}

// Asked is what a token was asked for.
type Asked struct {
	TokenType string   `json:"token_type"`
	Audience  string   `json:"audience,omitempty"`
	Scope     []string `json:"scope,omitempty"`
	Grants    []Grant  `json:"grants,omitempty"`
	Trust     string   `json:"trust,omitempty"`
	Duration  string   `json:"duration,omitempty"`
}

// Decision is a decision with how it comes about.
type Decision struct {
	Granted    bool              `json:"granted"`
	Reason     string            `json:"reason,omitempty"`
	Detail     string            `json:"detail,omitempty"`
	Asked      string            `json:"asked,omitempty"`
	Held       string            `json:"held,omitempty"`
	Grants     []Grant           `json:"grants,omitempty"`
	Groups     []string          `json:"groups,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Duration   string            `json:"duration,omitempty"`
	SingleUse  bool              `json:"single_use,omitempty"`
	Trusts     []Finding         `json:"trusts"`
}

// Finding is how one trust comes out.
type Finding struct {
	ID           string          `json:"id"`
	Version      int64           `json:"version"`
	SubjectMatch string          `json:"subject_match,omitempty"`
	Matches      bool            `json:"matches"`
	Failures     []ClauseFailure `json:"failures"`
	Change       *ProposedChange `json:"change,omitempty"`
	Advice       []string        `json:"advice,omitempty"`
}

// ClauseFailure is one clause that a token does not satisfy.
type ClauseFailure struct {
	Clause     string   `json:"clause"`
	Expected   string   `json:"expected"`
	Actual     string   `json:"actual"`
	NearMisses []string `json:"near_misses,omitempty"`
}

// ProposedChange is the smallest change by which a trust would admit a token.
type ProposedChange struct {
	Edits  []Edit   `json:"edits,omitempty"`
	Grants []Grant  `json:"add_grants,omitempty"`
	Admits []string `json:"admits"`
	Others int      `json:"others"`
}

// Edit is a new value of a field.
type Edit struct {
	Field string `json:"field"`
	From  string `json:"from"`
	To    string `json:"to"`
}

// Trial is an exchange to be tried: of a token, or of claims.
type Trial struct {
	Token     string          `json:"token,omitempty"`
	Claims    json.RawMessage `json:"claims,omitempty"`
	TokenType string          `json:"token_type,omitempty"`
	Audience  string          `json:"audience,omitempty"`
	Scope     []string        `json:"scope,omitempty"`
	Grants    *[]Grant        `json:"grants,omitempty"`
	Trust     string          `json:"trust,omitempty"`
}

// Tried is what an exchange would answer.
type Tried struct {
	Verified bool            `json:"verified"`
	Code     string          `json:"code,omitempty"`
	Summary  string          `json:"summary,omitempty"`
	Claims   json.RawMessage `json:"claims,omitempty"`
	Decision *Decision       `json:"decision,omitempty"`
	Advice   []string        `json:"advice,omitempty"`
}

// Explain returns why a request was refused.
func (c *Client) Explain(ctx context.Context, workspace, bearer, refusal string) (Explanation, error) {
	var e Explanation
	err := c.call(ctx, request{method: http.MethodGet, path: pathIn(workspace, "refusals", refusal, "explanation"), bearer: bearer}, &e)
	return e, err
}

// Try returns what an exchange would answer.
func (c *Client) Try(ctx context.Context, workspace, bearer string, t Trial) (Tried, error) {
	var tried Tried
	err := c.call(ctx, request{method: http.MethodPost, path: pathIn(workspace, trustRelationships, "test"), bearer: bearer, body: t}, &tried)
	return tried, err
}
