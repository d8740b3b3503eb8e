package identity

import (
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/jwt"
)

// bearer is an Identity under a name that nobody outside can reach through a Supposed.
type bearer = Identity

// Supposed is who somebody would be whose token made these claims. Nothing vouches for it: it has what an Identity has and
// is none, so that the compiler keeps it from everything that decides, records or signs. It is for explaining and
// simulating decisions.
type Supposed struct{ bearer }

// Suppose reads claims as a token of the tenant's own issuer or of another one would be read, without a signature and
// without looking at its times. The error is a fault.TokenMalformed, or a TokenRefused where claims of our own are not as
// we write them.
func Suppose(tenant Tenant, claims []byte) (Supposed, error) {
	c, err := jwt.ParseClaims(claims)
	if err != nil {
		return Supposed{}, fault.New(fault.TokenMalformed, err)
	}
	u := Unverified{stored: c}
	if c.Issuer != tenant.Issuer {
		return Supposed{Identity{externalIdentity(tenant, u, jwt.Key{}, "")}}, nil
	}
	known, err := ownIdentity(tenant, u, jwt.Key{})
	if err != nil {
		return Supposed{}, err
	}
	return Supposed{Identity{known}}, nil
}
