package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const workspaces = "/api/v1/workspaces"

// pathIn returns the path of something in a workspace.
func pathIn(workspace string, below ...string) string {
	path := workspaces + "/" + segment(workspace)
	for _, part := range below {
		path += "/" + segment(part)
	}
	return path
}

// segment returns a name as one segment of a path. Names of one or two dots are escaped, too: they would be steps to what
// stands above (RFC 3986 §5.2.4).
func segment(name string) string {
	if name == "." || name == ".." {
		return strings.ReplaceAll(name, ".", "%2E")
	}
	return url.PathEscape(name)
}

// list is a page of things.
type list[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// Workspace is a tenant: an issuer of its own.
type Workspace struct {
	ID        string    `json:"workspace_id"`
	Name      string    `json:"name"`
	Issuer    string    `json:"issuer"`
	CreatedAt time.Time `json:"created_at"`
}

// Owner is who administers a new workspace: a subject of an issuer.
type Owner struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
}

// Workspaces returns all that the bearer may know of: every one, to an operator.
func (c *Client) Workspaces(ctx context.Context, bearer string) ([]Workspace, error) {
	return all[Workspace](ctx, c, request{method: http.MethodGet, path: workspaces, bearer: bearer})
}

// Workspace returns one workspace. That it exists is public (rule 7).
func (c *Client) Workspace(ctx context.Context, name string) (Workspace, error) {
	var w Workspace
	err := c.call(ctx, request{method: http.MethodGet, path: pathIn(name)}, &w)
	return w, err
}

// CreateWorkspace creates a workspace. The bearer is an operator: an administrator of the workspace system.
func (c *Client) CreateWorkspace(ctx context.Context, bearer, name string, owner Owner) (Workspace, error) {
	var w Workspace
	body := struct {
		Name  string `json:"name"`
		Owner Owner  `json:"owner"`
	}{name, owner}
	err := c.call(ctx, request{method: http.MethodPost, path: workspaces, bearer: bearer, body: body}, &w)
	return w, err
}

// all returns every page of a list.
func all[T any](ctx context.Context, c *Client, r request) ([]T, error) {
	items := []T{}
	r.query = url.Values{}
	for {
		var page list[T]
		if err := c.call(ctx, r, &page); err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
		if page.Next == "" || page.Next == r.query.Get("after") {
			return items, nil
		}
		r.query.Set("after", page.Next)
	}
}
