package ocsf

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/cli/api"
)

const issuer = "https://nsc.example.com/w/acme"

var at = time.Date(2026, 3, 4, 5, 6, 7, 891_000_000, time.UTC)

func event(kind string) api.Event {
	return api.Event{
		ID: "e1", Time: at, WorkspaceID: "acmeid", Kind: kind, Subject: "workspace/acmeid/external/h/x", Address: "192.0.2.7",
		Upstream: &api.EventUpstream{Issuer: "https://issuer.example.com", Subject: "repo:acme/api", TokenID: "job-1"},
	}
}

func issued(audience, kind string) api.Event {
	e := event("token.issued")
	e.Token = &api.EventToken{ID: "e1", Type: kind, Audience: audience, Subject: "workspace/acmeid/external/h/x", ExpiresAt: at.Add(time.Minute)}
	return e
}

func TestEventsInTheWordsOfOCSF(t *testing.T) {
	refused := event("token.refused")
	refused.Subject, refused.Reason = "", "token_refused: no_trust"
	changed := event("trust.updated")
	changed.Object = "t1"
	aimed := refused
	aimed.Address, aimed.Details = "", map[string]string{"audience": "https://vault.example.com"}
	delegated := issued(issuer, "access_token")
	delegated.Actor = &api.EventUpstream{Issuer: "https://other.example.com", Subject: "agent", TokenID: "job-2"}
	delegated.Act = []string{"workspace/acmeid/external/h/y", "workspace/acmeid/external/h/z"}
	local := api.Event{ID: "e1", Time: at, WorkspaceID: "acmeid", Kind: "installation.restored"}
	unaddressed := event("key.published")
	unaddressed.Address = ""
	for name, c := range map[string]struct {
		event api.Event
		want  map[string]any
	}{
		"a sign-in": {issued(issuer, "access_token"), map[string]any{
			"class_uid": 3002.0, "category_uid": 3.0, "activity_id": 1.0, "type_uid": 300201.0, "status_id": 1.0, "severity_id": 1.0,
			"auth_protocol_id": 6.0, "time": 1772600767891.0, "service": map[string]any{"name": issuer},
			"user":         map[string]any{"uid": "workspace/acmeid/external/h/x", "name": "repo:acme/api", "domain": "https://issuer.example.com"},
			"session":      map[string]any{"uid": "e1", "issuer": issuer, "expiration_time": 1772600827891.0},
			"src_endpoint": map[string]any{"ip": "192.0.2.7"}, "raw_data": "canonical", "api": nil,
		}},
		"a token for others": {issued("https://vault.example.com", "id_token"), map[string]any{
			"class_uid": 3002.0, "activity_id": 99.0, "type_uid": 300299.0, "auth_protocol_id": 4.0,
		}},
		"a refusal": {refused, map[string]any{
			"class_uid": 3002.0, "activity_id": 1.0, "status_id": 2.0, "severity_id": 2.0, "status_detail": "token_refused: no_trust",
			"user": map[string]any{"uid": "repo:acme/api", "name": "repo:acme/api", "domain": "https://issuer.example.com"}, "session": nil,
			"actor": map[string]any{
				"user":    map[string]any{"uid": "repo:acme/api", "name": "repo:acme/api", "domain": "https://issuer.example.com"},
				"session": map[string]any{"uid": "job-1", "issuer": "https://issuer.example.com"},
			},
			"service": map[string]any{"name": issuer},
		}},
		"a refusal of a token for others": {aimed, map[string]any{"service": map[string]any{"name": "https://vault.example.com"}, "src_endpoint": nil}},
		"a token of who acts for another": {delegated, map[string]any{
			"user": map[string]any{"uid": "workspace/acmeid/external/h/x", "name": "repo:acme/api", "domain": "https://issuer.example.com"},
			"actor": map[string]any{
				"user":    map[string]any{"uid": "workspace/acmeid/external/h/y", "name": "agent", "domain": "https://other.example.com"},
				"session": map[string]any{"uid": "job-2", "issuer": "https://other.example.com"},
			},
		}},
		"done by the server's operator": {local, map[string]any{
			"actor": map[string]any{"app_name": "nsc"}, "src_endpoint": map[string]any{"svc_name": "nsc"},
		}},
		"done by somebody, from nobody knows where": {unaddressed, map[string]any{"src_endpoint": map[string]any{"name": "Unknown"}}},
		"a change": {changed, map[string]any{
			"class_uid": 6003.0, "category_uid": 6.0, "activity_id": 3.0, "type_uid": 600303.0, "api": map[string]any{"operation": "trust.updated"},
			"resources": []any{map[string]any{"uid": "t1", "type": "trust"}}, "user": nil, "auth_protocol_id": nil,
			"metadata": map[string]any{
				"version": SchemaVersion, "product": map[string]any{"name": "nsc", "vendor_name": "nsc"}, "uid": "e1",
				"event_code": "trust.updated", "log_name": "nsc.example.com/w/acme", "sequence": 41.0, "tenant_uid": "acmeid",
			},
		}},
		"a kind of a newer release": {event("trust.praised"), map[string]any{"class_uid": 6003.0, "activity_id": 99.0, "activity_name": "praised"}},
	} {
		text, err := json.Marshal(Of(c.event, issuer, 41, "canonical"))
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		for member, want := range c.want {
			if !reflect.DeepEqual(got[member], want) {
				t.Errorf("%s: %s is %v, want %v", name, member, got[member], want)
			}
		}
	}
}

// Whoever adds a kind of event says what it is to others.
func TestEveryKindHasAnActivity(t *testing.T) {
	for _, kind := range audit.Kinds() {
		if o := Of(event(string(kind)), issuer, 0, ""); o.ActivityID == activityOther {
			t.Errorf("%s is another activity", kind)
		}
	}
}
