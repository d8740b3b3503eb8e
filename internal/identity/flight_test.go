package identity

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/jwt"
)

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
