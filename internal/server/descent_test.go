package server

import (
	"fmt"
	"net/http"
	"testing"
)

// offspring has tokens issued for a credential of ours: one for another that he verifies himself, one more by a detour over
// an access token for ourselves, and one for another that means nothing to him. It returns how they are told of.
func (s *running) offspring(t *testing.T, bearer string) string {
	t.Helper()
	const audience = "https://api.example.com"
	issue := func(bearer string, more ...string) string {
		status, answer := s.token(t, "/w/dev/token", exchangeForm(bearer, more...))
		if status != http.StatusOK {
			t.Fatalf("%v: %d %v\n%s", more, status, answer, s.logs)
		}
		return answer["access_token"].(string)
	}
	issue(bearer, "requested_token_type", idTokenType, "audience", audience)
	issue(issue(bearer), "requested_token_type", idTokenType, "audience", audience)
	issue(issue(issue(bearer)), "requested_token_type", idTokenType, "audience", "https://other.example.com")
	issue(bearer, "access_token_format", "opaque", "audience", audience)
	issue(s.bearer(t), "requested_token_type", idTokenType, "audience", audience) // no offspring of its
	return "map[" + audience + ":2 https://other.example.com:1]"
}

func (r reply) unreachable() string {
	found := map[string]any{}
	list, _ := r.body["unreachable"].([]any)
	for _, u := range list {
		found[u.(map[string]any)["audience"].(string)] = u.(map[string]any)["count"]
	}
	return fmt.Sprint(found)
}

// Rule 23: what was issued for a token, and for what was issued for it, is out of reach where somebody else verifies it; a
// token that is good for nothing but asking here is not.
func TestRule23WhatDescendsFromATokenIsOutOfReach(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	grants := []any{grant("workspace", "record", "read"), grant("audience", "https://*.example.com", "issue")}
	s.trust(t, i, map[string]any{"grants": grants})
	_, answer := s.token(t, "/w/dev/token", exchangeForm(i.sign(t, "k1", i.claims(s, nil))))
	token := answer["access_token"].(string)
	want := s.offspring(t, token)
	r := s.call(t, "POST", apiRoot+"/dev/cut-offs", s.bearer(t), map[string]any{"token": claimsOf(t, token)["jti"]})
	if r.status != http.StatusCreated || r.unreachable() != want || r.body["incomplete"] != nil {
		t.Errorf("a token that is cut off: %v, want %s", r, want)
	}
	base := apiRoot + "/dev/revocable-tokens"
	for name, end := range map[string]func(id string) reply{
		"cut off": func(id string) reply {
			return s.call(t, "POST", apiRoot+"/dev/cut-offs", s.bearer(t), map[string]any{"token": id})
		},
		"refreshed": func(id string) reply { return s.call(t, "POST", base+"/"+id+"/refresh", s.bearer(t), map[string]any{}) },
		"revoked":   func(id string) reply { return s.call(t, "DELETE", base+"/"+id, s.bearer(t), nil) },
	} {
		made := s.call(t, "POST", base, s.bearer(t), map[string]any{"name": "x", "grants": grants}).body
		want := s.offspring(t, made["token"].(string))
		if r := end(made["id"].(string)); r.status >= 300 || r.unreachable() != want || r.body["incomplete"] != nil {
			t.Errorf("a revocable token that is %s: %v, want %s", name, r, want)
		}
	}
}
