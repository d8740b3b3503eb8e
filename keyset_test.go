package nsc_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc"
	"github.com/nsc-federation/nsc/internal/jwt"
)

// lasting returns an ID token that is good for a day, so that only the keys' age matters.
func (i *issuer) lasting(k key) string {
	return k.sign("JWT", i.idClaims().with(claims{"exp": time.Now().Add(24 * time.Hour).Unix(), "jti": k.id}))
}

// verify verifies a token, wants a reason or none, and lets what runs in the background finish.
func verify(t *testing.T, v *nsc.Verifier, token string, reason error) {
	t.Helper()
	_, err := v.Verify(t.Context(), token)
	wantError(t, err, reason)
	synctest.Wait()
}

func (i *issuer) wantFetches(t *testing.T, want int) {
	t.Helper()
	if n := i.fetches(); n != want {
		t.Errorf("%d fetches, want %d", n, want)
	}
}

// timed runs a test whose time is the test's own.
func timed(t *testing.T, test func(t *testing.T, i *issuer)) {
	synctest.Test(t, func(t *testing.T) { test(t, newIssuer(prod)) })
}

var refused = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}

func TestRule15KeysAreRefreshedAheadOfTheirEnd(t *testing.T) {
	timed(t, func(t *testing.T, i *issuer) {
		v, token := i.verifier(), i.lasting(i.key)
		verify(t, v, token, nil)
		time.Sleep(3*time.Minute + 59*time.Second)
		verify(t, v, token, nil)
		i.wantFetches(t, 1)
		time.Sleep(2 * time.Second)
		release := i.block()
		verify(t, v, token, nil) // does not wait for the fetch that it starts
		i.wantFetches(t, 2)
		verify(t, v, token, nil)
		i.wantFetches(t, 2)
		close(release)
		synctest.Wait()
		time.Sleep(3 * time.Minute)
		verify(t, v, token, nil)
		i.wantFetches(t, 2)
	})
}

// block has every call wait until what it returns is closed.
func (i *issuer) block() chan struct{} {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.hold = make(chan struct{})
	return i.hold
}

func TestRule15WithdrawnKeyIsRefused(t *testing.T) {
	timed(t, func(t *testing.T, i *issuer) {
		second := newKey("k2", jwt.ES256)
		i.publish(i.key, second)
		v, withdrawn, kept := i.verifier(), i.lasting(i.key), i.lasting(second)
		verify(t, v, withdrawn, nil)
		verify(t, v, kept, nil)
		i.publish(second)
		time.Sleep(5 * time.Minute)
		verify(t, v, withdrawn, nsc.ErrSignature) // rule 17: although it was verified before
		verify(t, v, kept, nil)
		time.Sleep(coolDown)
		verify(t, v, i.key.sign("JWT", i.idClaims().with(claims{"jti": "new"})), nsc.ErrSignature)
	})
}

const coolDown = 10 * time.Second

func TestRule15AKeyIsItsNameAndItsNumbers(t *testing.T) {
	timed(t, func(t *testing.T, i *issuer) {
		v, token, renamed := i.verifier(), i.lasting(i.key), i.key
		verify(t, v, token, nil)
		i.publish(newKey(i.key.id, jwt.ES256))
		time.Sleep(5 * time.Minute)
		verify(t, v, token, nsc.ErrSignature)
		i.publish(i.key)
		time.Sleep(5 * time.Minute)
		verify(t, v, token, nil)
		renamed.ID = "k2"
		i.publish(renamed)
		time.Sleep(5 * time.Minute)
		verify(t, v, token, nsc.ErrSignature)
	})
}

func TestRule15RotationFailsNobody(t *testing.T) {
	timed(t, func(t *testing.T, i *issuer) {
		v, next := i.verifier(), newKey("k2", jwt.EdDSA)
		verify(t, v, i.lasting(i.key), nil)
		time.Sleep(time.Minute)
		i.publish(i.key, next)
		verify(t, v, i.lasting(next), nil) // an unknown key ID asks for a fetch
		verify(t, v, i.lasting(i.key), nil)
		i.wantFetches(t, 2)
	})
}

func TestSecurityUnknownKeyIDsCauseOneFetchPerCoolDown(t *testing.T) {
	timed(t, func(t *testing.T, i *issuer) {
		v := i.verifier()
		verify(t, v, i.lasting(i.key), nil)
		time.Sleep(coolDown)
		signer := newKey("", jwt.ES256)
		header, payload := `{"alg":"ES256","typ":"JWT","kid":"%d"}`, strings.Split(i.lasting(i.key), ".")[1]
		signature := strings.Split(i.lasting(signer), ".")[2]
		var wait sync.WaitGroup
		for n := range 10_000 {
			wait.Go(func() {
				_, err := v.Verify(t.Context(), b64(fmt.Sprintf(header, n))+"."+payload+"."+signature)
				if !errors.Is(err, nsc.ErrKeysUnavailable) && !errors.Is(err, nsc.ErrSignature) {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		i.wantFetches(t, 2)
		_, err := v.Verify(t.Context(), i.lasting(newKey("k9", jwt.ES256)))
		var unavailable *nsc.KeysUnavailableError
		if !errors.As(err, &unavailable) || unavailable.RetryAfter != coolDown {
			t.Errorf("inside the cool-down: %#v", err)
		}
		verify(t, v, i.lasting(i.key), nil) // the honest are not hindered
		time.Sleep(coolDown)
		verify(t, v, i.lasting(newKey("k9", jwt.ES256)), nsc.ErrSignature)
		i.wantFetches(t, 3)
	})
}

func TestRule15OutageExtendsKeysByAnHour(t *testing.T) {
	serverError := answer{status: http.StatusServiceUnavailable, body: strings.NewReader("")}
	for name, row := range map[string]struct {
		begin func(*issuer)
		lasts time.Duration // how old the last set may become
	}{
		"the network":     {func(i *issuer) { i.fail(refused) }, 65 * time.Minute},
		"no answer":       {func(i *issuer) { i.block() }, 65 * time.Minute},
		"a 503":           {func(i *issuer) { i.give("/jwks", serverError) }, 65 * time.Minute},
		"a 404":           {func(i *issuer) { i.give("/jwks", answer{status: 404, body: strings.NewReader("")}) }, 5 * time.Minute},
		"a broken answer": {func(i *issuer) { i.give("/jwks", ok("{}")) }, 5 * time.Minute},
		"its certificate": {func(i *issuer) { i.fail(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}) }, 5 * time.Minute},
		"another issuer":  {func(i *issuer) { i.give("/.well-known/openid-configuration", ok(`{"issuer":"x"}`)) }, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			timed(t, func(t *testing.T, i *issuer) {
				v, token, start := i.verifier(), i.lasting(i.key), time.Now()
				verify(t, v, token, nil)
				row.begin(i)
				for time.Since(start) < row.lasts-20*time.Second {
					verify(t, v, token, nil)
					time.Sleep(10 * time.Second)
				}
				if n, most := i.fetches(), 2+int(time.Since(start)/(30*time.Second)); n > most {
					t.Errorf("%d fetches, want %d at most", n, most)
				}
				time.Sleep(row.lasts - time.Since(start) + 5*time.Second)
				verify(t, v, token, nsc.ErrKeysUnavailable)
				i.recover()
				time.Sleep(coolDown)
				verify(t, v, token, nil)
			})
		})
	}
}

// recover ends whatever an issuer suffers from.
func (i *issuer) recover() {
	i.mu.Lock()
	defer i.mu.Unlock()
	clear(i.answers)
	i.down, i.hold = nil, nil
}

// TestRule15ABrokenAnswerEndsTheExtension: an issuer that answers, even if with rubbish, is no longer down.
func TestRule15ABrokenAnswerEndsTheExtension(t *testing.T) {
	timed(t, func(t *testing.T, i *issuer) {
		v, token := i.verifier(), i.lasting(i.key)
		verify(t, v, token, nil)
		i.fail(refused)
		for range 60 {
			time.Sleep(10 * time.Second)
			verify(t, v, token, nil)
		}
		i.recover()
		i.give("/jwks", ok("{}"))
		time.Sleep(30 * time.Second)
		verify(t, v, token, nil) // this one starts the attempt that finds out
		verify(t, v, token, nsc.ErrKeysUnavailable)
		i.fail(refused)
		time.Sleep(coolDown)
		verify(t, v, token, nsc.ErrKeysUnavailable)
	})
}

// TestRule15AnOutageIsNotBelievedForLong: the issuer came back and withdrew its key while nobody asked. Who comes then is
// not answered from before.
func TestRule15AnOutageIsNotBelievedForLong(t *testing.T) {
	timed(t, func(t *testing.T, i *issuer) {
		v, token := i.verifier(), i.lasting(i.key)
		verify(t, v, token, nil)
		i.fail(refused)
		time.Sleep(4*time.Minute + 30*time.Second)
		verify(t, v, token, nil)
		i.recover()
		i.publish(newKey("k2", jwt.ES256))
		time.Sleep(10 * time.Minute)
		verify(t, v, token, nsc.ErrSignature)
	})
}

// TestRule15UnknownKeyDuringAnOutage: whether the issuer has the key cannot be known, so the token is not called bad.
func TestRule15UnknownKeyDuringAnOutage(t *testing.T) {
	timed(t, func(t *testing.T, i *issuer) {
		v := i.verifier()
		verify(t, v, i.lasting(i.key), nil)
		i.fail(refused)
		time.Sleep(time.Minute)
		verify(t, v, i.lasting(newKey("k2", jwt.ES256)), nsc.ErrKeysUnavailable)
		verify(t, v, i.lasting(i.key), nil)
	})
}

// TestRule15QuietVerifier: nobody came for hours; the first who comes waits for keys, and gets none of old.
func TestRule15QuietVerifier(t *testing.T) {
	timed(t, func(t *testing.T, i *issuer) {
		v, token := i.verifier(), i.lasting(i.key)
		verify(t, v, token, nil)
		time.Sleep(3 * time.Hour)
		i.fail(refused)
		verify(t, v, token, nsc.ErrKeysUnavailable)
		i.recover()
		verify(t, v, token, nsc.ErrKeysUnavailable) // inside the cool-down
		time.Sleep(coolDown)
		verify(t, v, token, nil)
		i.wantFetches(t, 3)
	})
}

func TestFirstTokensShareOneFetch(t *testing.T) {
	timed(t, func(t *testing.T, i *issuer) {
		v, token, release := i.verifier(), i.lasting(i.key), i.block()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				_, err := v.Verify(t.Context(), token)
				wantError(t, err, nil)
			})
		}
		impatient, cancel := context.WithCancel(t.Context())
		all.Go(func() {
			_, err := v.Verify(impatient, token)
			wantError(t, err, context.Canceled)
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(release)
		all.Wait()
		i.wantFetches(t, 1)
	})
}

// TestFetchOutlivesItsCaller: the request that happened to begin a fetch goes away, those who wait with it do not suffer.
func TestFetchOutlivesItsCaller(t *testing.T) {
	timed(t, func(t *testing.T, i *issuer) {
		v, token, release := i.verifier(), i.lasting(i.key), i.block()
		first, cancel := context.WithCancel(t.Context())
		go func() { _, _ = v.Verify(first, token) }()
		synctest.Wait()
		second := make(chan error)
		go func() {
			_, err := v.Verify(t.Context(), token)
			second <- err
		}()
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(release)
		wantError(t, <-second, nil)
		i.wantFetches(t, 1)
	})
}

func TestAPanickingTransportIsAFailedFetch(t *testing.T) {
	i := newIssuer(prod)
	client := &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) { panic("no") })}
	wantError(t, nsc.NewVerifier(i.url, audience, nsc.HTTPClient(client)).Ready(t.Context()), nsc.ErrKeysUnavailable)
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestFailedFetchesAreLogged(t *testing.T) {
	timed(t, func(t *testing.T, i *issuer) {
		var out bytes.Buffer
		v, token := i.verifier(nsc.Log(slog.New(slog.NewTextHandler(&out, nil)))), i.lasting(i.key)
		verify(t, v, token, nil)
		if out.Len() > 0 {
			t.Errorf("all is well, and the log says %s", &out)
		}
		i.fail(refused)
		time.Sleep(4*time.Minute + 30*time.Second)
		verify(t, v, token, nil)
		if text := out.String(); !strings.Contains(text, "connection refused") || !strings.Contains(text, prod) || strings.Contains(text, token) {
			t.Errorf("the log says %s", text)
		}
	})
}

func TestReady(t *testing.T) {
	timed(t, func(t *testing.T, i *issuer) {
		v := i.verifier()
		wantError(t, v.Ready(t.Context()), nil)
		wantError(t, v.Ready(t.Context()), nil)
		i.wantFetches(t, 1)
		verify(t, v, i.lasting(i.key), nil)
		i.wantFetches(t, 1)
	})
}
