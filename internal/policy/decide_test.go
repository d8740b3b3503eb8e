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
	return identity.NewLocal(tenant, "uuuuuuuuuuuuuuuuuuuuuuuuua", 1, grants(grant(Workspace, "*", Admin)), w.now, ends)
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
		{"a subject that begins the same", compile(t, trust(func(tr *Trust) { tr.SubjectMatch = subject + "2" })), ClauseSubject},
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

func TestSecurityAudienceIsMandatory(t *testing.T) {
	w := newWorld(t)
	for _, row := range []struct {
		rule, expected string
		audience       any
		assertion      bool
		granted        bool
	}{
		{rule: "ours", audience: tenant.Issuer, granted: true},
		{rule: "ours among many", audience: []string{"https://a", tenant.Issuer}, granted: true},
		{rule: "another", audience: "https://a"},
		{rule: "another workspace's", audience: "https://nsc.example/w/beta"},
		{rule: "ours with a slash", audience: tenant.Issuer + "/"},
		{rule: "ours in upper case", audience: strings.ToUpper(tenant.Issuer)},
		{rule: "the token endpoint, in an exchange", audience: tenant.Issuer + "/token"},
		{rule: "the token endpoint, in an assertion (RFC 7523)", audience: tenant.Issuer + "/token", assertion: true, granted: true},
		{rule: "the token endpoint, where another is expected", expected: "https://deploy.example",
			audience: tenant.Issuer + "/token", assertion: true},
		{rule: "the expected one", expected: "https://deploy.example", audience: "https://deploy.example", granted: true},
		{rule: "ours, where another is expected", expected: "https://deploy.example", audience: tenant.Issuer},
		{rule: "by pattern", expected: "https://deploy.example/*", audience: "https://deploy.example/x", granted: true},
	} {
		t.Run(row.rule, func(t *testing.T) {
			trusts := compile(t, trust(func(tr *Trust) { tr.Audience = row.expected }))
			d := Decide(w.external(claims{"aud": row.audience}), trusts, nil, w.ask(func(r *Request) { r.Assertion = row.assertion }))
			if _, ok := d.Grant(); ok != row.granted {
				t.Errorf("%+v", d)
			}
		})
	}
}

func TestRule01TokensForOtherAudiencesAreTerminal(t *testing.T) {
	w := newWorld(t)
	g := w.granted(derive(admin(w, w.now.Add(time.Hour)), w.ask(forAudience("https://api.example/v1"))))
	if _, err := w.own(g); err == nil {
		t.Error("a token for another audience is a credential")
	}
	who := w.mustOwn(w.granted(derive(admin(w, w.now.Add(time.Hour)), w.ask())))
	if !slices.Equal(who.Audience(), []string{tenant.Issuer}) {
		t.Errorf("aud is %q by default", who.Audience())
	}
}

func TestRule02AudiencesNeedTheGrant(t *testing.T) {
	w := newWorld(t)
	trusts := compile(t, trust())
	for _, row := range []struct {
		rule, audience string
		want           Reason
	}{
		{"the issuer, by default", "", Granted},
		{"the issuer, by name", tenant.Issuer, Granted},
		{"one that a grant names", "https://api.example/v1", Granted},
		{"one that no grant names", "https://other.example/v1", TargetRefused},
		{"a cloud's", "sts.amazonaws.com", TargetRefused},
		{"another workspace's", "https://nsc.example/w/beta", TargetRefused},
		{"the issuer with a slash", tenant.Issuer + "/", TargetRefused},
		{"the pattern itself is a name like any other", "https://api.example/*", Granted},
	} {
		for _, kind := range []TokenType{AccessToken, IDToken} {
			t.Run(row.rule+", "+string(kind), func(t *testing.T) {
				d := Decide(w.external(nil), trusts, nil, w.ask(forAudience(row.audience), func(r *Request) { r.TokenType = kind }))
				if _, ok := d.Grant(); d.Reason != row.want || ok != (row.want == Granted) {
					t.Errorf("%+v", d)
				}
			})
		}
	}
	t.Run("workspace admin includes every audience", func(t *testing.T) {
		w.granted(derive(admin(w, w.now.Add(time.Hour)), w.ask(idToken, forAudience("sts.amazonaws.com"))))
	})
}

func TestRule03EveryKindHasItsTyp(t *testing.T) {
	w := newWorld(t)
	for kind, typ := range map[TokenType]string{AccessToken: "at+jwt", IDToken: "JWT"} {
		g := w.granted(Decide(w.external(nil), compile(t, trust()), nil, w.ask(func(r *Request) { r.TokenType = kind })))
		if g.Typ() != typ || g.TokenType() != kind {
			t.Errorf("%s has typ %q", kind, g.Typ())
		}
	}
}

func TestRule05AllTrustsThatMatchContribute(t *testing.T) {
	w := newWorld(t)
	a := trust(func(tr *Trust) {
		tr.ID, tr.Version, tr.DefaultDuration, tr.MaxDuration = "a", 3, 30*time.Minute, 2*time.Hour
		tr.Grants = grants(grant(Workspace, "trust", Read), grant(Registry, "team/*", "pull"))
	})
	b := trust(func(tr *Trust) {
		tr.ID, tr.Version, tr.SubjectMatch, tr.DefaultDuration = "b", 5, "repo:acme/*", 10*time.Minute
		tr.MaxDuration, tr.SingleUse = 20*time.Minute, true
		tr.Grants = grants(grant(Workspace, "trust", Write), grant(Registry, "team/*", "pull"))
	})
	c := trust(func(tr *Trust) { tr.ID, tr.SubjectMatch = "c", "repo:acme/web:*" })
	trusts := compile(t, b, c, a)

	g := w.granted(Decide(w.external(nil), trusts, nil, w.ask()))
	want := grants(grant(Registry, "team/*", "pull"), grant(Workspace, "trust", Read, Write))
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

func TestRule05LifetimesAfterAnExternalToken(t *testing.T) {
	w := newWorld(t)
	trusts := compile(t, trust(func(tr *Trust) { tr.DefaultDuration, tr.MaxDuration = 20*time.Minute, 90*time.Minute }))
	short := compile(t, trust(func(tr *Trust) { tr.DefaultDuration, tr.MaxDuration = time.Minute, 2*time.Minute }))
	for _, row := range []struct {
		rule   string
		trusts *Trusts
		ask    []func(*Request)
		want   time.Duration
	}{
		{"access token, the trust's default", trusts, nil, 20 * time.Minute},
		{"access token, wished shorter", trusts, []func(*Request){wish(time.Second)}, time.Second},
		{"access token, wished longer than the external token lives", trusts, []func(*Request){wish(time.Hour)}, time.Hour},
		{"access token, shortened to the maximum", trusts, []func(*Request){wish(48 * time.Hour)}, 90 * time.Minute},
		{"rule 13: ID token, 5 minutes by default", trusts, []func(*Request){idToken}, 5 * time.Minute},
		{"rule 13: ID token, 1 hour at most", trusts, []func(*Request){idToken, wish(90 * time.Minute)}, time.Hour},
		{"ID token, within the trust's default", short, []func(*Request){idToken}, time.Minute},
		{"ID token, within the trust's maximum", short, []func(*Request){idToken, wish(time.Hour)}, 2 * time.Minute},
	} {
		t.Run(row.rule, func(t *testing.T) {
			g := w.granted(Decide(w.external(nil), row.trusts, nil, w.ask(row.ask...)))
			if got := g.ExpiresAt().Sub(g.IssuedAt()); got != row.want || !g.IssuedAt().Equal(w.now) {
				t.Errorf("from %s for %s", g.IssuedAt(), got)
			}
		})
	}
}

func TestRule05LifetimesAfterOurOwnToken(t *testing.T) {
	w := newWorld(t)
	for _, row := range []struct {
		rule      string
		local     bool
		remaining time.Duration
		ask       []func(*Request)
		want      time.Duration
	}{
		{"access token, 15 minutes by default", false, 3 * time.Hour, nil, 15 * time.Minute},
		{"access token, wished up to the parent's end", false, 3 * time.Hour, []func(*Request){wish(9 * time.Hour)}, 3 * time.Hour},
		{"access token, no later than the parent's end", false, 90 * time.Second, nil, 90 * time.Second},
		{"ID token, 5 minutes by default", false, 3 * time.Hour, []func(*Request){idToken}, 5 * time.Minute},
		{"ID token, 1 hour at most", false, 3 * time.Hour, []func(*Request){idToken, wish(2 * time.Hour)}, time.Hour},
		{"ID token, no later than the parent's end", false, time.Minute, []func(*Request){idToken, wish(2 * time.Hour)}, time.Minute},
		{"administrator signing in, as long as was allowed", true, 3 * time.Hour, nil, 3 * time.Hour},
		{"administrator signing in, shorter", true, 3 * time.Hour, []func(*Request){wish(time.Hour)}, time.Hour},
		{"administrator's ID token", true, 3 * time.Hour, []func(*Request){idToken}, 5 * time.Minute},
	} {
		t.Run(row.rule, func(t *testing.T) {
			who := admin(w, w.now.Add(row.remaining))
			if !row.local {
				who = w.mustOwn(w.granted(derive(who, w.ask())))
			}
			g := w.granted(derive(who, w.ask(row.ask...)))
			if got := g.ExpiresAt().Sub(w.now); got != row.want {
				t.Errorf("lives %s", got)
			}
		})
	}
	t.Run("not a second is left", func(t *testing.T) {
		d := derive(admin(w, w.now.Add(999*time.Millisecond)), w.ask())
		if _, ok := d.Grant(); ok || d.Reason != Ended {
			t.Errorf("%+v", d)
		}
	})
	t.Run("part of a second is gone", func(t *testing.T) {
		g := w.granted(derive(admin(w, w.now.Add(2500*time.Millisecond)), w.ask(func(r *Request) { r.Now = w.now.Add(900 * time.Millisecond) })))
		if g.ExpiresAt().After(w.now.Add(2500 * time.Millisecond)) {
			t.Errorf("ends %s", g.ExpiresAt())
		}
	})
}

func TestRule05ExternalLifetimeIsCapped(t *testing.T) {
	w := newWorld(t)
	hour := trust(func(tr *Trust) { tr.ID, tr.MaxLifetime = "hour", time.Hour })
	day := trust(func(tr *Trust) { tr.ID, tr.MaxLifetime = "day", 24*time.Hour })
	for _, row := range []struct {
		rule     string
		lifetime time.Duration
		trusts   []Trust
		want     Reason
		by       int
	}{
		{"exactly as long as is admitted", time.Hour, []Trust{hour}, Granted, 1},
		{"a second longer", time.Hour + time.Second, []Trust{hour}, LifetimeRefused, 0},
		{"admitted by one of two", 2 * time.Hour, []Trust{hour, day}, Granted, 1},
		{"admitted by both", time.Hour, []Trust{hour, day}, Granted, 2},
		{"longer than all, in the second trust too", 25 * time.Hour, []Trust{hour, day}, LifetimeRefused, 0},
		{"too long, but nothing else matches either", 25 * time.Hour,
			[]Trust{trust(func(tr *Trust) { tr.Condition = `claims.sub == "x"` })}, NoTrust, 0},
	} {
		t.Run(row.rule, func(t *testing.T) {
			who := w.external(claims{"exp": w.now.Add(row.lifetime).Unix()})
			d := Decide(who, compile(t, row.trusts...), nil, w.ask())
			g, _ := d.Grant()
			if d.Reason != row.want || !g.IsZero() && len(g.Trusts()) != row.by {
				t.Errorf("%+v", d)
			}
		})
	}
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
		who := w.mustOwn(w.granted(Decide(w.external(claims{"root_iat": now - 60, "depth": 2}), compile(t, trust()), nil, w.ask())))
		for range 3 {
			who = w.mustOwn(w.granted(derive(who, w.ask())))
			if who.RootIssuedAt().Unix() != now-60 || who.Depth() != 3 {
				t.Fatalf("root_iat %d, depth %d", who.RootIssuedAt().Unix(), who.Depth())
			}
		}
	})
}

func TestRule05NarrowingIsNeverWidening(t *testing.T) {
	w := newWorld(t)
	trusts := compile(t, trust(func(tr *Trust) {
		tr.Grants = grants(grant(Registry, "team/*", "pull", "push"), grant(Workspace, "trust", Write))
	}))
	for _, row := range []struct {
		rule string
		ask  []func(*Request)
		want Reason
		have []identity.Permission
	}{
		{"part of it", []func(*Request){wanting(grant(Registry, "team/app", "pull"))}, Granted, grants(grant(Registry, "team/app", "pull"))},
		{"an included action", []func(*Request){wanting(grant(Workspace, "trust", Read))}, Granted, grants(grant(Workspace, "trust", Read))},
		{"nothing at all", []func(*Request){wanting()}, Granted, nil},
		{"another action", []func(*Request){wanting(grant(Registry, "team/app", "delete"))}, DetailsRefused, nil},
		{"a wider pattern", []func(*Request){wanting(grant(Registry, "*", "pull"))}, DetailsRefused, nil},
		{"one held and one not", []func(*Request){wanting(grant(Registry, "team/app", "pull"), grant(Workspace, "key", Read))}, DetailsRefused, nil},
		{"no action", []func(*Request){wanting(grant(Registry, "team/app"))}, DetailsRefused, nil},
		{"an unknown type", []func(*Request){wanting(grant("mainframe", "x", "read"))}, DetailsRefused, nil},
		{"a scope", []func(*Request){scoped("registry:pull")}, Granted, grants(grant(Registry, "team/*", "pull"))},
		{"a scope within details", []func(*Request){wanting(grant(Registry, "team/app", "pull", "push")), scoped("registry:push")},
			Granted, grants(grant(Registry, "team/app", "push"))},
		{"a scope beyond details", []func(*Request){wanting(grant(Registry, "team/app", "pull")), scoped("registry:push")}, ScopeRefused, nil},
		{"a scope that is not held", []func(*Request){scoped("registry:delete")}, ScopeRefused, nil},
		{"details of an ID token are judged too", []func(*Request){idToken, wanting(grant(Workspace, "key", Read))}, DetailsRefused, nil},
	} {
		t.Run(row.rule, func(t *testing.T) {
			d := Decide(w.external(nil), trusts, nil, w.ask(row.ask...))
			if d.Reason != row.want {
				t.Fatalf("%+v", d)
			}
			if g, ok := d.Grant(); ok && !(len(row.have) == 0 && len(g.Permissions()) == 0) && !reflect.DeepEqual(g.Permissions(), row.have) {
				t.Errorf("%v", g.Permissions())
			}
		})
	}
}

func TestRule10SubjectsAreIndependentOfTrusts(t *testing.T) {
	w := newWorld(t)
	who := w.external(nil)
	want := identity.ExternalSubject(tenant.ID, issuer, subject)
	for _, list := range [][]Trust{{trust()}, {trust(func(tr *Trust) { tr.SubjectMatch = "repo:acme/*" }), trust(func(tr *Trust) { tr.ID = "b" })}} {
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
				if d.Reason != row.want || (row.want == DeadTrust && (len(d.Outcomes) != 1 || d.Outcomes[0].Failed != ClauseVersion)) {
					t.Errorf("%+v", d)
				}
			})
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

func TestRequestsThatMakeNoSense(t *testing.T) {
	w := newWorld(t)
	who := w.external(nil)
	trusts := compile(t, trust())
	for _, row := range []struct {
		rule   string
		caller identity.Identity
		change func(*Request)
		want   Reason
	}{
		{"nobody", identity.Identity{}, func(*Request) {}, NoCaller},
		{"no ID", who, func(r *Request) { r.ID = "" }, RequestRefused},
		{"no time", who, func(r *Request) { r.Now = time.Time{} }, RequestRefused},
		{"no token type", who, func(r *Request) { r.TokenType = "" }, RequestRefused},
		{"a refresh token", who, func(r *Request) { r.TokenType = "refresh_token" }, RequestRefused},
		{"a negative lifetime", who, wish(-time.Hour), RequestRefused},
		{"a lifetime below a second", who, wish(time.Millisecond), RequestRefused},
		{"an audience with NUL", who, forAudience("https://api.example/\x00"), RequestRefused},
		{"an audience that is too long", who, forAudience("https://api.example/" + strings.Repeat("x", 1024)), RequestRefused},
		{"a trust named with our own token", admin(w, w.now.Add(time.Hour)), named(trust().ID), RequestRefused},
		{"65 scopes", who, scoped(make([]string, 65)...), RequestRefused},
	} {
		t.Run(row.rule, func(t *testing.T) {
			var live []identity.TrustRef
			if !row.caller.IsZero() {
				live = row.caller.Trusts()
			}
			d := Decide(row.caller, trusts, live, w.ask(row.change))
			if g, ok := d.Grant(); ok || !g.IsZero() || d.Reason != row.want || (d.Reason == RequestRefused) != (d.Detail != "") {
				t.Errorf("%+v", d)
			}
		})
	}
	if g, ok := (Decision{}).Grant(); ok || !g.IsZero() {
		t.Error("the zero decision grants something")
	}
}

func TestOutcomesAreBounded(t *testing.T) {
	w := newWorld(t)
	var many []Trust
	for i := range 100 {
		many = append(many, trust(func(tr *Trust) {
			tr.ID, tr.Condition = fmt.Sprintf("t%03d", i), fmt.Sprintf(`claims.sub == "%s"`, strings.Repeat("x", 1000))
		}))
	}
	d := Decide(w.external(nil), compile(t, many...), nil, w.ask())
	if len(d.Outcomes) != maxOutcomes || d.Reason != NoTrust {
		t.Errorf("%d outcomes, %s", len(d.Outcomes), d.Reason)
	}
	for _, o := range d.Outcomes {
		if len(o.Expected) > maxOperand+len("…") {
			t.Errorf("%d bytes", len(o.Expected))
		}
	}
}

func TestTheNearestTrustComesFirst(t *testing.T) {
	w := newWorld(t)
	var list []Trust
	for i, s := range []string{"repo:zeta/x", "repo:acme/api:ref:refs/heads/dev", "repo:acme/web:*", "system:serviceaccount:a:b"} {
		list = append(list, trust(func(tr *Trust) { tr.ID, tr.SubjectMatch = fmt.Sprint(i), s }))
	}
	d := Decide(w.external(nil), compile(t, list...), nil, w.ask())
	if len(d.Outcomes) != 4 || d.Outcomes[0].Expected != "repo:acme/api:ref:refs/heads/dev" || d.Outcomes[0].Actual != subject {
		t.Errorf("%+v", d.Outcomes)
	}
	d = Decide(w.external(nil), compile(t, list...), nil, w.ask(named("3")))
	if len(d.Outcomes) != 1 || d.Outcomes[0].Trust.ID != "3" {
		t.Errorf("the named one: %+v", d.Outcomes)
	}
}
