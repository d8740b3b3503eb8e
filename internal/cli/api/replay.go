package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Proposal is a change of trusts that nobody has made, and the period to try it on.
type Proposal struct {
	Since  string            `json:"since"`
	Until  string            `json:"until,omitempty"`
	Add    []json.RawMessage `json:"add,omitempty"`
	Update []json.RawMessage `json:"update,omitempty"`
	Remove []string          `json:"remove,omitempty"`
}

// ProposedUpdate is a change of one trust.
type ProposedUpdate struct {
	ID     string      `json:"id"`
	Change TrustChange `json:"change"`
}

// Replayed is what a proposal would have made of the exchanges of a period.
type Replayed struct {
	Exchanges  int     `json:"exchanges"`
	Derived    int     `json:"derived"`
	Unchanged  int     `json:"unchanged"`
	Parties    []Party `json:"parties"`
	Incomplete bool    `json:"incomplete,omitempty"`
}

// Party is somebody for whom a proposal makes the same difference in some exchanges.
type Party struct {
	Verdict   string    `json:"verdict"`
	Issuer    string    `json:"issuer"`
	Subject   string    `json:"subject"`
	Audience  string    `json:"audience,omitempty"`
	Because   string    `json:"because,omitempty"`
	Exchanges int       `json:"exchanges"`
	Last      time.Time `json:"last"`
}

// Replay returns what a proposal would have made of the exchanges of a period.
func (c *Client) Replay(ctx context.Context, workspace, bearer string, p Proposal) (Replayed, error) {
	var r Replayed
	err := c.call(ctx, request{method: http.MethodPost, path: pathIn(workspace, trustRelationships, "replay"), bearer: bearer, body: p}, &r)
	return r, err
}
