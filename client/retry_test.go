package client_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/client"
)

func TestRetries(t *testing.T) {
	refuse := func(status int, retry string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", retry)
			w.WriteHeader(status)
			fmt.Fprint(w, `{"error":"temporarily_unavailable","error_description":"busy","code":"unavailable","refusal_id":"r1"}`)
		}
	}
	page := func(status int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.WriteHeader(status)
			fmt.Fprint(w, "<html>")
		}
	}
	certificate := &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
	for name, row := range map[string]struct {
		times    int // that it fails
		answer   func(http.ResponseWriter)
		down     error
		attempts int
		pause    time.Duration // before the first retry, at least
		status   int           // of the error in the end; 0 is none, -1 another
	}{
		"all is well":                      {0, refuse(503, ""), nil, 1, 0, 0},
		"a 503":                            {1, refuse(503, ""), nil, 2, 250 * time.Millisecond, 0},
		"a 429":                            {1, refuse(429, ""), nil, 2, 250 * time.Millisecond, 0},
		"three of them":                    {3, refuse(503, ""), nil, 4, 250 * time.Millisecond, 0},
		"more than we ask for":             {9, refuse(503, ""), nil, 4, 250 * time.Millisecond, 503},
		"the server says when":             {1, refuse(503, "7"), nil, 2, 7 * time.Second, 0},
		"the server says much later":       {1, refuse(503, "3600"), nil, 1, 0, 503},
		"the server says when, for long":   {9, refuse(503, "29"), nil, 2, 29 * time.Second, 503},
		"the server says nonsense":         {1, refuse(503, "soon"), nil, 2, 250 * time.Millisecond, 0},
		"the server says when, as a date":  {1, refuse(429, time.Date(2000, 1, 1, 0, 0, 9, 0, time.UTC).Format(http.TimeFormat)), nil, 2, 9 * time.Second, 0},
		"the network":                      {1, nil, errRefused, 2, 250 * time.Millisecond, 0},
		"the network, for long":            {9, nil, errRefused, 4, 250 * time.Millisecond, -1},
		"a certificate is no network":      {9, nil, certificate, 1, 0, -1},
		"a refusal is an answer":           {9, refuse(400, ""), nil, 1, 0, 400},
		"a refusal that may change":        {9, refuse(403, "1"), nil, 1, 0, 403},
		"a failure of the server":          {1, refuse(500, ""), nil, 2, 250 * time.Millisecond, 0},
		"a failure that stays":             {9, refuse(500, ""), nil, 4, 250 * time.Millisecond, 500},
		"a proxy before a server restarts": {2, page(502), nil, 3, 250 * time.Millisecond, 0},
		"a proxy that waits in vain":       {2, page(504), nil, 3, 250 * time.Millisecond, 0},
		"a proxy that says when":           {1, refuse(502, "7"), nil, 2, 7 * time.Second, 0},
		"what is not implemented":          {9, refuse(501, ""), nil, 1, 0, 501},
		"a redirect is not followed":       {9, func(w http.ResponseWriter) { w.Header().Set("Location", "https://evil.example"); w.WriteHeader(307) }, nil, 1, 0, 307},
		"success without a token":          {9, func(w http.ResponseWriter) { fmt.Fprint(w, `{"expires_in":300}`) }, nil, 1, 0, -1},
		"success with a page":              {9, func(w http.ResponseWriter) { fmt.Fprint(w, `<html>`) }, nil, 1, 0, -1},
		"success with an answer too large": {9, func(w http.ResponseWriter) { fmt.Fprintf(w, `{"access_token":"%070000d"}`, 1) }, nil, 1, 0, -1},
	} {
		t.Run(name, func(t *testing.T) {
			timed(t, func(t *testing.T, s *fake, c *client.Client) {
				s.answer = func(w http.ResponseWriter, n int) bool {
					if n <= row.times && row.answer != nil {
						row.answer(w)
						return true
					}
					return false
				}
				s.down = func(n int) error {
					if n <= row.times {
						return row.down
					}
					return nil
				}
				_, err := c.IDToken(t.Context(), audience)
				var refused *client.RefusedError
				errors.As(err, &refused)
				switch {
				case row.status == 0 && err != nil, row.status != 0 && err == nil, row.status > 0 && (refused == nil || refused.Status != row.status):
					t.Errorf("error %v", err)
				case row.status == 503 && (refused.OAuth != "temporarily_unavailable" || refused.Code != "unavailable" || refused.RefusalID != "r1"):
					t.Errorf("%+v", refused)
				}
				all := s.asked()
				if len(all) != row.attempts {
					t.Fatalf("%d attempts", len(all))
				}
				for n := 1; n < len(all); n++ {
					if all[n].header.Get("Idempotency-Key") != all[0].header.Get("Idempotency-Key") {
						t.Error("a retry under another key")
					}
					least := max(row.pause, 250*time.Millisecond<<(n-1))
					if pause := all[n].at.Sub(all[n-1].at); pause < least || n == 1 && pause > row.pause*3/2+time.Millisecond {
						t.Errorf("a pause of %v", pause)
					}
				}
			})
		})
	}
}

// TestNoRetryBeyondTheDeadline: who has no time to wait learns at once what is wrong.
func TestNoRetryBeyondTheDeadline(t *testing.T) {
	timed(t, func(t *testing.T, s *fake, c *client.Client) {
		s.fail(errRefused)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := c.Exchange(ctx, mint("https://ci.example", base+"/w/prod", 1, time.Hour))
		if !errors.Is(err, errRefused) || time.Since(start) > 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// TestALongPauseIsTheCallersToMake: a server that will be away for an hour holds nobody up.
func TestALongPauseIsTheCallersToMake(t *testing.T) {
	timed(t, func(t *testing.T, s *fake, c *client.Client) {
		s.answer = func(w http.ResponseWriter, _ int) bool {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		start := time.Now()
		_, err := c.Exchange(t.Context(), mint("https://ci.example", base+"/w/prod", 1, time.Hour))
		var refused *client.RefusedError
		if !errors.As(err, &refused) || refused.RetryAfter != time.Hour || time.Since(start) > 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestNoRetryForWhoWentAway(t *testing.T) {
	timed(t, func(t *testing.T, s *fake, c *client.Client) {
		s.fail(errRefused)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		start := time.Now()
		_, err := c.Exchange(ctx, mint("https://ci.example", base+"/w/prod", 1, time.Hour))
		if err == nil || time.Since(start) != 10*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		s.wantRequests(t, 1)
	})
}

func TestAnAttemptEnds(t *testing.T) {
	timed(t, func(t *testing.T, s *fake, c *client.Client) {
		s.block()
		start := time.Now()
		_, err := c.IDToken(t.Context(), audience)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) < 40*time.Second || time.Since(start) > 50*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		s.wantRequests(t, 4)
	})
}
