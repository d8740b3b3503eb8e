package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/manage"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// workspaceBody is a workspace as the API shows it.
type workspaceBody struct {
	ID        string    `json:"workspace_id" doc:"Never changes and is never given again" example:"agolopjsdawfniaebnoh7uduj4"`
	Name      string    `json:"name" doc:"Never changes: it is part of the issuer" example:"acme"`
	Issuer    string    `json:"issuer" doc:"Issuer of the workspace's tokens; its endpoints are listed at <issuer>/.well-known/openid-configuration" example:"https://nsc.example.com/w/acme"`
	CreatedAt time.Time `json:"created_at" doc:"When it was made"`
}

func (w workspaceBody) entityTag() string { return digestOf(w) }

func (w workspaceBody) place() string { return w.Name }

func (h *handler) workspaceBody(w workspace.Workspace) workspaceBody {
	return workspaceBody{w.ID, w.Name, h.BaseURL + "/w/" + w.Name, w.CreatedAt.UTC()}
}

type listWorkspaces struct {
	Authorization string `header:"Authorization" hidden:"true"`
	After         string `query:"after" maxLength:"63" doc:"Cursor: the next of the page before this one"`
	Limit         int    `query:"limit" minimum:"1" maximum:"200" default:"200" doc:"How many things a page has at most"`
}

// workspaceRequest asks for a workspace.
type workspaceRequest struct {
	Name  string       `json:"name" doc:"1 to 63 lower-case letters, digits and hyphens; never changes, and is never used again" example:"acme"`
	Owner ownerRequest `json:"owner" doc:"Who administers the workspace"`
}

// ownerRequest names an owner.
type ownerRequest struct {
	Issuer  string `json:"issuer" doc:"Any issuer that this server can fetch the keys of, its own workspaces included" example:"https://nsc.example.com/w/people"`
	Subject string `json:"subject" doc:"One subject of that issuer, no pattern" example:"workspace/agolopkbxawbssvvgrpr6ygwb4/user/agolopkfub2kttakbixrwswhx4"`
}

type createWorkspace struct {
	Origin
	Creation
	Authorization string `header:"Authorization" hidden:"true"`
	Body          workspaceRequest
}

type readWorkspace struct {
	Reading
	Workspace string `path:"workspace" doc:"Name of the workspace" example:"acme"`
}

// callerBody is who makes a call.
type callerBody struct {
	Subject     string      `json:"subject" doc:"The caller's immutable name" example:"workspace/agolopjsdawfniaebnoh7uduj4/user/agolopkfub2kttakbixrwswhx4"`
	Workspace   string      `json:"workspace" doc:"Name of the workspace that the token is for" example:"acme"`
	WorkspaceID string      `json:"workspace_id" doc:"Its ID" example:"agolopjsdawfniaebnoh7uduj4"`
	Issuer      string      `json:"issuer" doc:"Its issuer" example:"https://nsc.example.com/w/acme"`
	Grants      []grantBody `json:"grants" nullable:"false" doc:"What the caller may do"`
	Groups      []string    `json:"groups,omitempty" nullable:"false" doc:"Groups that trusts mapped from an external token"`
	ClientID    string      `json:"client_id,omitempty" doc:"The client that the token was issued to"`
	Act         []string    `json:"act,omitempty" nullable:"false" doc:"Subjects that act for the caller with this token, the present one first"`
	ExpiresAt   time.Time   `json:"expires_at" doc:"When the token ends"`
}

func (h *handler) workspaceAPI(api huma.API) {
	serve(h, api, operation{
		ID: "list-workspaces", Method: http.MethodGet, Path: apiBase, Tag: tagWorkspaces, Summary: "List workspaces",
		Description: "All in the order of their names, to a caller of the workspace system; to any other his own. Needs a grant on the workspace: workspace, read.",
		Codes:       []fault.Code{fault.Forbidden}, Answer: list[workspaceBody]{Items: []workspaceBody{exampleWorkspace}},
	}, h.listWorkspaces)
	create(h, api, operation{
		ID: "create-workspace", Method: http.MethodPost, Path: apiBase, Tag: tagWorkspaces, Summary: "Create a workspace",
		Description: "With its signing keys, and a trust relationship that makes the owner its administrator. The caller is an operator: his token is " +
			"for the workspace system, with a grant on the workspace: workspace, admin.",
		Status: http.StatusCreated, Codes: []fault.Code{fault.Forbidden, fault.Conflict, fault.KeyReused},
		Request: exampleWorkspaceRequest, Answer: exampleWorkspace,
	}, h.createWorkspace)
	show(h, api, operation{
		ID: "describe-workspace", Method: http.MethodGet, Path: apiBase + "/{workspace}", Tag: tagWorkspaces, Summary: "Describe a workspace",
		Description: "That a workspace exists is public, as its discovery document is.", Public: true, Answer: exampleWorkspace,
	}, h.describeWorkspace)
	serve(h, api, operation{
		ID: "whoami", Method: http.MethodGet, Path: apiBase + "/{workspace}/whoami", Tag: tagWorkspaces, Summary: "Say who the caller is",
		Description: "And what he may do, until when. Needs no grant.", Answer: exampleCaller,
	}, h.whoami)
}

func (h *handler) listWorkspaces(ctx context.Context, in *listWorkspaces) (list[workspaceBody], error) {
	caller, err := h.anyCaller(ctx, in.Authorization)
	if err != nil {
		return list[workspaceBody]{}, err
	}
	if in.After != "" && workspace.CheckName(in.After) != nil {
		return list[workspaceBody]{}, fault.Invalid("after", "is not the next of a page")
	}
	found, next, err := pageOf(in.After, in.Limit, func(w workspace.Workspace) string { return w.Name },
		func(after string, limit int) ([]workspace.Workspace, error) {
			return h.Manage.ListWorkspaces(ctx, caller, after, limit)
		})
	return newList(found, next, h.workspaceBody), err
}

func (h *handler) createWorkspace(ctx context.Context, in *createWorkspace) (workspaceBody, error) {
	caller, err := h.caller(ctx, Call{Workspace: workspace.SystemName, Authorization: in.Authorization})
	if err != nil {
		return workspaceBody{}, err
	}
	service, err := h.once(in.Creation, in.Body, "create-workspace", workspace.SystemName)
	if err != nil {
		return workspaceBody{}, err
	}
	w, err := service.CreateWorkspace(ctx, caller, in.Body.Name, manage.Owner(in.Body.Owner), in.address)
	return h.workspaceBody(w), err
}

func (h *handler) describeWorkspace(ctx context.Context, in *readWorkspace) (workspaceBody, error) {
	s, err := h.byName(ctx, in.Workspace)
	if err != nil {
		return workspaceBody{}, err
	}
	return h.workspaceBody(s.Workspace), nil
}

func (h *handler) whoami(ctx context.Context, in *Call) (callerBody, error) {
	caller, err := h.caller(ctx, *in)
	if err != nil {
		return callerBody{}, err
	}
	tenant := caller.Tenant()
	return callerBody{
		caller.Subject(), tenant.Name, tenant.ID, tenant.Issuer, newGrants(caller.Permissions()), caller.Groups(), caller.ClientID(),
		caller.Act().Names(tenant), caller.ExpiresAt().UTC(),
	}, nil
}

// anyCaller returns who makes a call that names no workspace: the token's issuer does.
func (h *handler) anyCaller(ctx context.Context, authorization string) (identity.Identity, error) {
	token, err := bearer(authorization)
	if err != nil {
		return identity.Identity{}, err
	}
	return h.Tokens.Caller(ctx, token)
}
