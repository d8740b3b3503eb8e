package server

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
)

// attempt is a call by somebody who may make calls of its kind, but not this one.
type attempt struct {
	name  string
	token string
	path  string
	body  any
}

// Rule 4: nobody gives what he does not have, by whatever call writes. Every operation of the document that does has a row
// here, or this test fails.
func TestRule04EveryWritingCall(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	whole := grant("workspace", "*", "admin")
	more := s.trust(t, i, map[string]any{"subject_match": "ci:acme/admin", "grants": []any{whole}})
	_, revocable := s.api(t, "POST", "/dev/revocable-tokens", s.bearer(t), map[string]any{"name": "admin", "grants": []any{whole}})
	cutOff := s.call(t, "POST", apiRoot+"/dev/cut-offs", s.bearer(t), map[string]any{"issuer": "https://other.example.com"}).body["id"].(string)
	_, keys := s.api(t, "GET", "/dev/keys", s.bearer(t), nil)
	signing := keys["items"].([]any)[0].(map[string]any)["key_id"]

	reader := s.limited(t, i, "ci:acme/reader", grant("workspace", "*", "read"))
	writer := s.limited(t, i, "ci:acme/writer", grant("workspace", "trust", "write"), grant("audience", "https://api.example.com", "issue"))
	issuing := s.limited(t, i, "ci:acme/tokens", grant("workspace", "token", "write"))
	keeper := s.limited(t, i, "ci:acme/keys", grant("workspace", "key", "write"))
	others := s.otherWorkspace(t, "other")
	operator := s.operatorWithout(t, i)

	trusts := apiRoot + "/dev/trust-relationships"
	trust := func(change map[string]any) map[string]any {
		body := map[string]any{"issuer": i.URL, "subject_match": "ci:acme/new"}
		maps.Copy(body, change)
		return body
	}
	admin, wide := map[string]any{"grants": []any{whole}}, map[string]any{"grants": []any{grant("audience", "*", "issue")}}
	mine := s.call(t, "POST", trusts, writer, trust(map[string]any{"grants": []any{grant("audience", "https://api.example.com", "issue")}})).body["id"].(string)
	owned := map[string]any{"name": "new", "owner": map[string]any{"issuer": i.URL, "subject": "me"}}

	attempts := map[string][]attempt{
		"create-workspace": {
			{"an administrator of another workspace", others, apiRoot, owned},
			{"an operator who may not create workspaces", operator, apiRoot, owned},
		},
		"add-trust-relationship": {
			{"who may only read", reader, trusts, trust(nil)},
			{"who writes something else", keeper, trusts, trust(nil)},
			{"everything", writer, trusts, trust(admin)},
			{"a wider audience", writer, trusts, trust(wide)},
			{"another action", writer, trusts, trust(map[string]any{"grants": []any{grant("audience", "https://api.example.com", "introspect")}})},
			{"one that he has and one that he has not", writer, trusts, trust(map[string]any{"grants": []any{
				grant("audience", "https://api.example.com", "issue"), grant("workspace", "key", "read"),
			}})},
		},
		"update-trust-relationship": {
			{"who may only read", reader, trusts + "/" + mine, map[string]any{"description": "x"}},
			{"more after", writer, trusts + "/" + mine, admin},
			{"wider after", writer, trusts + "/" + mine, wide},
			{"more before", writer, trusts + "/" + more, map[string]any{"grants": []any{}}},
			{"more before, another subject", writer, trusts + "/" + more, map[string]any{"subject_match": "ci:acme/writer"}},
			{"more before, other words", writer, trusts + "/" + more, map[string]any{"description": "x"}},
		},
		"remove-trust-relationship": {
			{"who may only read", reader, trusts + "/" + mine, nil},
			{"more before", writer, trusts + "/" + more, nil},
		},
		"test-trust-relationships": {
			{"who may not read trusts", keeper, trusts + "/test", map[string]any{"claims": map[string]any{"iss": i.URL}}},
		},
		"replay-exchanges": {
			{"who may not read the record", writer, trusts + "/replay", map[string]any{"since": "2026-01-31T00:00:00Z", "remove": []any{mine}}},
		},
		"create-revocable-token": {
			{"who may only read", reader, apiRoot + "/dev/revocable-tokens", map[string]any{"name": "x", "grants": []any{}}},
			{"everything", issuing, apiRoot + "/dev/revocable-tokens", map[string]any{"name": "x", "grants": []any{whole}}},
		},
		"refresh-revocable-token": {
			{"who may only read", reader, fmt.Sprint(apiRoot, "/dev/revocable-tokens/", revocable["id"], "/refresh"), map[string]any{}},
			{"more than his own", issuing, fmt.Sprint(apiRoot, "/dev/revocable-tokens/", revocable["id"], "/refresh"), map[string]any{}},
		},
		"revoke-revocable-token": {
			{"who may only read", reader, fmt.Sprint(apiRoot, "/dev/revocable-tokens/", revocable["id"]), nil},
			{"more than his own", issuing, fmt.Sprint(apiRoot, "/dev/revocable-tokens/", revocable["id"]), nil},
		},
		"rotate-keys": {
			{"who may only read", reader, apiRoot + "/dev/keys/rotate", map[string]any{}},
			{"who writes something else", writer, apiRoot + "/dev/keys/rotate", map[string]any{"compromised": true}},
		},
		"cut-off": {
			{"who may only read", reader, apiRoot + "/dev/cut-offs", map[string]any{"issuer": i.URL}},
			{"a trust beyond his own", writer, apiRoot + "/dev/cut-offs", map[string]any{"trust": more}},
			{"a token, by who writes trusts", writer, apiRoot + "/dev/cut-offs", map[string]any{"token": strings.Repeat("a", 26)}},
			{"a subject, by who writes keys", keeper, apiRoot + "/dev/cut-offs", map[string]any{"issuer": i.URL, "subject": "ci:acme/admin"}},
			{"a trust, by who writes tokens", issuing, apiRoot + "/dev/cut-offs", map[string]any{"trust": mine}},
			{"a key, by who writes tokens", issuing, apiRoot + "/dev/cut-offs", map[string]any{"key": signing}},
		},
		"lift-cut-off": {
			{"who may only read", reader, apiRoot + "/dev/cut-offs/" + cutOff, nil},
			{"who writes something else", writer, apiRoot + "/dev/cut-offs/" + cutOff, nil},
		},
	}
	before := s.state(t)
	for _, op := range theDocument().operations() {
		if op.method == http.MethodGet {
			continue
		}
		if len(attempts[op.ID]) == 0 {
			t.Errorf("%s writes, and nobody tried to give by it what he does not have", op.ID)
		}
		for _, a := range attempts[op.ID] {
			if op != theDocument().find(op.method, a.path) {
				t.Errorf("%s, %s: that is another operation", op.ID, a.name)
			}
			for _, headers := range [][]string{nil, key("rule4-" + op.ID)} {
				got := s.call(t, op.method, a.path, a.token, a.body, headers...)
				if want := refusalOf(a, others); got.status != want {
					t.Errorf("%s, %s: %v, want %d", op.ID, a.name, got, want)
				}
			}
		}
	}
	if after := s.state(t); after != before {
		t.Errorf("something changed:\n%s\n%s", before, after)
	}
}

// refusalOf is 403, except that a token of another workspace is none here.
func refusalOf(a attempt, foreign string) int {
	if a.token == foreign {
		return http.StatusUnauthorized
	}
	return http.StatusForbidden
}

// operatorWithout returns a token of the workspace system without the right to create workspaces.
func (s *running) operatorWithout(t *testing.T, i *issuer) string {
	t.Helper()
	operator := s.into(t, s.bearer(t), "dev", "system")
	status, answer := s.api(t, "POST", "/system/trust-relationships", operator, map[string]any{
		"issuer": i.URL, "subject_match": "ci:operator", "grants": []any{grant("workspace", "workspace", "read", "write"), grant("workspace", "trust", "admin")},
	})
	if status != http.StatusCreated {
		t.Fatal(answer)
	}
	external := i.sign(t, "k1", i.claims(s, map[string]any{"sub": "ci:operator", "aud": s.url + "/w/system"}))
	_, token := s.token(t, "/w/system/token", exchangeForm(external))
	text, ok := token["access_token"].(string)
	if !ok {
		t.Fatal(token)
	}
	return text
}

// state is what callers could have written: all lists but the record, which rightly has more.
func (s *running) state(t *testing.T) string {
	t.Helper()
	var all []string
	for _, op := range theDocument().operations() {
		if op.method == http.MethodGet && strings.HasPrefix(op.ID, "list-") {
			r := s.call(t, "GET", strings.ReplaceAll(op.path, "{workspace}", "dev"), s.bearer(t), nil)
			all = append(all, op.ID+" "+r.text)
		}
	}
	if len(all) < 5 {
		t.Fatalf("only %d lists are found", len(all))
	}
	return strings.Join(all, "\n")
}
