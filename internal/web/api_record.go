package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
)

type searchEvents struct {
	Call
	Since   string   `query:"since" doc:"RFC 3339; events at or after it"`
	Until   string   `query:"until" doc:"RFC 3339; events before it"`
	Kinds   []string `query:"kind,explode" maxItems:"20" doc:"Kind of event; may repeat"`
	Subject string   `query:"subject" maxLength:"256"`
	Trust   string   `query:"trust" maxLength:"26"`
	TokenID string   `query:"token_id" maxLength:"256" doc:"jti of the token that the event is about"`
	Limit   int      `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Before  string   `query:"before" maxLength:"26" doc:"ID of the event to go on from, towards older ones"`
}

func (s searchEvents) query() (audit.Query, error) {
	q := audit.Query{Subject: s.Subject, Trust: s.Trust, TokenID: s.TokenID, Limit: s.Limit, Before: s.Before}
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

type eventCount struct {
	Count int64 `json:"count"`
}

func (h *handler) recordAPI(api huma.API) {
	base := apiBase + "/{workspace}/events"
	serve(h, api, huma.Operation{
		OperationID: "search-events", Method: http.MethodGet, Path: base, Summary: "Search the record, newest first",
	}, func(ctx context.Context, in *searchEvents) (list[audit.Event], error) {
		caller, err := h.caller(ctx, in.Call)
		if err != nil {
			return list[audit.Event]{}, err
		}
		q, err := in.query()
		if err != nil {
			return list[audit.Event]{}, err
		}
		events, err := h.Manage.SearchRecord(ctx, caller, q)
		if err != nil {
			return list[audit.Event]{}, err
		}
		return newList(events, in.Limit, func(e audit.Event) string { return e.ID }), nil
	})
	serve(h, api, huma.Operation{
		OperationID: "count-events", Method: http.MethodGet, Path: base + "/count", Summary: "Count events of the record",
	}, func(ctx context.Context, in *searchEvents) (eventCount, error) {
		caller, err := h.caller(ctx, in.Call)
		if err != nil {
			return eventCount{}, err
		}
		q, err := in.query()
		if err != nil {
			return eventCount{}, err
		}
		count, err := h.Manage.CountRecord(ctx, caller, q)
		return eventCount{count}, err
	})
}
