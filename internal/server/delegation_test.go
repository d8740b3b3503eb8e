package server

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const accessTokenType = "urn:ietf:params:oauth:token-type:access_token"

// delegated is a subject whose token lets an actor act for it, and that actor, each known by a trust of his own.
type delegated struct {
	subject, subjectToken string
	actor, actorToken     string
}

func (s *running) delegated(t *testing.T, i *issuer) delegated {
	t.Helper()
	s.trust(t, i, map[string]any{"subject_match": "ci:acme/api", "grants": []any{
		grant("workspace", "record", "read"), grant("audience", "https://api.example.com", "issue"),
	}})
	s.trust(t, i, map[string]any{"subject_match": "agent:one", "grants": []any{}})
	var d delegated
	d.actorToken = s.must(t, exchangeForm(i.sign(t, "k1", i.claims(s, map[string]any{"sub": "agent:one"}))))
	d.actor = claimsOf(t, d.actorToken)["sub"].(string)
	d.subjectToken = s.must(t, exchangeForm(i.sign(t, "k1", i.claims(s, nil)), "may_act", `{"sub":"`+d.actor+`"}`))
	d.subject = claimsOf(t, d.subjectToken)["sub"].(string)
	return d
}

// must exchanges and returns the token.
func (s *running) must(t *testing.T, form url.Values) string {
	t.Helper()
	status, answer := s.token(t, "/w/dev/token", form)
	if status != http.StatusOK {
		t.Fatalf("%d %v\n%s", status, answer, s.logs)
	}
	return answer["access_token"].(string)
}

// acting is the exchange of both tokens for one with which the actor acts.
func (d delegated) acting(more ...string) url.Values {
	return exchangeForm(d.subjectToken, append([]string{"actor_token", d.actorToken, "actor_token_type", accessTokenType}, more...)...)
}

// Rule 34: the token, what is derived from it, introspection and the record all say who acts.
func TestRule34Delegation(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	d := s.delegated(t, i)
	token := s.must(t, d.acting())
	if c := claimsOf(t, token); c["sub"] != d.subject || fmt.Sprint(c["act"]) != "map[sub:"+d.actor+"]" {
		t.Errorf("claims %v", c)
	}
	third := s.must(t, exchangeForm(token, "requested_token_type", idTokenType, "audience", "https://api.example.com"))
	if c := claimsOf(t, third); c["sub"] != d.subject || fmt.Sprint(c["act"]) != "map[sub:"+d.actor+"]" {
		t.Errorf("claims of an ID token derived from it: %v", c)
	}
	if a := s.introspect(t, s.bearer(t), token); a["active"] != true || fmt.Sprint(a["act"]) != "map[sub:"+d.actor+"]" {
		t.Errorf("introspection: %v", a)
	}
	if _, me := s.api(t, "GET", "/dev/whoami", token, nil); me["subject"] != d.subject || fmt.Sprint(me["act"]) != "["+d.actor+"]" {
		t.Errorf("whoami: %v", me)
	}
	_, found := s.api(t, "GET", "/dev/events?token_id="+claimsOf(t, token)["jti"].(string), s.bearer(t), nil)
	event := found["items"].([]any)[0].(map[string]any)
	actor, _ := event["actor"].(map[string]any)
	if fmt.Sprint(event["act"]) != "["+d.actor+"]" || actor["token_id"] != claimsOf(t, d.actorToken)["jti"] || event["subject"] != d.subject {
		t.Errorf("event: %v", event)
	}
	opaque := s.must(t, d.acting("access_token_format", "opaque"))
	if _, me := s.api(t, "GET", "/dev/whoami", opaque, nil); fmt.Sprint(me["act"]) != "["+d.actor+"]" {
		t.Errorf("whoami with an opaque one: %v", me)
	}
}

// Rule 34: cut off with either, and so is what was derived from it.
func TestRule34CutOffWithEither(t *testing.T) {
	jti := func(token string) map[string]any { return map[string]any{"token": claimsOf(t, token)["jti"]} }
	for name, target := range map[string]func(d delegated, i *issuer) map[string]any{
		"the subject": func(d delegated, _ *issuer) map[string]any { return map[string]any{"subject": d.subject} },
		"the actor":   func(d delegated, _ *issuer) map[string]any { return map[string]any{"subject": d.actor} },
		"the actor by issuer": func(_ delegated, i *issuer) map[string]any {
			return map[string]any{"issuer": i.URL, "subject": "agent:one"}
		},
		"the delegated token": func(d delegated, _ *issuer) map[string]any { return jti(d.subjectToken) },
		"the actor's token":   func(d delegated, _ *issuer) map[string]any { return jti(d.actorToken) },
	} {
		t.Run(name, func(t *testing.T) {
			s, i := start(t, devConfig(t)), newIssuer(t)
			d := s.delegated(t, i)
			token := s.must(t, d.acting())
			third := s.must(t, exchangeForm(token, "requested_token_type", idTokenType, "audience", "https://api.example.com"))
			if a := s.introspect(t, s.bearer(t), third); a["active"] != true {
				t.Fatalf("before: %v", a)
			}
			status, answer := s.api(t, "POST", "/dev/cut-offs", s.bearer(t), target(d, i))
			if status != http.StatusCreated {
				t.Fatalf("%d %v", status, answer)
			}
			if u := fmt.Sprint(answer["unreachable"]); !strings.Contains(u, "audience:https://api.example.com count:1 ") {
				t.Errorf("unreachable: %s", u)
			}
			for what, token := range map[string]string{"the token": token, "an ID token derived from it": third} {
				if a := s.introspect(t, s.bearer(t), token); a["active"] != false {
					t.Errorf("%s: %v", what, a)
				}
			}
			if status, answer := s.token(t, "/w/dev/token", d.acting()); status != http.StatusBadRequest {
				t.Errorf("a new delegation: %d %v", status, answer)
			}
			if status, _ := s.api(t, "GET", "/dev/whoami", token, nil); status != http.StatusUnauthorized {
				t.Errorf("at the API: %d", status)
			}
		})
	}
}

// What is not whole is refused, and says what is missing.
func TestRule34BadDelegation(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	d := s.delegated(t, i)
	for name, form := range map[string]url.Values{
		"an actor's token without a type":    exchangeForm(d.subjectToken, "actor_token", d.actorToken),
		"a type without an actor's token":    exchangeForm(d.subjectToken, "actor_token_type", accessTokenType),
		"an actor's token that is garbage":   exchangeForm(d.subjectToken, "actor_token", "x", "actor_token_type", accessTokenType),
		"an actor of an unknown type":        exchangeForm(d.subjectToken, "actor_token", d.actorToken, "actor_token_type", "saml"),
		"a subject that lets nobody act":     exchangeForm(s.bearer(t), "actor_token", d.actorToken, "actor_token_type", accessTokenType),
		"an actor whom the token is not for": exchangeForm(d.subjectToken, "actor_token", s.bearer(t), "actor_token_type", accessTokenType),
		"a may_act that is no object":        exchangeForm(s.bearer(t), "may_act", "x"),
		"a may_act with something else":      exchangeForm(s.bearer(t), "may_act", `{"sub":"`+d.actor+`","x":1}`),
		"a may_act twice":                    exchangeForm(s.bearer(t), "may_act", "{}", "may_act", "{}"),
		"a may_act for nobody of ours":       exchangeForm(s.bearer(t), "may_act", `{"sub":"ci:acme/api"}`),
	} {
		status, answer := s.token(t, "/w/dev/token", form)
		if status != http.StatusBadRequest || answer["error"] != "invalid_request" || answer["refusal_id"] == nil {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
}
