package server

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/nsc-federation/nsc/internal/identity"
)

// introspect asks about a token with the dev administrator's credential.
func (s *running) introspect(t *testing.T, credential string, token any) map[string]any {
	t.Helper()
	req, err := http.NewRequest("POST", s.url+"/w/dev/introspect", strings.NewReader(url.Values{"token": {fmt.Sprint(token)}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if credential != "" {
		req.Header.Set("Authorization", "Bearer "+credential)
	}
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	answer := decode(t, response.Body)
	answer["status"] = response.StatusCode
	return answer
}

// Rule 21: what may be cut off, what it stops, and what lifting it does.
func TestRule21CutOff(t *testing.T) {
	for _, c := range []struct {
		name    string
		target  func(s *running, i *issuer, trust string, claims map[string]any) map[string]any
		blocked bool // also new exchanges
		lasting bool
	}{
		{"trust", func(_ *running, _ *issuer, trust string, _ map[string]any) map[string]any {
			return map[string]any{"trust": trust}
		}, false, false},
		{"token", func(_ *running, _ *issuer, _ string, claims map[string]any) map[string]any {
			return map[string]any{"token": claims["jti"]}
		}, false, true},
		{"issuer and subject", func(_ *running, i *issuer, _ string, _ map[string]any) map[string]any {
			return map[string]any{"issuer": i.URL, "subject": "ci:acme/api"}
		}, true, true},
		{"subject as nsc names it", func(_ *running, _ *issuer, _ string, claims map[string]any) map[string]any {
			return map[string]any{"subject": claims["sub"]}
		}, true, true},
		{"issuer", func(_ *running, i *issuer, _ string, _ map[string]any) map[string]any {
			return map[string]any{"issuer": i.URL}
		}, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, i := start(t, devConfig(t)), newIssuer(t)
			trust := s.trust(t, i, map[string]any{"grants": []any{
				grant("workspace", "record", "read"), grant("audience", "https://api.example.com", "issue"),
			}})
			external := i.sign(t, "k1", i.claims(s, nil))
			_, answer := s.token(t, "/w/dev/token", exchangeForm(external))
			token := answer["access_token"].(string)
			_, third := s.token(t, "/w/dev/token", exchangeForm(external, "requested_token_type", idTokenType, "audience", "https://api.example.com"))
			if a := s.introspect(t, s.bearer(t), token); a["active"] != true {
				t.Fatalf("before: %v", a)
			}
			if a := s.introspect(t, s.bearer(t), third["access_token"]); a["active"] != true || a["aud"] != "https://api.example.com" {
				t.Fatalf("third party's, before: %v", a)
			}
			status, done := s.api(t, "POST", "/dev/cut-offs", s.bearer(t), c.target(s, i, trust, claimsOf(t, token)))
			if status != http.StatusCreated {
				t.Fatalf("%d %v\n%s", status, done, s.logs)
			}
			unreachable := done["unreachable"].([]any)
			if c.name != "token" && (len(unreachable) != 1 || unreachable[0].(map[string]any)["audience"] != "https://api.example.com") {
				t.Errorf("unreachable: %v", unreachable)
			}
			if a := s.introspect(t, s.bearer(t), token); a["active"] != false {
				t.Errorf("introspection: %v", a)
			}
			if a := s.introspect(t, s.bearer(t), third["access_token"]); a["active"] != (c.name == "token") {
				t.Errorf("introspection of the third party's: %v", a)
			}
			if status, _ := s.api(t, "GET", "/dev/whoami", token, nil); status != http.StatusUnauthorized {
				t.Errorf("at the API: %d", status)
			}
			if status, answer := s.token(t, "/w/dev/token", exchangeForm(token)); status != http.StatusBadRequest {
				t.Errorf("exchanged: %d %v", status, answer)
			}
			if status, answer := s.token(t, "/w/dev/token", exchangeForm(external)); (status != http.StatusOK) != c.blocked {
				t.Errorf("a new exchange: %d %v", status, answer)
			}
			if !c.lasting {
				return
			}
			if status, answer := s.api(t, "DELETE", "/dev/cut-offs/"+done["id"].(string), s.bearer(t), nil); status != http.StatusNoContent {
				t.Fatalf("lift: %d %v", status, answer)
			}
			if status, _ := s.api(t, "GET", "/dev/whoami", token, nil); status != http.StatusOK {
				t.Errorf("after lifting: %d", status)
			}
		})
	}
}

// What somebody wrote outlives him: whoever cuts him off is told what it is.
func TestRule21WhatIsLeftBehind(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	writer := s.limited(t, i, "ci:acme/writer", grant("workspace", "trust", "write"))
	path := apiRoot + "/dev/trust-relationships"
	created := s.call(t, "POST", path, writer, map[string]any{"issuer": i.URL, "subject_match": "ci:acme/a", "grants": []any{}}).body["id"]
	changed := s.trust(t, i, map[string]any{"subject_match": "ci:acme/b", "grants": []any{}})
	if r := s.call(t, "PATCH", path+"/"+changed, writer, map[string]any{"description": "x"}); r.status != http.StatusOK {
		t.Fatal(r)
	}
	blind := s.limited(t, i, "ci:acme/guard", grant("workspace", "token", "write"))
	for name, row := range map[string]struct {
		bearer string
		target map[string]any
		want   int
	}{
		"his subject":     {s.bearer(t), map[string]any{"issuer": i.URL, "subject": "ci:acme/writer"}, 2},
		"another subject": {s.bearer(t), map[string]any{"issuer": i.URL, "subject": "ci:acme/other"}, 0},
		"a token":         {s.bearer(t), map[string]any{"token": strings.Repeat("a", 26)}, 0},
	} {
		r := s.call(t, "POST", apiRoot+"/dev/cut-offs", row.bearer, row.target)
		found, _ := r.body["trusts"].([]any)
		if r.status != http.StatusCreated || len(found) != row.want || row.want == 2 && !(slices.Contains(found, created) && slices.Contains(found, any(changed))) {
			t.Errorf("%s: %v", name, r)
		}
	}
	issuerOf := map[string]any{"issuer": i.URL}
	r := s.call(t, "POST", apiRoot+"/dev/cut-offs", blind, issuerOf)
	if r.status != http.StatusCreated || r.body["trusts"] != nil {
		t.Errorf("by who may not read trusts: %v", r)
	}
	s.call(t, "DELETE", fmt.Sprint(apiRoot, "/dev/cut-offs/", r.body["id"]), s.bearer(t), nil)
	r = s.call(t, "POST", apiRoot+"/dev/cut-offs", s.bearer(t), issuerOf)
	if found, _ := r.body["trusts"].([]any); len(found) != 2 {
		t.Errorf("his issuer: %v", r)
	}
}

func TestRule21BadTargets(t *testing.T) {
	s := start(t, devConfig(t))
	for name, target := range map[string]map[string]any{
		"nothing":             {},
		"two":                 {"token": strings.Repeat("a", 26), "trust": strings.Repeat("a", 26)},
		"not a jti":           {"token": "x"},
		"subject of another":  {"subject": identity.UserSubject(strings.Repeat("a", 26), "x")},
		"subject of nobody's": {"subject": "somebody"},
	} {
		if status, answer := s.api(t, "POST", "/dev/cut-offs", s.bearer(t), target); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	for name, target := range map[string]map[string]any{"trust": {"trust": strings.Repeat("a", 26)}, "key": {"key": strings.Repeat("a", 26)}} {
		if status, answer := s.api(t, "POST", "/dev/cut-offs", s.bearer(t), target); status != http.StatusNotFound {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
}

// Rule 33: introspection is for those entitled to the audience; holders may revoke their own.
func TestRule33IntrospectionAndRevocation(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	s.trust(t, i, nil)
	s.trust(t, i, map[string]any{"subject_match": "ci:guard", "grants": []any{grant("audience", "https://api.example.com", "introspect")}})
	external := i.sign(t, "k1", i.claims(s, nil))
	_, mine := s.token(t, "/w/dev/token", exchangeForm(external))
	_, third := s.token(t, "/w/dev/token", exchangeForm(external, "audience", "https://api.example.com"))
	_, guard := s.token(t, "/w/dev/token", exchangeForm(i.sign(t, "k1", i.claims(s, map[string]any{"sub": "ci:guard"}))))
	credential := guard["access_token"].(string)
	if a := s.introspect(t, credential, third["access_token"]); a["active"] != true {
		t.Errorf("entitled: %v", a)
	}
	if a := s.introspect(t, credential, mine["access_token"]); a["active"] != false || len(a) != 2 {
		t.Errorf("not entitled: %v", a)
	}
	for name, token := range map[string]any{
		"garbage": "garbage", "external": external, "another workspace's": s.into(t, s.bearer(t), "dev", "system"),
		"tampered": tamper(third["access_token"].(string)),
	} {
		if a := s.introspect(t, s.bearer(t), token); a["active"] != false || len(a) != 2 || a["status"] != 200 {
			t.Errorf("%s: %v", name, a)
		}
	}
	for _, nobody := range []string{"", "garbage", third["access_token"].(string)} {
		if a := s.introspect(t, nobody, third["access_token"]); a["status"] != 401 {
			t.Errorf("nobody: %v", a)
		}
	}
	for _, token := range []any{third["access_token"], third["access_token"], "garbage", mine["access_token"]} {
		status, answer := s.token(t, "/w/dev/revoke", url.Values{"token": {fmt.Sprint(token)}})
		if status != http.StatusOK {
			t.Errorf("revoke: %d %v", status, answer)
		}
	}
	if a := s.introspect(t, s.bearer(t), third["access_token"]); a["active"] != false {
		t.Errorf("revoked: %v", a)
	}
	if status, _ := s.token(t, "/w/dev/token", exchangeForm(mine["access_token"].(string))); status != http.StatusBadRequest {
		t.Errorf("revoked, exchanged: %d", status)
	}
	if status, _ := s.token(t, "/w/dev/token", exchangeForm(external)); status != http.StatusOK {
		t.Errorf("another exchange after revocation: %d", status)
	}
}

// tamper changes the payload of a token and keeps its signature.
func tamper(token string) string {
	parts := strings.Split(token, ".")
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	changed := strings.Replace(string(payload), "api.example.com", "evil.example.co", 1)
	return parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(changed)) + "." + parts[2]
}
