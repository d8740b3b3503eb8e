package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/policy"
)

// OneTrust names a trust relationship.
type OneTrust struct {
	Call
	ID string `path:"id" doc:"ID of the trust relationship" example:"agolopjwaadyxgvd2c2vcu4hie"`
}

type readTrust struct {
	OneTrust
	Reading
}

type addTrust struct {
	Call
	Creation
	Body trustChange
}

type updateTrust struct {
	OneTrust
	Guarded
	Body trustChange
}

type removeTrust struct {
	OneTrust
	Guarded
}

func (h *handler) trustAPI(api huma.API) {
	base := apiBase + "/{workspace}/trust-relationships"
	serve(h, api, operation{
		ID: "list-trust-relationships", Method: http.MethodGet, Path: base, Tag: tagTrusts, Summary: "List trust relationships",
		Description: "All of the workspace, in the order of their IDs. Needs a grant on the workspace: trust, read.",
		Codes:       []fault.Code{fault.Forbidden}, Answer: list[trustBody]{Items: []trustBody{exampleTrust}},
	}, h.listTrusts)
	create(h, api, operation{
		ID: "add-trust-relationship", Method: http.MethodPost, Path: base, Tag: tagTrusts, Summary: "Add a trust relationship",
		Description: "What is left out has its default. Needs a grant on the workspace: trust, write, and everything that the trust grants.",
		Status:      http.StatusCreated, Codes: []fault.Code{fault.Forbidden, fault.Conflict, fault.KeyReused},
		Request: exampleTrustChange, Answer: exampleTrust,
	}, h.addTrust)
	show(h, api, operation{
		ID: "describe-trust-relationship", Method: http.MethodGet, Path: base + "/{id}", Tag: tagTrusts,
		Summary: "Describe a trust relationship", Description: "Needs a grant on the workspace: trust, read.",
		Codes: []fault.Code{fault.Forbidden}, Answer: exampleTrust,
	}, h.describeTrust)
	respond(h, api, operation{
		ID: "update-trust-relationship", Method: http.MethodPatch, Path: base + "/{id}", Tag: tagTrusts,
		Summary: "Change a trust relationship",
		Description: "What is left out or null stays as it is. The tokens that rest on the trust end, unless only its description changes; the call " +
			"returns once no node signs by what was before. Needs a grant on the workspace: trust, write, and everything that the trust grants, before and after.",
		Codes: []fault.Code{fault.Forbidden, fault.Stale, fault.Conflict}, Request: exampleTrustUpdate, Answer: exampleTrust,
	}, h.updateTrust)
	respond(h, api, operation{
		ID: "remove-trust-relationship", Method: http.MethodDelete, Path: base + "/{id}", Tag: tagTrusts,
		Summary: "Remove a trust relationship",
		Description: "The tokens that rest on it end; the call returns once no node signs by it. Needs a grant on the workspace: trust, write, and " +
			"everything that the trust grants.",
		Status: http.StatusNoContent, Codes: []fault.Code{fault.Forbidden, fault.Stale},
	}, h.removeTrust)
}

func (h *handler) listTrusts(ctx context.Context, in *listCall) (list[trustBody], error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return list[trustBody]{}, err
	}
	if err := in.check(); err != nil {
		return list[trustBody]{}, err
	}
	trusts, next, err := pageOf(in.After, in.Limit, func(t policy.Trust) string { return t.ID }, func(after string, limit int) ([]policy.Trust, error) {
		return h.Manage.ListTrusts(ctx, caller, after, limit)
	})
	return newList(trusts, next, func(t policy.Trust) trustBody { return newTrustBody(t, nil) }), err
}

func (h *handler) addTrust(ctx context.Context, in *addTrust) (trustBody, error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return trustBody{}, err
	}
	trust := policy.Trust{Enabled: true}
	if err := in.Body.apply(&trust); err != nil {
		return trustBody{}, err
	}
	service, err := h.once(in.Creation, in.Body, "add-trust-relationship", in.Workspace)
	if err != nil {
		return trustBody{}, err
	}
	added, warnings, err := service.AddTrust(ctx, caller, trust, in.address)
	return newTrustBody(added, warnings), err
}

func (h *handler) describeTrust(ctx context.Context, in *readTrust) (trustBody, error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return trustBody{}, err
	}
	t, err := h.Manage.Trust(ctx, caller, in.ID)
	return newTrustBody(t, nil), err
}

func (h *handler) updateTrust(ctx context.Context, in *updateTrust) (*tagged[trustBody], error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return nil, err
	}
	var updated policy.Trust
	var warnings []string
	err = in.where(func(revision int64) (err error) {
		updated, warnings, err = h.Manage.UpdateTrust(ctx, caller, in.ID, revision, in.Body.apply, in.address)
		return err
	})
	return newTagged(newTrustBody(updated, warnings)), err
}

func (h *handler) removeTrust(ctx context.Context, in *removeTrust) (*nothing, error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return nil, err
	}
	return &nothing{}, in.where(func(revision int64) error {
		return h.Manage.RemoveTrust(ctx, caller, in.ID, revision, in.address)
	})
}
