package sts_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/opaque"
	"github.com/nsc-federation/nsc/internal/sts"
)

// unreachable is a store of secrets that nobody reaches.
type unreachable struct{}

func (unreachable) Opaque(context.Context, []byte) ([]byte, error) {
	return nil, errors.New("no connection")
}

func (unreachable) Revocable(ctx context.Context, _ []byte) (identity.Registered, error) {
	return identity.Registered{}, ctx.Err()
}

// "Not authenticated" is a word about the token: its holder throws it away. Where nobody could tell, because the database
// or the caller himself is gone, it must not be said.
func TestWhoCannotBeRecognisedNowIsNotUnauthenticated(t *testing.T) {
	onEach(t, func(l *lab) {
		l.trust()
		own := l.mustExchange(l.a, l.external(nil))
		l.watch(l.b)
		access, _ := opaque.New(opaque.Access)
		revocable, _ := opaque.New(opaque.Revocable)
		gone, leave := context.WithCancel(l.Context())
		leave()
		service := l.b.with(func(c *sts.Config) {
			c.Verifier = identity.Open(identity.Options{Own: l.b.rings, Secrets: unreachable{}, Issuer: l.b.cache.Issuer, Now: time.Now})
		})
		for rule, row := range map[string]struct {
			ctx   context.Context
			token string
		}{
			"a JWT whose bearer is gone":                {gone, own},
			"a revocable token whose bearer is gone":    {gone, revocable},
			"an opaque token that cannot be looked up":  {l.Context(), access},
			"an opaque token, and its bearer gone, too": {gone, access},
		} {
			_, _, err := service.Authenticate(row.ctx, "acme", row.token)
			if err == nil || fault.From(err).Status() != http.StatusServiceUnavailable {
				l.Errorf("%s: %v", rule, err)
			}
		}
		for rule, token := range map[string]string{"no token": "garbage", "a token of another issuer": l.external(nil)} {
			if _, _, err := service.Authenticate(l.Context(), "acme", token); !fault.Is(err, fault.Unauthenticated) {
				l.Errorf("%s: %v", rule, err)
			}
		}
	})
}

// Rule 24: who does not wait for his answer fills no log with errors.
func TestRule24WhoLeavesIsNoErrorOfOurs(t *testing.T) {
	onEach(t, func(l *lab) {
		l.trust()
		gone, leave := context.WithCancel(l.Context())
		leave()
		before := l.b.log.Len()
		for range 100 {
			_, err := l.b.Exchange(gone, request(l.external(nil)))
			l.wantFault(err, fault.Unavailable)
		}
		told := l.b.log.String()[before:]
		if lines := strings.Count(told, "\n"); strings.Contains(told, "level=ERROR") || lines == 0 || lines > 50 {
			l.Errorf("%d lines: %s", lines, told)
		}
	})
}
