package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// explain returns the explanation of a refusal.
func (s *running) explain(t *testing.T, workspace, bearer string, refusal any) map[string]any {
	t.Helper()
	status, answer := s.api(t, "GET", fmt.Sprintf("/%s/refusals/%v/explanation", workspace, refusal), bearer, nil)
	if status != http.StatusOK {
		t.Fatalf("explain %v: %d %v\n%s", refusal, status, answer, s.logs)
	}
	return answer
}

// refuse exchanges a token that is refused, and returns the refusal's ID.
func (s *running) refuse(t *testing.T, path, token string, form ...string) any {
	t.Helper()
	status, answer := s.token(t, path, exchangeForm(token, form...))
	if status != http.StatusBadRequest || answer["refusal_id"] == nil {
		t.Fatalf("%d %v", status, answer)
	}
	return answer["refusal_id"]
}

// firstTrust returns the nearest trust of a decision.
func firstTrust(t *testing.T, answer map[string]any) map[string]any {
	t.Helper()
	decision, ok := answer["decision"].(map[string]any)
	if !ok || len(decision["trusts"].([]any)) == 0 {
		t.Fatalf("no trust: %v", answer)
	}
	return decision["trusts"].([]any)[0].(map[string]any)
}

// Rule 24: what anybody can make up is explained too, and makes no event.
func TestRule24RefusalsAreKeptApartFromTheRecord(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	trust := s.trust(t, i, nil)
	stranger := s.refuse(t, "/w/dev/token", newIssuer(t).sign(t, "k1", i.claims(s, nil)))
	garbage := s.refuse(t, "/w/dev/token", "garbage")
	genuine := s.refuse(t, "/w/dev/token", i.sign(t, "k1", i.claims(s, map[string]any{"sub": "ci:acme/other"})))
	if n := s.events(t, "token.refused"); n != 1 {
		t.Errorf("%d events", n)
	}
	if e := s.explain(t, "dev", s.bearer(t), garbage); e["verified"] != false || e["code"] != "token_malformed" || e["decision"] != nil {
		t.Errorf("garbage: %v", e)
	}
	if e := s.explain(t, "dev", s.bearer(t), stranger); e["verified"] != false || e["decision"] != nil || !strings.Contains(fmt.Sprint(e["summary"]), "does not verify") {
		t.Errorf("a stranger's: %v", e)
	}
	e := s.explain(t, "dev", s.bearer(t), genuine)
	first := firstTrust(t, e)
	failure := first["failures"].([]any)[0].(map[string]any)
	if e["verified"] != true || first["id"] != trust || failure["clause"] != "subject_match" || failure["actual"] != "ci:acme/other" {
		t.Errorf("%v", e)
	}
	// What is proposed is what admits it.
	edit := first["change"].(map[string]any)["edits"].([]any)[0].(map[string]any)
	if status, answer := s.api(t, "PATCH", "/dev/trust-relationships/"+trust, s.bearer(t), map[string]any{edit["field"].(string): edit["to"]}); status != http.StatusOK {
		t.Fatalf("%d %v", status, answer)
	}
	if status, answer := s.token(t, "/w/dev/token", exchangeForm(i.sign(t, "k1", i.claims(s, map[string]any{"sub": "ci:acme/other"})))); status != http.StatusOK {
		t.Errorf("after the change: %d %v", status, answer)
	}
	if e := s.explain(t, "dev", s.bearer(t), genuine); e["decision"].(map[string]any)["granted"] != true {
		t.Errorf("as the trusts are now: %v", e)
	}
}

// Rule 28: a refusal belongs to the workspace that was named, by path or by aud, else to the operator; and of a token that
// nobody vouches for nothing is repeated.
func TestRule28WhoseRefusalItIsAndWhatIsShown(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	s.trust(t, i, nil)
	other := s.otherWorkspace(t, "other")
	system := s.into(t, s.bearer(t), "dev", "system")
	const secret = "nobody-vouches-for-this"
	made := func(change map[string]any) string {
		return newIssuer(t).sign(t, "k1", i.claims(s, change))
	}
	for rule, row := range map[string]struct {
		path, token, owner, says string
	}{
		"named by path":          {"/w/dev/token", made(map[string]any{"aud": secret, "sub": secret}), "dev", "claims to be of an issuer that is trusted here: " + i.URL},
		"named by aud":           {"/token", made(map[string]any{"sub": secret}), "dev", ""},
		"named by nobody":        {"/token", made(map[string]any{"aud": secret}), "system", "none of this server's workspaces"},
		"nearly named":           {"/token", made(map[string]any{"aud": s.url + "/w/dev/"}), "system", s.url + "/w/dev (it differs by: trailing slash)"},
		"unreadable, by path":    {"/w/dev/token", secret, "dev", ""},
		"unreadable":             {"/token", secret, "system", ""},
		"an issuer with a slash": {"/w/dev/token", made(map[string]any{"iss": i.URL + "/"}), "dev", i.URL + " (it differs by: trailing slash)"},
		"an issuer like none":    {"/w/dev/token", made(map[string]any{"iss": "https://" + secret + ".example"}), "dev", "no trust of this workspace is in the token's issuer"},
	} {
		t.Run(rule, func(t *testing.T) {
			refusal := s.refuse(t, row.path, row.token, "audience", secret)
			bearers := map[string]string{"dev": s.bearer(t), "system": system, "other": other}
			e := s.explain(t, row.owner, bearers[row.owner], refusal)
			if text := mustJSON(t, e); strings.Contains(text, secret) || e["claims"] != nil || e["reason"] != nil || e["verified"] != false {
				t.Errorf("repeats a stranger: %s", text)
			}
			if !strings.Contains(fmt.Sprint(e["advice"]), row.says) {
				t.Errorf("says %v", e["advice"])
			}
			for name, bearer := range bearers {
				if name == row.owner {
					continue
				}
				foreign := s.call(t, "GET", fmt.Sprintf("/api/v1/workspaces/%s/refusals/%v/explanation", name, refusal), bearer, nil)
				unknown := s.call(t, "GET", "/api/v1/workspaces/"+name+"/refusals/agolopkbxawbssvvgrpr6ygwb4/explanation", bearer, nil)
				if foreign.status != http.StatusNotFound || foreign.text != unknown.text {
					t.Errorf("%s, foreign %s, unknown %s", name, foreign, unknown)
				}
			}
		})
	}
}

func TestExplainingNeedsBothGrants(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	for rule, row := range map[string]struct {
		grants        []any
		explain, test int
	}{
		"trust and record": {[]any{grant("workspace", "trust", "read"), grant("workspace", "record", "read")}, 404, 200},
		"trust":            {[]any{grant("workspace", "trust", "read")}, 403, 200},
		"record":           {[]any{grant("workspace", "record", "read")}, 403, 403},
	} {
		bearer := s.limited(t, i, "ci:acme/"+strings.ReplaceAll(rule, " ", "-"), row.grants...)
		if status, answer := s.api(t, "GET", "/dev/refusals/agolopkbxawbssvvgrpr6ygwb4/explanation", bearer, nil); status != row.explain {
			t.Errorf("%s: explain %d %v", rule, status, answer)
		}
		if status, answer := s.api(t, "POST", "/dev/trust-relationships/test", bearer, map[string]any{"claims": map[string]any{"iss": i.URL}}); status != row.test {
			t.Errorf("%s: test %d %v", rule, status, answer)
		}
	}
}

// A trial answers as the exchange would, and leaves nothing behind.
func TestATrialIsNoExchange(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	s.trust(t, i, map[string]any{"single_use": true, "condition": `claims.ref == "main" && claims.run > 9007199254740992`})
	good := i.claims(s, map[string]any{"ref": "main", "run": 9007199254740993, "jti": "once"})
	for rule, row := range map[string]struct {
		body    map[string]any
		granted bool
		want    string // in the answer
	}{
		"a token that is admitted":         {map[string]any{"token": i.sign(t, "k1", good)}, true, `"single_use":true`},
		"its claims, exact in numbers":     {map[string]any{"claims": good}, true, `"duration":"15m0s"`},
		"an audience that is granted":      {map[string]any{"claims": good, "token_type": "id_token", "audience": "https://api.example.com"}, true, `"duration":"5m0s"`},
		"an audience that is not":          {map[string]any{"claims": good, "audience": "https://no.example.com"}, false, `"reason":"target_refused"`},
		"narrowed beyond what is held":     {map[string]any{"claims": good, "grants": []any{grant("docker", "x", "container:start")}}, false, `"add_grants":[{`},
		"claims that fail the condition":   {map[string]any{"claims": i.claims(s, map[string]any{"ref": "Main", "run": 9007199254740993})}, false, `"near_misses":["case"]`},
		"a token of a stranger":            {map[string]any{"token": newIssuer(t).sign(t, "k1", good)}, false, `"code":"token_refused"`},
		"a token that ended":               {map[string]any{"token": i.sign(t, "k1", i.claims(s, map[string]any{"exp": time.Now().Unix() - 3600, "iat": time.Now().Unix() - 7200}))}, false, `"code":"token_expired"`},
		"claims of an issuer nobody knows": {map[string]any{"claims": map[string]any{"iss": i.URL + "/", "sub": "x"}}, false, "trailing slash"},
	} {
		t.Run(rule, func(t *testing.T) {
			events := s.events(t, "token.refused") + s.events(t, "token.issued")
			status, answer := s.api(t, "POST", "/dev/trust-relationships/test", s.bearer(t), row.body)
			decision, _ := answer["decision"].(map[string]any)
			if status != http.StatusOK || (decision["granted"] == true) != row.granted || !strings.Contains(mustJSON(t, answer), row.want) {
				t.Errorf("%d %s", status, mustJSON(t, answer))
			}
			if after := s.events(t, "token.refused") + s.events(t, "token.issued"); after != events {
				t.Errorf("%d events more", after-events)
			}
		})
	}
	for _, body := range []map[string]any{{}, {"token": "x", "claims": good}, {"claims": map[string]any{"aud": 1}}} {
		if status, answer := s.api(t, "POST", "/dev/trust-relationships/test", s.bearer(t), body); status != http.StatusUnprocessableEntity {
			t.Errorf("%v: %d %v", body, status, answer)
		}
	}
	// Nothing was used up.
	if status, answer := s.token(t, "/w/dev/token", exchangeForm(i.sign(t, "k1", good))); status != http.StatusOK {
		t.Errorf("the exchange: %d %v", status, answer)
	}
	e := s.explain(t, "dev", s.bearer(t), s.refuse(t, "/w/dev/token", i.sign(t, "k1", good)))
	if e["code"] != "token_replayed" || !strings.Contains(fmt.Sprint(e["advice"]), "used before") {
		t.Errorf("used again: %v", e)
	}
}

// A proposal says how many others that were refused it would let in.
func TestAProposalCountsWhomElseItAdmits(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	s.trust(t, i, map[string]any{"enabled": false, "subject_match": "ci:acme/*"})
	var last any
	for _, sub := range []string{"ci:acme/a", "ci:acme/b", "ci:other/c", "ci:acme/d"} {
		last = s.refuse(t, "/w/dev/token", i.sign(t, "k1", i.claims(s, map[string]any{"sub": sub})))
	}
	first := firstTrust(t, s.explain(t, "dev", s.bearer(t), last))
	if others := first["change"].(map[string]any)["others"]; others != 2.0 {
		t.Errorf("%v", first)
	}
}

// Rule 28, where somebody acts for another: what is shown needs both signatures.
func TestRule28AnActorNobodyVouchesFor(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	s.trust(t, i, nil)
	subject := i.sign(t, "k1", i.claims(s, nil))
	for rule, row := range map[string]struct {
		actor    string
		verified bool
		says     string
	}{
		"of a stranger":  {newIssuer(t).sign(t, "k1", i.claims(s, nil)), false, "does not verify"},
		"unreadable":     {"garbage", false, ""},
		"who may not":    {i.sign(t, "k1", i.claims(s, map[string]any{"jti": "another"})), true, "actor_refused"},
		"without a word": {"", true, ""},
	} {
		form := []string{"actor_token", row.actor, "actor_token_type", "urn:ietf:params:oauth:token-type:jwt"}
		if row.actor == "" {
			form = []string{"audience", "https://no.example.com"}
		}
		e := s.explain(t, "dev", s.bearer(t), s.refuse(t, "/w/dev/token", subject, form...))
		if e["verified"] != row.verified || (e["claims"] != nil) != row.verified || !strings.Contains(mustJSON(t, e), row.says) {
			t.Errorf("%s: %s", rule, mustJSON(t, e))
		}
		if strings.Contains(mustJSON(t, e), "would be granted") {
			t.Errorf("%s: more is said than is known: %s", rule, mustJSON(t, e))
		}
	}
}
