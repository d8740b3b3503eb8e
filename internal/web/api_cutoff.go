package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nsc-federation/nsc/internal/manage"
	"github.com/nsc-federation/nsc/internal/workspace"
)

type cutOffBody struct {
	ID        string            `json:"id"`
	Kind      workspace.CutKind `json:"kind"`
	Value     string            `json:"value" doc:"jti, subject as nsc names it, or hash of the issuer"`
	Reason    string            `json:"reason,omitempty"`
	CreatedBy string            `json:"created_by"`
	CreatedAt time.Time         `json:"created_at"`
	ExpiresAt *time.Time        `json:"expires_at,omitempty" doc:"Absent: until it is lifted"`
}

func newCutOffBody(c workspace.CutOff) cutOffBody {
	body := cutOffBody{ID: c.ID, Kind: c.Kind, Value: c.Value, Reason: c.Reason, CreatedBy: c.CreatedBy, CreatedAt: c.CreatedAt.UTC()}
	if !c.ExpiresAt.IsZero() {
		ends := c.ExpiresAt.UTC()
		body.ExpiresAt = &ends
	}
	return body
}

type createCutOff struct {
	Call
	Body struct {
		Trust   string `json:"trust,omitempty" doc:"ID of a trust relationship: ends the tokens that rest on it"`
		Token   string `json:"token,omitempty" doc:"jti of one token"`
		Key     string `json:"key,omitempty" doc:"ID of a signing key: removed at once"`
		Issuer  string `json:"issuer,omitempty" doc:"An external issuer, alone or with the subject that it names"`
		Subject string `json:"subject,omitempty" doc:"With issuer, as the issuer names it; alone, as nsc does"`
		Reason  string `json:"reason,omitempty"`
	}
}

type unreachableBody struct {
	Audience string    `json:"audience"`
	Count    int       `json:"count"`
	Latest   time.Time `json:"latest" doc:"When the last of them ends"`
}

type cutOffResult struct {
	ID          string            `json:"id,omitempty" doc:"Of the lasting cut-off, to lift it; absent for a trust or a key"`
	Unreachable []unreachableBody `json:"unreachable" nullable:"false" doc:"Living tokens that others verify by themselves"`
	Incomplete  bool              `json:"incomplete,omitempty" doc:"There were more tokens than were counted"`
}

func (h *handler) cutOffAPI(api huma.API) {
	base := apiBase + "/{workspace}/cut-offs"
	serve(h, api, huma.Operation{
		OperationID: "list-cut-offs", Method: http.MethodGet, Path: base, Summary: "List lasting cut-offs",
	}, func(ctx context.Context, in *listTrusts) (list[cutOffBody], error) {
		caller, err := h.caller(ctx, in.Call)
		if err != nil {
			return list[cutOffBody]{}, err
		}
		found, err := h.Manage.ListCutOffs(ctx, caller, in.After, in.Limit)
		if err != nil {
			return list[cutOffBody]{}, err
		}
		bodies := make([]cutOffBody, len(found))
		for i, c := range found {
			bodies[i] = newCutOffBody(c)
		}
		return newList(bodies, in.Limit, func(b cutOffBody) string { return b.ID }), nil
	})
	serve(h, api, huma.Operation{
		OperationID: "cut-off", Method: http.MethodPost, Path: base, DefaultStatus: http.StatusCreated,
		Summary: "Cut off a trust, token, key, issuer or subject at once; says what it cannot reach",
	}, h.cutOff)
	huma.Register(api, huma.Operation{
		OperationID: "lift-cut-off", Method: http.MethodDelete, Path: base + "/{id}", DefaultStatus: http.StatusNoContent,
		Summary: "Lift a lasting cut-off",
	}, func(ctx context.Context, in *struct {
		Call
		ID string `path:"id"`
	}) (*struct{}, error) {
		caller, err := h.caller(ctx, in.Call)
		if err == nil {
			err = h.Manage.LiftCutOff(ctx, caller, in.ID, in.address)
		}
		if err != nil {
			return nil, h.apiError("lift-cut-off", err)
		}
		return nil, nil
	})
}

func (h *handler) cutOff(ctx context.Context, in *createCutOff) (cutOffResult, error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return cutOffResult{}, err
	}
	b := in.Body
	done, err := h.Manage.CutOff(ctx, caller, manage.Target{
		Trust: b.Trust, Token: b.Token, Key: b.Key, Issuer: b.Issuer, Subject: b.Subject, Reason: b.Reason,
	}, in.address)
	if err != nil {
		return cutOffResult{}, err
	}
	result := cutOffResult{ID: done.ID, Unreachable: make([]unreachableBody, len(done.Unreachable)), Incomplete: done.Incomplete}
	for i, u := range done.Unreachable {
		result.Unreachable[i] = unreachableBody{u.Audience, u.Count, u.Latest.UTC()}
	}
	return result, nil
}
