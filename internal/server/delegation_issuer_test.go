package server

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
)

const (
	jwtType   = "urn:ietf:params:oauth:token-type:jwt"
	elsewhere = "https://agents.example.com"
)

// told is a subject whose issuer says that an agent acts for it, by the agent's issuer elsewhere, and before it a bot of its own.
func told(i *issuer, s *running) map[string]any {
	return i.claims(s, map[string]any{"act": map[string]any{
		"sub": "agent:one", "iss": elsewhere, "email": "one@agents.example.com", "act": map[string]any{"sub": "bot:two"},
	}})
}

func (s *running) believing(t *testing.T, i *issuer) string {
	t.Helper()
	return s.trust(t, i, map[string]any{"accept_delegation": true, "grants": []any{
		grant("workspace", "record", "read"), grant("audience", "https://api.example.com", "issue"),
	}})
}

// Rule 34: who acts by the word of an issuer that a trust believes is in the token, in what is derived from it, in introspection
// and on the record; without such a trust he is nowhere.
func TestRule34WhoActsByAnIssuersWord(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	s.believing(t, i)
	workspaceID := claimsOf(t, s.bearer(t))["workspace_id"].(string)
	agent, bot := identity.ExternalSubject(workspaceID, elsewhere, "agent:one"), identity.ExternalSubject(workspaceID, i.URL, "bot:two")
	want := map[string]any{"iss": elsewhere, "sub": "agent:one", "act": map[string]any{"iss": i.URL, "sub": "bot:two"}}
	token := s.must(t, exchangeForm(i.sign(t, "k1", told(i, s))))
	third := s.must(t, exchangeForm(token, "requested_token_type", idTokenType, "audience", "https://api.example.com"))
	for what, said := range map[string]map[string]any{
		"the token": claimsOf(t, token), "an ID token derived from it": claimsOf(t, third),
		"introspection": s.introspect(t, s.bearer(t), token), "introspection of what was derived": s.introspect(t, s.bearer(t), third),
	} {
		if fmt.Sprint(said["act"]) != fmt.Sprint(want) {
			t.Errorf("%s: %v", what, said["act"])
		}
	}
	if _, me := s.api(t, "GET", "/dev/whoami", token, nil); fmt.Sprint(me["act"]) != fmt.Sprint([]string{agent, bot}) {
		t.Errorf("whoami: %v", me)
	}
	_, found := s.api(t, "GET", "/dev/events?token_id="+claimsOf(t, third)["jti"].(string), s.bearer(t), nil)
	event := found["items"].([]any)[0].(map[string]any)
	details, _ := event["details"].(map[string]any)
	if fmt.Sprint(event["act"]) != fmt.Sprint([]string{agent, bot}) || !strings.Contains(fmt.Sprint(details["act"]), `"iss":"`+elsewhere+`","sub":"agent:one"`) {
		t.Errorf("event: %v", event)
	}
	silent := newIssuer(t)
	s.trust(t, silent, nil)
	if c := claimsOf(t, s.must(t, exchangeForm(silent.sign(t, "k1", told(silent, s))))); c["act"] != nil {
		t.Errorf("not believed, and yet: %v", c["act"])
	}
}

// Rules 21 and 34: cut off with any of them, whom only the issuer named, too.
func TestRule21WhoActsByAnIssuersWordIsCutOff(t *testing.T) {
	for name, target := range map[string]func(i *issuer) map[string]any{
		"who acts":               func(*issuer) map[string]any { return map[string]any{"issuer": elsewhere, "subject": "agent:one"} },
		"the issuer of who acts": func(*issuer) map[string]any { return map[string]any{"issuer": elsewhere} },
		"who acted before":       func(i *issuer) map[string]any { return map[string]any{"issuer": i.URL, "subject": "bot:two"} },
	} {
		t.Run(name, func(t *testing.T) {
			s, i := start(t, devConfig(t)), newIssuer(t)
			s.believing(t, i)
			external := i.sign(t, "k1", told(i, s))
			token := s.must(t, exchangeForm(external))
			third := s.must(t, exchangeForm(token, "requested_token_type", idTokenType, "audience", "https://api.example.com"))
			status, answer := s.api(t, "POST", "/dev/cut-offs", s.bearer(t), target(i))
			if status != http.StatusCreated || !strings.Contains(fmt.Sprint(answer["unreachable"]), "audience:https://api.example.com count:1 ") {
				t.Fatalf("%d %v", status, answer)
			}
			for what, token := range map[string]string{"the token": token, "an ID token derived from it": third} {
				if a := s.introspect(t, s.bearer(t), token); a["active"] != false {
					t.Errorf("%s: %v", what, a)
				}
			}
			if status, _ := s.api(t, "GET", "/dev/whoami", token, nil); status != http.StatusUnauthorized {
				t.Errorf("at the API: %d", status)
			}
			refusal := s.refuse(t, "/w/dev/token", external)
			if e := s.explain(t, "dev", s.bearer(t), refusal); !strings.Contains(fmt.Sprint(e["reason"]), "cut_off") || fmt.Sprint(e["decision"].(map[string]any)["reason"]) != "cut_off" {
				t.Errorf("a new exchange: %v", e)
			}
			if c := claimsOf(t, s.must(t, exchangeForm(i.sign(t, "k1", i.claims(s, nil))))); c["act"] != nil {
				t.Errorf("the subject for himself: %v", c)
			}
		})
	}
}

// Rule 34: what cannot be taken over is refused, and the record says why.
func TestRule34AnActThatCannotBeTakenOver(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	trust := s.believing(t, i)
	deep := map[string]any{"sub": "x"}
	for range 4 {
		deep = map[string]any{"sub": "x", "act": deep}
	}
	for rule, row := range map[string]struct {
		act any
		why string
	}{
		"too deep": {deep, "5 actors"}, "nobody": {map[string]any{}, "without a sub"}, "no object": {"x", "is not an object"},
	} {
		refusal := s.refuse(t, "/w/dev/token", i.sign(t, "k1", i.claims(s, map[string]any{"act": row.act})))
		e := s.explain(t, "dev", s.bearer(t), refusal)
		first := firstTrust(t, e)
		if !strings.Contains(fmt.Sprint(e["reason"]), "act_refused: act ") || !strings.Contains(fmt.Sprint(e["reason"]), row.why) ||
			first["id"] != trust || !strings.Contains(mustJSON(t, first), `"clause":"accept_delegation"`) {
			t.Errorf("%s: %s", rule, mustJSON(t, e))
		}
	}
	if n := s.events(t, "token.refused"); n != 3 {
		t.Errorf("%d refusals are on the record", n)
	}
}

// lent is a subject whose issuer lets an agent of the same issuer act for it, and that agent.
type lent struct{ subject, actor, actorsTrust string }

func (s *running) lent(t *testing.T, i *issuer) lent {
	t.Helper()
	return lent{
		i.sign(t, "k1", i.claims(s, map[string]any{"may_act": map[string]any{"sub": "agent:one"}})),
		i.sign(t, "k1", i.claims(s, map[string]any{"sub": "agent:one", "jti": "agent-1"})),
		s.trust(t, i, map[string]any{"subject_match": "agent:one", "grants": []any{}}),
	}
}

func (l lent) acting(more ...string) url.Values {
	return exchangeForm(l.subject, append([]string{"actor_token", l.actor, "actor_token_type", jwtType}, more...)...)
}

// Rule 34: whom the issuer lets act gets what trusts that believe it grant, and no more.
func TestRule34WhoMayActByAnIssuersWord(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	l := s.lent(t, i)
	silent := s.trust(t, i, map[string]any{"subject_match": "ci:acme/*", "grants": []any{grant("workspace", "record", "read")}})
	e := s.explain(t, "dev", s.bearer(t), func() any { _, a := s.token(t, "/w/dev/token", l.acting()); return a["refusal_id"] }())
	if first := firstTrust(t, e); !strings.Contains(fmt.Sprint(e["reason"]), "actor_refused") || first["id"] != silent ||
		!strings.Contains(mustJSON(t, first), `"actual":"false","clause":"accept_delegation"`) {
		t.Errorf("without a trust that believes the issuer: %s", mustJSON(t, e))
	}
	believing := s.believing(t, i)
	token := s.must(t, l.acting())
	c := claimsOf(t, token)
	workspaceID := c["workspace_id"].(string)
	agent := identity.ExternalSubject(workspaceID, i.URL, "agent:one")
	if c["sub"] != identity.ExternalSubject(workspaceID, i.URL, "ci:acme/api") || fmt.Sprint(c["act"]) != "map[sub:"+agent+"]" || c["may_act"] != nil {
		t.Errorf("claims %v", c)
	}
	if strings.Contains(mustJSON(t, c["trusts"]), silent) || !strings.Contains(mustJSON(t, c["trusts"]), believing) {
		t.Errorf("it rests on %v", c["trusts"])
	}
	_, found := s.api(t, "GET", "/dev/events?token_id="+c["jti"].(string), s.bearer(t), nil)
	event := found["items"].([]any)[0].(map[string]any)
	if actor, _ := event["actor"].(map[string]any); actor["subject"] != "agent:one" || fmt.Sprint(event["act"]) != "["+agent+"]" || event["details"] != nil {
		t.Errorf("event: %v", event)
	}
	own := s.must(t, exchangeForm(l.actor))
	s.must(t, exchangeForm(l.subject, "actor_token", own, "actor_token_type", accessTokenType))
	for rule, form := range map[string]url.Values{
		"another agent":                    exchangeForm(l.subject, "actor_token", l.subject, "actor_token_type", jwtType),
		"one of a token that names nobody": exchangeForm(i.sign(t, "k1", i.claims(s, nil)), "actor_token", l.actor, "actor_token_type", jwtType),
	} {
		if status, answer := s.token(t, "/w/dev/token", form); status != http.StatusBadRequest || answer["code"] != "token_refused" {
			t.Errorf("%s: %d %v", rule, status, answer)
		}
	}
	// Rule 20: the issuer's word ceases to count, and so does what rests on it.
	status, changed := s.api(t, "PATCH", "/dev/trust-relationships/"+believing, s.bearer(t), map[string]any{"accept_delegation": false})
	if status != http.StatusOK || changed["version"] != 2.0 || changed["accept_delegation"] != nil {
		t.Fatalf("%d %v", status, changed)
	}
	if a := s.introspect(t, s.bearer(t), token); a["active"] != false {
		t.Errorf("after the change: %v", a)
	}
	if status, answer := s.token(t, "/w/dev/token", l.acting()); status != http.StatusBadRequest {
		t.Errorf("after the change, again: %d %v", status, answer)
	}
}

// Rule 16: a retry is the same request only with the same actor.
func TestRule16ARetryHasTheSameActor(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	l := s.lent(t, i)
	s.trust(t, i, map[string]any{"accept_delegation": true, "single_use": true, "grants": []any{grant("workspace", "record", "read")}})
	const key = "a-key-that-nobody-can-guess-0123"
	first := s.retry(t, key, l.acting())
	if again := s.retry(t, key, l.acting()); first["access_token"] == nil || claimsOf(t, again["access_token"])["jti"] != claimsOf(t, first["access_token"])["jti"] {
		t.Errorf("%v\n%v", first, again)
	}
	if alone := s.retry(t, key, exchangeForm(l.subject)); alone["access_token"] != nil {
		t.Errorf("without the actor: %v", alone)
	}
}

// What somebody asked who acts for another rests on the trusts of both, and the record does not say which admitted which.
func TestRule34ReplayOfWhoActs(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	l := s.lent(t, i)
	believing := s.believing(t, i)
	s.must(t, l.acting())
	refusal := s.refuse(t, "/w/dev/token", l.subject, "actor_token", l.subject, "actor_token_type", jwtType)
	if e := s.explain(t, "dev", s.bearer(t), refusal); !strings.Contains(mustJSON(t, e["advice"]), "is not decided here") {
		t.Errorf("%s", mustJSON(t, e))
	}
	_, found := s.api(t, "GET", fmt.Sprint("/dev/events?id=", refusal), s.bearer(t), nil)
	if actor, _ := found["items"].([]any)[0].(map[string]any)["actor"].(map[string]any); actor["subject"] != "ci:acme/api" {
		t.Errorf("the refusal does not say who wanted to act: %v", found)
	}
	for rule, row := range map[string]struct {
		change map[string]any
		want   string
	}{
		"a trust of neither":    {map[string]any{"add": []any{map[string]any{"issuer": i.URL, "subject_match": "ci:other/*"}}}, "[]"},
		"the actor's trust":     {map[string]any{"remove": []any{l.actorsTrust}}, "[cannot_tell 1]"},
		"the subject's trust":   {map[string]any{"remove": []any{believing}}, "[cannot_tell 1 cannot_tell 1]"},
		"its issuer's word":     {map[string]any{"update": []any{map[string]any{"id": believing, "change": map[string]any{"accept_delegation": false}}}}, "[cannot_tell 1 cannot_tell 1]"},
		"one more that accepts": {map[string]any{"add": []any{map[string]any{"issuer": i.URL, "subject_match": "agent:*", "accept_delegation": true}}}, "[cannot_tell 1]"},
	} {
		row.change["since"] = time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
		status, answer := s.api(t, "POST", "/dev/trust-relationships/replay", s.bearer(t), row.change)
		if status != http.StatusOK {
			t.Fatalf("%s: %d %v", rule, status, answer)
		}
		got := []any{}
		for _, item := range answer["parties"].([]any) {
			got = append(got, item.(map[string]any)["verdict"], item.(map[string]any)["exchanges"])
		}
		if fmt.Sprint(got) != row.want || answer["exchanges"] != 2.0 {
			t.Errorf("%s: %v of %v", rule, got, answer)
		}
	}
}

// A token of ours whose subject another issuer's agent acts for rests on the trust in that agent: what changes it bears on both.
func TestRule34ReplayOfAnActorWithATokenOfAnotherIssuer(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	d := s.delegated(t, i)
	agents := newIssuer(t)
	trust := s.trust(t, agents, map[string]any{"subject_match": "agent:two", "grants": []any{}})
	agent := agents.sign(t, "k1", agents.claims(s, map[string]any{"sub": "agent:two"}))
	lends := fmt.Sprintf(`{"sub":%q}`, claimsOf(t, s.must(t, exchangeForm(agent)))["sub"])
	subject := s.must(t, exchangeForm(i.sign(t, "k1", i.claims(s, nil)), "may_act", lends))
	s.must(t, exchangeForm(subject, "actor_token", agent, "actor_token_type", jwtType))
	refusal := s.refuse(t, "/w/dev/token", d.subjectToken, "actor_token", agent, "actor_token_type", jwtType)
	s.explain(t, "dev", s.bearer(t), refusal) // it is kept
	status, answer := s.api(t, "POST", "/dev/trust-relationships/replay", s.bearer(t), map[string]any{
		"since": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), "remove": []any{trust},
	})
	got := map[string]float64{}
	for _, item := range answer["parties"].([]any) {
		party := item.(map[string]any)
		got[fmt.Sprint(party["verdict"], " ", party["subject"])] += party["exchanges"].(float64)
	}
	want := map[string]float64{"shut_out agent:two": 1, "cannot_tell " + d.subject: 2}
	if status != http.StatusOK || fmt.Sprint(got) != fmt.Sprint(want) || answer["derived"] != 1.0 {
		t.Errorf("%d %v", status, answer)
	}
}

// Rule 34: the record says of all that is done with such a token, and of what is refused, who acts.
func TestRule34TheRecordSaysWhoActs(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	s.trust(t, i, map[string]any{"accept_delegation": true, "grants": []any{grant("workspace", "trust", "write")}})
	token := s.must(t, exchangeForm(i.sign(t, "k1", told(i, s))))
	workspaceID := claimsOf(t, token)["workspace_id"].(string)
	want := fmt.Sprint([]string{
		identity.ExternalSubject(workspaceID, elsewhere, "agent:one"), identity.ExternalSubject(workspaceID, i.URL, "bot:two"),
	})
	status, added := s.api(t, "POST", "/dev/trust-relationships", token, map[string]any{"issuer": i.URL, "subject_match": "ci:acme/x", "grants": []any{}})
	if status != http.StatusCreated {
		t.Fatalf("%d %v", status, added)
	}
	refusal := s.refuse(t, "/w/dev/token", token, "audience", "https://api.example.com")
	for what, filter := range map[string]string{"a trust": "kind=trust.created&limit=1", "a refusal": fmt.Sprint("id=", refusal)} {
		_, found := s.api(t, "GET", "/dev/events?"+filter, s.bearer(t), nil)
		if items, _ := found["items"].([]any); len(items) != 1 || fmt.Sprint(items[0].(map[string]any)["act"]) != want {
			t.Errorf("%s: %v", what, found)
		}
	}
}

// Rule 4: other systems grant by who acts, so to believe an issuer in it takes an administrator of trusts.
func TestRule04AcceptingDelegation(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	s.trust(t, i, map[string]any{"grants": []any{grant("workspace", "trust", "write")}})
	writer := s.must(t, exchangeForm(i.sign(t, "k1", i.claims(s, nil))))
	body := map[string]any{"issuer": i.URL, "subject_match": "ci:acme/x", "grants": []any{}, "accept_delegation": true}
	if status, answer := s.api(t, "POST", "/dev/trust-relationships", writer, body); status != http.StatusForbidden || answer["field"] != "accept_delegation" {
		t.Errorf("added: %d %v", status, answer)
	}
	status, added := s.api(t, "POST", "/dev/trust-relationships", s.bearer(t), body)
	if status != http.StatusCreated || added["accept_delegation"] != true || !strings.Contains(fmt.Sprint(added["warnings"]), "accept_delegation: ") {
		t.Fatalf("%d %v", status, added)
	}
	for what, change := range map[string]map[string]any{"retargeted": {"subject_match": "ci:acme/mine"}, "switched off": {"accept_delegation": false}} {
		if status, _ := s.api(t, "PATCH", "/dev/trust-relationships/"+added["id"].(string), writer, change); status != http.StatusForbidden {
			t.Errorf("%s: %d", what, status)
		}
	}
}

// A proposal does not count among those whom it lets in one whose actor nobody knows any more.
func TestAProposalCountsNobodyWhoseActorIsNotKnown(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	l := s.lent(t, i)
	s.trust(t, i, map[string]any{"accept_delegation": true, "enabled": false})
	s.explain(t, "dev", s.bearer(t), s.refuse(t, "/w/dev/token", l.subject, "actor_token", l.actor, "actor_token_type", jwtType))
	for _, others := range []any{0.0, 1.0} { // the one before, for himself
		e := s.explain(t, "dev", s.bearer(t), s.refuse(t, "/w/dev/token", l.subject))
		change, _ := firstTrust(t, e)["change"].(map[string]any)
		if change == nil || change["others"] != others {
			t.Errorf("%s", mustJSON(t, e))
		}
	}
}
