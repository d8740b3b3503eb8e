package identity

import (
	"fmt"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/jwt"
)

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

func TestRule15AnAnswerInTheBackgroundEndsTheExtension(t *testing.T) {
	k, w, c := newKey(t, "k", jwt.ES256), newWorld(), newClock()
	w.publish(issuer, keySet(t, k))
	v := newVerifier(w, nil, c)
	u := read(t, sign(t, k, "JWT", longClaims()))
	for _, step := range []struct {
		what  string
		class class
		after time.Duration
		code  fault.Code
	}{
		{"fetched", "", 0, ""},
		{"the issuer is not reached", unreachable, 6 * time.Minute, ""},
		{"it says 404 while its old keys are still in use", noSuccess, retryPace, ""},
		{"they are not any more", noSuccess, time.Second, fault.KeysUnavailable},
	} {
		if step.class != "" {
			w.fail(issuer, step.class)
		}
		c.advance(step.after)
		_, err := v.External(t.Context(), tenant, u, discovery)
		settled(v, issuer)
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
