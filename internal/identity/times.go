package identity

import (
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/jwt"
)

// leeway is how far another issuer's clock may be from ours (RFC 7519 §4.1.4).
const leeway = 60 // seconds

// checkComplete refuses a token without the claims that every decision needs. RFC 7519 makes all of them optional.
func checkComplete(c *jwt.Claims) error {
	for _, claim := range []struct {
		name    string
		present bool
	}{
		{"iss", c.Issuer != ""},
		{"sub", c.Subject != ""},
		{"aud", len(c.Audience) > 0},
		{"exp", c.ExpiresAt != 0},
		{"iat", c.IssuedAt != 0},
	} {
		if !claim.present {
			return fault.Newf(fault.TokenIncomplete, "the token has no %s", claim.name)
		}
	}
	return nil
}

// checkTimes compares exp, nbf and iat (RFC 7519 §4.1.4 to §4.1.6) with now. The leeway of exp is in seconds; our own
// tokens have none, since the clock that made exp is ours.
func checkTimes(c *jwt.Claims, now time.Time, expLeeway int64) error {
	at := now.Unix()
	switch {
	case c.ExpiresAt <= at-expLeeway:
		return fault.Newf(fault.TokenExpired, "exp %d, now %d", c.ExpiresAt, at)
	case c.NotBefore > at+leeway:
		return fault.Newf(fault.TokenNotYetValid, "nbf %d, now %d", c.NotBefore, at)
	case c.IssuedAt > at+leeway:
		return fault.Newf(fault.TokenNotYetValid, "iat %d, now %d", c.IssuedAt, at)
	}
	return nil
}
