package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/refusal"
	"github.com/nsc-federation/nsc/internal/rehearse"
)

type explainRefusal struct {
	Call
	Reading
	ID string `path:"id" doc:"The refusal_id that a caller was told" example:"agolopkbxawbssvvgrpr6ygwb4"`
}

func (h *handler) rehearseAPI(api huma.API) {
	base := apiBase + "/{workspace}"
	show(h, api, operation{
		ID: "explain-refusal", Method: http.MethodGet, Path: base + "/refusals/{id}/explanation", Tag: tagTrusts,
		Summary: "Explain a refusal",
		Description: "Why a request for a token was refused: each trust that it may have been meant for, nearest first, with the clauses that fail, and " +
			"the smallest change that would admit it. It is decided again, by the trusts as they are now, on the claims that were kept; what the token said " +
			"is shown only where its signature verified. Refusals are kept for seven days, 500 of each kind. Needs a grant on the workspace: trust, read, " +
			"and record, read.",
		Codes: []fault.Code{fault.Forbidden}, Answer: exampleExplanation,
	}, h.explainRefusal)
	h.testAPI(api)
	h.replayAPI(api)
}

type testExchange struct {
	Call
	Body testRequest
}

func (h *handler) testAPI(api huma.API) {
	serve(h, api, operation{
		ID: "test-trust-relationships", Method: http.MethodPost, Path: apiBase + "/{workspace}/trust-relationships/test", Tag: tagTrusts,
		Summary: "Try an exchange",
		Description: "What an exchange would answer, and why, without one: nothing is recorded, used up or issued. A token is verified as an exchange " +
			"verifies it; about claims it is only decided. Needs a grant on the workspace: trust, read.",
		Codes: []fault.Code{fault.Forbidden, fault.KeysUnavailable}, Request: exampleTestRequest, Answer: exampleTested,
	}, h.testExchange)
}

func (h *handler) testExchange(ctx context.Context, in *testExchange) (testedBody, error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return testedBody{}, err
	}
	trial, err := in.Body.trial()
	if err != nil {
		return testedBody{}, err
	}
	tried, err := h.Rehearse.Test(ctx, caller, trial)
	if err != nil {
		return testedBody{}, err
	}
	b := testedBody{
		Verified: trial.Token != "" && tried.Code == "", Code: string(tried.Code), Summary: tried.Gist, Advice: tried.Advice,
		Claims: claimsObject(tried.Claims),
	}
	if tried.Decision != nil {
		d := newDecisionBody(*tried.Decision, nil)
		b.Decision = &d
	}
	return b, nil
}

// trial returns what is to be tried.
func (r testRequest) trial() (rehearse.Trial, error) {
	t := rehearse.Trial{Token: r.Token, Claims: r.Claims, Asked: refusal.Asked{
		TokenType: r.TokenType, Audience: r.Audience, Scope: r.Scope, Trust: r.Trust,
	}}
	if (r.Token == "") == (len(r.Claims) == 0) {
		return t, fault.Invalid("token", "is given or claims are, not both")
	}
	if r.TokenType == "" {
		t.Asked.TokenType = string(policy.AccessToken)
	}
	if r.Grants != nil {
		t.Asked.HasDetails, t.Asked.Details = true, permissionsOf(*r.Grants)
	}
	return t, nil
}

func (h *handler) explainRefusal(ctx context.Context, in *explainRefusal) (refusalBody, error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return refusalBody{}, err
	}
	e, err := h.Rehearse.Explain(ctx, caller, in.ID)
	if err != nil {
		return refusalBody{}, err
	}
	return newRefusalBody(e), nil
}

func newRefusalBody(e rehearse.Explained) refusalBody {
	r := e.Refusal
	b := refusalBody{
		ID: r.ID, Time: r.Time.UTC(), Code: string(r.Code), Verified: r.Verified, Summary: r.Gist, Reason: r.Reason, Address: r.Address,
		Asked: newAsked(r.Asked), Claims: claimsObject(r.Claims), Advice: e.Advice,
	}
	if e.Decision != nil {
		d := newDecisionBody(e.Decision.Explanation, e.Decision.Others)
		b.Decision = &d
	}
	return b
}

func newAsked(a refusal.Asked) askedBody {
	b := askedBody{TokenType: a.TokenType, Audience: a.Audience, Scope: a.Scope, Trust: a.Trust}
	if a.HasDetails {
		b.Grants = newGrants(a.Details)
	}
	if a.Lifetime > 0 {
		b.Duration = a.Lifetime.String()
	}
	return b
}

func newDecisionBody(e policy.Explanation, others map[string]int) decisionBody {
	b := decisionBody{
		Granted: e.Reason == policy.Granted, Reason: string(e.Reason), Detail: e.Detail, Asked: e.Asked, Held: e.Held,
		SingleUse: e.SingleUse, Trusts: make([]findingBody, len(e.Trusts)), Groups: e.Groups, Attributes: e.Attributes,
	}
	if b.Granted {
		b.Grants, b.Duration = newGrants(e.Grants), e.Duration.String()
	}
	for i, f := range e.Trusts {
		b.Trusts[i] = newFindingBody(f, others[f.Trust.ID])
	}
	return b
}

func newFindingBody(f policy.Finding, others int) findingBody {
	b := findingBody{
		ID: f.Trust.ID, Version: f.Trust.Version, SubjectMatch: f.Subject, Matches: len(f.Failures) == 0, Advice: f.Advice,
		Failures: make([]failureBody, len(f.Failures)),
	}
	for i, failure := range f.Failures {
		b.Failures[i] = failureBody{string(failure.Clause), failure.Expected, failure.Actual, nil}
		for _, near := range failure.Near {
			b.Failures[i].NearMisses = append(b.Failures[i].NearMisses, string(near))
		}
	}
	if f.Change != nil {
		b.Change = &changeBody{Grants: newGrants(f.Change.Grants), Admits: f.Change.Admits, Others: others}
		for _, e := range f.Change.Edits {
			b.Change.Edits = append(b.Change.Edits, editBody(e))
		}
	}
	return b
}
