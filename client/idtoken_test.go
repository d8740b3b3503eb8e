package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc/client"
)

func TestIDTokenIsOneStandardCall(t *testing.T) {
	timed(t, func(t *testing.T, s *fake, c *client.Client) {
		token := idToken(t, c, nil)
		r := s.asked()[0]
		if r.url != base+"/w/prod/token" || r.form.Get("grant_type") != exchange || r.form.Get("audience") != audience ||
			r.form.Get("subject_token_type") != tokenOf+"access_token" || r.form.Get("requested_token_type") != tokenOf+"id_token" {
			t.Errorf("asked %s with %v", r.url, r.form)
		}
		if r.header.Get("Authorization") != "" || len(r.header.Get("Idempotency-Key")) < 22 {
			t.Errorf("asked with %v", r.header)
		}
		if token.Workspace != "prod" || !token.ExpiresAt.Equal(time.Now().Add(s.life)) {
			t.Errorf("of %s until %v", token.Workspace, token.ExpiresAt)
		}
	})
}

func TestSecurityTokensDoNotPrint(t *testing.T) {
	timed(t, func(t *testing.T, _ *fake, c *client.Client) {
		token := idToken(t, c, nil)
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if text := fmt.Sprintf(format, token) + fmt.Sprintf(format, []client.Token{token}); text != "[redacted][[redacted]]" &&
				text != "[redacted][]client.Token{[redacted]}" {
				t.Errorf("%s prints %s", format, text)
			}
		}
	})
}

func TestTokensAreKeptAndRenewedAhead(t *testing.T) {
	timed(t, func(t *testing.T, s *fake, c *client.Client) {
		first := idToken(t, c, nil)
		time.Sleep(s.life*2/3 - time.Second)
		wantSame(t, first, idToken(t, c, nil), true)
		s.wantRequests(t, 1)

		time.Sleep(s.life/12 + 2*time.Second) // the jitter is over
		release := s.block()
		wantSame(t, first, idToken(t, c, nil), true) // does not wait for the renewal that it starts
		wantSame(t, first, idToken(t, c, nil), true)
		s.wantRequests(t, 2)
		close(release)
		synctest.Wait()
		second := idToken(t, c, nil)
		wantSame(t, first, second, false)
		s.wantRequests(t, 2)

		time.Sleep(time.Hour) // nobody came
		wantSame(t, second, idToken(t, c, nil), false)
		s.wantRequests(t, 3)
	})
}

func TestRenewalsAreSpread(t *testing.T) {
	timed(t, func(t *testing.T, s *fake, c *client.Client) {
		var ages []time.Duration
		for range 20 {
			s.mu.Lock()
			s.requests = nil
			s.mu.Unlock()
			c := &client.Client{HTTPClient: s.client(), Source: c.Source}
			start := time.Now()
			for idToken(t, c, nil); len(s.asked()) < 2; idToken(t, c, nil) {
				time.Sleep(time.Second)
			}
			ages = append(ages, time.Since(start))
		}
		slices.Sort(ages)
		if ages[0] < s.life*2/3 || ages[19] > s.life*3/4+time.Second || ages[19]-ages[0] < s.life/60 {
			t.Errorf("renewed at the ages %v", ages)
		}
	})
}

func TestATokenIsNotHandedOutAtItsEnd(t *testing.T) {
	timed(t, func(t *testing.T, s *fake, c *client.Client) {
		first := idToken(t, c, nil)
		s.fail(errRefused)
		time.Sleep(s.life - s.life/20 - time.Second)
		wantSame(t, first, idToken(t, c, nil), true) // the server is down, the token still serves
		time.Sleep(5 * time.Second)
		if token := idToken(t, c, errRefused); token.Secret() != "" {
			t.Error("a token was handed out beside the error")
		}
	})
}

func TestAFailedRenewalIsNotRepeatedAtOnce(t *testing.T) {
	timed(t, func(t *testing.T, s *fake, c *client.Client) {
		idToken(t, c, nil)
		s.mu.Lock()
		s.answer = func(w http.ResponseWriter, _ int) bool {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		s.mu.Unlock()
		time.Sleep(s.life * 3 / 4)
		for range 100 {
			idToken(t, c, nil)
		}
		s.wantRequests(t, 2)
		time.Sleep(10 * time.Second)
		idToken(t, c, nil)
		s.wantRequests(t, 3)
	})
}

// TestAFailedRenewalDoesNotKeepAnEndedToken: the pause after a failure ends with the token.
func TestAFailedRenewalDoesNotKeepAnEndedToken(t *testing.T) {
	timed(t, func(t *testing.T, s *fake, c *client.Client) {
		first := idToken(t, c, nil)
		s.mu.Lock()
		s.answer = func(w http.ResponseWriter, n int) bool {
			if n == 2 {
				w.WriteHeader(http.StatusForbidden)
			}
			return n == 2
		}
		s.mu.Unlock()
		time.Sleep(s.life - s.life/20 - time.Second)
		wantSame(t, first, idToken(t, c, nil), true)
		time.Sleep(2 * time.Second)
		wantSame(t, first, idToken(t, c, nil), false)
		s.wantRequests(t, 3)
	})
}

func TestOneFlightPerAudience(t *testing.T) {
	timed(t, func(t *testing.T, s *fake, c *client.Client) {
		release := s.block()
		var all sync.WaitGroup
		for n := range 200 {
			all.Go(func() {
				if _, err := c.IDToken(t.Context(), fmt.Sprint(audience, n%2)); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		s.wantRequests(t, 2)
		close(release)
		all.Wait()
		s.wantRequests(t, 2)
	})
}

// TestAFlightOutlivesItsCaller: who asked first goes away, those who wait with him do not suffer.
func TestAFlightOutlivesItsCaller(t *testing.T) {
	timed(t, func(t *testing.T, s *fake, c *client.Client) {
		release := s.block()
		first, cancel := context.WithCancel(t.Context())
		errs := make(chan error, 2)
		go func() {
			_, err := c.IDToken(first, audience)
			errs <- err
		}()
		synctest.Wait()
		go func() {
			_, err := c.IDToken(t.Context(), audience)
			errs <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("who went away: %v", err)
		}
		close(release)
		if err := <-errs; err != nil {
			t.Errorf("who waited: %v", err)
		}
		s.wantRequests(t, 1)
	})
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	timed(t, func(t *testing.T, s *fake, c *client.Client) {
		ask := func(n int) {
			if _, err := c.IDToken(t.Context(), fmt.Sprint(n)); err != nil {
				t.Fatal(err)
			}
		}
		for n := range 1200 {
			ask(n)
		}
		ask(1199) // the youngest is kept
		s.wantRequests(t, 1200)
		for n := range 1200 {
			ask(n)
		}
		if again := len(s.asked()) - 1200; again < 1200-1024 {
			t.Errorf("%d of 1200 tokens were kept", 1200-again)
		}
	})
}

// TestWhatIsUnderWayIsNotForgotten: more requests at once than tokens are kept.
func TestWhatIsUnderWayIsNotForgotten(t *testing.T) {
	timed(t, func(t *testing.T, s *fake, c *client.Client) {
		release := s.block()
		var all sync.WaitGroup
		for n := range 2 * 1100 {
			all.Go(func() {
				if _, err := c.IDToken(t.Context(), fmt.Sprint(n%1100)); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(release)
		all.Wait()
		s.wantRequests(t, 1100)
	})
}

func TestTokenSource(t *testing.T) {
	timed(t, func(t *testing.T, s *fake, c *client.Client) {
		source := c.TokenSource(audience)
		token, err := source.Token()
		if err != nil || token.Type() != "Bearer" || token.AccessToken != idToken(t, c, nil).Secret() || !token.Valid() {
			t.Errorf("%v, %v", token.Type(), err)
		}
		s.wantRequests(t, 1)
		s.fail(errRefused)
		time.Sleep(time.Hour)
		if token, err := source.Token(); token != nil || !errors.Is(err, errRefused) {
			t.Errorf("%v", err)
		}
	})
}
