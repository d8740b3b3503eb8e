package server

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/nsc-federation/nsc"
)

const (
	shop       = "https://shop.example.com"
	shopGet    = `[{"type":"http","identifier":"shop.example.com/orders/*","actions":["get"]}]`
	shopOrders = "shop.example.com/orders/7"
)

// shopper trusts a job that may have tokens for the shop and do some things there, and returns the job's access token.
func (s *running) shopper(t *testing.T, i *issuer) string {
	t.Helper()
	s.trust(t, i, map[string]any{"grants": []any{
		grant("audience", shop, "issue"), grant("http", "shop.example.com/orders/*", "get", "post"), grant("workspace", "record", "read"),
	}})
	return s.must(t, exchangeForm(i.sign(t, "k1", i.claims(s, nil))))
}

// Rules 11 and 32: an access token for another audience carries, and the answer echoes, the grants that were asked for by name,
// and no others; a service decides by them with the package nsc.
func TestRule11AServiceDecidesByTheGrantsThatWereAskedFor(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	job := s.shopper(t, i)
	verifier := nsc.NewVerifier(s.url+"/w/dev", shop, nsc.AccessTokens(), nsc.InsecureAllowHTTP())
	for _, c := range []struct {
		name, parameter, value string
		echo                   string
		get, post              bool
	}{
		{"by authorization_details", "authorization_details", shopGet, shopGet, true, false},
		{"by scope", "scope", "http:post", `[{"type":"http","identifier":"shop.example.com/orders/*","actions":["post"]}]`, false, true},
		{"for something else", "scope", "workspace:read", `[{"type":"workspace","identifier":"record","actions":["read"]}]`, false, false},
		{"for nothing", "authorization_details", "[]", "null", false, false},
		{"for no grants", "scope", "", "null", false, false},
	} {
		for _, token := range []string{job, i.sign(t, "k1", i.claims(s, nil))} {
			r := s.post(t, "POST", "/w/dev/token", exchangeForm(token, "audience", shop, c.parameter, c.value))
			if r.status != http.StatusOK || r.body["token_type"] != "Bearer" || !sameJSON(t, r.body["authorization_details"], c.echo) {
				t.Errorf("%s: %v", c.name, r)
				continue
			}
			issued := r.body["access_token"].(string)
			claims, err := verifier.Verify(t.Context(), issued)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if claims.Allows("http", shopOrders, "get") != c.get || claims.Allows("http", shopOrders, "post") != c.post || claims.Allows("http", "shop.example.com/users/7", "get") {
				t.Errorf("%s: %v", c.name, claims.Grants())
			}
			all := claimsOf(t, issued)
			if !sameJSON(t, all["authorization_details"], c.echo) || all["trusts"] != nil || all["parents"] != nil || all["parent_keys"] != nil {
				t.Errorf("%s: %v", c.name, all)
			}
			s.isTerminal(t, c.name, issued)
			if told := s.introspect(t, s.bearer(t), issued); told["active"] != true || !sameJSON(t, told["authorization_details"], c.echo) {
				t.Errorf("%s, introspected: %v", c.name, told)
			}
		}
	}
}

// isTerminal holds a token for another audience against rule 1.
func (s *running) isTerminal(t *testing.T, name, token string) {
	t.Helper()
	if status, answer := s.token(t, "/w/dev/token", exchangeForm(token, "authorization_details", shopGet)); status != http.StatusBadRequest || answer["code"] != "token_refused" {
		t.Errorf("%s, exchanged: %d %v", name, status, answer)
	}
	if status, answer := s.api(t, "GET", "/dev/events", token, nil); status != http.StatusUnauthorized {
		t.Errorf("%s, at the management API: %d %v", name, status, answer)
	}
}

// sameJSON reports whether a value is what a text says, null being nothing.
func sameJSON(t *testing.T, value any, text string) bool {
	t.Helper()
	var want any
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		t.Fatal(err)
	}
	return mustJSON(t, value) == mustJSON(t, want)
}

// Rules 2, 5 and 11: nobody is given more than he has by naming it for somebody else, and ID tokens carry no grants.
func TestRule05GrantsForAnotherAudienceAreWithinOnesOwn(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	job := s.shopper(t, i)
	ask := func(more ...string) reply { return s.post(t, "POST", "/w/dev/token", exchangeForm(job, more...)) }
	for name, c := range map[string]struct {
		more []string
		want string
	}{
		"an action beyond his own":   {[]string{"audience", shop, "authorization_details", `[{"type":"http","identifier":"shop.example.com/orders/7","actions":["delete"]}]`}, "invalid_authorization_details"},
		"a resource beyond his own":  {[]string{"audience", shop, "authorization_details", `[{"type":"http","identifier":"shop.example.com/*","actions":["get"]}]`}, "invalid_authorization_details"},
		"a scope beyond his own":     {[]string{"audience", shop, "scope", "http:delete"}, "invalid_scope"},
		"an audience beyond his own": {[]string{"audience", "https://bank.example.com", "authorization_details", shopGet}, "invalid_target"},
		"an ID token, beyond":        {[]string{"requested_token_type", idTokenType, "audience", shop, "scope", "http:delete"}, "invalid_scope"},
	} {
		if r := ask(c.more...); r.status != http.StatusBadRequest || r.body["error"] != c.want {
			t.Errorf("%s: %v", name, r)
		}
	}
	r := ask("requested_token_type", idTokenType, "audience", shop, "authorization_details", shopGet)
	if r.status != http.StatusOK || r.body["authorization_details"] != nil || claimsOf(t, r.body["access_token"])["authorization_details"] != nil {
		t.Errorf("an ID token: %v", r)
	}
	if r = ask("access_token_format", "opaque", "audience", shop, "authorization_details", shopGet); !sameJSON(t, r.body["authorization_details"], shopGet) {
		t.Errorf("opaque: %v", r)
	}
	if told := s.introspect(t, s.bearer(t), r.body["access_token"]); !sameJSON(t, told["authorization_details"], shopGet) {
		t.Errorf("opaque, introspected: %v", told)
	}
}

// A service of one's own, as docs/guide/http-service.md has it.
func TestAServiceThatRequiresAGrant(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	job := s.shopper(t, i)
	verifier := nsc.NewVerifier(s.url+"/w/dev", shop, nsc.AccessTokens(), nsc.InsecureAllowHTTP())
	order := func(*http.Request) string { return shopOrders }
	mux := http.NewServeMux()
	mux.Handle("GET /orders/7", verifier.Require("http", order, "get")(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {})))
	mux.Handle("POST /orders/7", verifier.Require("http", order, "post")(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {})))
	service := httptest.NewServer(mux)
	t.Cleanup(service.Close)
	named, silent := s.must(t, exchangeForm(job, "audience", shop, "authorization_details", shopGet)), s.must(t, exchangeForm(job, "audience", shop))
	for _, c := range []struct {
		method, token string
		want          int
	}{
		{"GET", named, http.StatusOK}, {"POST", named, http.StatusForbidden}, {"GET", silent, http.StatusForbidden}, {"GET", job, http.StatusUnauthorized},
	} {
		req, err := http.NewRequest(c.method, service.URL+"/orders/7", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+c.token)
		response, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", c.method, response.StatusCode, c.want)
		}
	}
}
