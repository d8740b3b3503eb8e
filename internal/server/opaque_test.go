package server

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// An opaque access token is what the same JWT would be, except that only the server understands it.
func TestOpaqueAccessToken(t *testing.T) {
	s := start(t, devConfig(t))
	status, answer := s.token(t, "/w/dev/token", exchangeForm(s.bearer(t), "access_token_format", "opaque"))
	token, _ := answer["access_token"].(string)
	if status != http.StatusOK || !strings.HasPrefix(token, "nsct_") || answer["token_type"] != "Bearer" {
		t.Fatalf("%d %v\n%s", status, answer, s.logs)
	}
	for range 2 { // the second from memory
		if status, who := s.api(t, "GET", "/dev/whoami", token, nil); status != http.StatusOK || who["workspace"] != "dev" {
			t.Errorf("at the API: %d %v", status, who)
		}
	}
	if a := s.introspect(t, s.bearer(t), token); a["active"] != true || a["iss"] != s.url+"/w/dev" || a["token_type"] != "Bearer" {
		t.Errorf("introspected: %v", a)
	}
	for _, path := range []string{"/w/dev/token", "/token"} {
		if status, child := s.token(t, path, exchangeForm(token, "requested_token_type", idTokenType, "audience", "https://api.example.com")); status != http.StatusOK {
			t.Errorf("%s: %d %v", path, status, child)
		}
	}
	for name, wrong := range map[string]string{"mistyped": token[:len(token)-1] + "A", "unknown": "nsct_" + strings.Repeat("a", 59), "shown to another": token} {
		path := "/w/dev/token"
		if name == "shown to another" {
			path = "/w/system/token"
		}
		if status, answer := s.token(t, path, exchangeForm(wrong)); status != http.StatusBadRequest || answer["access_token"] != nil {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	if r := s.call(t, "GET", apiRoot, token, nil); r.status != http.StatusOK { // a call that names no workspace
		t.Errorf("its workspaces: %v", r)
	}
	if status, _ := s.token(t, "/w/dev/revoke", url.Values{"token": {token}}); status != http.StatusOK {
		t.Errorf("revoke: %d", status)
	}
	if r := s.call(t, "GET", apiRoot, token, nil); r.status != http.StatusUnauthorized {
		t.Errorf("its workspaces, revoked: %v", r)
	}
	if status, _ := s.api(t, "GET", "/dev/whoami", token, nil); status != http.StatusUnauthorized {
		t.Errorf("revoked: %d", status)
	}
	for _, more := range [][]string{{"requested_token_type", idTokenType, "audience", "x:y"}, {"access_token_format", "xml"}} {
		form := exchangeForm(s.bearer(t), more...)
		if form.Get("access_token_format") == "" {
			form.Set("access_token_format", "opaque")
		}
		if status, answer := s.token(t, "/w/dev/token", form); status != http.StatusBadRequest || answer["error"] != "invalid_request" {
			t.Errorf("%v: %d %v", more, status, answer)
		}
	}
}

// secondsOf returns a time of the management API as introspection has it.
func secondsOf(t *testing.T, text any) float64 {
	t.Helper()
	at, err := time.Parse(time.RFC3339, fmt.Sprint(text))
	if err != nil {
		t.Fatal(err)
	}
	return float64(at.Unix())
}

// A revocable token is registered by somebody who has what it grants, lasts, and ends at once.
func TestRevocableToken(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	base := "/dev/revocable-tokens"
	create := map[string]any{"name": "nightly backup", "grants": []any{grant("workspace", "record", "read"), grant("audience", "https://api.example.com", "issue")}}
	status, made := s.api(t, "POST", base, s.bearer(t), create)
	secret, _ := made["token"].(string)
	if status != http.StatusCreated || !strings.HasPrefix(secret, "nsrt_") {
		t.Fatalf("%d %v\n%s", status, made, s.logs)
	}
	if _, listed := s.api(t, "GET", base, s.bearer(t), nil); strings.Contains(mustJSON(t, listed), secret) || !strings.Contains(mustJSON(t, listed), "nightly backup") {
		t.Errorf("listed: %v", listed)
	}
	if status, who := s.api(t, "GET", "/dev/whoami", secret, nil); status != http.StatusOK || who["subject"] != made["subject"] {
		t.Errorf("as a bearer token: %d %v", status, who)
	}
	if told := s.introspect(t, s.bearer(t), secret); told["active"] != true || told["iat"] != secondsOf(t, made["created_at"]) || told["exp"] != secondsOf(t, made["expires_at"]) {
		t.Errorf("introspected: %v", told)
	}
	status, child := s.token(t, "/token", exchangeForm(secret, "expires_in", "999999999"))
	if status != http.StatusOK {
		t.Fatalf("exchanged: %d %v", status, child)
	}
	claims := claimsOf(t, child["access_token"])
	if life := claims["exp"].(int64) - claims["iat"].(int64); life > 86400 || claims["root_iat"].(int64) < claims["iat"].(int64)-5 {
		t.Errorf("a child of %d s, root_iat %v", life, claims["root_iat"])
	}
	if status, answer := s.token(t, "/w/dev/token", exchangeForm(secret, "audience", "https://other.example.com")); status == http.StatusOK {
		t.Errorf("beyond its grants: %v", answer)
	}
	// Rule 4: nobody registers what he does not have.
	limited := child["access_token"].(string)
	if status, answer := s.api(t, "POST", base, limited, create); status != http.StatusForbidden {
		t.Errorf("without the right: %d %v", status, answer)
	}
	s.trust(t, i, map[string]any{"grants": []any{grant("workspace", "token", "write")}})
	_, writer := s.token(t, "/w/dev/token", exchangeForm(i.sign(t, "k1", i.claims(s, nil))))
	if status, answer := s.api(t, "POST", base, writer["access_token"].(string), create); status != http.StatusForbidden || answer["field"] != "grants" {
		t.Errorf("more than his own: %d %v", status, answer)
	}
	if status, _ := s.api(t, "DELETE", base+"/"+made["id"].(string), writer["access_token"].(string), nil); status != http.StatusForbidden {
		t.Errorf("removed by one who has less: %d", status)
	}

	status, renewed := s.api(t, "POST", base+"/"+made["id"].(string)+"/refresh", s.bearer(t), map[string]any{"expires_in": "48h"})
	if status != http.StatusOK || renewed["token"] == secret {
		t.Fatalf("refresh: %d %v", status, renewed)
	}
	for name, token := range map[string]string{"the old secret": secret, "what was issued for it": limited} {
		if status, _ := s.api(t, "GET", "/dev/whoami", token, nil); status != http.StatusUnauthorized {
			t.Errorf("%s after a refresh: %d", name, status)
		}
	}
	secret = renewed["token"].(string)
	if status, _ := s.api(t, "GET", "/dev/whoami", secret, nil); status != http.StatusOK {
		t.Errorf("the new secret: %d", status)
	}
	if status, _ := s.token(t, "/w/dev/revoke", url.Values{"token": {secret}}); status != http.StatusOK {
		t.Errorf("revoked by its holder: %d", status)
	}
	if status, _ := s.api(t, "GET", "/dev/whoami", secret, nil); status != http.StatusUnauthorized {
		t.Errorf("after revocation: %d", status)
	}
	if status, _ := s.api(t, "DELETE", base+"/"+made["id"].(string), s.bearer(t), nil); status != http.StatusNotFound {
		t.Errorf("removed twice: %d", status)
	}
	for name, bad := range map[string]map[string]any{
		"no name":   {"name": "", "grants": []any{}},
		"too long":  {"name": "x", "grants": []any{}, "expires_in": "99999h"},
		"too short": {"name": "x", "grants": []any{}, "expires_in": "1s"},
		"no type":   {"name": "x", "grants": []any{grant("moon", "x", "y")}},
	} {
		if status, answer := s.api(t, "POST", base, s.bearer(t), bad); status != http.StatusUnprocessableEntity || answer["field"] == nil {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
}
