package identity

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// External verifies a token of another issuer with the keys of that issuer's source. The caller found src among the
// tenant's trusts by u.Issuer(), byte for byte; which audience, subject and claims are admitted is for policy to say.
//
// Faults: TokenIncomplete, TokenExpired, TokenNotYetValid; KeysUnavailable with RetryAfter where the keys cannot be had
// at present; TokenRefused otherwise.
func (v *Verifier) External(ctx context.Context, tenant Tenant, u Unverified, src KeySource) (Identity, error) {
	if u.token == nil {
		return Identity{}, refuse("a token of our own, or none, in place of an external one")
	}
	c := u.token.Claims
	if err := checkExternal(tenant, u.token.Header, c, v.now()); err != nil {
		return Identity{}, err
	}
	keys, origin, err := v.sources.candidates(ctx, inquiry{tenant, c.Issuer, src, u.token.Header})
	if err != nil {
		return Identity{}, err
	}
	key, err := verifySignature(u.token, keys)
	if err != nil {
		return Identity{}, err
	}
	return Identity{externalIdentity(tenant, u, key, origin)}, nil
}

// checkExternal does everything that needs no key, so that a hopeless token causes no fetch.
func checkExternal(tenant Tenant, h jwt.Header, c *jwt.Claims, now time.Time) error {
	if err := checkComplete(c); err != nil {
		return err
	}
	if err := checkTimes(c, now, leeway); err != nil {
		return err
	}
	switch {
	case c.Issuer == tenant.Issuer: // rule 5
		return refuse("a workspace does not federate with its own issuer")
	case !acceptedType(h.Type):
		return refuse("a token of type %q proves nobody's identity", h.Type)
	case isEvent(c):
		return refuse("a security event or logout token proves nobody's identity")
	case !carriesLineage(c):
		return nil
	}
	return checkFederated(tenant, c)
}

// isEvent reports whether a token is a security event (RFC 8417 §2.2) or a logout token, which some issuers make without a
// typ of their own.
func isEvent(c *jwt.Claims) bool {
	_, ok := c.Raw("events")
	return ok
}

// acceptedType reports whether a token of that typ identifies its subject. A logout token or a security event of the
// same issuer has the same iss, sub and aud and must not pass for one that does (RFC 8725 §3.11; media types know no
// case, RFC 7515 §4.1.9). Most issuers write JWT or nothing, SPIFFE may write JOSE, RFC 9068 at+jwt.
func acceptedType(typ string) bool {
	typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
	return slices.Contains([]string{"", "jwt", "jose", "at+jwt"}, typ)
}

// checkFederated holds another nsc issuer's token to rule 1, audience exactly ours, and to rule 5, lineage told.
func checkFederated(tenant Tenant, c *jwt.Claims) error {
	if !addressedTo(c, tenant.Issuer) {
		return refuse("an nsc token for audience %q is of no use at %s", c.Audience, tenant.Issuer)
	}
	_, _, err := lineage(c)
	return err
}

func verifySignature(token *jwt.Token, keys []jwt.Key) (jwt.Key, error) {
	err := jwt.ErrSignature
	for _, key := range keys {
		if err = token.Verify(key); err == nil {
			return key, nil
		}
	}
	return jwt.Key{}, refuse("the signature does not verify: key %q: %w", token.Header.KeyID, err)
}

func externalIdentity(tenant Tenant, u Unverified, key jwt.Key, origin string) *verified {
	id := newVerified(tenant, External, u, key, origin)
	id.subject = ExternalSubject(tenant.ID, id.issuer, id.externalSubject)
	if carriesLineage(id.claims) {
		id.nsc = true
		id.rootIssuedAt, id.depth, _ = lineage(id.claims) // checked before the signature was
	}
	return id
}

// newVerified takes over what every token has, once its signature is known to be good.
func newVerified(tenant Tenant, kind Kind, u Unverified, key jwt.Key, origin string) *verified {
	c := u.claims()
	thumbprint := ""
	if key.Public != nil {
		thumbprint = key.Thumbprint()
	}
	return &verified{
		tenant: tenant, kind: kind,
		issuer: c.Issuer, externalSubject: c.Subject, audience: c.Audience, tokenID: c.ID,
		issuedAt: time.Unix(c.IssuedAt, 0), expiresAt: time.Unix(c.ExpiresAt, 0),
		digest: u.digest, key: key, keyThumbprint: thumbprint, keySource: origin, claims: c,
	}
}
