package identity

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
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

// A dead issuer is one that is not reached or is broken itself; whatever else it says is its word.
func TestRule15OnlyOutagesExtendASet(t *testing.T) {
	k := newKey(t, "k", jwt.ES256)
	for _, row := range []struct {
		class    class
		extended bool
	}{
		{unreachable, true},
		{serverError, true},
		{noSuccess, false},
		{badDocument, false},
		{otherIssuer, false},
		{tooLarge, false},
		{badRedirect, false},
		{badCertificate, false},
		{refusedAddress, false},
	} {
		for _, used := range []time.Duration{5 * time.Second, 10 * time.Minute} {
			t.Run(fmt.Sprintf("%s, used every %v", row.class, used), func(t *testing.T) {
				w, c := newWorld(), newClock()
				w.publish(issuer, keySet(t, k))
				v := newVerifier(w, nil, c)
				u := read(t, sign(t, k, "JWT", longClaims()))
				_, err := v.External(t.Context(), tenant, u, discovery)
				wantFault(t, err, "")
				w.fail(issuer, row.class)
				for age := used; age < 3*time.Hour; age += used {
					c.advance(used)
					_, err := v.External(t.Context(), tenant, u, discovery)
					settled(v, issuer)
					if good := age < 5*time.Minute || row.extended && age < time.Hour+5*time.Minute; good != (err == nil) {
						t.Fatalf("at the age of %v: %v", age, err)
					}
					if err != nil {
						wantFault(t, err, fault.KeysUnavailable)
					}
				}
				w.publish(issuer, keySet(t, k))
				c.advance(retryPace)
				_, err = v.External(t.Context(), tenant, u, discovery)
				wantFault(t, err, "")
			})
		}
	}
}

func TestRule15AnAnswerEndsTheExtension(t *testing.T) {
	k, w, c := newKey(t, "k", jwt.ES256), newWorld(), newClock()
	w.publish(issuer, keySet(t, k))
	v := newVerifier(w, nil, c)
	u := read(t, sign(t, k, "JWT", longClaims()))
	for _, step := range []struct {
		what string
		do   func()
		code fault.Code
	}{
		{"fetched", func() {}, ""},
		{"issuer unreachable", func() { w.fail(issuer, unreachable); c.advance(10 * time.Minute) }, ""},
		{"issuer says 404", func() { w.fail(issuer, noSuccess); c.advance(time.Minute) }, fault.KeysUnavailable},
		{"issuer unreachable again", func() { w.fail(issuer, unreachable); c.advance(time.Minute) }, fault.KeysUnavailable},
		{"issuer is back", func() { w.publish(issuer, keySet(t, k)); c.advance(time.Minute) }, ""},
		{"issuer unreachable once more", func() { w.fail(issuer, unreachable); c.advance(10 * time.Minute) }, ""},
	} {
		step.do()
		_, err := v.External(t.Context(), tenant, u, discovery)
		if (step.code == "") != (err == nil) || err != nil && !fault.Is(err, step.code) {
			t.Fatalf("%s: %v", step.what, err)
		}
	}
}

func TestRule15KeyWithdrawnDuringAnOutageGoesWithItsEnd(t *testing.T) {
	old, young := newKey(t, "old", jwt.ES256), newKey(t, "young", jwt.ES256)
	w, c := newWorld(), newClock()
	w.publish(issuer, keySet(t, old))
	v := newVerifier(w, nil, c)
	u := read(t, sign(t, old, "JWT", longClaims()))
	for _, step := range []func(){func() {}, func() { w.fail(issuer, unreachable); c.advance(6 * time.Minute) }} {
		step()
		_, err := v.External(t.Context(), tenant, u, discovery)
		wantFault(t, err, "")
	}
	w.publish(issuer, keySet(t, young))
	c.advance(outageProof)
	_, err := v.External(t.Context(), tenant, u, discovery)
	wantFault(t, err, fault.TokenRefused)
}

func TestIssuerDownAtFirstUse(t *testing.T) {
	k, w, c := newKey(t, "k", jwt.ES256), newWorld(), newClock()
	w.fail(issuer, unreachable)
	v := newVerifier(w, nil, c)
	u := read(t, sign(t, k, "JWT", longClaims()))
	for range 100 {
		_, err := v.External(t.Context(), tenant, u, discovery)
		wantFault(t, err, fault.KeysUnavailable)
		if wait := fault.From(err).RetryAfter; wait != coolDown {
			t.Fatalf("retry after %v", wait)
		}
	}
	if n := w.count(issuer); n != 1 {
		t.Errorf("%d fetches", n)
	}
	w.publish(issuer, keySet(t, k))
	c.advance(coolDown)
	_, err := v.External(t.Context(), tenant, u, discovery)
	wantFault(t, err, "")
}

func TestUnknownKeyDuringAnOutageIsNotRefusedForGood(t *testing.T) {
	k, w, c := newKey(t, "k", jwt.ES256), newWorld(), newClock()
	w.publish(issuer, keySet(t, k))
	v := newVerifier(w, nil, c)
	if _, err := v.External(t.Context(), tenant, read(t, sign(t, k, "JWT", longClaims())), discovery); err != nil {
		t.Fatal(err)
	}
	w.fail(issuer, serverError)
	c.advance(coolDown)
	_, err := v.External(t.Context(), tenant, read(t, sign(t, k.named(t, "young"), "JWT", longClaims())), discovery)
	wantFault(t, err, fault.KeysUnavailable)
}

func TestManyCallersShareOneFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, w, c := newKey(t, "k", jwt.ES256), newWorld(), newClock()
		w.publish(issuer, keySet(t, k))
		w.gate = make(chan struct{})
		v := newVerifier(w, nil, c)
		u := read(t, sign(t, k, "JWT", longClaims()))
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() {
				if _, err := v.External(t.Context(), tenant, u, discovery); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		w.gate <- struct{}{}
		all.Wait()
		if n := w.count(issuer); n != 1 {
			t.Errorf("%d fetches", n)
		}
	})
}

// A fetch that began before the token came proves nothing about its key: it may have been published in between.
func TestUnknownKeyThatJoinsAFetchIsNotRefusedForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, w := newKey(t, "k", jwt.ES256), newWorld()
		w.publish(issuer, keySet(t, k))
		w.gate = make(chan struct{})
		v := newVerifier(w, nil, newClock())
		verify := func(kid string) <-chan error {
			u, result := read(t, sign(t, k.named(t, kid), "JWT", longClaims())), make(chan error, 1)
			go func() {
				_, err := v.External(t.Context(), tenant, u, discovery)
				result <- err
			}()
			synctest.Wait()
			return result
		}
		first, joins := verify("first"), verify("joins")
		w.gate <- struct{}{}
		wantFault(t, <-first, fault.TokenRefused)
		wantFault(t, <-joins, fault.KeysUnavailable)
	})
}

func TestACallerThatLeavesDoesNotEndTheFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, w := newKey(t, "k", jwt.ES256), newWorld()
		w.publish(issuer, keySet(t, k))
		w.gate = make(chan struct{})
		v := newVerifier(w, nil, newClock())
		u := read(t, sign(t, k, "JWT", longClaims()))
		leaves, leave := context.WithCancel(t.Context())
		verify := func(ctx context.Context) <-chan error {
			result := make(chan error, 1)
			go func() {
				_, err := v.External(ctx, tenant, u, discovery)
				result <- err
			}()
			synctest.Wait()
			return result
		}
		gone, stays := verify(leaves), verify(t.Context())
		leave()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		w.gate <- struct{}{}
		wantFault(t, <-stays, "")
		if n := w.count(issuer); n != 1 {
			t.Errorf("%d fetches", n)
		}
	})
}

func TestAFetchEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.gate = make(chan struct{}) // never opens
		v := newVerifier(w, nil, newClock())
		before := time.Now()
		_, err := v.External(t.Context(), tenant, read(t, sign(t, newKey(t, "k", jwt.ES256), "JWT", longClaims())), discovery)
		wantFault(t, err, fault.KeysUnavailable)
		if took := time.Since(before); took != fetchTime {
			t.Errorf("after %v", took)
		}
	})
}

func TestAPanicInAFetchIsAFailure(t *testing.T) {
	v := newVerifier(newWorld(), nil, newClock())
	v.sources.fetch = func(context.Context, Tenant, string, KeySource) (jwt.KeySet, string, error) { panic("parser") }
	_, err := v.External(t.Context(), tenant, read(t, sign(t, newKey(t, "k", jwt.ES256), "JWT", longClaims())), discovery)
	wantFault(t, err, fault.KeysUnavailable)
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
