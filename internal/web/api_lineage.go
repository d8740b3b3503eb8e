package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/manage"
)

type readLineage struct {
	Call
	TokenID string `query:"token_id" maxLength:"256" doc:"jti of the token, ours or an external one" example:"agolopkbxawbssvvgrpr6ygwb4"`
}

// lineageBody is what led to a token and what became of it.
type lineageBody struct {
	Origin    *eventUpstream    `json:"origin,omitempty" doc:"The credential that it began with; absent where nothing is known of the token"`
	Items     []lineageLinkBody `json:"items" nullable:"false" doc:"Events, from above to below; what belongs to a token comes right after it"`
	Truncated bool              `json:"truncated,omitempty" doc:"There is more than is shown"`
}

// lineageLinkBody is an event of a lineage.
type lineageLinkBody struct {
	Relation manage.Relation `json:"relation" doc:"issued: a token was issued for the one above; done: the one above was shown for it" example:"issued"`
	Parent   string          `json:"parent,omitempty" doc:"jti of the token above"`
	Depth    int             `json:"depth" doc:"How many tokens are above that one" example:"0"`
	Event    eventBody       `json:"event" doc:"The event"`
}

func (h *handler) lineageAPI(api huma.API) {
	serve(h, api, operation{
		ID: "read-lineage", Method: http.MethodGet, Path: apiBase + "/{workspace}/lineage", Tag: tagRecord, Summary: "Follow a token",
		Description: "Up to the credential that it began with, and down to what was derived from it and done with it, in this workspace; at most 1000 events. Needs a grant on the workspace: record, read.",
		Codes:       []fault.Code{fault.Forbidden},
		Answer: lineageBody{Origin: exampleEvent.Upstream, Items: []lineageLinkBody{{
			Relation: manage.Issued, Parent: exampleEvent.Upstream.TokenID, Event: exampleEvent,
		}}},
	}, h.lineage)
}

func (h *handler) lineage(ctx context.Context, in *readLineage) (lineageBody, error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return lineageBody{}, err
	}
	l, err := h.Manage.Lineage(ctx, caller, in.TokenID)
	body := lineageBody{Origin: (*eventUpstream)(l.Origin), Items: make([]lineageLinkBody, len(l.Links)), Truncated: l.Truncated}
	for i, link := range l.Links {
		body.Items[i] = lineageLinkBody{link.Relation, link.Parent, link.Depth, newEventBody(link.Event)}
	}
	return body, err
}
