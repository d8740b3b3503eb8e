package identity

import (
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/jwt"
)

// Unverified is a well-formed token that nobody has checked yet. It tells enough to route the token to the workspace
// and the issuer that it claims to concern; what it says is the word of a stranger.
type Unverified struct {
	token  *jwt.Token
	known  *verified   // the cache's memory of this very token, in place of token
	stored *jwt.Claims // what the store has for an opaque token of our own, in place of token
	lasts  bool        // a revocable token: each use begins a chain of its own, so it is not remembered
	digest [32]byte
}

// Read parses a compact token without verifying it. Its faults are TokenTooLarge, TokenMalformed and TokenAlgorithm.
func Read(raw string) (Unverified, error) { return parse(raw, sha256.Sum256([]byte(raw))) }

func parse(raw string, digest [32]byte) (Unverified, error) {
	token, err := jwt.Parse(raw)
	switch {
	case errors.Is(err, jwt.ErrTooLarge):
		return Unverified{}, fault.New(fault.TokenTooLarge, err)
	case errors.Is(err, jwt.ErrAlgorithm):
		return Unverified{}, fault.New(fault.TokenAlgorithm, err)
	case err != nil:
		return Unverified{}, fault.New(fault.TokenMalformed, err)
	}
	return Unverified{token: token, digest: digest}, nil
}

// Issuer returns the token's iss, or "".
func (u Unverified) Issuer() string { return u.claims().Issuer }

// Subject returns the token's sub, or "".
func (u Unverified) Subject() string { return u.claims().Subject }

// Audience returns a copy of the token's aud.
func (u Unverified) Audience() []string { return slices.Clone(u.claims().Audience) }

// TokenID returns the token's jti, or "".
func (u Unverified) TokenID() string { return u.claims().ID }

var noClaims jwt.Claims

func (u Unverified) claims() *jwt.Claims {
	switch {
	case u.token != nil:
		return u.token.Claims
	case u.known != nil:
		return u.known.claims
	case u.stored != nil:
		return u.stored
	}
	return &noClaims
}

// Payload returns the claims as they were written, JSON, or "".
func (u Unverified) Payload() string { return u.claims().Document() }
