package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// claimsOf decodes a token that the server issued.
func claimsOf(t *testing.T, token any) map[string]any {
	t.Helper()
	text, _ := token.(string)
	parsed, err := jwt.Parse(text)
	if err != nil {
		t.Fatalf("%v: %v", err, token)
	}
	claims, err := parsed.Claims.Map()
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

func mustJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func grant(resource, id string, actions ...string) map[string]any {
	return map[string]any{"resource_type": resource, "resource_id": id, "actions": actions}
}

// Rules 1 and 2: the audience is the boundary, and who may ask for it is a grant.
func TestRule01TokensForOthersAreTerminal(t *testing.T) {
	s := start(t, devConfig(t))
	_, answer := s.token(t, "/w/dev/token", exchangeForm(s.bearer(t), "audience", "https://api.example.com"))
	if claims := claimsOf(t, answer["access_token"]); claims["authorization_details"] != nil || claims["trusts"] != nil || claims["aud"] == nil {
		t.Errorf("a token for somebody else: %v", claims)
	}
	terminal := answer["access_token"].(string)
	if status, answer := s.token(t, "/w/dev/token", exchangeForm(terminal)); status != http.StatusBadRequest || answer["code"] != "token_refused" {
		t.Errorf("exchanged: %d %v", status, answer)
	}
	if status, _ := s.api(t, "GET", "/dev/whoami", terminal, nil); status != http.StatusUnauthorized {
		t.Errorf("at the management API: %d", status)
	}
}

func TestRule02AudienceNeedsAGrant(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	s.trust(t, i, nil)
	token := i.sign(t, "k1", i.claims(s, nil))
	for audience, want := range map[string]int{"https://api.example.com": 200, "https://api.example.com/": 400, "https://other.example.com": 400, "": 200} {
		more := []string{"requested_token_type", idTokenType}
		if audience != "" {
			more = append(more, "audience", audience)
		}
		status, answer := s.token(t, "/w/dev/token", exchangeForm(token, more...))
		if status != want || want == 400 && answer["error"] != "invalid_target" {
			t.Errorf("%q: %d %v", audience, status, answer)
		}
	}
}

// Rules 5 and 32: scope and authorization_details narrow and never widen.
func TestRule05Narrowing(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	s.trust(t, i, map[string]any{"grants": []any{
		grant("docker", "build-1", "container:start", "container:stop"), grant("workspace", "record", "read"),
	}})
	token := i.sign(t, "k1", i.claims(s, nil))
	details := func(answer map[string]any) string {
		text, err := json.Marshal(answer["authorization_details"])
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	_, all := s.token(t, "/w/dev/token", exchangeForm(token))
	if got := details(all); !strings.Contains(got, "container:stop") || !strings.Contains(got, "record") {
		t.Errorf("all: %s", got)
	}
	_, scoped := s.token(t, "/w/dev/token", exchangeForm(token, "scope", "docker:container:start"))
	if got := details(scoped); strings.Contains(got, "stop") || strings.Contains(got, "record") || !strings.Contains(got, "start") {
		t.Errorf("scoped: %s, %v", got, scoped)
	}
	_, narrow := s.token(t, "/w/dev/token", exchangeForm(token, "authorization_details", `[{"type":"docker","identifier":"build-1","actions":["container:stop"]}]`))
	if got := details(narrow); strings.Contains(got, "start") || !strings.Contains(got, "stop") {
		t.Errorf("narrowed: %s, %v", got, narrow)
	}
	for _, want := range []string{`[{"type":"docker","identifier":"build-2","actions":["container:stop"]}]`, `[{"type":"docker","identifier":"build-1","actions":["container:kill"]}]`} {
		if _, answer := s.token(t, "/w/dev/token", exchangeForm(token, "authorization_details", want)); answer["error"] != "invalid_authorization_details" {
			t.Errorf("wider: %v", answer)
		}
	}
	// What was narrowed stays narrow.
	child := narrow["access_token"].(string)
	if _, answer := s.token(t, "/w/dev/token", exchangeForm(child, "authorization_details", `[{"type":"docker","identifier":"build-1","actions":["container:start"]}]`)); answer["error"] != "invalid_authorization_details" {
		t.Errorf("widened again: %v", answer)
	}
	parent := claimsOf(t, child)
	_, again := s.token(t, "/w/dev/token", exchangeForm(child, "expires_in", "86400"))
	if claims := claimsOf(t, again["access_token"]); claims["exp"].(int64) > parent["exp"].(int64) {
		t.Errorf("outlives its parent: %v after %v", claims["exp"], parent["exp"])
	}
}

// Rule 4: nobody writes what he does not have.
func TestRule04NobodyGivesWhatHeDoesNotHave(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	limited := s.trust(t, i, map[string]any{"grants": []any{grant("workspace", "trust", "read", "write"), grant("audience", "https://api.example.com", "issue")}})
	_, answer := s.token(t, "/w/dev/token", exchangeForm(i.sign(t, "k1", i.claims(s, nil))))
	caller := answer["access_token"].(string)
	body := func(grants ...any) map[string]any {
		return map[string]any{"issuer": i.URL, "subject_match": "ci:acme/new", "grants": grants}
	}
	if status, answer := s.api(t, "POST", "/dev/trust-relationships", caller, body(grant("workspace", "*", "admin"))); status != http.StatusForbidden || answer["field"] != "grants" {
		t.Errorf("more than his own: %d %v", status, answer)
	}
	status, created := s.api(t, "POST", "/dev/trust-relationships", caller, body(grant("audience", "https://api.example.com", "issue")))
	if status != http.StatusCreated {
		t.Errorf("his own: %d %v", status, created)
	}
	admin := s.trust(t, i, map[string]any{"subject_match": "ci:acme/admin", "grants": []any{grant("workspace", "*", "admin")}})
	for _, change := range []map[string]any{{"grants": []any{}}, {"subject_match": "ci:acme/mine"}, {"enabled": false}} {
		if status, answer := s.api(t, "PATCH", "/dev/trust-relationships/"+admin, caller, change); status != http.StatusForbidden {
			t.Errorf("a trust beyond his own, %v: %d %v", change, status, answer)
		}
	}
	if status, _ := s.api(t, "DELETE", "/dev/trust-relationships/"+admin, caller, nil); status != http.StatusForbidden {
		t.Errorf("removed: %d", status)
	}
	if status, _ := s.api(t, "POST", "/dev/keys/rotate", caller, map[string]any{}); status != http.StatusForbidden {
		t.Errorf("rotated: %d", status)
	}
	// The keys of an issuer are shared by all trusts in it: to change them by a small trust would be to take over a large one.
	status, small := s.api(t, "POST", "/dev/trust-relationships", caller, map[string]any{
		"issuer": i.URL, "subject_match": "ci:acme/small", "grants": []any{},
	})
	if status != http.StatusCreated {
		t.Fatalf("a small trust: %d %v", status, small)
	}
	takeover := map[string]any{"key_source": map[string]any{"kind": "jwks", "jwks": fmt.Sprintf(`{"keys":[%s]}`, newIssuer(t).jwk(t, "mine")), "not_after": "2099-01-01T00:00:00Z"}}
	if status, answer := s.api(t, "PATCH", "/dev/trust-relationships/"+small["id"].(string), caller, takeover); status != http.StatusForbidden || answer["field"] != "key_source" {
		t.Errorf("the issuer's keys replaced: %d %v", status, answer)
	}
	if status, answer := s.api(t, "PATCH", "/dev/trust-relationships/"+limited, s.bearer(t), takeover); status != http.StatusOK {
		t.Errorf("replaced by an administrator: %d %v", status, answer)
	}
}

// Rule 20: a change to a trust ends what rests on it, except a change of words.
func TestRule20EditEndsTokens(t *testing.T) {
	for _, c := range []struct {
		name   string
		change map[string]any
		lives  bool
	}{
		{"description", map[string]any{"description": "new words"}, true},
		{"grants", map[string]any{"grants": []any{grant("workspace", "record", "read"), grant("workspace", "key", "read")}}, false},
		{"disabled", map[string]any{"enabled": false}, false},
		{"removed", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, i := start(t, devConfig(t)), newIssuer(t)
			trust := s.trust(t, i, map[string]any{"grants": []any{grant("workspace", "record", "read")}})
			_, answer := s.token(t, "/w/dev/token", exchangeForm(i.sign(t, "k1", i.claims(s, nil))))
			token := answer["access_token"].(string)
			if status, _ := s.api(t, "GET", "/dev/whoami", token, nil); status != http.StatusOK {
				t.Fatalf("before: %d", status)
			}
			method := "PATCH"
			if c.change == nil {
				method = "DELETE"
			}
			if status, answer := s.api(t, method, "/dev/trust-relationships/"+trust, s.bearer(t), c.change); status/100 != 2 {
				t.Fatalf("%d %v", status, answer)
			}
			want, wantToken := http.StatusUnauthorized, http.StatusBadRequest
			if c.lives {
				want, wantToken = http.StatusOK, http.StatusOK
			}
			if status, answer := s.api(t, "GET", "/dev/whoami", token, nil); status != want {
				t.Errorf("at the API: %d %v", status, answer)
			}
			if status, answer := s.token(t, "/w/dev/token", exchangeForm(token)); status != wantToken {
				t.Errorf("exchanged: %d %v", status, answer)
			}
		})
	}
}

// Rule 16: of 32 uses at the same time exactly one wins; a retry with the same key gets the same claims.
func TestRule16SingleUse(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	s.trust(t, i, map[string]any{"single_use": true})
	token := i.sign(t, "k1", i.claims(s, map[string]any{"jti": "once"}))
	var mu sync.Mutex
	outcomes := map[string]int{}
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			status, answer := s.token(t, "/w/dev/token", exchangeForm(token))
			mu.Lock()
			defer mu.Unlock()
			outcomes[fmt.Sprint(status, answer["code"])]++
		})
	}
	all.Wait()
	if outcomes["200<nil>"]+outcomes["200 <nil>"] != 1 || outcomes["400token_replayed"]+outcomes["400 token_replayed"] != 31 {
		t.Errorf("%v", outcomes)
	}
	if _, answer := s.token(t, "/w/dev/token", exchangeForm(i.sign(t, "k1", i.claims(s, map[string]any{"jti": nil})))); answer["code"] != "token_refused" {
		t.Errorf("without jti: %v", answer)
	}

	token = i.sign(t, "k1", i.claims(s, map[string]any{"jti": "retried"}))
	const key = "a-key-that-nobody-can-guess-0123"
	first := s.retry(t, key, exchangeForm(token))
	second := s.retry(t, key, exchangeForm(token))
	if a, b := claimsOf(t, first["access_token"]), claimsOf(t, second["access_token"]); fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("a retry got other claims:\n%v\n%v", a, b)
	}
	for name, answer := range map[string]map[string]any{
		"another key":            s.retry(t, key+"x", exchangeForm(token)),
		"no key":                 s.retry(t, "", exchangeForm(token)),
		"another kind of token":  s.retry(t, key, exchangeForm(token, "requested_token_type", idTokenType)),
		"narrower than at first": s.retry(t, key, exchangeForm(token, "authorization_details", `[]`)),
	} {
		if answer["code"] != "token_replayed" {
			t.Errorf("%s: %v", name, answer)
		}
	}
}

// retry posts to the token endpoint with an Idempotency-Key.
func (r *running) retry(t *testing.T, key string, form map[string][]string) map[string]any {
	t.Helper()
	values := make([]string, 0, len(form))
	for name, list := range form {
		for _, v := range list {
			values = append(values, name+"="+strings.NewReplacer(":", "%3A", "/", "%2F", "[", "%5B", "]", "%5D").Replace(v))
		}
	}
	req, err := http.NewRequest("POST", r.url+"/w/dev/token", strings.NewReader(strings.Join(values, "&")))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, response.Body)
}

// Rule 11: what is in which kind of token.
func TestRule11Claims(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	s.trust(t, i, map[string]any{"mappings": map[string]string{"groups": "[claims.team]", "attributes.ref": "claims.ref"}})
	token := i.sign(t, "k1", i.claims(s, map[string]any{"team": "blue", "ref": "main", "email": "x@example.com"}))
	_, answer := s.token(t, "/w/dev/token", exchangeForm(token, "requested_token_type", idTokenType, "audience", "https://api.example.com"))
	id := claimsOf(t, answer["access_token"])
	for _, name := range []string{"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "workspace_id", "workspace", "root_iat", "depth", "groups", "attributes"} {
		if id[name] == nil {
			t.Errorf("ID token lacks %s", name)
		}
		delete(id, name)
	}
	if len(id) > 0 {
		t.Errorf("ID token carries more: %v", id)
	}
	_, answer = s.token(t, "/w/dev/token", exchangeForm(token))
	access := claimsOf(t, answer["access_token"])
	for _, name := range []string{"authorization_details", "client_id", "trusts", "groups"} {
		if access[name] == nil {
			t.Errorf("access token lacks %s: %v", name, access)
		}
	}
	if groups := fmt.Sprint(access["groups"]); groups != "["+i.URL+"#blue]" {
		t.Errorf("groups %s", groups)
	}
}

// Rule 24: a denial is on the record only where the token's signature verified.
func TestRule24OnlyVerifiedDenialsAreEvents(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	s.trust(t, i, nil)
	stranger := newIssuer(t)
	for range 5 {
		s.token(t, "/w/dev/token", exchangeForm(stranger.sign(t, "k1", i.claims(s, nil))))
		s.token(t, "/w/dev/token", exchangeForm("garbage"))
	}
	if n := s.events(t, "token.refused"); n != 0 {
		t.Errorf("garbage made %d events", n)
	}
	_, answer := s.token(t, "/w/dev/token", exchangeForm(i.sign(t, "k1", i.claims(s, map[string]any{"sub": "ci:acme/other"}))))
	if n := s.events(t, "token.refused"); n != 1 {
		t.Errorf("a verified denial made %d events", n)
	}
	_, found := s.api(t, "GET", "/dev/events?kind=token.refused", s.bearer(t), nil)
	event := found["items"].([]any)[0].(map[string]any)
	if event["id"] != answer["refusal_id"] || event["address"] != "127.0.0.1" {
		t.Errorf("event %v, refusal %v", event, answer["refusal_id"])
	}
}

// Whoever looks a refusal up learns what was asked for and what the caller has instead; the caller learns neither (rule 7).
func TestARefusalSaysWhatWasAskedAndWhatIsHeld(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	s.trust(t, i, map[string]any{"grants": []any{grant("audience", "https://api.example.com", "issue"), grant("registry", "team/*", "pull")}})
	for name, c := range map[string]struct {
		claims map[string]any
		form   []string
		code   string
		reason string
	}{
		"an audience": {nil, []string{"audience", "https://other.example.com"}, "invalid_target",
			"target_refused: asked for audience https://other.example.com: issue; held is audience https://api.example.com: issue"},
		"a scope": {nil, []string{"scope", "registry:pull registry:push"}, "invalid_scope",
			"scope_refused: asked for scope registry:push; held is registry team/*: pull"},
		"details": {nil, []string{"authorization_details", `[{"type":"registry","identifier":"other/app","actions":["pull"]}]`},
			"invalid_authorization_details", "details_refused: asked for registry other/app: pull; held is registry team/*: pull"},
		"details of another type": {nil, []string{"authorization_details", `[{"type":"workspace","identifier":"key","actions":["read"]}]`},
			"invalid_authorization_details", "details_refused: asked for workspace key: read; nothing of the kind is held"},
		"no trust": {map[string]any{"sub": "ci:acme/other"}, nil, "token_refused", "failed at its subject_match"},
	} {
		status, answer := s.token(t, "/w/dev/token", exchangeForm(i.sign(t, "k1", i.claims(s, c.claims)), c.form...))
		if status != http.StatusBadRequest || answer["code"] != c.code || strings.Contains(mustJSON(t, answer), "held") {
			t.Errorf("%s: %d %v", name, status, answer)
		}
		_, found := s.api(t, "GET", fmt.Sprintf("/dev/events?id=%s", answer["refusal_id"]), s.bearer(t), nil)
		events := found["items"].([]any)
		if len(events) != 1 {
			t.Fatalf("%s: %d events of the refusal's ID", name, len(events))
		}
		event := events[0].(map[string]any)
		if reason, _ := event["reason"].(string); event["kind"] != "token.refused" || !strings.HasSuffix(reason, c.reason) {
			t.Errorf("%s: recorded %q, want %q\n%v", name, reason, c.reason, event)
		}
	}
}
