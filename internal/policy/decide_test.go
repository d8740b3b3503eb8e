package policy

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
)

func admin(w *world, ends time.Time) identity.Identity {
	return identity.NewLocal(tenant, "uuuuuuuuuuuuuuuuuuuuuuuuua", 1, these(grant(Workspace, "*", Admin)), w.now, ends)
}

// derive decides for a caller with a token of our own, all of whose trusts are as they were.
func derive(who identity.Identity, req Request) Decision { return Decide(who, nil, who.Trusts(), req) }

func idToken(r *Request) { r.TokenType = IDToken }

func forAudience(audience string) func(*Request) { return func(r *Request) { r.Audience = audience } }
func wish(d time.Duration) func(*Request)        { return func(r *Request) { r.Lifetime = d } }
func named(id string) func(*Request)             { return func(r *Request) { r.Trust = id } }

func wanting(list ...identity.Permission) func(*Request) {
	return func(r *Request) { r.Details, r.HasDetails = list, true }
}

func scoped(scopes ...string) func(*Request) { return func(r *Request) { r.Scope = scopes } }

func TestSecurityNoTrustNoToken(t *testing.T) {
	w := newWorld(t)
	who := w.external(nil)
	foreign := trust()
	foreign.WorkspaceID = "bbbbbbbbbbbbbbbbbbbbbbbbba"
	elsewhere, err := Compile(foreign, identity.Tenant{ID: foreign.WorkspaceID, Name: "beta", Issuer: tenant.Issuer})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		rule   string
		trusts *Trusts
		failed Clause
	}{
		{"no trusts", nil, ""},
		{"an empty workspace", NewTrusts(nil), ""},
		{"another subject", compile(t, trust(func(tr *Trust) { tr.SubjectMatch = "repo:acme/web:*" })), ClauseSubject},
		{"a longer subject", compile(t, trust(func(tr *Trust) { tr.SubjectMatch = subject + "2" })), ClauseSubject},
		{"another issuer", compile(t, trust(func(tr *Trust) { tr.Issuer = issuer + "/" })), ClauseOwner},
		{"another workspace", NewTrusts([]*Compiled{elsewhere}), ClauseOwner},
		{"disabled", compile(t, trust(func(tr *Trust) { tr.Enabled = false })), ClauseEnabled},
		{"another audience", compile(t, trust(func(tr *Trust) { tr.Audience = "https://deploy.example" })), ClauseAudience},
	} {
		t.Run(row.rule, func(t *testing.T) {
			d := Decide(who, row.trusts, nil, w.ask())
			if _, ok := d.Grant(); ok || d.Reason != NoTrust || d.Detail != "" {
				t.Fatalf("%+v", d)
			}
			if row.failed == "" && len(d.Outcomes) == 0 {
				return
			}
			if len(d.Outcomes) != 1 || d.Outcomes[0].Failed != row.failed || d.Outcomes[0].Expected == d.Outcomes[0].Actual &&
				row.failed != ClauseOwner {
				t.Errorf("%+v", d.Outcomes)
			}
		})
	}
}

func TestRule05AllTrustsThatMatchContribute(t *testing.T) {
	w := newWorld(t)
	a := trust(func(tr *Trust) {
		tr.ID, tr.Version, tr.DefaultDuration, tr.MaxDuration = "a", 3, 30*time.Minute, 2*time.Hour
		tr.Grants = these(grant(Workspace, "trust", Read), grant(Registry, "team/*", "pull"))
	})
	b := trust(func(tr *Trust) {
		tr.ID, tr.Version, tr.SubjectMatch, tr.DefaultDuration = "b", 5, "repo:acme/*", 10*time.Minute
		tr.MaxDuration, tr.SingleUse = 20*time.Minute, true
		tr.Grants = these(grant(Workspace, "trust", Write), grant(Registry, "team/*", "pull"))
	})
	c := trust(func(tr *Trust) { tr.ID, tr.SubjectMatch = "c", "repo:acme/web:*" })
	trusts := compile(t, b, c, a)

	g := w.granted(Decide(w.external(nil), trusts, nil, w.ask()))
	want := these(grant(Registry, "team/*", "pull"), grant(Workspace, "trust", Read, Write))
	if !reflect.DeepEqual(g.Permissions(), want) {
		t.Errorf("grants %v", g.Permissions())
	}
	if !slices.Equal(g.Trusts(), []identity.TrustRef{{ID: "a", Version: 3}, {ID: "b", Version: 5}}) {
		t.Errorf("trusts %v", g.Trusts())
	}
	if lives := g.ExpiresAt().Sub(g.IssuedAt()); lives != 10*time.Minute {
		t.Errorf("lives %s, not the least of the defaults", lives)
	}
	if !g.SingleUse() {
		t.Error("one contributor's single use binds")
	}
	long := w.granted(Decide(w.external(nil), trusts, nil, w.ask(wish(time.Hour))))
	if lives := long.ExpiresAt().Sub(long.IssuedAt()); lives != 20*time.Minute {
		t.Errorf("lives %s, not the least of the maxima", lives)
	}

	t.Run("a caller may name one", func(t *testing.T) {
		g := w.granted(Decide(w.external(nil), trusts, nil, w.ask(named("a"))))
		if len(g.Trusts()) != 1 || g.SingleUse() || !reflect.DeepEqual(g.Permissions(), Union(a.Grants)) {
			t.Errorf("%v %v", g.Trusts(), g.Permissions())
		}
		for _, id := range []string{"c", "none"} {
			if d := Decide(w.external(nil), trusts, nil, w.ask(named(id))); d.Reason != NoTrust {
				t.Errorf("%s: %+v", id, d)
			}
		}
	})
}

func TestRule05FederationIsBounded(t *testing.T) {
	w := newWorld(t)
	now := w.now.Unix()
	for _, row := range []struct {
		rule      string
		claims    claims
		want      Reason
		root, got int64
	}{
		{"an external token begins a chain", nil, Granted, now, 0},
		{"an nsc token carries it on", claims{"root_iat": now - 60, "depth": 0}, Granted, now - 60, 1},
		{"the fourth federation", claims{"root_iat": now - 60, "depth": 3}, Granted, now - 60, 4},
		{"the fifth", claims{"root_iat": now - 60, "depth": 4}, FederationLimit, 0, 0},
		{"twelve hours", claims{"root_iat": now - 12*3600, "depth": 1}, Granted, now - 12*3600, 2},
		{"a second more", claims{"root_iat": now - 12*3600 - 1, "depth": 1}, FederationLimit, 0, 0},
	} {
		t.Run(row.rule, func(t *testing.T) {
			d := Decide(w.external(row.claims), compile(t, trust()), nil, w.ask())
			if d.Reason != row.want {
				t.Fatalf("%+v", d)
			}
			if g, ok := d.Grant(); ok {
				who := w.mustOwn(g)
				if who.RootIssuedAt().Unix() != row.root || int64(who.Depth()) != row.got {
					t.Errorf("root_iat %d, depth %d", who.RootIssuedAt().Unix(), who.Depth())
				}
			}
		})
	}
	t.Run("our own tokens carry it unchanged", func(t *testing.T) {
		first := w.external(claims{"root_iat": now - 60, "depth": 2})
		who := w.mustOwn(w.granted(Decide(first, compile(t, trust()), nil, w.ask())))
		for range 3 {
			who = w.mustOwn(w.granted(derive(who, w.ask())))
			if who.RootIssuedAt().Unix() != now-60 || who.Depth() != 3 {
				t.Fatalf("root_iat %d, depth %d", who.RootIssuedAt().Unix(), who.Depth())
			}
		}
	})
}

func TestRule10SubjectsAreIndependentOfTrusts(t *testing.T) {
	w := newWorld(t)
	who := w.external(nil)
	want := identity.ExternalSubject(tenant.ID, issuer, subject)
	wide, second := trust(func(tr *Trust) { tr.SubjectMatch = "repo:acme/*" }), trust(func(tr *Trust) { tr.ID = "b" })
	for _, list := range [][]Trust{{trust()}, {wide, second}} {
		g := w.granted(Decide(who, compile(t, list...), nil, w.ask()))
		if g.Subject() != want || payloadOf(t, g)["sub"] != want || len(want) > 127 {
			t.Errorf("sub %q, want %q", g.Subject(), want)
		}
	}
}

func TestRule13TokensAboveSixKBAreRefused(t *testing.T) {
	w := newWorld(t)
	mapping := func(tr *Trust) { tr.Mappings = map[string]string{"groups": "claims.groups"} }
	for _, row := range []struct {
		rule   string
		groups int
		want   Reason
	}{{"20 long groups", 20, Granted}, {"29 long groups", 29, Oversize}} {
		t.Run(row.rule, func(t *testing.T) {
			var list []string
			for i := range row.groups {
				list = append(list, fmt.Sprintf("%03d%s", i, strings.Repeat("g", 120)))
			}
			d := Decide(w.external(claims{"groups": list}), compile(t, trust(mapping)), nil, w.ask())
			if d.Reason != row.want {
				t.Fatalf("%s", d.Reason)
			}
			if g, ok := d.Grant(); ok {
				raw, err := w.signer.Sign(g.Typ(), g.Payload())
				if err != nil || len(raw) > maxToken {
					t.Errorf("%d bytes, %v", len(raw), err)
				}
			}
		})
	}
}

func TestRule16SingleUseNeedsATokenID(t *testing.T) {
	w := newWorld(t)
	once := compile(t, trust(func(tr *Trust) { tr.SingleUse = true }))
	if g := w.granted(Decide(w.external(nil), once, nil, w.ask())); !g.SingleUse() {
		t.Error("not single use")
	}
	if d := Decide(w.external(claims{"jti": nil}), once, nil, w.ask()); d.Reason != NoTokenID {
		t.Errorf("%+v", d)
	}
	if g := w.granted(Decide(w.external(claims{"jti": nil}), compile(t, trust()), nil, w.ask())); g.SingleUse() {
		t.Error("single use that nobody asked for")
	}
}

func TestRule20OneDeadContributorKillsTheToken(t *testing.T) {
	w := newWorld(t)
	a := trust(func(tr *Trust) { tr.ID, tr.Version = "a", 3 })
	b := trust(func(tr *Trust) { tr.ID, tr.Version = "b", 5 })
	who := w.mustOwn(w.granted(Decide(w.external(nil), compile(t, a, b), nil, w.ask())))
	refA, refB := identity.TrustRef{ID: "a", Version: 3}, identity.TrustRef{ID: "b", Version: 5}
	for _, row := range []struct {
		rule string
		live []identity.TrustRef
		want Reason
	}{
		{"both as they were", []identity.TrustRef{refB, refA}, Granted},
		{"one removed", []identity.TrustRef{refA}, DeadTrust},
		{"one changed", []identity.TrustRef{refA, {ID: "b", Version: 6}}, DeadTrust},
		{"one put back to an older version", []identity.TrustRef{refA, {ID: "b", Version: 4}}, DeadTrust},
		{"none left", nil, DeadTrust},
	} {
		for _, kind := range []TokenType{AccessToken, IDToken} {
			t.Run(row.rule+", "+string(kind), func(t *testing.T) {
				d := Decide(who, nil, row.live, w.ask(func(r *Request) { r.TokenType = kind }))
				if d.Reason != row.want {
					t.Errorf("%+v", d)
				}
				if d.Reason == DeadTrust && (len(d.Outcomes) != 1 || d.Outcomes[0].Failed != ClauseVersion) {
					t.Errorf("%+v", d.Outcomes)
				}
			})
		}
	}
}

func TestRule21WhatIsCutOffGetsNothing(t *testing.T) {
	w := newWorld(t)
	cut := func(r *Request) { r.CutOff = "subject" }
	for rule, d := range map[string]Decision{
		"a token of another issuer": Decide(w.external(nil), compile(t, trust()), nil, w.ask(cut)),
		"a token of our own":        derive(admin(w, w.now.Add(time.Hour)), w.ask(cut)),
		"an ID token":               derive(admin(w, w.now.Add(time.Hour)), w.ask(cut, idToken)),
	} {
		if _, ok := d.Grant(); ok || d.Reason != CutOff {
			t.Errorf("%s: %+v", rule, d)
		}
	}
}

func TestRule20AnAdministratorDiesWithHisUser(t *testing.T) {
	w := newWorld(t)
	who := admin(w, w.now.Add(time.Hour))
	token := w.mustOwn(w.granted(derive(who, w.ask())))
	for rule, live := range map[string][]identity.TrustRef{
		"removed": nil, "changed": {{ID: "uuuuuuuuuuuuuuuuuuuuuuuuua", Version: 2}},
	} {
		for _, caller := range []identity.Identity{who, token} {
			if d := Decide(caller, nil, live, w.ask()); d.Reason != DeadTrust || Alive(caller.Trusts(), live) {
				t.Errorf("%s, %s: %+v", rule, caller.Kind(), d)
			}
		}
	}
}
