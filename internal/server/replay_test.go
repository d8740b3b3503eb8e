package server

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// A replay says whom a change lets in and shuts out, and changes nothing. Where the record cannot say, it says so.
func TestReplay(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	trust := s.trust(t, i, map[string]any{"subject_match": "ci:acme/*"})
	other := s.trust(t, i, map[string]any{"subject_match": "ci:other/*", "grants": []any{}})
	for _, sub := range []string{"ci:acme/api", "ci:acme/api", "ci:acme/web"} {
		if status, answer := s.token(t, "/w/dev/token", exchangeForm(i.sign(t, "k1", i.claims(s, map[string]any{"sub": sub, "env": "prod"})))); status != http.StatusOK {
			t.Fatalf("%d %v", status, answer)
		}
	}
	for _, env := range []string{"prod", "dev"} {
		refusal := s.refuse(t, "/w/dev/token", i.sign(t, "k1", i.claims(s, map[string]any{"sub": "ci:new/" + env, "env": env})))
		s.explain(t, "dev", s.bearer(t), refusal) // it is kept
	}
	since := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	before := s.state(t)
	for rule, row := range map[string]struct {
		change map[string]any
		want   string // verdicts with subjects and counts
	}{
		"nothing of it matters": {map[string]any{"update": []any{map[string]any{"id": other, "change": map[string]any{"enabled": false}}}}, "[]"},
		"a narrower subject":    {map[string]any{"update": []any{map[string]any{"id": trust, "change": map[string]any{"subject_match": "ci:acme/api"}}}}, "[shut_out ci:acme/web 1]"},
		"removed":               {map[string]any{"remove": []any{trust}}, "[shut_out ci:acme/api 2 shut_out ci:acme/web 1]"},
		"fewer grants": {map[string]any{"update": []any{map[string]any{"id": trust, "change": map[string]any{"grants": []any{}}}}},
			"[narrowed ci:acme/api 2 narrowed ci:acme/web 1]"},
		"a condition on what is not held": {map[string]any{"update": []any{map[string]any{"id": trust, "change": map[string]any{"condition": `claims.env == "prod"`}}}},
			"[cannot_tell ci:acme/api 2 cannot_tell ci:acme/web 1]"},
		"a trust more, for one of two": {map[string]any{"add": []any{map[string]any{"issuer": i.URL, "subject_match": "ci:new/*", "condition": `claims.env == "prod"`}}},
			"[let_in ci:new/prod 1]"},
		"one for another": {map[string]any{"remove": []any{trust}, "add": []any{map[string]any{"issuer": i.URL, "subject_match": "ci:new/dev"}}},
			"[let_in ci:new/dev 1 shut_out ci:acme/api 2 shut_out ci:acme/web 1]"},
	} {
		row.change["since"] = since
		status, answer := s.api(t, "POST", "/dev/trust-relationships/replay", s.bearer(t), row.change)
		got := []any{}
		for _, item := range answer["parties"].([]any) {
			p := item.(map[string]any)
			got = append(got, p["verdict"], p["subject"], p["exchanges"])
		}
		if status != http.StatusOK || fmt.Sprint(got) != row.want || answer["exchanges"] != 5.0 {
			t.Errorf("%s: %d %v of %v", rule, status, got, answer)
		}
	}
	if after := s.state(t); after != before {
		t.Errorf("something changed:\n%s\n%s", before, after)
	}
	for rule, row := range map[string]struct {
		body   map[string]any
		status int
	}{
		"no change":               {map[string]any{"since": since}, http.StatusUnprocessableEntity},
		"no time":                 {map[string]any{"since": "", "remove": []any{trust}}, http.StatusUnprocessableEntity},
		"a change not acceptable": {map[string]any{"since": since, "add": []any{map[string]any{"issuer": i.URL, "subject_match": "*"}}}, http.StatusUnprocessableEntity},
		"a trust twice":           {map[string]any{"since": since, "remove": []any{trust, trust}}, http.StatusUnprocessableEntity},
		"an unknown trust":        {map[string]any{"since": since, "remove": []any{"agolopkbxawbssvvgrpr6ygwb4"}}, http.StatusNotFound},
	} {
		if status, answer := s.api(t, "POST", "/dev/trust-relationships/replay", s.bearer(t), row.body); status != row.status {
			t.Errorf("%s: %d %v", rule, status, answer)
		}
	}
}
