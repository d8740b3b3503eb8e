package api

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc/internal/failure"
)

func TestRequestsAreRepeatedWhereTheServerAsksForAMoment(t *testing.T) {
	whoami := func(c *Client) error { _, err := c.WhoAmI(t.Context(), "prod", "secret"); return err }
	signIn := func(c *Client) error {
		_, err := c.SignIn(t.Context(), "prod", SignInRequest{Token: "x"})
		return err
	}
	revoke := func(c *Client) error { return c.RemoveTrust(t.Context(), "prod", "secret", "t1") }
	for rule, row := range map[string]struct {
		call    func(*Client) error
		status  int
		asks    string // Retry-After
		refuses int    // so many times
		calls   int
		waits   []time.Duration
		done    bool
	}{
		"a read":                       {whoami, 503, "1", 1, 2, []time.Duration{time.Second}, true},
		"a token, by its key":          {signIn, 503, "2", 2, 3, []time.Duration{2 * time.Second, 2 * time.Second}, true},
		"not for ever":                 {signIn, 503, "1", 9, 3, []time.Duration{time.Second, time.Second}, false},
		"not where it takes longer":    {whoami, 503, "7", 1, 1, nil, false},
		"not where nobody asks for it": {whoami, 503, "", 1, 1, nil, false},
		"not where it was too much":    {whoami, 429, "1", 1, 1, nil, false},
		"not what might be done again": {revoke, 503, "1", 1, 1, nil, false},
		"not what succeeded":           {whoami, 503, "1", 0, 1, nil, true},
	} {
		t.Run(rule, func(t *testing.T) {
			var keys []string
			calls := 0
			c := answering(t, func(w http.ResponseWriter, r *http.Request) {
				calls++
				keys = append(keys, r.Header.Get("Idempotency-Key"))
				if calls <= row.refuses {
					if row.asks != "" {
						w.Header().Set("Retry-After", row.asks)
					}
					plainAnswer(row.status, "application/json", `{"error":"temporarily_unavailable","code":"unavailable"}`)(w, r)
					return
				}
				plainAnswer(200, "application/json", `{"subject":"s","access_token":"t"}`)(w, r)
			})
			var waits []time.Duration
			c.pause = func(_ context.Context, d time.Duration) error {
				waits = append(waits, d)
				return nil
			}
			err := row.call(c)
			if calls != row.calls || !slices.Equal(waits, row.waits) || (err == nil) != row.done {
				t.Errorf("%d calls, waited %v: %v", calls, waits, err)
			}
			if len(slices.Compact(keys)) > 1 {
				t.Errorf("keys %v", keys)
			}
			if err != nil {
				wantFailure(t, err, failure.Failed, "temporarily_unavailable", "try again in ")
			}
		})
	}
}

func TestWhoGivesUpWaitsNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := pause(ctx, time.Minute); err == nil || time.Since(began) != time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		began = time.Now()
		if err := pause(t.Context(), time.Minute); err != nil || time.Since(began) < time.Minute || time.Since(began) > 90*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}
