package policy

import (
	"slices"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
)

const other = "tttttttttttttttttttttttttB" // the actor's trust

// pair is a subject that lets somebody act for it, and that somebody.
type pair struct{ subject, actor identity.Identity }

// newPair returns the two with tokens of ours, each by a trust of his own.
func newPair(t *testing.T, w *world, actorFor time.Duration, may func(*identity.MayAct)) pair {
	t.Helper()
	actorTrust := trust(func(tr *Trust) {
		tr.ID, tr.SubjectMatch, tr.MaxDuration, tr.DefaultDuration = other, "agent:one", actorFor, actorFor
		tr.Grants = these(grant(Audience, "https://agents.example", Issue))
	})
	agent := w.granted(Decide(w.external(claims{"sub": "agent:one"}), compile(t, actorTrust), nil, w.ask()))
	actor := w.mustOwn(agent)
	delegation := &identity.MayAct{Subject: actor.Subject()}
	if may != nil {
		may(delegation)
	}
	subject := w.granted(Decide(w.external(nil), compile(t, trust()), nil, w.ask(func(r *Request) { r.ID, r.MayAct = "mmmmmmmmmmmmmmmmmmmmmmmmmb", delegation })))
	return pair{w.mustOwn(subject), actor}
}

func (p pair) decide(w *world, change ...func(*Request)) Decision {
	req := w.ask(change...)
	req.Actor = &Actor{Caller: p.actor, Trusts: NewTrusts(nil), Live: p.actor.Trusts()}
	return Decide(p.subject, NewTrusts(nil), p.subject.Trusts(), req)
}

func TestRule34TheActorGetsTheSubjectsGrantsUntilTheEarlierEnd(t *testing.T) {
	w := newWorld(t)
	p := newPair(t, w, 5*time.Minute, nil)
	g := w.granted(p.decide(w))
	claims := payloadOf(t, g)
	act, _ := claims["act"].(map[string]any)
	if claims["sub"] != p.subject.Subject() || act["sub"] != p.actor.Subject() || act["act"] != nil || claims["may_act"] != nil {
		t.Errorf("claims %v", claims)
	}
	if !slices.EqualFunc(g.Permissions(), p.subject.Permissions(), func(a, b identity.Permission) bool { return a.ResourceID == b.ResourceID }) {
		t.Errorf("permissions %v", g.Permissions())
	}
	if got := g.ExpiresAt().Sub(w.now); got != 5*time.Minute {
		t.Errorf("it lasts %s, the actor five minutes", got)
	}
	for _, rests := range []string{trust().ID, other} {
		if !slices.ContainsFunc(g.Trusts(), func(r identity.TrustRef) bool { return r.ID == rests }) {
			t.Errorf("it does not rest on %s: %v", rests, g.Trusts())
		}
	}
	who := w.mustOwn(g)
	if parents := who.Parents(); !slices.Contains(parents, p.subject.TokenID()) || !slices.Contains(parents, p.actor.TokenID()) {
		t.Errorf("parents %v", parents)
	}
	derived := payloadOf(t, w.granted(Decide(who, NewTrusts(nil), who.Trusts(), w.ask(func(r *Request) {
		r.TokenType, r.Audience = IDToken, "https://api.example/x"
	}))))
	if act, _ := derived["act"].(map[string]any); act["sub"] != p.actor.Subject() {
		t.Errorf("an ID token derived from it does not say who acts: %v", derived)
	}
}

func TestRule34WhoMayNotAct(t *testing.T) {
	limited := func(list ...identity.Permission) func(*identity.MayAct) {
		return func(m *identity.MayAct) { m.Limited, m.Permissions = true, list }
	}
	for _, row := range []struct {
		rule string
		may  func(*identity.MayAct)
		make func(*world, pair) Decision
		want Reason
	}{
		{"one whom the token names", nil, func(w *world, p pair) Decision { return p.decide(w) }, Granted},
		{"whoever the token does not name", nil, func(w *world, p pair) Decision {
			p.actor = p.subject
			return p.decide(w)
		}, ActorRefused},
		{"anybody, with a token that names nobody", nil, func(w *world, p pair) Decision {
			p.subject = w.mustOwn(w.granted(Decide(p.subject, NewTrusts(nil), p.subject.Trusts(), w.ask())))
			return p.decide(w)
		}, ActorRefused},
		{"one whom another issuer's token names", nil, func(w *world, p pair) Decision {
			req := w.ask()
			req.Actor = &Actor{Caller: p.actor, Trusts: NewTrusts(nil), Live: p.actor.Trusts()}
			external := w.external(claims{"may_act": claims{"sub": p.actor.Subject()}})
			return Decide(external, compile(t, trust()), nil, req)
		}, ActorRefused},
		{"one whose trust has changed", nil, func(w *world, p pair) Decision {
			req := w.ask()
			req.Actor = &Actor{Caller: p.actor, Trusts: NewTrusts(nil)}
			return Decide(p.subject, NewTrusts(nil), p.subject.Trusts(), req)
		}, DeadTrust},
		{"one who is cut off", nil, func(w *world, p pair) Decision {
			req := w.ask()
			req.Actor = &Actor{Caller: p.actor, Trusts: NewTrusts(nil), Live: p.actor.Trusts(), CutOff: "subject"}
			return Decide(p.subject, NewTrusts(nil), p.subject.Trusts(), req)
		}, CutOff},
		{"nobody at all", nil, func(w *world, p pair) Decision {
			req := w.ask()
			req.Actor = &Actor{Trusts: NewTrusts(nil)}
			return Decide(p.subject, NewTrusts(nil), p.subject.Trusts(), req)
		}, NoCaller},
		{"one who acts for somebody himself, as that one", nil, func(w *world, p pair) Decision {
			p.actor = w.mustOwn(w.granted(p.decide(w)))
			return p.decide(w)
		}, ActorRefused},
		{"beyond what he was lent", limited(grant(Audience, "https://api.example/a", Issue)), func(w *world, p pair) Decision {
			return p.decide(w, func(r *Request) { r.Audience, r.TokenType = "https://api.example/b", IDToken })
		}, TargetRefused},
		{"within what he was lent", limited(grant(Audience, "https://api.example/a", Issue)), func(w *world, p pair) Decision {
			return p.decide(w, func(r *Request) { r.Audience, r.TokenType = "https://api.example/a", IDToken })
		}, Granted},
	} {
		t.Run(row.rule, func(t *testing.T) {
			w := newWorld(t)
			if d := row.make(w, newPair(t, w, time.Hour, row.may)); d.Reason != row.want {
				t.Errorf("%s %q, want %q", d.Reason, d.Detail, row.want)
			}
		})
	}
}

func TestRule34WhatCannotBeDelegated(t *testing.T) {
	w := newWorld(t)
	name := identity.UserSubject(tenant.ID, "aaaaaaaaaaaaaaaaaaaaaaaaaa")
	for _, row := range []struct {
		rule string
		want Reason
		may  identity.MayAct
		req  func(*Request)
	}{
		{"all that one has", Granted, identity.MayAct{Subject: name}, nil},
		{"an ID token", RequestRefused, identity.MayAct{Subject: name}, func(r *Request) { r.TokenType, r.Audience = IDToken, "https://api.example/x" }},
		{"a token for somebody else", RequestRefused, identity.MayAct{Subject: name}, func(r *Request) { r.Audience = "https://api.example/x" }},
		{"to nobody", RequestRefused, identity.MayAct{}, nil},
		{"to another workspace's", RequestRefused, identity.MayAct{Subject: identity.UserSubject("bbbbbbbbbbbbbbbbbbbbbbbbba", "x")}, nil},
		{"more than one has", DetailsRefused, identity.MayAct{Subject: name, Limited: true, Permissions: these(grant(Workspace, "key", Write))}, nil},
		{"what is no permission", DetailsRefused, identity.MayAct{Subject: name, Limited: true, Permissions: these(grant("nothing", "x", "y"))}, nil},
	} {
		t.Run(row.rule, func(t *testing.T) {
			req := w.ask(func(r *Request) { r.MayAct = &row.may })
			if row.req != nil {
				row.req(&req)
			}
			if d := Decide(w.external(nil), compile(t, trust()), nil, req); d.Reason != row.want {
				t.Errorf("%s %q, want %q", d.Reason, d.Detail, row.want)
			}
		})
	}
}

// Each actor may pass on what he acts with, so chains nest (RFC 8693 §4.1), the present actor outermost.
func TestRule34Chains(t *testing.T) {
	w := newWorld(t)
	p := newPair(t, w, time.Hour, nil)
	next := identity.MayAct{Subject: p.actor.Subject()}
	for n := 1; n <= maxActors+1; n++ {
		d := p.decide(w, func(r *Request) { r.ID, r.MayAct = "mmmmmmmmmmmmmmmmmmmmmmmmm"+string(rune('b'+n)), &next })
		if n > maxActors {
			if d.Reason != ChainLimit {
				t.Errorf("%d actors: %q", n, d.Reason)
			}
			return
		}
		p.subject = w.mustOwn(w.granted(d))
		if got := p.subject.Act().Len(); got != n {
			t.Fatalf("%d actors, want %d", got, n)
		}
	}
}
