package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// A stranger's body is not read: the caller is known before anything is made of it.
func TestSecurityBodyOfAStranger(t *testing.T) {
	s := start(t, devConfig(t))
	bomb := `{"name":"x","grants":[` + strings.TrimSuffix(strings.Repeat("{},", 200_000), ",") + `]}`
	post := func(path, bearer string) int {
		req, err := http.NewRequest("POST", s.url+"/api/v1/workspaces"+path, strings.NewReader(bomb))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if bearer != "" {
			req.Header.Set("Authorization", "Bearer "+bearer)
		}
		response, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	for _, path := range []string{"/dev/revocable-tokens", "/dev/trust-relationships", "/nowhere/cut-offs", ""} {
		if status := post(path, ""); status != http.StatusUnauthorized && status != http.StatusNotFound {
			t.Errorf("%s: a stranger's body was read: %d", path, status)
		}
		if status := post(path, s.bearer(t)); status != http.StatusRequestEntityTooLarge && status != http.StatusUnauthorized && status != http.StatusNotFound {
			t.Errorf("%s: %d elements were looked at: %d", path, 200_000, status)
		}
	}
}

// What a stranger wrote takes little room in the log, however often he writes it.
func TestSecurityLogOfStrangers(t *testing.T) {
	c := serverConfig(t)
	c.BaseURL, c.Listen, c.AddressRate = "", freeAddress(t), 0
	s, i := start(t, c), newIssuer(t)
	token := i.sign(t, "k1", map[string]any{"iss": "https://" + strings.Repeat("\x7f", 8000), "aud": "x", "sub": "x", "iat": 1, "exp": 2})
	before := len(s.logs.String())
	for range 200 {
		if status, _ := s.token(t, "/token", exchangeForm(token)); status != http.StatusBadRequest {
			t.Fatalf("%d", status)
		}
	}
	if grown := len(s.logs.String()) - before; grown > 100_000 {
		t.Errorf("200 requests of a stranger made %d bytes of log", grown)
	}
}

// Rules 21 and 29: what was derived from a token falls with it, and with the key that signed it.
func TestRule21DerivedTokensFallWithTheirParents(t *testing.T) {
	s := start(t, devConfig(t))
	derive := func(token string, more ...string) string {
		t.Helper()
		status, answer := s.token(t, "/w/dev/token", exchangeForm(token, more...))
		if status != http.StatusOK {
			t.Fatalf("%d %v\n%s", status, answer, s.logs)
		}
		return answer["access_token"].(string)
	}
	whoami := func(token string) int {
		status, _ := s.api(t, "GET", "/dev/whoami", token, nil)
		return status
	}
	parent := derive(s.bearer(t))
	child := derive(parent)
	grandchild, opaque := derive(child), derive(child, "access_token_format", "opaque")
	third := derive(child, "requested_token_type", idTokenType, "audience", "https://api.example.com")
	sibling := derive(s.bearer(t))
	if status, done := s.api(t, "POST", "/dev/cut-offs", s.bearer(t), map[string]any{"token": claimsOf(t, parent)["jti"]}); status != http.StatusCreated {
		t.Fatalf("%d %v", status, done)
	}
	for name, token := range map[string]string{"child": child, "grandchild": grandchild, "opaque grandchild": opaque} {
		if status := whoami(token); status != http.StatusUnauthorized {
			t.Errorf("the %s of a token that is cut off: %d", name, status)
		}
	}
	if a := s.introspect(t, s.bearer(t), third); a["active"] != false {
		t.Errorf("the third party's: %v", a)
	}
	if status := whoami(sibling); status != http.StatusOK {
		t.Errorf("a sibling fell, too: %d", status)
	}

	es := derive(sibling)
	rs, opaque := derive(es, "id_token_signed_response_alg", "RS256"), derive(es, "access_token_format", "opaque")
	admin := derive(s.bearer(t), "id_token_signed_response_alg", "RS256") // of an ES256 token, too
	if status, answer := s.api(t, "POST", "/dev/keys/rotate", s.bearer(t), map[string]any{"compromised": true}); status != http.StatusOK {
		t.Fatalf("%d %v", status, answer)
	}
	for name, token := range map[string]string{"signed by it": es, "derived, by another key": rs, "derived, opaque": opaque, "the administrator's": admin} {
		if status := whoami(token); status != http.StatusUnauthorized {
			t.Errorf("%s after the key was removed as compromised: %d", name, status)
		}
	}
}

// A chain of derived tokens has an end: each carries all before it.
func TestRule21ChainsEnd(t *testing.T) {
	s := start(t, devConfig(t))
	token := s.bearer(t)
	for n := range 30 {
		status, answer := s.token(t, "/w/dev/token", exchangeForm(token))
		if status != http.StatusOK {
			if n < 10 {
				t.Errorf("the chain ended after %d: %v", n, answer)
			}
			return
		}
		token = answer["access_token"].(string)
	}
	t.Error("a chain of 30")
}

// Rule 21: a registered token that is cut off by its ID stays so as long as it lasts.
func TestRule21RegisteredTokenStaysCutOff(t *testing.T) {
	s := start(t, devConfig(t))
	_, made := s.api(t, "POST", "/dev/revocable-tokens", s.bearer(t), map[string]any{"name": "x", "grants": []any{}})
	if status, done := s.api(t, "POST", "/dev/cut-offs", s.bearer(t), map[string]any{"token": made["id"]}); status != http.StatusCreated {
		t.Fatalf("%d %v", status, done)
	}
	_, listed := s.api(t, "GET", "/dev/cut-offs", s.bearer(t), nil)
	if ends := listed["items"].([]any)[0].(map[string]any)["expires_at"].(string); ends < made["expires_at"].(string) {
		t.Errorf("cut off until %s, lasts until %s", ends, made["expires_at"])
	}
}

// Rule 22: a retry does not sign anew what was cut off since.
func TestRule22RetryOfATokenThatIsCutOff(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	s.trust(t, i, map[string]any{"single_use": true})
	form := exchangeForm(i.sign(t, "k1", i.claims(s, nil)), "requested_token_type", idTokenType, "audience", "https://api.example.com")
	const key = "a-key-that-nobody-can-guess-0123"
	first := s.retry(t, key, form)
	if status, done := s.api(t, "POST", "/dev/cut-offs", s.bearer(t), map[string]any{"token": claimsOf(t, first["access_token"])["jti"]}); status != http.StatusCreated {
		t.Fatalf("%d %v", status, done)
	}
	if again := s.retry(t, key, form); again["access_token"] != nil {
		t.Errorf("signed again: %v", again)
	}
}

// Rule 4: groups and attributes are grants in other systems, so to write mappings takes an administrator of trusts; and to
// let somebody in again takes more than to cut him off.
func TestRule04MappingsAndLifting(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	s.trust(t, i, map[string]any{"grants": []any{grant("workspace", "trust", "write"), grant("workspace", "token", "write")}})
	_, answer := s.token(t, "/w/dev/token", exchangeForm(i.sign(t, "k1", i.claims(s, nil))))
	writer := answer["access_token"].(string)
	mapping := map[string]any{"issuer": i.URL, "subject_match": "ci:acme/x", "grants": []any{}, "mappings": map[string]string{"groups": `["admins"]`}}
	if status, answer := s.api(t, "POST", "/dev/trust-relationships", writer, mapping); status != http.StatusForbidden || answer["field"] != "mappings" {
		t.Errorf("added: %d %v", status, answer)
	}
	mapped := s.trust(t, i, mapping)
	if status, answer := s.api(t, "PATCH", "/dev/trust-relationships/"+mapped, writer, map[string]any{"subject_match": "ci:acme/mine"}); status != http.StatusForbidden {
		t.Errorf("retargeted: %d %v", status, answer)
	}
	status, done := s.api(t, "POST", "/dev/cut-offs", writer, map[string]any{"issuer": "https://x.example.com"})
	if status != http.StatusCreated {
		t.Fatalf("%d %v", status, done)
	}
	if status, _ := s.api(t, "DELETE", "/dev/cut-offs/"+done["id"].(string), writer, nil); status != http.StatusForbidden {
		t.Errorf("lifted: %d", status)
	}
}

// A token for another workspace stays good there after its own workspace has seen it.
func TestATokenForAnotherWorkspaceSeenAtHome(t *testing.T) {
	s := start(t, devConfig(t))
	s.otherWorkspace(t, "other")
	_, id := s.token(t, "/w/dev/token", exchangeForm(s.bearer(t), "requested_token_type", idTokenType, "audience", s.url+"/w/other"))
	token := fmt.Sprint(id["access_token"])
	if a := s.introspect(t, s.bearer(t), token); a["active"] != true {
		t.Errorf("at home: %v", a)
	}
	s.token(t, "/w/dev/token", exchangeForm(token))
	if status, answer := s.token(t, "/w/other/token", exchangeForm(token)); status != http.StatusOK {
		t.Errorf("there: %d %v", status, answer)
	}
}
