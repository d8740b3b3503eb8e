package api

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// Trust is a trust relationship.
type Trust struct {
	ID                  string            `json:"id"`
	Issuer              string            `json:"issuer"`
	SubjectMatch        string            `json:"subject_match"`
	Audience            string            `json:"audience"` // empty: the workspace's issuer
	Condition           string            `json:"condition,omitempty"`
	Mappings            map[string]string `json:"mappings,omitempty"`
	Grants              []Grant           `json:"grants"`
	DefaultDuration     string            `json:"default_token_duration"`
	MaxDuration         string            `json:"max_token_duration"`
	MaxLifetime         string            `json:"max_external_lifetime"`
	SingleUse           bool              `json:"single_use"`
	Enabled             bool              `json:"enabled"`
	AllowSharedAudience bool              `json:"allow_shared_audience,omitempty"`
	AcceptDelegation    bool              `json:"accept_delegation,omitempty"`
	Description         string            `json:"description,omitempty"`
	ManagedBy           string            `json:"managed_by,omitempty"`
	KeySource           KeySource         `json:"key_source"`
	Version             int64             `json:"version"`
	Revision            int64             `json:"revision"`
	CreatedBy           string            `json:"created_by,omitempty"`
	CreatedAt           time.Time         `json:"created_at"`
	UpdatedBy           string            `json:"updated_by,omitempty"`
	UpdatedAt           time.Time         `json:"updated_at"`
	Warnings            []string          `json:"warnings,omitempty"`
}

// The kinds of key source.
const (
	Discovery = "discovery"
	JWKSURL   = "jwks_url"
	JWKS      = "jwks"
)

// KeySource is where the keys of an issuer come from.
type KeySource struct {
	Kind     string    `json:"kind"`
	URL      string    `json:"url,omitempty"`
	CA       string    `json:"ca,omitempty"` // PEM
	JWKS     string    `json:"jwks,omitempty"`
	NotAfter time.Time `json:"not_after,omitzero"`
}

// TrustChange is what is said of a trust: what is nil stays as it is, or is the default.
type TrustChange struct {
	Issuer              *string            `json:"issuer,omitempty"`
	SubjectMatch        *string            `json:"subject_match,omitempty"`
	Audience            *string            `json:"audience,omitempty"`
	Condition           *string            `json:"condition,omitempty"`
	Mappings            *map[string]string `json:"mappings,omitempty"`
	Grants              *[]Grant           `json:"grants,omitempty"`
	DefaultDuration     *string            `json:"default_token_duration,omitempty"`
	MaxDuration         *string            `json:"max_token_duration,omitempty"`
	MaxLifetime         *string            `json:"max_external_lifetime,omitempty"`
	SingleUse           *bool              `json:"single_use,omitempty"`
	Enabled             *bool              `json:"enabled,omitempty"`
	AllowSharedAudience *bool              `json:"allow_shared_audience,omitempty"`
	AcceptDelegation    *bool              `json:"accept_delegation,omitempty"`
	Description         *string            `json:"description,omitempty"`
	ManagedBy           *string            `json:"managed_by,omitempty"`
	KeySource           *KeySource         `json:"key_source,omitempty"`
}

const trustRelationships = "trust-relationships"

// Trusts returns the trust relationships of a workspace.
func (c *Client) Trusts(ctx context.Context, workspace, bearer string) ([]Trust, error) {
	return all[Trust](ctx, c, request{method: http.MethodGet, path: pathIn(workspace, trustRelationships), bearer: bearer})
}

// Trust returns one trust relationship.
func (c *Client) Trust(ctx context.Context, workspace, bearer, id string) (Trust, error) {
	return c.trust(ctx, request{method: http.MethodGet, path: pathIn(workspace, trustRelationships, id), bearer: bearer})
}

// AddTrust registers a trust relationship.
func (c *Client) AddTrust(ctx context.Context, workspace, bearer string, t TrustChange) (Trust, error) {
	return c.trust(ctx, request{method: http.MethodPost, path: pathIn(workspace, trustRelationships), bearer: bearer, body: t})
}

// UpdateTrust changes what is said of a trust relationship.
func (c *Client) UpdateTrust(ctx context.Context, workspace, bearer, id string, t TrustChange) (Trust, error) {
	return c.trust(ctx, request{method: http.MethodPatch, path: pathIn(workspace, trustRelationships, id), bearer: bearer, body: t})
}

// RemoveTrust removes a trust relationship, and ends the tokens that rest on it.
func (c *Client) RemoveTrust(ctx context.Context, workspace, bearer, id string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: pathIn(workspace, trustRelationships, id), bearer: bearer}, nil)
}

func (c *Client) trust(ctx context.Context, r request) (Trust, error) {
	var t Trust
	err := c.call(ctx, r, &t)
	return t, err
}

// UpdateTrustAt changes what is said of a trust relationship that is at a revision; where it is at another, nothing is changed.
func (c *Client) UpdateTrustAt(ctx context.Context, workspace, bearer, id string, revision int64, t TrustChange) (Trust, error) {
	return c.trust(ctx, request{
		method: http.MethodPatch, path: pathIn(workspace, trustRelationships, id), bearer: bearer, body: t, header: ifMatch(revision),
	})
}

// RemoveTrustAt removes a trust relationship that is at a revision; where it is at another, nothing is removed.
func (c *Client) RemoveTrustAt(ctx context.Context, workspace, bearer, id string, revision int64) error {
	return c.call(ctx, request{
		method: http.MethodDelete, path: pathIn(workspace, trustRelationships, id), bearer: bearer, header: ifMatch(revision),
	}, nil)
}

// ifMatch insists on a revision, whose entity tag is the number in quotes.
func ifMatch(revision int64) http.Header {
	return http.Header{"If-Match": {`"` + strconv.FormatInt(revision, 10) + `"`}}
}
