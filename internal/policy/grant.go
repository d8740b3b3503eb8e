package policy

import (
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
)

// Grant is leave to issue one token, whose payload it fixes. Only Decide makes one; the zero value grants nothing and
// is refused everywhere.
type Grant struct{ g *granted }

type granted struct {
	id          string
	generation  int64
	caller      identity.Identity
	tokenType   TokenType
	algorithm   string
	audience    string
	issuedAt    int64 // seconds
	expiresAt   int64 // seconds
	permissions []identity.Permission
	trusts      []identity.TrustRef
	singleUse   bool
	actor       identity.Identity
	act         *identity.Act
	payload     []byte
}

// IsZero reports whether nothing is granted.
func (g Grant) IsZero() bool { return g.g == nil }

// ID returns the ID of the event, which is the token's jti (rule 26).
func (g Grant) ID() string { return g.g.id }

// WorkspaceID returns the workspace whose keys sign.
func (g Grant) WorkspaceID() string { return g.g.caller.Tenant().ID }

// Generation returns the generation of the workspace that was decided under (rule 22).
func (g Grant) Generation() int64 { return g.g.generation }

// Payload returns the JSON of the token's claims, to be signed as it is. The caller must not change it.
func (g Grant) Payload() []byte { return g.g.payload }

// Typ returns the typ of the token's header (rule 3).
func (g Grant) Typ() string {
	if g.g.tokenType == AccessToken {
		return "at+jwt" // RFC 9068 §2.1
	}
	return "JWT"
}

// TokenType returns the kind of token.
func (g Grant) TokenType() TokenType { return g.g.tokenType }

// Algorithm returns the JOSE name of the algorithm to sign with.
func (g Grant) Algorithm() string { return g.g.algorithm }

// Audience returns the token's aud.
func (g Grant) Audience() string { return g.g.audience }

// Subject returns the token's sub.
func (g Grant) Subject() string { return g.g.caller.Subject() }

// IssuedAt returns the token's iat.
func (g Grant) IssuedAt() time.Time { return time.Unix(g.g.issuedAt, 0) }

// ExpiresAt returns the token's exp.
func (g Grant) ExpiresAt() time.Time { return time.Unix(g.g.expiresAt, 0) }

// Permissions returns what the token carries, for the answer to echo (RFC 9396 §7).
func (g Grant) Permissions() []identity.Permission { return g.g.permissions }

// Trusts returns the trusts that contributed, whether or not the token names them.
func (g Grant) Trusts() []identity.TrustRef { return g.g.trusts }

// SingleUse reports whether the caller's token is used up by this (rule 16).
func (g Grant) SingleUse() bool { return g.g.singleUse }

// Caller returns who asked.
func (g Grant) Caller() identity.Identity { return g.g.caller }

// Actor returns who acts for the caller by this grant; nobody where the caller asked for himself.
func (g Grant) Actor() identity.Identity { return g.g.actor }

// Act returns the token's chain of actors; nil where the subject acts himself.
func (g Grant) Act() *identity.Act { return g.g.act }
