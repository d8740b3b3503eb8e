package api

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"
)

const (
	attempts    = 3               // of a request that may be repeated
	longestWait = 3 * time.Second // that a command waits by itself for a server which asks for it (RFC 9110 §10.2.3)
)

// patience returns for how long to wait before a request that failed is sent again, 0 where that is of no use or might do
// something twice. A request changes nothing if it only reads, and nothing twice if it has an idempotency key.
func (r request) patience(err error) time.Duration {
	var refused *Refusal
	harmless := r.method == http.MethodGet || r.header.Get("Idempotency-Key") != ""
	if !harmless || !errors.As(err, &refused) || refused.HTTPStatus != http.StatusServiceUnavailable || refused.RetryAfter > longestWait {
		return 0
	}
	return refused.RetryAfter
}

// pause waits, and up to half as long again, so that those who were refused together do not come back together.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d + rand.N(d/2+1)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
