package api

import (
	"context"
	"net/http"
	"time"
)

const cutOffs = "cut-offs"

// CutOff is a lasting cut-off.
type CutOff struct {
	ID        string     `json:"id"`
	Kind      string     `json:"kind"`
	Value     string     `json:"value"`
	Issuer    string     `json:"issuer,omitempty"`
	Reason    string     `json:"reason,omitempty"`
	CreatedBy string     `json:"created_by"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// CutOffTarget names what is to be cut off.
type CutOffTarget struct {
	Trust   string `json:"trust,omitempty"`
	Token   string `json:"token,omitempty"`
	Key     string `json:"key,omitempty"`
	Issuer  string `json:"issuer,omitempty"`
	Subject string `json:"subject,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

// CutOffResult says what a cut-off did and what it does not reach.
type CutOffResult struct {
	ID    string     `json:"id,omitempty"`
	Since *time.Time `json:"since,omitempty"` // of one that was made before
	Unreached
	Trusts     []string `json:"trusts,omitempty"`
	MoreTrusts bool     `json:"more_trusts,omitempty"`
	Warnings   []string `json:"warnings,omitempty"`
}

// Unreachable counts living tokens that others verify by themselves.
type Unreachable struct {
	Audience string    `json:"audience"`
	Count    int       `json:"count"`
	Latest   time.Time `json:"latest"`
}

// CutOffs returns a workspace's lasting cut-offs.
func (c *Client) CutOffs(ctx context.Context, workspace, bearer string) ([]CutOff, error) {
	return all[CutOff](ctx, c, request{method: http.MethodGet, path: pathIn(workspace, cutOffs), bearer: bearer})
}

// CutOff cuts off what the target names.
func (c *Client) CutOff(ctx context.Context, workspace, bearer string, t CutOffTarget) (CutOffResult, error) {
	var result CutOffResult
	err := c.call(ctx, request{method: http.MethodPost, path: pathIn(workspace, cutOffs), bearer: bearer, body: t}, &result)
	return result, err
}

// LiftCutOff lifts a lasting cut-off.
func (c *Client) LiftCutOff(ctx context.Context, workspace, bearer, id string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: pathIn(workspace, cutOffs, id), bearer: bearer}, nil)
}
