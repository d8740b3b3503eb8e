package policy

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/nsc-federation/nsc/internal/identity"
)

// aRequest draws requests of all sorts, sensible and not.
var aRequest = rapid.Custom(func(t *rapid.T) Request {
	r := Request{
		ID:         "chain",
		TokenType:  rapid.SampledFrom([]TokenType{AccessToken, AccessToken, AccessToken, IDToken}).Draw(t, "type"),
		Audience:   rapid.SampledFrom([]string{"", "", "", "", tenant.Issuer, "u:a/b", "u:c/b"}).Draw(t, "audience"),
		Lifetime:   time.Duration(rapid.Int64Range(0, 30*3600).Draw(t, "seconds")) * time.Second,
		Assertion:  rapid.Bool().Draw(t, "assertion"),
		HasDetails: rapid.Bool().Draw(t, "details"),
	}
	if r.HasDetails {
		r.Details = rapid.SliceOfN(anyPermission, 0, 2).Draw(t, "wanted")
	}
	scopes := []string{"workspace:read", "audience:issue", "http:get", "registry:pull"}
	r.Scope = rapid.SliceOfN(rapid.SampledFrom(scopes), 0, 1).Draw(t, "scopes")
	return r
})

// Random chains of derivations, each by signing what was granted and verifying it again, never widen, never outlive and
// never change who they speak of.
func TestRule05ChainsNeverWidenAndNeverOutlive(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		w.now = start
		who, parent := firstOf(t, w)
		for range rapid.IntRange(1, 8).Draw(t, "length") {
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 900).Draw(t, "later")) * time.Second)
			req := aRequest.Draw(t, "request")
			req.Now = w.now
			if !req.Now.Before(who.ExpiresAt()) {
				return // the verifier would refuse it
			}
			g, ok := derive(who, req).Grant()
			if !ok {
				continue
			}
			checkStep(t, w, parent, who, g)
			checkThird(t, w, who, req, g)
			if next, err := w.own(g); err == nil && g.TokenType() == AccessToken {
				who, parent = next, g
			}
		}
	})
}

// firstOf draws the beginning of a chain: a token of another issuer and its trusts, or an administrator.
func firstOf(t *rapid.T, w *world) (identity.Identity, Grant) {
	req := w.ask(wish(time.Duration(rapid.IntRange(1, 24*3600).Draw(t, "lifetime")) * time.Second))
	caller := admin(w, w.now.Add(8*time.Hour))
	d := derive(caller, req)
	if rapid.Bool().Draw(t, "external") {
		caller = w.external(claims{"groups": []string{"a", "b"}, "jti": fmt.Sprint(rapid.Int().Draw(t, "jti"))})
		var list []Trust
		for i := range rapid.IntRange(1, 3).Draw(t, "trusts") {
			list = append(list, trust(func(tr *Trust) {
				tr.ID, tr.Version, tr.MaxDuration = fmt.Sprint("t", i), int64(i), 24*time.Hour
				tr.Grants = Union(rapid.SliceOfN(anyPermission, 0, 4).Draw(t, "grants"))
				tr.Mappings = map[string]string{"groups": "claims.groups"}
			}))
		}
		d = Decide(caller, compile(w, list...), nil, req)
	}
	g := w.granted(d)
	return w.mustOwn(g), g
}

func checkStep(t *rapid.T, w *world, parent Grant, who identity.Identity, g Grant) {
	p := payloadOf(w, g)
	switch {
	case len(Exceeding(who.Permissions(), g.Permissions())) > 0:
		t.Fatalf("%v widened to %v", who.Permissions(), g.Permissions())
	case g.ExpiresAt().After(who.ExpiresAt()), g.ExpiresAt().After(parent.ExpiresAt()):
		t.Fatalf("ends %s, the parent %s", g.ExpiresAt(), who.ExpiresAt())
	case g.TokenType() == IDToken && g.ExpiresAt().Sub(g.IssuedAt()) > time.Hour:
		t.Fatalf("an ID token of %s", g.ExpiresAt().Sub(g.IssuedAt()))
	case g.Subject() != parent.Subject() || p["sub"] != parent.Subject():
		t.Fatalf("%s became %s", parent.Subject(), g.Subject())
	case !slices.Equal(g.Trusts(), parent.Trusts()):
		t.Fatalf("rests on %v, the parent on %v", g.Trusts(), parent.Trusts())
	case g.Audience() != tenant.Issuer && !Allows(who.Permissions(), Audience, g.Audience(), Issue):
		t.Fatalf("%q without the grant", g.Audience())
	}
	for _, name := range []string{"root_iat", "depth", "groups", "attributes", "workspace_id"} {
		if was := payloadOf(w, parent)[name]; fmt.Sprint(p[name]) != fmt.Sprint(was) {
			t.Fatalf("%s was %v and is %v", name, was, p[name])
		}
	}
}

// checkThird checks what a token for somebody else says of its bearer: exactly what was asked for by name, which is what the
// same request gets for the issuer, and never what it rests on.
func checkThird(t *rapid.T, w *world, who identity.Identity, req Request, g Grant) {
	if g.Audience() == tenant.Issuer && g.TokenType() == AccessToken {
		return
	}
	var want []identity.Permission
	if g.TokenType() == AccessToken && (req.HasDetails || len(req.Scope) > 0) {
		req.Audience = ""
		want = w.granted(derive(who, req)).Permissions()
	}
	if fmt.Sprint(g.Permissions()) != fmt.Sprint(want) {
		t.Fatalf("%v for %q, want %v", g.Permissions(), g.Audience(), want)
	}
	p := payloadOf(w, g)
	for _, name := range []string{"trusts", "parents", "parent_keys", "may_act"} {
		if p[name] != nil {
			t.Fatalf("%s for %q: %v", name, g.Audience(), p[name])
		}
	}
	if (p["authorization_details"] != nil) != (len(want) > 0) {
		t.Fatalf("%v for %q, want %v", p["authorization_details"], g.Audience(), want)
	}
	if _, err := w.own(g); err == nil && g.Audience() != tenant.Issuer {
		t.Fatalf("a token for %q is a credential", g.Audience())
	}
}

// What an external token gets is never more than the trusts that admit it give, and the index finds exactly those.
func TestRule05TheIndexFindsWhatMatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []*Compiled
		for i, text := range rapid.SliceOfN(rapid.StringMatching(`[ab:/*]{1,6}`), 0, 12).Draw(t, "patterns") {
			p, _, err := CompileSubject(text)
			if err != nil {
				continue
			}
			list = append(list, &Compiled{ref: identity.TrustRef{ID: fmt.Sprintf("%02d", i)}, subject: p})
		}
		s := rapid.StringMatching(`[ab:/*]{0,8}`).Draw(t, "subject")
		var want []*Compiled
		for _, c := range list {
			if c.subject.Match(s) {
				want = append(want, c)
			}
		}
		slices.SortFunc(want, func(a, b *Compiled) int { return cmp.Compare(a.ref.ID, b.ref.ID) })
		index := NewTrusts(list)
		if got := index.candidates(s, ""); !slices.Equal(got, want) {
			t.Fatalf("%q: found %d of %d", s, len(got), len(want))
		}
		if index.Len() != len(list) || len(index.nearest(s, "", 4)) > 4 {
			t.Fatalf("%d of %d", index.Len(), len(list))
		}
		for _, c := range list {
			if got := index.candidates(s, c.ref.ID); c.subject.Match(s) != slices.Equal(got, []*Compiled{c}) {
				t.Fatalf("%q by name %s: %v", s, c.ref.ID, got)
			}
		}
	})
}
