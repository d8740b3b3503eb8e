package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Event is one thing that happened in a workspace.
type Event struct {
	ID          string            `json:"id"`
	Time        time.Time         `json:"time"`
	WorkspaceID string            `json:"workspace_id"`
	Kind        string            `json:"kind"`
	Subject     string            `json:"subject,omitempty"`
	Address     string            `json:"address,omitempty"`
	Token       *EventToken       `json:"token,omitempty"`
	Upstream    *EventUpstream    `json:"upstream,omitempty"`
	Actor       *EventUpstream    `json:"actor,omitempty"`
	Act         []string          `json:"act,omitempty"`
	Trusts      []EventTrust      `json:"trusts,omitempty"`
	Object      string            `json:"object,omitempty"`
	Reason      string            `json:"reason,omitempty"`
	Details     map[string]string `json:"details,omitempty"`
	Unreadable  bool              `json:"unreadable,omitempty"`
}

// EventToken is the token that an event issued, without its being one.
type EventToken struct {
	ID          string    `json:"id"`
	Type        string    `json:"type"`
	Audience    string    `json:"audience"`
	Subject     string    `json:"subject"`
	Algorithm   string    `json:"algorithm"`
	KeyID       string    `json:"key_id,omitempty"`
	ExpiresAt   time.Time `json:"expires_at"`
	PayloadHash string    `json:"payload_sha256"`
}

// EventUpstream is the credential that an event rests on.
type EventUpstream struct {
	Issuer    string `json:"issuer"`
	Subject   string `json:"subject"`
	TokenID   string `json:"token_id,omitempty"`
	Digest    string `json:"sha256,omitempty"`
	Key       string `json:"key,omitempty"`
	KeySource string `json:"key_source,omitempty"`
}

// EventTrust is a trust that contributed, as it was.
type EventTrust struct {
	ID      string `json:"id"`
	Version int64  `json:"version"`
}

// Search selects events. Zero fields select all.
type Search struct {
	ID           string // of one event, or of a refusal
	Since, Until time.Time
	Kinds        []string
	Subject      string
	Trust        string
	TokenID      string
	Limit        int // at most this many; 0 is all
}

const pageOfEvents = 1000

// Events returns the events that a search selects, newest first, and whether its limit left some out.
func (c *Client) Events(ctx context.Context, workspace, bearer string, s Search) (events []Event, more bool, err error) {
	events = []Event{}
	query := s.query()
	for {
		size := pageOfEvents
		if s.Limit > 0 {
			size = min(size, s.Limit-len(events))
		}
		query.Set("limit", strconv.Itoa(size))
		var page list[Event]
		err := c.call(ctx, request{method: http.MethodGet, path: pathIn(workspace, "events"), bearer: bearer, query: query}, &page)
		if err != nil {
			return nil, false, err
		}
		events = append(events, page.Items...)
		if page.Next == "" || len(page.Items) == 0 {
			return events, false, nil
		}
		if s.Limit > 0 && len(events) >= s.Limit {
			return events, true, nil
		}
		query.Set("before", page.Next)
	}
}

// CountEvents returns how many events a search selects, whatever its limit.
func (c *Client) CountEvents(ctx context.Context, workspace, bearer string, s Search) (int64, error) {
	var answer struct {
		Count int64 `json:"count"`
	}
	err := c.call(ctx, request{method: http.MethodGet, path: pathIn(workspace, "events", "count"), bearer: bearer, query: s.query()}, &answer)
	return answer.Count, err
}

func (s Search) query() url.Values {
	query := url.Values{}
	for name, value := range map[string]string{"id": s.ID, "subject": s.Subject, "trust": s.Trust, "token_id": s.TokenID} {
		if value != "" {
			query.Set(name, value)
		}
	}
	for name, t := range map[string]time.Time{"since": s.Since, "until": s.Until} {
		if !t.IsZero() {
			query.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
	if len(s.Kinds) > 0 {
		query["kind"] = s.Kinds
	}
	return query
}
