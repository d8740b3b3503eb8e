package web

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/manage"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// revocableBody is a revocable token as the API shows it.
type revocableBody struct {
	ID          string      `json:"id" doc:"Never changes and is never given again" example:"agolopj52c6lk4olb3kgm6gybq"`
	Name        string      `json:"name" doc:"What the token is for" example:"old build server"`
	Subject     string      `json:"subject" doc:"Who the token is, as nsc names it"`
	Grants      []grantBody `json:"grants" nullable:"false" doc:"What it may do"`
	CreatedBy   string      `json:"created_by" doc:"Subject of who made it"`
	CreatedAt   time.Time   `json:"created_at" doc:"When it was made"`
	RefreshedAt time.Time   `json:"refreshed_at" doc:"When the present secret was made"`
	ExpiresAt   time.Time   `json:"expires_at" doc:"When it ends"`
	Revision    int64       `json:"revision" doc:"Moves with every new secret; the ETag"`
	Token       string      `json:"token,omitempty" doc:"The secret; only in the answer that made it, and not in that to a retry"`
}

// unreachedBody says what the end of a token does not reach.
type unreachedBody struct {
	Unreachable []unreachableBody `json:"unreachable" nullable:"false" doc:"Living tokens for others that were issued for the old secret, or for what was issued for it, and that they verify by themselves, by audience"`
	Incomplete  bool              `json:"incomplete,omitempty" doc:"There may be more: not all tokens were looked at, or not all could be read"`
}

func newRevocableBody(t workspace.Revocable, secret string) (revocableBody, error) {
	body := revocableBody{
		ID: t.ID, Name: t.Name, Subject: identity.WorkloadSubject(t.WorkspaceID, t.ID), CreatedBy: t.CreatedBy,
		CreatedAt: t.CreatedAt.UTC(), RefreshedAt: t.RefreshedAt.UTC(), ExpiresAt: t.ExpiresAt.UTC(), Revision: t.Version, Token: secret,
	}
	var grants []identity.Permission
	err := json.Unmarshal(t.Grants, &grants)
	body.Grants = newGrants(grants)
	return body, err
}

func (t revocableBody) entityTag() string { return etag(t.Revision) }

func (t revocableBody) place() string { return t.ID }

// refreshedBody is a token with its new secret.
type refreshedBody struct {
	revocableBody
	unreachedBody
}

// revocableRequest asks for a revocable token.
type revocableRequest struct {
	Name      string      `json:"name" minLength:"1" maxLength:"100" doc:"What the token is for" example:"old build server"`
	Grants    []grantBody `json:"grants" nullable:"false" doc:"What it may do: never more than the caller may himself"`
	ExpiresIn *span       `json:"expires_in,omitempty" doc:"How long it lives; default 90 days, at most 366"`
}

// refreshRequest asks for a new secret.
type refreshRequest struct {
	ExpiresIn *span `json:"expires_in,omitempty" doc:"How long it lives from now on; absent: as long as before"`
}

type createRevocable struct {
	Call
	Creation
	Body revocableRequest
}

// OneRevocable names a revocable token.
type OneRevocable struct {
	Call
	ID string `path:"id" doc:"ID of the revocable token" example:"agolopj52c6lk4olb3kgm6gybq"`
}

type readRevocable struct {
	OneRevocable
	Reading
}

type revokeRevocable struct {
	OneRevocable
	Guarded
}

type refreshRevocable struct {
	OneRevocable
	Guarded
	Body *refreshRequest // nil asks for nothing in particular
}

// life returns a length of time that is asked for, 0 for none.
func life(wished *span) (time.Duration, error) {
	var d time.Duration
	err := setDuration(&d, "expires_in", wished)
	if err == nil && wished != nil && d <= 0 {
		err = fault.Invalid("expires_in", "must be positive")
	}
	return d, err
}

func (h *handler) revocableAPI(api huma.API) {
	base := apiBase + "/{workspace}/revocable-tokens"
	serve(h, api, operation{
		ID: "list-revocable-tokens", Method: http.MethodGet, Path: base, Tag: tagTokens, Summary: "List revocable tokens",
		Description: "In the order of their IDs, without their secrets. Needs a grant on the workspace: token, read.", Codes: []fault.Code{fault.Forbidden},
		Answer: list[revocableBody]{Items: []revocableBody{exampleRevocable}},
	}, h.listRevocables)
	create(h, api, operation{
		ID: "create-revocable-token", Method: http.MethodPost, Path: base, Tag: tagTokens, Summary: "Create a revocable token",
		Description: "For what cannot federate. The answer has its secret, which is not kept. Needs a grant on the workspace: token, write, and everything that it grants.",
		Status:      http.StatusCreated, Codes: []fault.Code{fault.Forbidden, fault.KeyReused},
		Request: exampleRevocableRequest, Answer: exampleNewRevocable,
	}, h.createRevocable)
	show(h, api, operation{
		ID: "describe-revocable-token", Method: http.MethodGet, Path: base + "/{id}", Tag: tagTokens, Summary: "Describe a revocable token",
		Description: "Without its secret. Needs a grant on the workspace: token, read.", Codes: []fault.Code{fault.Forbidden}, Answer: exampleRevocable,
	}, h.describeRevocable)
	respond(h, api, operation{
		ID: "refresh-revocable-token", Method: http.MethodPost, Path: base + "/{id}/refresh", Tag: tagTokens, Summary: "Give a revocable token a new secret",
		Description: "The old secret, and what was issued for it, end. A token that is cut off is not refreshed (409). The answer says what of it others verify by themselves. Needs a grant on the workspace: token, write, and everything that it grants.",
		Codes:       []fault.Code{fault.Forbidden, fault.Stale, fault.Conflict}, Request: refreshRequest{}, Answer: exampleRefreshed,
	}, h.refreshRevocable)
	serve(h, api, operation{
		ID: "revoke-revocable-token", Method: http.MethodDelete, Path: base + "/{id}", Tag: tagTokens, Summary: "Revoke a revocable token",
		Description: "And what was issued for it; the answer says what of it others verify by themselves. Needs a grant on the workspace: token, write, and everything that it grants.",
		Codes:       []fault.Code{fault.Forbidden, fault.Stale}, Answer: exampleUnreached,
	}, h.revokeRevocable)
}

func (h *handler) listRevocables(ctx context.Context, in *listCall) (list[revocableBody], error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return list[revocableBody]{}, err
	}
	if err := in.check(); err != nil {
		return list[revocableBody]{}, err
	}
	found, next, err := pageOf(in.After, in.Limit, func(t workspace.Revocable) string { return t.ID }, func(after string, limit int) ([]workspace.Revocable, error) {
		return h.Manage.ListRevocables(ctx, caller, after, limit)
	})
	if err != nil {
		return list[revocableBody]{}, err
	}
	l := list[revocableBody]{make([]revocableBody, len(found)), next}
	for i, t := range found {
		if l.Items[i], err = newRevocableBody(t, ""); err != nil {
			return l, err
		}
	}
	return l, nil
}

func (h *handler) describeRevocable(ctx context.Context, in *readRevocable) (revocableBody, error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return revocableBody{}, err
	}
	t, err := h.Manage.Revocable(ctx, caller, in.ID)
	if err != nil {
		return revocableBody{}, err
	}
	return newRevocableBody(t, "")
}

func (h *handler) createRevocable(ctx context.Context, in *createRevocable) (revocableBody, error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return revocableBody{}, err
	}
	wished, err := life(in.Body.ExpiresIn)
	if err != nil {
		return revocableBody{}, err
	}
	service, err := h.once(in.Creation, in.Body, "create-revocable-token", in.Workspace)
	if err != nil {
		return revocableBody{}, err
	}
	n := manage.NewRevocable{Name: in.Body.Name, Grants: permissionsOf(in.Body.Grants), Life: wished}
	t, secret, err := service.CreateRevocable(ctx, caller, n, in.address)
	if err != nil {
		return revocableBody{}, err
	}
	return newRevocableBody(t, secret)
}

func (h *handler) refreshRevocable(ctx context.Context, in *refreshRevocable) (*tagged[refreshedBody], error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return nil, err
	}
	var asked refreshRequest
	if in.Body != nil {
		asked = *in.Body
	}
	wished, err := life(asked.ExpiresIn)
	if err != nil {
		return nil, err
	}
	var done manage.Refreshed
	err = in.where(func(revision int64) (err error) {
		done, err = h.Manage.RefreshRevocable(ctx, caller, in.ID, revision, wished, in.address)
		return err
	})
	if err != nil {
		return nil, err
	}
	body, err := newRevocableBody(done.Revocable, done.Secret)
	return newTagged(refreshedBody{body, unreachedBody{newUnreachable(done.Unreachable), done.Incomplete}}), err
}

func (h *handler) revokeRevocable(ctx context.Context, in *revokeRevocable) (unreachedBody, error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return unreachedBody{}, err
	}
	var found []manage.Unreachable
	var incomplete bool
	err = in.where(func(revision int64) (err error) {
		found, incomplete, err = h.Manage.RevokeRevocable(ctx, caller, in.ID, revision, in.address)
		return err
	})
	return unreachedBody{newUnreachable(found), incomplete}, err
}
