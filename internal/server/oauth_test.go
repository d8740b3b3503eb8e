package server

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const (
	grantAssertion = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	formType       = "application/x-www-form-urlencoded"
)

// post sends a form to an OAuth endpoint, with headers as pairs, and returns the answer with its headers.
func (s *running) post(t *testing.T, method, path string, form url.Values, headers ...string) reply {
	t.Helper()
	answer, err := s.send(method, path, "", form.Encode(), append([]string{"Content-Type", formType}, headers...))
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer
}

// RFC 6749 §3.2: a parameter without a value is as good as none, at each of the endpoints.
func TestParametersWithoutAValue(t *testing.T) {
	s := start(t, devConfig(t))
	for _, name := range []string{
		"audience", "resource", "scope", "authorization_details", "actor_token", "actor_token_type", "may_act", "trust", "expires_in",
		"requested_token_type", "access_token_format", "id_token_signed_response_alg", "assertion", "client_secret", "unheard_of",
	} {
		if status, answer := s.token(t, "/w/dev/token", exchangeForm(s.bearer(t), name, "")); status != http.StatusOK {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	form := exchangeForm(s.bearer(t), "audience", "", "audience", "https://api.example.com", "audience", "", "subject_token", "")
	if status, answer := s.token(t, "/w/dev/token", form); status != http.StatusOK || claimsOf(t, answer["access_token"])["aud"] != "https://api.example.com" {
		t.Errorf("beside one that has a value: %d %v", status, answer)
	}
	for _, path := range []string{"/w/dev/introspect", "/w/dev/revoke"} {
		form := url.Values{"token": {s.bearer(t), ""}, "token_type_hint": {""}}
		if r := s.post(t, "POST", path, form, "Authorization", "Bearer "+s.bearer(t)); r.status != http.StatusOK {
			t.Errorf("%s: %v", path, r)
		}
	}
}

// Introspection and revocation take tokens of every length that is issued.
func TestIntrospectionOfALargeToken(t *testing.T) {
	s := start(t, devConfig(t))
	var details []string
	for n := range 20 {
		details = append(details, fmt.Sprintf(`{"type":"http","identifier":"api.example.com/%s/%d","actions":["get"]}`, strings.Repeat("x", 60), n))
	}
	i := newIssuer(t)
	var grants []any
	for n := range 20 {
		grants = append(grants, grant("http", fmt.Sprintf("api.example.com/%s/%d", strings.Repeat("x", 60), n), "get"))
	}
	s.trust(t, i, map[string]any{"grants": grants})
	_, answer := s.token(t, "/w/dev/token", exchangeForm(i.sign(t, "k1", i.claims(s, nil)), "authorization_details", "["+strings.Join(details, ",")+"]"))
	token, _ := answer["access_token"].(string)
	if len(token) < 3<<10 {
		t.Fatalf("%v", answer)
	}
	if got := s.introspect(t, s.bearer(t), token); got["active"] != true {
		t.Errorf("%v", got)
	}
}

// Whatever refuses a request at an OAuth endpoint, and however early, speaks OAuth (RFC 6749 §5.2), with an ID.
func TestErrorsOfOAuthEndpoints(t *testing.T) {
	s := start(t, devConfig(t))
	for _, path := range []string{"/token", "/w/dev/token", "/w/dev/introspect", "/w/dev/revoke"} {
		for _, c := range []struct {
			name, method, content, body string
			status                      int
			code                        string
		}{
			{"GET", "GET", formType, "", 405, "method_not_allowed"},
			{"PUT", "PUT", formType, "a=b", 405, "method_not_allowed"},
			{"DELETE", "DELETE", formType, "", 405, "method_not_allowed"},
			{"too large", "POST", formType, "a=" + strings.Repeat("x", 64<<10), 413, "too_large"},
			{"JSON", "POST", "application/json", "{}", 400, "invalid_request"},
			{"no form", "POST", formType, "%zz", 400, "invalid_request"},
			{"nothing", "POST", formType, "", 400, "invalid_request"},
		} {
			r, err := s.send(c.method, path, s.bearer(t), c.body, []string{"Content-Type", c.content})
			if err != nil {
				t.Fatal(err)
			}
			if c.name == "nothing" && strings.HasSuffix(path, "/token") { // a bearer token is no credential there
				c.status, c.code = 401, "invalid_client"
			}
			s.isOAuth(t, c.name+" "+path, r, c.status, c.code)
			if allow := r.header.Get("Allow"); (c.status == 405) != (allow == "POST, OPTIONS") {
				t.Errorf("%s %s: Allow %q", c.name, path, allow)
			}
		}
	}
	for _, endpoint := range []string{"token", "introspect", "revoke"} {
		for _, name := range []string{"nowhere", "No-Name"} {
			form := exchangeForm(s.bearer(t), "token", "x")
			var headers []string
			if endpoint == "introspect" {
				headers = []string{"Authorization", "Bearer " + s.bearer(t)}
			}
			s.isOAuth(t, endpoint+" of "+name, s.post(t, "POST", "/w/"+name+"/"+endpoint, form, headers...), 404, "not_found")
		}
	}
	for _, form := range []url.Values{
		{"grant_type": {s.bearer(t)}}, exchangeForm("x", "authorization_details", s.bearer(t)), exchangeForm("x", "audience", s.bearer(t), "audience", "x"),
	} { // the log says nothing of them, which every server's end looks at
		if r := s.post(t, "POST", "/w/"+s.bearer(t)+"/token", form); r.status/100 != 4 {
			t.Error(r)
		}
	}
	if r := s.post(t, "GET", "/w/dev/nothing", nil); r.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("what is no endpoint: %v %v", r, r.header)
	}
}

// RFC 6750 §3, RFC 7617 §2: a challenge names its realm, and an error only to who presented a token.
func TestOAuthEndpointsChallenge(t *testing.T) {
	s := start(t, devConfig(t))
	realm := ` realm="` + s.url + `"`
	for name, c := range map[string]struct {
		path, authorization string
		status              int
		challenge           string
	}{
		"no token to introspect with":    {"introspect", "", 401, "Bearer" + realm},
		"a wrong one":                    {"introspect", "Bearer garbage", 401, "Bearer" + realm + `, error="invalid_token"`},
		"a password to introspect with":  {"introspect", "Basic YTpi", 401, "Bearer" + realm},
		"a password at the token's":      {"token", "Basic YTpi", 401, "Basic" + realm},
		"a token that is not understood": {"token", "", 400, ""},
	} {
		var headers []string
		if c.authorization != "" {
			headers = []string{"Authorization", c.authorization}
		}
		form := exchangeForm("garbage", "token", "x")
		r := s.post(t, "POST", "/w/dev/"+c.path, form, headers...)
		if got := r.header.Get("WWW-Authenticate"); r.status != c.status || got != c.challenge {
			t.Errorf("%s: %v, %q", name, r, got)
		}
	}
}

// isOAuth holds an answer against the form of OAuth's errors.
func (s *running) isOAuth(t *testing.T, name string, r reply, status int, code string) {
	t.Helper()
	want := map[int]string{401: "invalid_client", 429: "temporarily_unavailable", 503: "temporarily_unavailable"}[status]
	if want == "" {
		want = "invalid_request"
	}
	refusal, _ := r.body["refusal_id"].(string)
	if r.status != status || r.body["error"] != want || r.body["code"] != code || r.body["error_description"] == "" || len(refusal) != 26 ||
		r.header.Get("Content-Type") != "application/json" || r.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: %v %v", name, r, r.header)
	}
	if !strings.Contains(s.logs.String(), refusal) {
		t.Errorf("%s: the log does not know %s", name, refusal)
	}
}

// A rate limit is one of OAuth's errors too, and says when to come again; and each request for a token that got none is
// counted by its code, however early it was refused.
func TestRateLimitsOfOAuthEndpointsAndTheCountOfRefusals(t *testing.T) {
	c := serverConfig(t)
	c.AddressRate, c.MetricsListen = 1, freeAddress(t)
	s := start(t, c)
	for _, form := range []url.Values{{"grant_type": {"x"}}, exchangeForm(""), exchangeForm("x")} {
		s.token(t, "/token", form)
	}
	var limited reply
	for _, path := range []string{"/token", "/w/system/token", "/w/system/introspect", "/w/system/revoke"} {
		for limited = (reply{}); limited.status != http.StatusTooManyRequests; {
			limited = s.post(t, "POST", path, exchangeForm("", "token", "x"))
		}
		s.isOAuth(t, path, limited, 429, "too_many_requests")
		if limited.header.Get("Retry-After") != "1" {
			t.Errorf("%s: %v", path, limited.header)
		}
	}
	if r := s.post(t, "POST", "/api/v1/workspaces", nil); r.status == 429 && r.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("at the management API: %v %v", r, r.header)
	}
	text := get(t, "http://"+c.MetricsListen, "/metrics")
	says(t, text, `nsc_tokens_refused_total{code="unsupported_grant_type"} 1`, `nsc_tokens_refused_total{code="token_malformed"} 1`,
		`nsc_tokens_refused_total{code="too_many_requests"} `, `nsc_tokens_refused_total{code="invalid_request"} `)
	for _, none := range []string{`nsc_tokens_refused_total{code="too_many_requests"} 0`, `nsc_tokens_refused_total{code="invalid_request"} 0`} {
		if strings.Contains(text, none) {
			t.Errorf("not counted: %s", none)
		}
	}
}

// Rule 32: RFC 7523's assertions are accepted as the same thing as subject tokens: they may ask for the same tokens, and what
// they cannot have is refused.
func TestRule32AssertionsMayAskForWhatExchangesMay(t *testing.T) {
	s := start(t, devConfig(t))
	ask := func(more ...string) reply {
		form := url.Values{"grant_type": {grantAssertion}, "assertion": {s.bearer(t)}}
		for i := 0; i < len(more); i += 2 {
			form.Add(more[i], more[i+1])
		}
		return s.post(t, "POST", "/w/dev/token", form)
	}
	r := ask("requested_token_type", idTokenType, "audience", "https://api.example.com")
	if r.status != http.StatusOK || r.body["issued_token_type"] != idTokenType || r.body["token_type"] != "N_A" {
		t.Fatal(r)
	}
	if claims := claimsOf(t, r.body["access_token"]); claims["client_id"] != nil {
		t.Errorf("no ID token: %v", claims)
	}
	if r := ask("requested_token_type", jwtType); r.status != http.StatusOK || r.body["issued_token_type"] != jwtType {
		t.Error(r)
	}
	if r := ask(); r.status != http.StatusOK || r.body["issued_token_type"] != accessTokenType || r.body["token_type"] != "Bearer" {
		t.Error(r)
	}
	for _, more := range [][]string{
		{"requested_token_type", "urn:ietf:params:oauth:token-type:saml2"},
		{"requested_token_type", idTokenType, "access_token_format", "opaque"},
		{"actor_token", s.bearer(t), "actor_token_type", accessTokenType},
		{"actor_token_type", accessTokenType},
		{"subject_token", s.bearer(t)},
		{"subject_token_type", jwtType},
	} {
		if r := ask(more...); r.status != http.StatusBadRequest || r.body["error"] != "invalid_request" {
			t.Errorf("%v: %v", more[0], r)
		}
	}
	if r := s.post(t, "POST", "/w/dev/token", exchangeForm(s.bearer(t), "assertion", s.bearer(t))); r.status != http.StatusBadRequest {
		t.Errorf("an assertion in an exchange: %v", r)
	}
}

// RFC 9396 §2: authorization_details is a list. null is none, and is not taken for the empty one, which asks for nothing.
func TestRule32DetailsAreAList(t *testing.T) {
	s := start(t, devConfig(t))
	for _, text := range []string{"null", " null ", "[null]", "{}", `""`, "0", "[]]", `[{"type":"http"}]`} {
		if r := s.post(t, "POST", "/w/dev/token", exchangeForm(s.bearer(t), "authorization_details", text)); r.status != http.StatusBadRequest || r.body["error"] != "invalid_authorization_details" {
			t.Errorf("%s: %v", text, r)
		}
	}
	sub := claimsOf(t, s.bearer(t))["sub"].(string)
	r := s.post(t, "POST", "/w/dev/token", exchangeForm(s.bearer(t), "may_act", `{"sub":"`+sub+`","authorization_details":null}`))
	if r.status != http.StatusBadRequest || r.body["error"] != "invalid_authorization_details" {
		t.Errorf("may_act: %v", r)
	}
	r = s.post(t, "POST", "/w/dev/token", exchangeForm(s.bearer(t), "authorization_details", "[]"))
	if r.status != http.StatusOK || r.body["authorization_details"] != nil {
		t.Errorf("[]: %v", r)
	}
}

// Discovery is the same document wherever clients look for it (OpenID Connect Discovery §4, RFC 8414 §3.1 and §5).
func TestDiscoveryIsWhereClientsLook(t *testing.T) {
	s := start(t, devConfig(t))
	var documents []string
	for _, path := range []string{
		"/w/dev/.well-known/openid-configuration", "/w/dev/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/w/dev",
	} {
		response, err := http.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK || response.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d %v", path, response.StatusCode, err)
		}
		documents = append(documents, string(text))
	}
	if documents[0] != documents[1] || documents[0] != documents[2] || !strings.Contains(documents[0], `"act"`) {
		t.Errorf("%q", documents)
	}
}
