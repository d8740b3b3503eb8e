package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/manage"
	"github.com/nsc-federation/nsc/internal/workspace"
)

type workspaceBody struct {
	ID        string    `json:"workspace_id"`
	Name      string    `json:"name"`
	Issuer    string    `json:"issuer"`
	CreatedAt time.Time `json:"created_at"`
}

func (h *handler) workspaceBody(w workspace.Workspace) workspaceBody {
	return workspaceBody{w.ID, w.Name, h.BaseURL + "/w/" + w.Name, w.CreatedAt.UTC()}
}

type listWorkspaces struct {
	Authorization string `header:"Authorization"`
	After         string `query:"after" maxLength:"63" doc:"Name to go on after"`
	Limit         int    `query:"limit" minimum:"1" maximum:"200" default:"200"`
}

type createWorkspace struct {
	Origin
	Authorization string `header:"Authorization" doc:"Bearer and an access token for the system workspace's issuer"`
	Body          struct {
		Name  string `json:"name" maxLength:"63" doc:"Lower-case letters, digits and hyphens; part of the issuer, never changes"`
		Owner struct {
			Issuer  string `json:"issuer"`
			Subject string `json:"subject"`
		} `json:"owner" doc:"Who administers the workspace: a subject of any issuer that this server can reach"`
	}
}

type whoami struct {
	Subject     string                `json:"subject"`
	Workspace   string                `json:"workspace"`
	WorkspaceID string                `json:"workspace_id"`
	Issuer      string                `json:"issuer"`
	Grants      []identity.Permission `json:"grants" nullable:"false"`
	Groups      []string              `json:"groups,omitempty"`
	ClientID    string                `json:"client_id,omitempty"`
	ExpiresAt   time.Time             `json:"expires_at"`
}

func (h *handler) workspaceAPI(api huma.API) {
	serve(h, api, huma.Operation{
		OperationID: "list-workspaces", Method: http.MethodGet, Path: apiBase, Summary: "List workspaces: all to an operator, to others their own",
	}, h.listWorkspaces)
	serve(h, api, huma.Operation{
		OperationID: "create-workspace", Method: http.MethodPost, Path: apiBase, Summary: "Create a workspace; for operators",
		DefaultStatus: http.StatusCreated,
	}, h.createWorkspace)
	serve(h, api, huma.Operation{
		OperationID: "describe-workspace", Method: http.MethodGet, Path: apiBase + "/{workspace}", Summary: "Describe a workspace; public",
	}, func(ctx context.Context, in *struct {
		Workspace string `path:"workspace"`
	}) (workspaceBody, error) {
		w, err := h.Manage.Workspace(ctx, in.Workspace)
		return h.workspaceBody(w), err
	})
	serve(h, api, huma.Operation{
		OperationID: "whoami", Method: http.MethodGet, Path: apiBase + "/{workspace}/whoami", Summary: "Say who the caller is and what he may do",
	}, h.whoami)
}

func (h *handler) listWorkspaces(ctx context.Context, in *listWorkspaces) (list[workspaceBody], error) {
	caller, err := h.anyCaller(ctx, in.Authorization)
	if err != nil {
		return list[workspaceBody]{}, err
	}
	found, err := h.Manage.ListWorkspaces(ctx, caller, in.After, in.Limit)
	if err != nil {
		return list[workspaceBody]{}, err
	}
	bodies := make([]workspaceBody, len(found))
	for i, w := range found {
		bodies[i] = h.workspaceBody(w)
	}
	return newList(bodies, in.Limit, func(b workspaceBody) string { return b.Name }), nil
}

func (h *handler) createWorkspace(ctx context.Context, in *createWorkspace) (workspaceBody, error) {
	caller, err := h.caller(ctx, Call{Workspace: workspace.SystemName, Authorization: in.Authorization})
	if err != nil {
		return workspaceBody{}, err
	}
	owner := manage.Owner{Issuer: in.Body.Owner.Issuer, Subject: in.Body.Owner.Subject}
	w, err := h.Manage.CreateWorkspace(ctx, caller, in.Body.Name, owner, in.address)
	return h.workspaceBody(w), err
}

func (h *handler) whoami(ctx context.Context, in *Call) (whoami, error) {
	caller, err := h.caller(ctx, *in)
	if err != nil {
		return whoami{}, err
	}
	tenant := caller.Tenant()
	return whoami{
		caller.Subject(), tenant.Name, tenant.ID, tenant.Issuer, append([]identity.Permission{}, caller.Permissions()...),
		caller.Groups(), caller.ClientID(), caller.ExpiresAt().UTC(),
	}, nil
}

// anyCaller returns who makes a call that names no workspace: the token's issuer does.
func (h *handler) anyCaller(ctx context.Context, authorization string) (identity.Identity, error) {
	token, err := bearer(authorization)
	if err != nil {
		return identity.Identity{}, err
	}
	parsed, err := jwt.Parse(token)
	if err != nil {
		return identity.Identity{}, fault.New(fault.Unauthenticated, err)
	}
	name, ours := h.Workspaces.NameOf(parsed.Claims.Issuer)
	if !ours {
		return identity.Identity{}, fault.Newf(fault.Unauthenticated, "issuer %q is not ours", parsed.Claims.Issuer)
	}
	caller, _, err := h.Tokens.Authenticate(ctx, name, token)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.Unauthenticated, err)
	}
	return caller, err
}
