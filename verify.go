package nsc

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"time"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// The typ of the kinds of token.
const (
	idToken     = "JWT"
	accessToken = "at+jwt"
)

// Verifier checks tokens of one issuer for one audience. It may be used by many goroutines at once.
type Verifier struct {
	issuer, audience string
	typ              string
	leeway           time.Duration
	keys             keySet
	seen             cache
	misconfigured    error
}

// NewVerifier returns a verifier for the tokens of an issuer (a workspace: https://nsc.example.com/w/prod) that are for an
// audience (you). Both are compared byte for byte, and both are mandatory. Nothing is fetched yet.
//
// A verifier that cannot be right (no audience, an issuer without HTTPS) refuses every token with [ErrMisconfigured];
// [Verifier.Ready] tells at start-up.
func NewVerifier(issuer, audience string, options ...Option) *Verifier {
	v := &Verifier{issuer: issuer, audience: audience, typ: idToken}
	v.keys.source = source{issuer: issuer, client: ownClient()}
	v.keys.log = slog.New(slog.DiscardHandler)
	for _, option := range options {
		if option != nil {
			option(v)
		}
	}
	v.misconfigured = v.check()
	return v
}

func (v *Verifier) check() error {
	switch {
	case v.audience == "":
		return refuse(ErrMisconfigured, "no audience: without one, tokens that were meant for others would be accepted")
	case v.leeway < 0 || v.leeway > maxLeeway:
		return refuse(ErrMisconfigured, "a leeway of %v: it is 0 to %v", v.leeway, maxLeeway)
	}
	if err := v.keys.source.checkIssuer(); err != nil {
		return refuse(ErrMisconfigured, "issuer: %v", err)
	}
	return nil
}

// Ready returns nil where the verifier can verify tokens now: it is configured properly and has keys, which it fetches
// where it must. Call it at start-up, to fail early, or from a readiness probe.
func (v *Verifier) Ready(ctx context.Context) error {
	if v.misconfigured != nil {
		return v.misconfigured
	}
	_, err := v.keys.current(ctx)
	return err
}

// Verify checks a token in its compact form, without the word Bearer, and returns what it says. Errors wrap one of
// the reasons that begin with Err.
func (v *Verifier) Verify(ctx context.Context, token string) (Claims, error) {
	if v.misconfigured != nil {
		return Claims{}, v.misconfigured
	}
	if len(token) > jwt.MaxSize { // before anything is done with it
		return Claims{}, refuse(ErrMalformed, "%d bytes", len(token))
	}
	digest := sha256.Sum256([]byte(token))
	if known := v.seen.get(digest); known != nil {
		return v.again(ctx, known)
	}
	return v.verify(ctx, token, digest)
}

// again checks of a token that was verified before what may have changed since: the time, and whether the issuer still
// publishes the key.
func (v *Verifier) again(ctx context.Context, known *verified) (Claims, error) {
	if err := v.checkTimes(known.claims.more.all); err != nil {
		return Claims{}, err
	}
	set, err := v.keys.current(ctx)
	if err != nil {
		return Claims{}, err
	}
	if !known.signedBy(set) {
		return Claims{}, refuse(ErrSignature, "the issuer has withdrawn the key %q", known.key.ID)
	}
	return known.claims, nil
}

// verify checks a token from its form to its signature. What is not addressed to this verifier costs no fetch.
func (v *Verifier) verify(ctx context.Context, raw string, digest [sha256.Size]byte) (Claims, error) {
	token, err := parse(raw)
	if err != nil {
		return Claims{}, err
	}
	if err := v.checkAddress(token); err != nil {
		return Claims{}, err
	}
	if err := v.checkTimes(token.Claims); err != nil {
		return Claims{}, err
	}
	keys, set, err := v.keys.find(ctx, token.Header)
	if err != nil {
		return Claims{}, err
	}
	key, err := checkSignature(token, keys)
	if err != nil {
		return Claims{}, err
	}
	claims := readClaims(token.Claims)
	v.seen.put(digest, newVerified(claims, token.Header.Algorithm, key, set))
	return claims, nil
}

func parse(raw string) (*jwt.Token, error) {
	token, err := jwt.Parse(raw)
	switch {
	case errors.Is(err, jwt.ErrAlgorithm):
		return nil, refuse(ErrAlgorithm, "%v", err)
	case err != nil:
		return nil, refuse(ErrMalformed, "%v", err)
	}
	return token, nil
}

// checkAddress refuses what is not meant for this verifier. An nsc token has one audience; in one with several, each of
// the others could show it here.
func (v *Verifier) checkAddress(t *jwt.Token) error {
	c := t.Claims
	switch {
	case t.Header.Type != v.typ: // RFC 8725 §3.11
		return refuse(ErrType, "typ is %.40q, not %q", t.Header.Type, v.typ)
	case c.Issuer != v.issuer:
		return refuse(ErrIssuer, "iss is %.200q, not %q", c.Issuer, v.issuer)
	case len(c.Audience) != 1 || c.Audience[0] != v.audience: // RFC 8725 §3.9
		return refuse(ErrAudience, "aud is %.200q, not %q alone", c.Audience, v.audience)
	case c.Subject == "" || c.ExpiresAt == 0 || c.IssuedAt == 0:
		return refuse(ErrIncomplete, "sub, iat and exp are needed")
	}
	return nil
}

// checkTimes compares exp and nbf with the clock (RFC 7519 §4.1.4, §4.1.5). Where there is no nbf, iat stands in for it;
// where there is one, it is earlier than iat on purpose.
func (v *Verifier) checkTimes(c *jwt.Claims) error {
	now := time.Now()
	begin := c.NotBefore
	if begin == 0 {
		begin = c.IssuedAt
	}
	switch end := time.Unix(c.ExpiresAt, 0); {
	case !now.Before(end.Add(v.leeway)):
		return refuse(ErrExpired, "at %s", end.UTC().Format(time.RFC3339))
	case now.Add(v.leeway).Before(time.Unix(begin, 0)):
		return refuse(ErrNotYetValid, "not before %s", time.Unix(begin, 0).UTC().Format(time.RFC3339))
	}
	return nil
}

// checkSignature returns the key that signed the token.
func checkSignature(t *jwt.Token, keys []jwt.Key) (jwt.Key, error) {
	var problem error
	for _, key := range keys {
		if problem = t.Verify(key); problem == nil {
			return key, nil
		}
	}
	switch {
	case errors.Is(problem, jwt.ErrAlgorithm): // RFC 8725 §3.1
		return jwt.Key{}, refuse(ErrAlgorithm, "%v", problem)
	case problem != nil:
		return jwt.Key{}, refuse(ErrSignature, "%v", problem)
	}
	return jwt.Key{}, refuse(ErrSignature, "the issuer has no key %.100q for %s", t.Header.KeyID, t.Header.Algorithm)
}
