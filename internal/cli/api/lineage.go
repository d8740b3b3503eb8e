package api

import (
	"context"
	"net/http"
	"net/url"
)

// Lineage is what led to a token and what became of it.
type Lineage struct {
	Origin    *EventUpstream `json:"origin,omitempty"`
	Items     []LineageLink  `json:"items"`
	Truncated bool           `json:"truncated,omitempty"`
}

// LineageLink is an event of a lineage.
type LineageLink struct {
	Relation string `json:"relation"`
	Parent   string `json:"parent,omitempty"`
	Depth    int    `json:"depth"`
	Event    Event  `json:"event"`
}

// Lineage follows a token by its jti.
func (c *Client) Lineage(ctx context.Context, workspace, bearer, tokenID string) (Lineage, error) {
	var l Lineage
	query := url.Values{"token_id": {tokenID}}
	err := c.call(ctx, request{method: http.MethodGet, path: pathIn(workspace, "lineage"), bearer: bearer, query: query}, &l)
	return l, err
}
