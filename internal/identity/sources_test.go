package identity

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/jwt"
)

// longClaims are those of a token that outlives every clock of these tests.
func longClaims() claims {
	return externalClaims().with(claims{"exp": start.Add(24 * time.Hour).Unix()})
}

func TestSecurityKeysBelongToTheirSource(t *testing.T) {
	mine, theirs := newKey(t, "k", jwt.ES256), newKey(t, "k", jwt.ES256)
	w := newWorld()
	w.publish(issuer, keySet(t, mine))
	w.publish("https://evil.example", keySet(t, theirs))
	v := newVerifier(w, nil, newClock())
	evil := longClaims().with(claims{"iss": "https://evil.example"})
	for _, row := range []struct {
		rule   string
		key    signingKey
		claims claims
		code   fault.Code
	}{
		{"the other issuer's token with its own key", theirs, evil, ""},
		{"our issuer's token with its own key", mine, longClaims(), ""},
		{"our issuer's token with the other's key of the same ID", theirs, longClaims(), fault.TokenRefused},
		{"the other issuer's token with our issuer's key of the same ID", mine, evil, fault.TokenRefused},
	} {
		t.Run(row.rule, func(t *testing.T) {
			_, err := v.External(t.Context(), tenant, read(t, sign(t, row.key, "JWT", row.claims)), discovery)
			wantFault(t, err, row.code)
		})
	}
}

func TestSecurityIssuersAreNotNormalised(t *testing.T) {
	k, w := newKey(t, "k", jwt.ES256), newWorld()
	w.publish(issuer, keySet(t, k))
	v := newVerifier(w, nil, newClock())
	genuine, err := v.External(t.Context(), tenant, read(t, sign(t, k, "JWT", longClaims())), discovery)
	if err != nil {
		t.Fatal(err)
	}
	for _, near := range []string{
		issuer + "/", issuer + ":443", "https://ISSUER.example", "HTTPS://issuer.example", "http://issuer.example",
		issuer + ".", issuer + "/.", " " + issuer, issuer + "?", issuer + "#", "https://user@issuer.example", "https://issuer.exampl%65",
	} {
		t.Run(near, func(t *testing.T) {
			w.publish(near, keySet(t, newKey(t, "k", jwt.ES256)))
			raw := sign(t, k, "JWT", longClaims().with(claims{"iss": near}))
			_, err := v.External(t.Context(), tenant, read(t, raw), discovery)
			wantFault(t, err, fault.TokenRefused)
			if w.count(near) != 1 {
				t.Error("the near miss was given the keys of the issuer")
			}
			if ExternalSubject(tenant.ID, near, "repo:acme/api") == genuine.Subject() {
				t.Error("the near miss has the subject of the issuer")
			}
		})
	}
}

func TestOneSourceForEachWorkspaceAndSource(t *testing.T) {
	k, w := newKey(t, "k", jwt.ES256), newWorld()
	w.publish(issuer, keySet(t, k))
	v := newVerifier(w, nil, newClock())
	u := read(t, sign(t, k, "JWT", longClaims()))
	fixed := KeySource{Kind: JWKSURL, URL: "https://a.example/jwks"}
	moved, private := fixed, fixed
	moved.URL, private.CA = "https://b.example/jwks", "another authority"
	for i, row := range []struct {
		tenant Tenant
		src    KeySource
	}{{tenant, discovery}, {other, discovery}, {tenant, fixed}, {tenant, moved}, {tenant, private}} {
		for range 3 {
			if _, err := v.External(t.Context(), row.tenant, u, row.src); err != nil {
				t.Fatal(err)
			}
		}
		if n := w.count(issuer); n != i+1 {
			t.Fatalf("%d fetches for %d sources", n, i+1)
		}
	}
}

func TestSecurityWithdrawnKeyIsRefusedWithinFiveMinutes(t *testing.T) {
	old, young := newKey(t, "old", jwt.ES256), newKey(t, "young", jwt.ES256)
	for _, row := range []struct {
		rule string
		used time.Duration // how often the key is used meanwhile
	}{
		{"a key that nobody uses meanwhile", 5 * time.Minute},
		{"a key in constant use", time.Second},
	} {
		t.Run(row.rule, func(t *testing.T) {
			w, c := newWorld(), newClock()
			w.publish(issuer, keySet(t, old))
			v := newVerifier(w, nil, c)
			u := read(t, sign(t, old, "JWT", longClaims()))
			if _, err := v.External(t.Context(), tenant, u, discovery); err != nil {
				t.Fatal(err)
			}
			w.publish(issuer, keySet(t, young))
			var err error
			for range 5 * time.Minute / row.used {
				c.advance(row.used)
				_, err = v.External(t.Context(), tenant, u, discovery)
				settled(v, issuer)
			}
			if err == nil {
				t.Fatal("still trusted after five minutes")
			}
			_, err = v.External(t.Context(), tenant, read(t, sign(t, young, "JWT", longClaims())), discovery)
			wantFault(t, err, "")
		})
	}
}

func TestSetsAreRenewedBeforeAnybodyHasToWait(t *testing.T) {
	k, w, c := newKey(t, "k", jwt.ES256), newWorld(), newClock()
	w.publish(issuer, keySet(t, k))
	v := newVerifier(w, nil, c)
	u := read(t, sign(t, k, "JWT", longClaims()))
	use := func() {
		t.Helper()
		if _, err := v.External(t.Context(), tenant, u, discovery); err != nil {
			t.Fatal(err)
		}
	}
	use()
	c.advance(4*time.Minute - time.Second)
	use()
	if w.count(issuer) != 1 {
		t.Fatal("renewed too early")
	}
	w.gate = make(chan struct{})
	c.advance(time.Second)
	use() // does not wait for the gate
	use() // nor starts a second fetch
	w.gate <- struct{}{}
	settled(v, issuer)
	if w.count(issuer) != 2 {
		t.Fatalf("%d fetches", w.count(issuer))
	}
	c.advance(4*time.Minute - time.Second)
	use()
	if w.count(issuer) != 2 {
		t.Error("the renewed set is not the one in use")
	}
}

func TestSecurityUnknownKeyIDsCauseOneFetchPerCoolDown(t *testing.T) {
	k := newKey(t, "k", jwt.EdDSA)
	w, c := newWorld(), newClock()
	w.publish(issuer, keySet(t, k))
	v := newVerifier(w, nil, c)
	good := sign(t, k, "JWT", longClaims())
	genuine, rest := read(t, good), good[strings.IndexByte(good, '.'):]
	refused, asked := 0, 0
	for i := range 10_000 { // one every 10 ms: ten cool-downs
		header := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"EdDSA","kid":"random %d"}`, i))
		forged := read(t, header+rest)
		_, err := v.External(t.Context(), tenant, forged, discovery)
		switch f := fault.From(err); {
		case err == nil:
			t.Fatal("accepted")
		case f.Code == fault.TokenRefused:
			refused++
		case f.Code != fault.KeysUnavailable || f.RetryAfter < time.Second || f.RetryAfter > coolDown:
			t.Fatalf("%v, retry after %v", err, f.RetryAfter)
		}
		if i%1000 == 500 {
			if _, err := v.External(t.Context(), tenant, genuine, discovery); err != nil {
				t.Fatalf("a good token meanwhile: %v", err)
			}
		}
		if n := w.count(issuer); n > asked {
			asked = n
			if limit := 1 + i/1000; n > limit {
				t.Fatalf("%d fetches in %d cool-downs", n, limit)
			}
		}
		c.advance(10 * time.Millisecond)
	}
	if refused != w.count(issuer) || refused != 10 {
		t.Errorf("%d refused for good after %d fetches", refused, w.count(issuer))
	}
}

func TestRule15NewKeyIsFoundAfterTheCoolDown(t *testing.T) {
	old, young := newKey(t, "old", jwt.ES256), newKey(t, "young", jwt.ES256)
	w, c := newWorld(), newClock()
	w.publish(issuer, keySet(t, old))
	v := newVerifier(w, nil, c)
	if _, err := v.External(t.Context(), tenant, read(t, sign(t, old, "JWT", longClaims())), discovery); err != nil {
		t.Fatal(err)
	}
	w.publish(issuer, keySet(t, old, young))
	u := read(t, sign(t, young, "JWT", longClaims()))
	c.advance(4 * time.Second)
	_, err := v.External(t.Context(), tenant, u, discovery)
	wantFault(t, err, fault.KeysUnavailable)
	wait := fault.From(err).RetryAfter
	if wait != 6*time.Second {
		t.Errorf("retry after %v", wait)
	}
	c.advance(wait)
	_, err = v.External(t.Context(), tenant, u, discovery)
	wantFault(t, err, "")
}

func TestRule15BudgetIsPerWorkspace(t *testing.T) {
	k, w, c := newKey(t, "k", jwt.EdDSA), newWorld(), newClock()
	v := newVerifier(w, nil, c)
	verify := func(tn Tenant, i int) error {
		name := fmt.Sprintf("https://%d.example", i)
		w.publish(name, keySet(t, k))
		_, err := v.External(t.Context(), tn, read(t, sign(t, k, "JWT", longClaims().with(claims{"iss": name}))), discovery)
		return err
	}
	for i := range budgetSize {
		wantFault(t, verify(tenant, i), "")
	}
	err := verify(tenant, budgetSize)
	wantFault(t, err, fault.KeysUnavailable)
	if wait := fault.From(err).RetryAfter; wait != time.Second { // half a second, in HTTP's units
		t.Errorf("retry after %v", wait)
	}
	if n := v.sources.remotes.order.Len(); n != budgetSize {
		t.Errorf("%d sources: a spent budget still pushes others out", n)
	}
	wantFault(t, verify(tenant, 0), "") // known keys need no fetch
	wantFault(t, verify(other, budgetSize), "")
	c.advance(budgetPause)
	wantFault(t, verify(tenant, budgetSize), "")
	wantFault(t, verify(tenant, budgetSize+1), fault.KeysUnavailable)
	c.advance(time.Hour)
	for i := range budgetSize {
		wantFault(t, verify(tenant, 1000+i), "")
	}
	wantFault(t, verify(tenant, 2000), fault.KeysUnavailable)
	wantFault(t, verify(tenant, 0), fault.KeysUnavailable) // its set is an hour old
}

func TestRule35TenantsSeeAClassOperatorsTheDetail(t *testing.T) {
	var log recorded
	w := newWorld()
	w.fail(issuer, refusedAddress)
	v := newVerifier(w, nil, newClock())
	v.sources.log = log.logger()
	_, err := v.External(t.Context(), tenant, read(t, sign(t, newKey(t, "k", jwt.ES256), "JWT", longClaims())), discovery)
	if got := fault.From(err).Unwrap().Error(); got != string(refusedAddress) {
		t.Errorf("the fault says %q", got)
	}
	if !log.has("detail for operators") {
		t.Error("the log does not say why")
	}
}
