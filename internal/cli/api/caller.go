package api

import (
	"context"
	"net/http"
	"time"
)

// Grant is what somebody may do: on which resources of a type, which actions.
type Grant struct {
	ResourceType string   `json:"resource_type"`
	ResourceID   string   `json:"resource_id"`
	Actions      []string `json:"actions"`
}

// Caller is who a bearer token says its bearer is, as the server sees it.
type Caller struct {
	Subject     string    `json:"subject"`
	Workspace   string    `json:"workspace"`
	WorkspaceID string    `json:"workspace_id"`
	Issuer      string    `json:"issuer"`
	Grants      []Grant   `json:"grants"`
	Groups      []string  `json:"groups,omitempty"`
	ClientID    string    `json:"client_id,omitempty"`
	Act         []string  `json:"act,omitempty"`
	ExpiresAt   time.Time `json:"expires_at"`
}

// WhoAmI asks the server who the bearer is.
func (c *Client) WhoAmI(ctx context.Context, workspace, bearer string) (Caller, error) {
	var caller Caller
	err := c.call(ctx, request{method: http.MethodGet, path: pathIn(workspace, "whoami"), bearer: bearer}, &caller)
	return caller, err
}
