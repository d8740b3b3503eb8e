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

type revocableBody struct {
	ID          string                `json:"id"`
	Name        string                `json:"name"`
	Subject     string                `json:"subject" doc:"Who the token is, as nsc names it"`
	Grants      []identity.Permission `json:"grants" nullable:"false"`
	CreatedBy   string                `json:"created_by"`
	CreatedAt   time.Time             `json:"created_at"`
	RefreshedAt time.Time             `json:"refreshed_at" doc:"When the present secret was made"`
	ExpiresAt   time.Time             `json:"expires_at"`
	Token       string                `json:"token,omitempty" doc:"The secret; only in the answer that made it"`
}

func newRevocableBody(t workspace.Revocable, secret string) (revocableBody, error) {
	body := revocableBody{
		ID: t.ID, Name: t.Name, Subject: identity.WorkloadSubject(t.WorkspaceID, t.ID), CreatedBy: t.CreatedBy,
		CreatedAt: t.CreatedAt.UTC(), RefreshedAt: t.RefreshedAt.UTC(), ExpiresAt: t.ExpiresAt.UTC(), Token: secret,
	}
	return body, json.Unmarshal(t.Grants, &body.Grants)
}

type createRevocable struct {
	Call
	Body struct {
		Name      string                `json:"name" minLength:"1" maxLength:"100" doc:"What the token is for"`
		Grants    []identity.Permission `json:"grants"`
		ExpiresIn string                `json:"expires_in,omitempty" doc:"Like 2160h; default 90 days, at most 366"`
	}
}

type oneRevocable struct {
	Call
	ID string `path:"id"`
}

type refreshRevocable struct {
	Call
	ID   string `path:"id"`
	Body struct {
		ExpiresIn string `json:"expires_in,omitempty" doc:"Default: as long as before"`
	}
}

func life(text string) (time.Duration, error) {
	var d time.Duration
	if text == "" {
		return 0, nil
	}
	err := setDuration(&d, "expires_in", &text)
	if err == nil && d <= 0 {
		err = fault.Invalid("expires_in", "must be positive")
	}
	return d, err
}

func (h *handler) revocableAPI(api huma.API) {
	base := apiBase + "/{workspace}/revocable-tokens"
	serve(h, api, huma.Operation{
		OperationID: "list-revocable-tokens", Method: http.MethodGet, Path: base, Summary: "List revocable tokens",
	}, h.listRevocables)
	serve(h, api, huma.Operation{
		OperationID: "create-revocable-token", Method: http.MethodPost, Path: base, DefaultStatus: http.StatusCreated,
		Summary: "Create a token for what cannot federate; the answer has its secret, which is not kept",
	}, h.createRevocable)
	serve(h, api, huma.Operation{
		OperationID: "refresh-revocable-token", Method: http.MethodPost, Path: base + "/{id}/refresh",
		Summary: "Give a token a new secret; the old one, and what was issued for it, end",
	}, h.refreshRevocable)
	huma.Register(api, huma.Operation{
		OperationID: "revoke-revocable-token", Method: http.MethodDelete, Path: base + "/{id}", DefaultStatus: http.StatusNoContent,
		Summary: "Revoke a token, and what was issued for it",
	}, func(ctx context.Context, in *oneRevocable) (*struct{}, error) {
		caller, err := h.caller(ctx, in.Call)
		if err == nil {
			err = h.Manage.RevokeRevocable(ctx, caller, in.ID, in.address)
		}
		if err != nil {
			return nil, h.apiError("revoke-revocable-token", err)
		}
		return nil, nil
	})
}

func (h *handler) listRevocables(ctx context.Context, in *listTrusts) (list[revocableBody], error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return list[revocableBody]{}, err
	}
	found, err := h.Manage.ListRevocables(ctx, caller, in.After, in.Limit)
	if err != nil {
		return list[revocableBody]{}, err
	}
	bodies := make([]revocableBody, len(found))
	for i, t := range found {
		if bodies[i], err = newRevocableBody(t, ""); err != nil {
			return list[revocableBody]{}, err
		}
	}
	return newList(bodies, in.Limit, func(b revocableBody) string { return b.ID }), nil
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
	t, secret, err := h.Manage.CreateRevocable(ctx, caller, manage.NewRevocable{Name: in.Body.Name, Grants: in.Body.Grants, Life: wished}, in.address)
	if err != nil {
		return revocableBody{}, err
	}
	return newRevocableBody(t, secret)
}

func (h *handler) refreshRevocable(ctx context.Context, in *refreshRevocable) (revocableBody, error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return revocableBody{}, err
	}
	wished, err := life(in.Body.ExpiresIn)
	if err != nil {
		return revocableBody{}, err
	}
	t, secret, err := h.Manage.RefreshRevocable(ctx, caller, in.ID, wished, in.address)
	if err != nil {
		return revocableBody{}, err
	}
	return newRevocableBody(t, secret)
}
