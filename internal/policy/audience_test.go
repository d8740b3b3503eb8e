package policy

import (
	"slices"
	"strings"
	"testing"
	"time"
)

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
		{rule: "the token endpoint, in an assertion (RFC 7523)",
			audience: tenant.Issuer + "/token", assertion: true, granted: true},
		{rule: "the token endpoint, where another is expected", expected: "https://deploy.example",
			audience: tenant.Issuer + "/token", assertion: true},
		{rule: "the expected one", expected: "https://deploy.example", audience: "https://deploy.example", granted: true},
		{rule: "ours, where another is expected", expected: "https://deploy.example", audience: tenant.Issuer},
		{rule: "by pattern", expected: "https://deploy.example/*", audience: "https://deploy.example/x", granted: true},
	} {
		t.Run(row.rule, func(t *testing.T) {
			trusts := compile(t, trust(func(tr *Trust) { tr.Audience = row.expected }))
			req := w.ask(func(r *Request) { r.Assertion = row.assertion })
			d := Decide(w.external(claims{"aud": row.audience}), trusts, nil, req)
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
