package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
)

// Selection says which events a call is about.
type Selection struct {
	ID      string   `query:"id" maxLength:"26" doc:"ID of the one event, or the refusal_id that a caller was told"`
	Since   string   `query:"since" maxLength:"64" doc:"RFC 3339; events at or after it" example:"2026-03-04T05:06:07Z"`
	Until   string   `query:"until" maxLength:"64" doc:"RFC 3339; events before it"`
	Kinds   []string `query:"kind,explode" maxItems:"20" nullable:"false" doc:"Kind of event; may repeat" example:"[\"token.issued\"]"`
	Subject string   `query:"subject" maxLength:"256" doc:"Who did it, as nsc names him"`
	Trust   string   `query:"trust" maxLength:"26" doc:"ID of a trust that admitted who did it, or that was written or cut off"`
	TokenID string   `query:"token_id" maxLength:"256" doc:"jti of the token that the event is about"`
}

type searchEvents struct {
	Call
	Selection
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many events a page has at most"`
	Before string `query:"before" maxLength:"26" doc:"Cursor: the next of the page before this one, towards older events"`
}

type countEvents struct {
	Call
	Selection
}

func (s Selection) query() (audit.Query, error) {
	q := audit.Query{ID: s.ID, Subject: s.Subject, Trust: s.Trust, TokenID: s.TokenID}
	for _, kind := range s.Kinds {
		if !audit.Kind(kind).Known() {
			return q, fault.Invalid("kind", "%q is not a kind of event; they are %s", kind, audit.KindList())
		}
		q.Kinds = append(q.Kinds, audit.Kind(kind))
	}
	var err error
	if q.Since, err = instant("since", s.Since); err != nil {
		return q, err
	}
	q.Until, err = instant("until", s.Until)
	return q, err
}

func instant(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fault.Invalid(field, "is not a time like 2006-01-02T15:04:05Z")
	}
	return t, nil
}

// countBody counts events.
type countBody struct {
	Count int64 `json:"count" doc:"How many events there are" example:"42"`
}

func (h *handler) recordAPI(api huma.API) {
	base := apiBase + "/{workspace}/events"
	serve(h, api, operation{
		ID: "search-events", Method: http.MethodGet, Path: base, Tag: tagRecord, Summary: "Search the record",
		Description: "Newest first; all conditions must hold. A page ends early where its events have a megabyte together. Needs a grant on the workspace: record, read.", Codes: []fault.Code{fault.Forbidden},
		Answer: list[eventBody]{Items: []eventBody{exampleEvent}, Next: exampleEvent.ID},
	}, h.searchEvents)
	serve(h, api, operation{
		ID: "count-events", Method: http.MethodGet, Path: base + "/count", Tag: tagRecord, Summary: "Count events of the record",
		Description: "All conditions must hold. Needs a grant on the workspace: record, read.", Codes: []fault.Code{fault.Forbidden}, Answer: countBody{42},
	}, h.countEvents)
}

func (h *handler) searchEvents(ctx context.Context, in *searchEvents) (list[eventBody], error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return list[eventBody]{}, err
	}
	q, err := in.query()
	if err != nil {
		return list[eventBody]{}, err
	}
	q.Before, q.Limit = in.Before, in.Limit
	found, next, err := h.Manage.SearchRecord(ctx, caller, q)
	return newList(found, next, newEventBody), err
}

func (h *handler) countEvents(ctx context.Context, in *countEvents) (countBody, error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return countBody{}, err
	}
	q, err := in.query()
	if err != nil {
		return countBody{}, err
	}
	count, err := h.Manage.CountRecord(ctx, caller, q)
	return countBody{count}, err
}
