package policy

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/nsc-federation/nsc/internal/identity"
)

func believing(t *Trust) { t.AcceptDelegation = true }

// agents is a trust that knows the actor, in the same issuer as the subject's.
func agents(change ...func(*Trust)) Trust {
	return trust(append([]func(*Trust){func(t *Trust) { t.ID, t.SubjectMatch, t.Grants = other, "agent:one", nil }}, change...)...)
}

// acting asks for the subject with an actor of the same issuer beside it, both with that issuer's tokens.
func (w *world) acting(subject, actor claims, trusts *Trusts, change ...func(*Request)) Decision {
	w.Helper()
	if actor == nil {
		actor = claims{}
	}
	if actor["sub"] == nil {
		actor["sub"] = "agent:one"
	}
	req := w.ask(change...)
	req.Actor = &Actor{Caller: w.external(actor), Trusts: trusts}
	return Decide(w.external(subject), trusts, nil, req)
}

// chainOf returns an act claim of so many actors.
func chainOf(n int) claims {
	var act claims
	for i := range n {
		step := claims{"sub": fmt.Sprint("actor:", n-i)}
		if act != nil {
			step["act"] = act
		}
		act = step
	}
	return act
}

// Whatever an issuer writes into act and may_act: where no trust accepts it, the answer is the one without it.
func TestRule34TheWordOfAnIssuerIsIgnoredUnlessATrustSaysSo(t *testing.T) {
	w := newWorld(t)
	word := rapid.SampledFrom([]any{
		claims{"sub": "agent:one"}, claims{"sub": "agent:one", "iss": issuer}, claims{"sub": "agent:one", "act": claims{"sub": 7}},
		chainOf(3), chainOf(9), claims{}, claims{"iss": "x"}, "text", 7, nil, true, []any{}, claims{"sub": "x", "exp": "never"},
		claims{"sub": identity.UserSubject(tenant.ID, "x"), "iss": tenant.Issuer}, claims{"sub": strings.Repeat("x", 2000)},
	})
	answers := map[Reason]int{}
	rapid.Check(t, func(r *rapid.T) {
		list := []Trust{agents(), trust(func(tr *Trust) { tr.SingleUse = rapid.Bool().Draw(r, "once") })}
		if rapid.Bool().Draw(r, "second") {
			list = append(list, trust(func(tr *Trust) {
				tr.ID, tr.SubjectMatch = "tttttttttttttttttttttttttC", "repo:acme/api:*"
				tr.Condition = rapid.SampledFrom([]string{"", `claims.env == "prod"`}).Draw(r, "condition")
			}))
		}
		trusts := compile(t, list...)
		req := w.ask(func(r *Request) { r.ActCutOff = "subject" })
		if rapid.Bool().Draw(r, "acting") {
			told := claims{"sub": "agent:one", "act": word.Draw(r, "actor's act")}
			req.Actor = &Actor{Caller: w.external(told), Trusts: trusts, ActCutOff: "issuer"}
		}
		said := claims{"act": word.Draw(r, "act"), "may_act": word.Draw(r, "may_act")}
		with, without := Decide(w.external(said), trusts, nil, req), Decide(w.external(nil), trusts, nil, req)
		if with.Reason != without.Reason || with.Detail != without.Detail {
			r.Fatalf("%s %q, and without the claims %s %q", with.Reason, with.Detail, without.Reason, without.Detail)
		}
		answers[with.Reason]++
		g, granted := with.Grant()
		if !granted {
			return
		}
		if silent := w.granted(without); string(g.Payload()) != string(silent.Payload()) || g.Act() != nil {
			r.Fatalf("%s\nand without the claims\n%s", g.Payload(), silent.Payload())
		}
	})
	if answers[Granted] == 0 || answers[ActorRefused] == 0 {
		t.Errorf("%v", answers)
	}
}

func TestRule34WhomAnIssuerLetsAct(t *testing.T) {
	const elsewhere = "https://elsewhere.example"
	for _, row := range []struct {
		rule   string
		mayAct any
		want   Reason
	}{
		{"a subject of its own", claims{"sub": "agent:one"}, Granted},
		{"with its name beside it", claims{"sub": "agent:one", "iss": issuer}, Granted},
		{"nobody", nil, ActorRefused},
		{"somebody else", claims{"sub": "agent:two"}, ActorRefused},
		{"the same name at another issuer", claims{"sub": "agent:one", "iss": elsewhere}, ActorRefused},
		{"a name that differs by its case", claims{"sub": "Agent:one"}, ActorRefused},
		{"an issuer that differs by a slash", claims{"sub": "agent:one", "iss": issuer + "/"}, ActorRefused},
		{"our own name for the actor, as if it were the issuer's", claims{"sub": identity.ExternalSubject(tenant.ID, issuer, "agent:one")}, ActorRefused},
		{"our own name for the actor, who shows another's token", claims{"sub": identity.ExternalSubject(tenant.ID, issuer, "agent:one"), "iss": tenant.Issuer}, Granted},
		{"one of ours who is none", claims{"sub": "agent:one", "iss": tenant.Issuer}, ActorRefused},
		{"one of a name in capitals, which is none", claims{"SUB": "agent:one"}, ActorRefused},
		{"one narrowed by what is not understood", claims{"sub": "agent:one", "client_id": "x"}, ActorRefused},
		{"one with our own narrowing, of another workspace", claims{"sub": "agent:one", "authorization_details": []any{}}, ActorRefused},
		{"one without a name", claims{"iss": issuer}, ActorRefused},
		{"one of an issuer without a name", claims{"sub": "agent:one", "iss": ""}, ActorRefused},
		{"one of an endless name", claims{"sub": strings.Repeat("x", identity.MaxActor+1)}, ActorRefused},
		{"what is no object", "agent:one", ActorRefused},
		{"several", []any{claims{"sub": "agent:one"}}, ActorRefused},
	} {
		t.Run(row.rule, func(t *testing.T) {
			w := newWorld(t)
			trusts := compile(t, trust(believing), agents())
			d := w.acting(claims{"may_act": row.mayAct}, nil, trusts)
			if d.Reason != row.want {
				t.Fatalf("%s %q, want %q", d.Reason, d.Detail, row.want)
			}
			if d := Decide(w.external(claims{"may_act": row.mayAct}), trusts, nil, w.ask()); d.Reason != Granted {
				t.Errorf("for himself, the subject is refused: %s %q", d.Reason, d.Detail)
			}
			if row.want != Granted {
				return
			}
			g := w.granted(d)
			act, _ := payloadOf(t, g)["act"].(map[string]any)
			if act["sub"] != identity.ExternalSubject(tenant.ID, issuer, "agent:one") || len(act) != 1 || g.Subject() != w.external(nil).Subject() {
				t.Errorf("claims %s", g.Payload())
			}
		})
	}
}

// The record finds whom the issuer named by nsc's name of him (rule 21), and people by his issuer's.
func TestRule34ARefusalNamesWhomTheIssuerNamed(t *testing.T) {
	w := newWorld(t)
	d := w.acting(claims{"may_act": claims{"sub": "agent:two"}}, nil, compile(t, trust(believing), agents()))
	for _, named := range []string{"agent:one", "agent:two"} {
		if !strings.Contains(d.Detail, identity.ExternalSubject(tenant.ID, issuer, named)) {
			t.Errorf("%s: %s", named, d.Detail)
		}
	}
	if !strings.Contains(d.Detail, "agent:two of "+issuer) {
		t.Errorf("for people: %s", d.Detail)
	}
}

// One of ours may be named, and one whom the issuer named may show what he got here for his own token.
func TestRule34AnIssuerLetsOneOfOursAct(t *testing.T) {
	w := newWorld(t)
	trusts := compile(t, trust(believing), agents())
	actor := w.mustOwn(w.granted(Decide(w.external(claims{"sub": "agent:one"}), trusts, nil, w.ask())))
	for _, row := range []struct {
		rule   string
		mayAct claims
		want   Reason
	}{
		{"by our issuer and his subject", claims{"iss": tenant.Issuer, "sub": actor.Subject()}, Granted},
		{"by the issuer that he came from", claims{"sub": "agent:one"}, Granted},
		{"by his subject alone, which is no name at that issuer", claims{"sub": actor.Subject()}, ActorRefused},
		{"by another name", claims{"sub": "agent:two"}, ActorRefused},
	} {
		t.Run(row.rule, func(t *testing.T) {
			req := w.ask(func(r *Request) { r.Actor = &Actor{Caller: actor, Trusts: NewTrusts(nil), Live: actor.Trusts()} })
			d := Decide(w.external(claims{"may_act": row.mayAct}), trusts, nil, req)
			if d.Reason != row.want {
				t.Errorf("%s %q", d.Reason, d.Detail)
			}
		})
	}
}

// What a trust granted to the subjects of an issuer does not go to whomever that issuer names, unless the trust says so.
func TestRule34OnlyTrustsThatAcceptLend(t *testing.T) {
	w := newWorld(t)
	silent := trust(func(tr *Trust) {
		tr.ID, tr.SubjectMatch, tr.Grants = "tttttttttttttttttttttttttC", "repo:acme/api:*", these(grant(Workspace, "key", Write))
		tr.Mappings = map[string]string{"groups": "claims.missing"}
	})
	trusts := compile(t, trust(believing), silent, agents())
	g := w.granted(w.acting(claims{"may_act": claims{"sub": "agent:one"}}, nil, trusts))
	if Allows(g.Permissions(), Workspace, "key", Write) || !Allows(g.Permissions(), Workspace, "trust", Read) {
		t.Errorf("lent: %s", listed(g.Permissions()))
	}
	for _, ref := range g.Trusts() {
		if ref.ID == silent.ID {
			t.Error("it rests on a trust that lends nothing")
		}
	}
	only := compile(t, trust(), agents())
	d := w.acting(claims{"may_act": claims{"sub": "agent:one"}}, nil, only)
	if d.Reason != ActorRefused || len(d.Outcomes) != 1 || d.Outcomes[0].Failed != ClauseDelegation {
		t.Errorf("%s %+v", d.Reason, d.Outcomes)
	}
}

func TestRule34WhoActsByTheWordOfAnIssuer(t *testing.T) {
	const elsewhere = "https://elsewhere.example"
	mine := identity.UserSubject(tenant.ID, "aaaaaaaaaaaaaaaaaaaaaaaaaa")
	for _, row := range []struct {
		rule string
		act  any
		want string // the claim of the token; "" is a refusal
	}{
		{"one of its own gets its name", claims{"sub": "a"}, `{"iss":"` + issuer + `","sub":"a"}`},
		{"one of another issuer keeps his", claims{"sub": "a", "iss": elsewhere}, `{"iss":"` + elsewhere + `","sub":"a"}`},
		{"one of ours", claims{"sub": mine, "iss": tenant.Issuer}, `{"iss":"` + tenant.Issuer + `","sub":"` + mine + `"}`},
		{"who acted before is inside", claims{"sub": "a", "iss": elsewhere, "act": claims{"sub": "b"}},
			`{"iss":"` + elsewhere + `","sub":"a","act":{"iss":"` + issuer + `","sub":"b"}}`},
		{"what else is said of him is left out", claims{"sub": "a", "email": "a@acme.example", "exp": 7}, `{"iss":"` + issuer + `","sub":"a"}`},
		{"as many as there may be", chainOf(maxActors), `"actor:4"`},
		{"one more", chainOf(maxActors + 1), ""},
		{"one of ours who is none", claims{"sub": "a", "iss": tenant.Issuer}, ""},
		{"one of ours by an issuer that is not", claims{"sub": mine}, ""},
		{"one without a name", claims{"iss": issuer}, ""},
		{"one without a name, inside", claims{"sub": "a", "act": claims{}}, ""},
		{"a name in capitals, which is none", claims{"SUB": "a"}, ""},
		{"an empty issuer", claims{"sub": "a", "iss": ""}, ""},
		{"an endless name", claims{"sub": strings.Repeat("x", identity.MaxActor+1)}, ""},
		{"an endless issuer", claims{"sub": "a", "iss": "https://" + strings.Repeat("x", 512)}, ""},
		{"a control character", claims{"sub": "a\u0007"}, ""},
		{"what is no object", "a", ""},
		{"null", json.RawMessage("null"), ""},
		{"a list", []any{claims{"sub": "a"}}, ""},
	} {
		t.Run(row.rule, func(t *testing.T) {
			w := newWorld(t)
			silent := trust(func(tr *Trust) { tr.ID, tr.SubjectMatch = "tttttttttttttttttttttttttC", "repo:acme/api:*" })
			trusts := compile(t, trust(believing), silent) // one that accepts is enough
			d := Decide(w.external(claims{"act": row.act}), trusts, nil, w.ask())
			if row.want == "" {
				if d.Reason != ActRefused || !strings.HasPrefix(d.Detail, "act ") {
					t.Errorf("%s %q", d.Reason, d.Detail)
				}
				return
			}
			g := w.granted(d)
			if !strings.Contains(string(g.Payload()), row.want) {
				t.Errorf("claims %s", g.Payload())
			}
			who := w.mustOwn(g)
			derived := w.granted(Decide(who, nil, who.Trusts(), w.ask(idToken, forAudience("https://api.example/v1"))))
			if got, want := derived.Act().String(), g.Act().String(); got != want {
				t.Errorf("derived from it: %s, want %s", got, want)
			}
			if d := Decide(w.external(claims{"act": row.act}), trusts, nil, w.ask(func(r *Request) { r.ActCutOff = "subject" })); d.Reason != CutOff {
				t.Errorf("with one who is cut off: %s", d.Reason)
			}
		})
	}
}

// Those who act here stand before those who acted there, and all count.
func TestRule34ChainsGoOnFromAnotherIssuer(t *testing.T) {
	for n := range maxActors + 1 {
		w := newWorld(t)
		trusts := compile(t, trust(believing), agents())
		told := claims{"may_act": claims{"sub": "agent:one"}, "act": chainOf(n)}
		if n == 0 {
			delete(told, "act")
		}
		d := w.acting(told, nil, trusts)
		if n == maxActors {
			if d.Reason != ChainLimit {
				t.Errorf("%d before: %s", n, d.Reason)
			}
			continue
		}
		g := w.granted(d)
		if g.Act().Len() != n+1 || g.Act().Issuer != "" || g.Act().Told() != (n > 0) {
			t.Errorf("%d before: %s", n, g.Act())
		}
	}
}

// A token of somebody whom another acts for is nobody's own, whoever says so, if he is believed.
func TestRule34AnActorForWhomAnotherIssuerSaysSomebodyActs(t *testing.T) {
	w := newWorld(t)
	subject, actor := claims{"may_act": claims{"sub": "agent:one"}}, claims{"act": claims{"sub": "x"}}
	if d := w.acting(subject, actor, compile(t, trust(believing), agents(believing))); d.Reason != ActorRefused {
		t.Errorf("believed: %s %q", d.Reason, d.Detail)
	}
	if g := w.granted(w.acting(subject, actor, compile(t, trust(believing), agents()))); g.Act().Len() != 1 {
		t.Errorf("ignored: %s", g.Act())
	}
}

// What is proposed for another clause leaves the issuer's word counting as it does.
func TestRule34AProposalStillLends(t *testing.T) {
	w := newWorld(t)
	believed := trust(believing, func(tr *Trust) { tr.Condition = `claims.env == "prod"` })
	ask := w.ask(func(r *Request) { r.Actor = &Actor{} })
	e := Explain(w.supposed(claims{"env": "Prod", "may_act": claims{"sub": "a"}}), compile(t, believed), nil, ask)
	if f := e.Trusts[0]; f.Change == nil || f.Change.Edits[0].Field != "condition" {
		t.Errorf("%+v", f)
	}
}

// What would be refused for all that is changed is no reason to change anything.
func TestRule34NothingIsProposedForWhoWouldBeRefusedAnyway(t *testing.T) {
	w := newWorld(t)
	acting := func(r *Request) { r.Actor = &Actor{} }
	for _, row := range []struct {
		rule   string
		claims claims
		ask    func(*Request)
		change bool
	}{
		{"the token names who may act", claims{"may_act": claims{"sub": "a"}}, acting, true},
		{"it names nobody", claims{}, acting, false},
		{"it names somebody by more than is understood", claims{"may_act": claims{"sub": "a", "email": "a@acme.example"}}, acting, false},
		{"who acts is cut off", claims{"act": claims{"sub": "a"}}, func(r *Request) { r.ActCutOff = "subject" }, false},
		{"who acts is not", claims{"act": claims{"sub": "a"}}, func(*Request) {}, true},
	} {
		t.Run(row.rule, func(t *testing.T) {
			row.claims["env"] = "Prod"
			believed := trust(believing, func(tr *Trust) { tr.Condition = `claims.env == "prod"` })
			e := Explain(w.supposed(row.claims), compile(t, believed), nil, w.ask(row.ask))
			if f := e.Trusts[0]; e.Reason != NoTrust || (f.Change != nil) != row.change || (len(f.Advice) > 0) == row.change {
				t.Errorf("%s: %+v", e.Reason, f)
			}
		})
	}
}

func TestRule34ExplainNamesTheClause(t *testing.T) {
	w := newWorld(t)
	acting := func(r *Request) { r.Actor = &Actor{} }
	for _, row := range []struct {
		rule     string
		believes bool
		claims   claims
		ask      func(*Request)
		want     Reason
		actual   string // of the clause; "" where it holds
	}{
		{"it does not lend", false, claims{"may_act": claims{"sub": "a"}}, acting, ActorRefused, "false"},
		{"it lends", true, claims{"may_act": claims{"sub": "a"}}, acting, Granted, ""},
		{"it would lend, and nobody is named", true, nil, acting, ActorRefused, ""},
		{"an act that it cannot take over", true, claims{"act": 7}, nil, ActRefused, "act is not an object"},
		{"an act that it does not look at", false, claims{"act": 7}, nil, Granted, ""},
	} {
		t.Run(row.rule, func(t *testing.T) {
			var ask []func(*Request)
			if row.ask != nil {
				ask = append(ask, row.ask)
			}
			e := Explain(w.supposed(row.claims), compile(t, trust(func(tr *Trust) { tr.AcceptDelegation = row.believes })), nil, w.ask(ask...))
			f := e.Trusts[0]
			if e.Reason != row.want || f.Change != nil || (len(f.Failures) > 0) != (row.actual != "") {
				t.Fatalf("%s %q: %+v", e.Reason, e.Detail, f)
			}
			if row.actual == "" {
				return
			}
			if c := f.Failures[0]; c.Clause != ClauseDelegation || !strings.Contains(c.Actual, row.actual) || !strings.Contains(strings.Join(f.Advice, ""), "accept_delegation") {
				t.Errorf("%+v %q", c, f.Advice)
			}
		})
	}
}
