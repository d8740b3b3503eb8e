package server

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Each bad token gets a clear error with a refusal ID, and no token.
func TestBadTokensAreRefused(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	s.trust(t, i, nil)
	now := time.Now().Unix()
	good := func(change map[string]any) string { return i.sign(t, "k1", i.claims(s, change)) }
	if status, answer := s.token(t, "/w/dev/token", exchangeForm(good(nil))); status != http.StatusOK {
		t.Fatalf("the good token: %d %v\n%s", status, answer, s.logs)
	}
	stranger := newIssuer(t)
	parts := strings.Split(good(nil), ".")
	for _, c := range []struct {
		name, token, code string
	}{
		{"unknown issuer", good(map[string]any{"iss": "https://nobody.example.com"}), "token_refused"},
		{"issuer with a trailing slash", good(map[string]any{"iss": i.URL + "/"}), "token_refused"},
		{"wrong signature", stranger.sign(t, "k1", i.claims(s, nil)), "token_refused"},
		{"expired", good(map[string]any{"exp": now - 120, "iat": now - 600}), "token_expired"},
		{"from the future", good(map[string]any{"iat": now + 600, "exp": now + 900}), "token_not_yet_valid"},
		{"not before", good(map[string]any{"nbf": now + 600, "exp": now + 900}), "token_not_yet_valid"},
		{"lives for ever", good(map[string]any{"exp": now + 10*365*86400}), "token_lifetime"},
		{"no expiry", good(map[string]any{"exp": nil}), "token_incomplete"},
		{"no subject", good(map[string]any{"sub": nil}), "token_incomplete"},
		{"empty subject", good(map[string]any{"sub": ""}), "token_incomplete"},
		{"no audience", good(map[string]any{"aud": nil}), "token_incomplete"},
		{"empty audience", good(map[string]any{"aud": []string{}}), "token_incomplete"},
		{"other audience", good(map[string]any{"aud": "https://elsewhere.example.com"}), "token_refused"},
		{"other subject", good(map[string]any{"sub": "ci:acme/other"}), "token_refused"},
		{"oversized", parts[0] + "." + strings.Repeat("x", 20000) + "." + parts[2], "token_too_large"},
		{"malformed", "not.a.token", "token_malformed"},
		{"dots", strings.Repeat(".", 1000), "token_malformed"},
		{"unsigned", "eyJhbGciOiJub25lIn0." + parts[1] + ".", "token_algorithm"},
		{"signature dropped", parts[0] + "." + parts[1] + ".", "token_malformed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, answer := s.token(t, "/w/dev/token", exchangeForm(c.token))
			if status != http.StatusBadRequest || answer["code"] != c.code || answer["error"] != "invalid_request" {
				t.Errorf("%d %v\n%s", status, answer, s.logs)
			}
			if answer["access_token"] != nil || answer["refusal_id"] == nil || strings.Contains(fmt.Sprint(answer["error_description"]), "\n") {
				t.Errorf("%v", answer)
			}
			// RFC 7523 §3.1: the same, as an assertion, is invalid_grant.
			_, answer = s.token(t, "/w/dev/token", map[string][]string{
				"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {c.token},
			})
			if answer["error"] != "invalid_grant" || answer["code"] != c.code {
				t.Errorf("as an assertion: %v", answer)
			}
		})
	}
}

func TestUnknownKeyIDAsksTheIssuerOnce(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	s.trust(t, i, nil)
	s.token(t, "/w/dev/token", exchangeForm(i.sign(t, "k1", i.claims(s, nil))))
	before := i.fetches.Load()
	for n := range 50 {
		status, answer := s.token(t, "/w/dev/token", exchangeForm(i.sign(t, fmt.Sprintf("unknown-%d", n), i.claims(s, nil))))
		if status != http.StatusServiceUnavailable && status != http.StatusBadRequest {
			t.Fatalf("%d %v", status, answer)
		}
	}
	if asked := i.fetches.Load() - before; asked > 1 {
		t.Errorf("50 unknown key IDs made %d fetches", asked)
	}
}

// Rule 24: what strangers bring about is no error of ours, and gets a few lines a second.
func TestRule24UnknownKeyIDsDoNotFillTheLog(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	s.trust(t, i, nil)
	s.token(t, "/w/dev/token", exchangeForm(i.sign(t, "k1", i.claims(s, nil))))
	const sent = 300
	for n := range sent {
		if status, answer := s.token(t, "/w/dev/token", exchangeForm(i.sign(t, fmt.Sprintf("unknown-%d", n), i.claims(s, nil)))); answer["refusal_id"] == nil {
			t.Fatalf("%d %v", status, answer)
		}
	}
	logs := s.logs.String()
	if lines := strings.Count(logs, "unknown-") + strings.Count(logs, "issuer_unavailable"); strings.Contains(logs, "level=ERROR") || lines >= sent || lines == 0 {
		t.Errorf("%d lines for %d tokens\n%s", lines, sent, logs)
	}
}

func TestIssuersThatFail(t *testing.T) {
	for _, c := range []struct {
		name   string
		break_ func(i *issuer)
		status int
	}{
		{"down", func(i *issuer) { i.Server.Close() }, http.StatusServiceUnavailable},
		{"discovery names another issuer", func(i *issuer) { other := "https://other.example.com"; i.names.Store(&other) }, http.StatusServiceUnavailable},
		{"100,000 keys", func(i *issuer) {
			set := []byte(`{"keys":[` + strings.TrimSuffix(string(bytes.Repeat([]byte(`{"kty":"EC","crv":"P-256"},`), 100000)), ",") + `]}`)
			i.keySet.Store(&set)
		}, http.StatusServiceUnavailable},
		{"key set that is not JSON", func(i *issuer) { set := []byte("<html>"); i.keySet.Store(&set) }, http.StatusServiceUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, i := start(t, devConfig(t)), newIssuer(t)
			s.trust(t, i, nil)
			token := i.sign(t, "k1", i.claims(s, nil))
			c.break_(i)
			status, answer := s.token(t, "/w/dev/token", exchangeForm(token))
			if status != c.status || answer["code"] != "issuer_unavailable" || answer["error"] != "temporarily_unavailable" {
				t.Errorf("%d %v\n%s", status, answer, s.logs)
			}
			if strings.Contains(fmt.Sprint(answer), i.URL) {
				t.Errorf("the answer names the issuer: %v", answer)
			}
			if n := s.events(t, "token.issued"); n != 1 { // the administrator's own
				t.Errorf("%d tokens were issued", n)
			}
		})
	}
}

// Rule 6: the installation's own token endpoint infers the workspace from the token alone.
func TestRule06WorkspaceFromToken(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	s.trust(t, i, nil)
	for _, c := range []struct {
		name   string
		aud    any
		status int
		code   any
	}{
		{"our issuer", s.url + "/w/dev", 200, nil},
		{"our issuer among others", []string{s.url + "/w/dev", "https://x.example.com"}, 200, nil},
		{"two of our issuers", []string{s.url + "/w/dev", s.url + "/w/system"}, 400, "workspace_open"},
		{"nobody's", "https://x.example.com", 400, "workspace_open"},
		{"no such workspace", s.url + "/w/nowhere", 400, "workspace_open"},
	} {
		status, answer := s.token(t, "/token", exchangeForm(i.sign(t, "k1", i.claims(s, map[string]any{"aud": c.aud}))))
		if status != c.status || answer["code"] != c.code {
			t.Errorf("%s: %d %v", c.name, status, answer)
		}
	}
	if status, _ := s.token(t, "/token", exchangeForm(s.bearer(t))); status != 200 {
		t.Errorf("a token of our own: %d", status)
	}
}

func TestBadRequestsAtTheTokenEndpoint(t *testing.T) {
	s := start(t, devConfig(t))
	token := s.bearer(t)
	for _, c := range []struct {
		name  string
		form  map[string][]string
		error string
	}{
		{"no grant type", map[string][]string{}, "invalid_request"},
		{"unknown grant type", map[string][]string{"grant_type": {"password"}}, "unsupported_grant_type"},
		{"no subject token", exchangeForm(""), "invalid_request"},
		{"repeated", exchangeForm(token, "subject_token", token), "invalid_request"},
		{"several targets", exchangeForm(token, "audience", "a:b", "audience", "c:d"), "invalid_target"},
		{"relative resource", exchangeForm(token, "resource", "/api"), "invalid_target"},
		{"token type", exchangeForm(token, "requested_token_type", "urn:ietf:params:oauth:token-type:saml2"), "invalid_request"},
		{"algorithm", exchangeForm(token, "id_token_signed_response_alg", "HS256"), "invalid_request"},
		{"algorithm without a ring", exchangeForm(token, "requested_token_type", idTokenType, "audience", "x:y", "id_token_signed_response_alg", "EdDSA"), "invalid_request"},
		{"lifetime", exchangeForm(token, "expires_in", "-1"), "invalid_request"},
		{"details", exchangeForm(token, "authorization_details", "{}"), "invalid_authorization_details"},
		{"details of no type", exchangeForm(token, "authorization_details", `[{"type":"moon","identifier":"x","actions":["y"]}]`), "invalid_authorization_details"},
		{"scope", exchangeForm(token, "scope", "docker:fly"), "invalid_scope"},
		{"actor", exchangeForm(token, "actor_token", token), "invalid_request"},
		{"client secret", exchangeForm(token, "client_secret", "x"), "invalid_client"},
	} {
		status, answer := s.token(t, "/w/dev/token", c.form)
		if status/100 != 4 || answer["error"] != c.error || answer["refusal_id"] == nil {
			t.Errorf("%s: %d %v", c.name, status, answer)
		}
	}
	response, err := http.Post(s.url+"/w/dev/token", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if answer := decode(t, response.Body); answer["error"] != "invalid_request" {
		t.Errorf("JSON: %v", answer)
	}
	response, err = http.Post(s.url+"/w/dev/token", "application/x-www-form-urlencoded", strings.NewReader("a="+strings.Repeat("x", 100000)))
	if err != nil {
		t.Fatal(err)
	}
	if answer := decode(t, response.Body); response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("large: %d %v", response.StatusCode, answer)
	}
}

// Rule 7: what is foreign and what does not exist are alike.
func TestRule07ForeignAndUnknownAreAlike(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	mine := s.trust(t, i, nil)
	other := s.otherWorkspace(t, "other")
	unknown := strings.Repeat("a", 26)
	_, foreign := s.api(t, "GET", "/other/trust-relationships/"+mine, other, nil)
	status, missing := s.api(t, "GET", "/other/trust-relationships/"+unknown, other, nil)
	if status != http.StatusNotFound || fmt.Sprint(foreign) != fmt.Sprint(missing) {
		t.Errorf("foreign %v, unknown %v", foreign, missing)
	}
	for _, token := range []string{s.bearer(t), "", "garbage"} {
		if status, answer := s.api(t, "GET", "/other/trust-relationships", token, nil); status != http.StatusUnauthorized {
			t.Errorf("token of another workspace: %d %v", status, answer)
		}
	}
}

// otherWorkspace creates a workspace that the dev administrator owns, and returns his token for it.
func (s *running) otherWorkspace(t *testing.T, name string) string {
	t.Helper()
	_, me := s.api(t, "GET", "/dev/whoami", s.bearer(t), nil)
	operator := s.into(t, s.bearer(t), "dev", "system")
	status, answer := s.api(t, "POST", "", operator, map[string]any{
		"name": name, "owner": map[string]any{"issuer": me["issuer"], "subject": me["subject"]},
	})
	if status != http.StatusCreated {
		t.Fatalf("create: %d %v\n%s", status, answer, s.logs)
	}
	return s.into(t, s.bearer(t), "dev", name)
}

// into federates a token of one workspace into another, by two standard exchanges.
func (s *running) into(t *testing.T, token, from, to string) string {
	t.Helper()
	status, id := s.token(t, "/w/"+from+"/token", exchangeForm(token, "requested_token_type", idTokenType, "audience", s.url+"/w/"+to))
	if status != http.StatusOK {
		t.Fatalf("ID token: %d %v\n%s", status, id, s.logs)
	}
	status, access := s.token(t, "/w/"+to+"/token", exchangeForm(id["access_token"].(string)))
	if status != http.StatusOK {
		t.Fatalf("exchange: %d %v\n%s", status, access, s.logs)
	}
	return access["access_token"].(string)
}
