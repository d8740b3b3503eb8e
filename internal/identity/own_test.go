package identity

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/jwt"
)

func TestRule1OwnTokenOnlyForExactlyItsIssuer(t *testing.T) {
	k := newKey(t, "k", jwt.ES256)
	for _, row := range []struct {
		rule    string
		typ     string
		changes claims
		code    fault.Code
	}{
		{"an access token", "at+jwt", nil, ""},
		{"an ID token", "JWT", nil, ""},
		{"its audience as a list of one", "at+jwt", claims{"aud": []string{tenant.Issuer}}, ""},
		{"another audience", "at+jwt", claims{"aud": "https://api.example"}, fault.TokenRefused},
		{"ours among many", "at+jwt", claims{"aud": []string{tenant.Issuer, "https://api.example"}}, fault.TokenRefused},
		{"ours twice", "at+jwt", claims{"aud": []string{tenant.Issuer, tenant.Issuer}}, fault.TokenRefused},
		{"ours with a slash", "at+jwt", claims{"aud": tenant.Issuer + "/"}, fault.TokenRefused},
		{"no audience", "at+jwt", claims{"aud": nil}, fault.TokenIncomplete},
		{"an empty audience", "at+jwt", claims{"aud": ""}, fault.TokenRefused},
		{"a logout token (rule 3)", "logout+jwt", nil, fault.TokenRefused},
		{"no type (rule 3)", "", nil, fault.TokenRefused},
		{"another issuer", "at+jwt", claims{"iss": other.Issuer}, fault.TokenRefused},
		{"another workspace's ID", "at+jwt", claims{"workspace_id": other.ID}, fault.TokenRefused},
		{"no workspace ID", "at+jwt", claims{"workspace_id": nil}, fault.TokenRefused},
		{"no root_iat (rule 5)", "at+jwt", claims{"root_iat": nil}, fault.TokenRefused},
		{"no depth (rule 5)", "at+jwt", claims{"depth": nil}, fault.TokenRefused},
		{"permissions of another form", "at+jwt", claims{"authorization_details": "all"}, fault.TokenRefused},
		{"groups of another form", "at+jwt", claims{"groups": []int{1}}, fault.TokenRefused},
	} {
		t.Run(row.rule, func(t *testing.T) {
			v := newVerifier(newWorld(), newRing(tenant.ID, k), newClock())
			raw := sign(t, k, row.typ, ownClaims().with(row.changes))
			for _, pass := range []string{"first", "second"} {
				_, err := v.Own(t.Context(), tenant, read(t, raw))
				if (err == nil) != (row.code == "") {
					t.Fatalf("%s: %v", pass, err)
				}
				wantFault(t, err, row.code)
			}
		})
	}
}

func TestOwnIdentityCarriesWhatTheTokenSays(t *testing.T) {
	k := newKey(t, "k", jwt.EdDSA)
	v := newVerifier(newWorld(), newRing(tenant.ID, k), newClock())
	raw := sign(t, k, "at+jwt", ownClaims().with(claims{
		"depth": 2, "root_iat": start.Unix() - 100, "client_id": "cli",
		"authorization_details": []any{claims{"type": "audience", "identifier": "*", "actions": []string{"issue"}}},
		"trusts":                []any{claims{"id": "t1", "version": 7}},
		"groups":                []string{"g"}, "attributes": claims{"team": "core"},
	}))
	got, err := v.Own(t.Context(), tenant, read(t, raw))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		field     string
		got, want any
	}{
		{"kind", got.Kind(), Own},
		{"tenant", got.Tenant(), tenant},
		{"subject", got.Subject(), UserSubject(tenant.ID, "u")},
		{"issuer", got.Issuer(), tenant.Issuer},
		{"audience", got.Audience(), []string{tenant.Issuer}},
		{"token", got.TokenID(), "2"},
		{"issued", got.IssuedAt().Unix(), start.Unix()},
		{"expires", got.ExpiresAt().Unix(), start.Add(15 * time.Minute).Unix()},
		{"root", got.RootIssuedAt().Unix(), start.Unix() - 100},
		{"depth", got.Depth(), 2},
		{"federated", got.Federated(), false},
		{"permissions", got.Permissions(), []Permission{{"audience", "*", []string{"issue"}}}},
		{"trusts", got.Trusts(), []TrustRef{{"t1", 7}}},
		{"groups", got.Groups(), []string{"g"}},
		{"attributes", got.Attributes(), map[string]string{"team": "core"}},
		{"client", got.ClientID(), "cli"},
		{"thumbprint", got.KeyThumbprint(), k.Thumbprint()},
		{"source", got.KeySource(), "own"},
	} {
		if !reflect.DeepEqual(row.got, row.want) {
			t.Errorf("%s: %v, want %v", row.field, row.got, row.want)
		}
	}
}

// What may change between two uses of one token is checked on the second use too.
func TestRule17EveryHitIsChecked(t *testing.T) {
	k := newKey(t, "k", jwt.ES256)
	imposter := newKey(t, "k", jwt.ES256)
	for _, row := range []struct {
		rule   string
		shown  Tenant
		change func(*ring, *clock)
		code   fault.Code
	}{
		{"nothing changed", tenant, func(*ring, *clock) {}, ""},
		{"one second before the end", tenant, func(_ *ring, c *clock) { c.advance(15*time.Minute - time.Second) }, ""},
		{"expired", tenant, func(_ *ring, c *clock) { c.advance(15 * time.Minute) }, fault.TokenExpired},
		{"key removed", tenant, func(r *ring, _ *clock) { r.remove(tenant.ID, "k") }, fault.TokenRefused},
		{"key replaced under its ID", tenant, func(r *ring, _ *clock) { r.set(tenant.ID, imposter) }, fault.TokenRefused},
		{"ring cannot be read", tenant, func(r *ring, _ *clock) { r.fail(errors.New("database")) }, fault.KeysUnavailable},
		{"shown to another workspace", other, func(r *ring, _ *clock) { r.set(other.ID, k) }, fault.TokenRefused},
		{"workspace with another issuer", Tenant{tenant.ID, tenant.Name, "https://moved.example"}, func(*ring, *clock) {}, fault.TokenRefused},
	} {
		t.Run(row.rule, func(t *testing.T) {
			r, c := newRing(tenant.ID, k), newClock()
			v := newVerifier(newWorld(), r, c)
			raw := sign(t, k, "at+jwt", ownClaims())
			if _, err := v.Own(t.Context(), tenant, read(t, raw)); err != nil {
				t.Fatal(err)
			}
			row.change(r, c)
			_, err := v.Own(t.Context(), row.shown, read(t, raw))
			wantFault(t, err, row.code)
		})
	}
}

func TestRule17AHitVerifiesNoSignature(t *testing.T) {
	k := newKey(t, "k", jwt.ES256)
	v := newVerifier(newWorld(), newRing(tenant.ID, k), newClock())
	raw := sign(t, k, "at+jwt", ownClaims())
	first, err := v.Own(t.Context(), tenant, read(t, raw))
	if err != nil {
		t.Fatal(err)
	}
	second, err := v.Own(t.Context(), tenant, read(t, raw))
	if err != nil {
		t.Fatal(err)
	}
	if first.v != second.v {
		t.Error("verified anew")
	}
}

func TestRule17ARefusedTokenIsNotRemembered(t *testing.T) {
	k, forger := newKey(t, "k", jwt.ES256), newKey(t, "k", jwt.ES256)
	v := newVerifier(newWorld(), newRing(tenant.ID, k), newClock())
	forged := sign(t, forger, "at+jwt", ownClaims())
	for range 2 {
		_, err := v.Own(t.Context(), tenant, read(t, forged))
		wantFault(t, err, fault.TokenRefused)
	}
	if n := v.seen.order.Len(); n != 0 {
		t.Errorf("%d remembered", n)
	}
}

func TestRule17TheCacheIsBounded(t *testing.T) {
	k := newKey(t, "k", jwt.EdDSA)
	v := newVerifier(newWorld(), newRing(tenant.ID, k), newClock())
	v.seen = newLRU[[32]byte, *verified](8)
	for i := range 50 {
		raw := sign(t, k, "at+jwt", ownClaims().with(claims{"jti": fmt.Sprint(i)}))
		if _, err := v.Own(t.Context(), tenant, read(t, raw)); err != nil {
			t.Fatal(err)
		}
	}
	if v.seen.order.Len() != 8 || len(v.seen.places) != 8 {
		t.Errorf("%d tokens remembered in %d places", v.seen.order.Len(), len(v.seen.places))
	}
}

func TestSecurityAnotherWorkspacesTokenIsRefused(t *testing.T) {
	ours, theirs := newKey(t, "k", jwt.ES256), newKey(t, "k", jwt.ES256)
	r := newRing(tenant.ID, ours)
	r.set(other.ID, theirs)
	v := newVerifier(newWorld(), r, newClock())
	foreign := ownClaims().with(claims{"iss": other.Issuer, "aud": other.Issuer, "workspace_id": other.ID})
	for _, row := range []struct {
		rule   string
		claims claims
	}{
		{"as it is", foreign},
		{"that claims to be ours", ownClaims()},
		{"that is addressed to us", foreign.with(claims{"aud": tenant.Issuer})},
	} {
		t.Run(row.rule, func(t *testing.T) {
			_, err := v.Own(t.Context(), tenant, read(t, sign(t, theirs, "at+jwt", row.claims)))
			wantFault(t, err, fault.TokenRefused)
		})
	}
}

func TestOwnTokenNamesItsKey(t *testing.T) {
	k := newKey(t, "", jwt.ES256)
	v := newVerifier(newWorld(), newRing(tenant.ID, k), newClock())
	_, err := v.Own(t.Context(), tenant, read(t, sign(t, k, "at+jwt", ownClaims())))
	wantFault(t, err, fault.TokenRefused)
}

func TestZeroUnverifiedIsNobody(t *testing.T) {
	v := newVerifier(newWorld(), newRing(tenant.ID), newClock())
	_, err := v.Own(t.Context(), tenant, Unverified{})
	wantFault(t, err, fault.TokenRefused)
	_, err = v.External(t.Context(), tenant, Unverified{}, discovery)
	wantFault(t, err, fault.TokenRefused)
	if u := (Unverified{}); u.Issuer()+u.Subject()+u.TokenID() != "" || len(u.Audience()) != 0 {
		t.Error("says something")
	}
}

func TestOwnByManyAtOnce(t *testing.T) {
	k, r := newKey(t, "k", jwt.ES256), newRing(tenant.ID)
	r.set(tenant.ID, k)
	v := newVerifier(newWorld(), r, newClock())
	raw := sign(t, k, "at+jwt", ownClaims())
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			u, err := Read(raw)
			if err == nil {
				_, err = v.Own(context.Background(), tenant, u)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestReadRecognisesATokenOfOurOwn(t *testing.T) {
	k, c := newKey(t, "k", jwt.ES256), newClock()
	v := newVerifier(newWorld(), newRing(tenant.ID, k), c)
	raw := sign(t, k, "at+jwt", ownClaims())
	again := func() Unverified {
		t.Helper()
		u, err := v.Read(raw)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	fresh := again()
	if fresh.known != nil {
		t.Fatal("knew a token that nobody verified")
	}
	if _, err := v.Own(t.Context(), tenant, fresh); err != nil {
		t.Fatal(err)
	}
	known := again()
	if known.known == nil {
		t.Fatal("parsed a known token again")
	}
	if known.Issuer() != fresh.Issuer() || known.Subject() != fresh.Subject() || known.TokenID() != fresh.TokenID() ||
		!reflect.DeepEqual(known.Audience(), fresh.Audience()) {
		t.Error("tells something else than the token")
	}
	_, err := v.Own(t.Context(), tenant, known)
	wantFault(t, err, "")
	_, err = v.Own(t.Context(), other, known)
	wantFault(t, err, fault.TokenRefused)
	_, err = v.External(t.Context(), other, known, discovery)
	wantFault(t, err, fault.TokenRefused)
	c.advance(time.Hour)
	_, err = v.Own(t.Context(), tenant, known)
	wantFault(t, err, fault.TokenExpired)
	if again().known != nil {
		t.Error("remembers an expired token")
	}
	if _, err := v.Read("x"); !fault.Is(err, fault.TokenMalformed) {
		t.Error(err)
	}
}
