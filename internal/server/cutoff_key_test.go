package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// kidOf returns the ID of the key that signed a token.
func kidOf(t *testing.T, token any) string {
	t.Helper()
	parsed, err := jwt.Parse(fmt.Sprint(token))
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Header.KeyID
}

// newest returns the token of the newest event of a kind.
func (s *running) newest(t *testing.T, kind string) map[string]any {
	t.Helper()
	_, found := s.api(t, "GET", "/dev/events?limit=1&kind="+kind, s.bearer(t), nil)
	events, _ := found["items"].([]any)
	if len(events) != 1 {
		t.Fatalf("%s: %v", kind, found)
	}
	return events[0].(map[string]any)["token"].(map[string]any)
}

// Rules 16 and 26: the record names the key that signs, that of each signature; an opaque token has none.
func TestRule26TheRecordNamesTheKeyThatSigned(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	s.trust(t, i, map[string]any{"single_use": true})
	external := i.sign(t, "k1", i.claims(s, nil))
	key := strings.Repeat("k", 32)
	first := s.retry(t, key, exchangeForm(external))["access_token"]
	if recorded := s.newest(t, "token.issued"); recorded["key_id"] != kidOf(t, first) {
		t.Errorf("signed by %s: %v", kidOf(t, first), recorded)
	}
	if status, answer := s.api(t, "POST", "/dev/keys/rotate", s.bearer(t), map[string]any{"algorithm": "ES256"}); status != http.StatusOK || answer["unreachable"] != nil {
		t.Fatalf("%d %v", status, answer)
	}
	again := s.retry(t, key, exchangeForm(external))["access_token"]
	if recorded := s.newest(t, "token.reissued"); recorded["key_id"] != kidOf(t, again) || recorded["id"] != claimsOf(t, fmt.Sprint(again))["jti"] {
		t.Errorf("signed again by %s: %v", kidOf(t, again), recorded)
	}
	s.must(t, exchangeForm(i.sign(t, "k1", i.claims(s, map[string]any{"jti": "another"})), "access_token_format", "opaque"))
	if recorded := s.newest(t, "token.issued"); recorded["key_id"] != nil {
		t.Errorf("an opaque token: %v", recorded)
	}
}

// Rules 21, 23 and 29: whoever cuts off a key, by either call, is told what it signed and others verify by themselves.
func TestRule23WhatACompromisedKeySigned(t *testing.T) {
	for name, call := range map[string]func(s *running, kid, algorithm string) (int, map[string]any){
		"cut off": func(s *running, kid, _ string) (int, map[string]any) {
			return s.api(t, "POST", "/dev/cut-offs", s.bearer(t), map[string]any{"key": kid})
		},
		"replaced": func(s *running, kid, algorithm string) (int, map[string]any) {
			return s.api(t, "POST", "/dev/keys/rotate", s.bearer(t), map[string]any{"algorithm": algorithm, "compromised": true, "key_id": kid})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, i := start(t, devConfig(t)), newIssuer(t)
			s.trust(t, i, map[string]any{"grants": []any{grant("audience", "https://api.example.com", "issue")}})
			third := func(alg string) string {
				return s.must(t, exchangeForm(i.sign(t, "k1", i.claims(s, nil)), "requested_token_type", idTokenType,
					"audience", "https://api.example.com", "id_token_signed_response_alg", alg))
			}
			bad, other := third("RS256"), third("ES256")
			if kidOf(t, bad) == kidOf(t, other) {
				t.Fatal("one key signed both")
			}
			status, done := call(s, kidOf(t, bad), "RS256")
			if u := fmt.Sprint(done["unreachable"]); status/100 != 2 || !strings.Contains(u, "audience:https://api.example.com count:1 ") || done["incomplete"] != nil {
				t.Fatalf("%d %v", status, done)
			}
		})
	}
}
