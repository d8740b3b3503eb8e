// Package identity verifies credentials: it turns somebody's token into an Identity, or refuses it.
//
// An Identity says who a verified credential says the caller is, and how we know. Its fields are unexported and only
// this package fills them, so that whoever holds a non-zero Identity knows that a signature, an audience-independent
// set of times and a key source of a registered issuer stood behind it (or, for Local, the operating system).
// The package does not know what an identity may do: that is policy's.
package identity

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// Kind is the sort of credential that an Identity comes from.
type Kind string

// The kinds of identity.
const (
	External Kind = "external" // a token of another issuer
	Own      Kind = "own"      // a token that this workspace issued
	Local    Kind = "local"    // the operating system: whoever owns the data folder
)

// Permission is one grant as written in a trust, a user or a token: on which resources of a type, which actions
// (RFC 9396: type, identifier, actions).
type Permission struct {
	ResourceType string   `json:"resource_type"`
	ResourceID   string   `json:"resource_id"`
	Actions      []string `json:"actions"`
}

// TrustRef names a trust relationship, or a user, as it was when a token came to rest on it (rule 20).
type TrustRef struct {
	ID      string `json:"id"`
	Version int64  `json:"version"`
}

// Tenant is what identity needs to know of the workspace that a credential is shown to.
type Tenant struct {
	ID     string // 26 characters of base32
	Name   string
	Issuer string // <base>/w/<name>
}

// Identity is a verified caller in one workspace. The zero value is nobody and is refused everywhere.
type Identity struct{ v *verified }

type verified struct {
	tenant          Tenant
	kind            Kind
	subject         string // as nsc names it (rule 10)
	issuer          string
	externalSubject string
	audience        []string
	tokenID         string
	issuedAt        time.Time
	expiresAt       time.Time
	digest          [32]byte // SHA-256 of the compact token
	key             jwt.Key  // that verified it; public
	keyThumbprint   string
	keySource       string
	claims          *jwt.Claims

	rootIssuedAt time.Time
	depth        int
	nsc          bool // an nsc issuer made the token: Own, or a federated one
	permissions  []Permission
	trusts       []TrustRef
	groups       []string
	attributes   map[string]string
	clientID     string
	parents      []string
	parentKeys   []string
	generation   int64 // of the tenant, under which all that the credential rests on stood; 0 is none
	act          *Act
	mayAct       *MayAct
}

// IsZero reports whether this is nobody.
func (i Identity) IsZero() bool { return i.v == nil }

// Tenant returns the workspace that the identity was verified for.
func (i Identity) Tenant() Tenant { return i.v.tenant }

// Kind returns the sort of credential.
func (i Identity) Kind() Kind { return i.v.kind }

// Subject returns the caller's immutable name in nsc (rule 10).
func (i Identity) Subject() string { return i.v.subject }

// Issuer returns the issuer of the credential, byte for byte.
func (i Identity) Issuer() string { return i.v.issuer }

// ExternalSubject returns the credential's own sub claim.
func (i Identity) ExternalSubject() string { return i.v.externalSubject }

// Audience returns the credential's audiences.
func (i Identity) Audience() []string { return i.v.audience }

// TokenID returns the credential's jti, or "".
func (i Identity) TokenID() string { return i.v.tokenID }

// IssuedAt returns when the credential was issued.
func (i Identity) IssuedAt() time.Time { return i.v.issuedAt }

// ExpiresAt returns when the credential ends.
func (i Identity) ExpiresAt() time.Time { return i.v.expiresAt }

// Digest returns the SHA-256 of the credential.
func (i Identity) Digest() [32]byte { return i.v.digest }

// KeyThumbprint returns the RFC 7638 thumbprint of the key that verified the credential.
func (i Identity) KeyThumbprint() string { return i.v.keyThumbprint }

// KeySource returns where that key came from.
func (i Identity) KeySource() string { return i.v.keySource }

// Claims returns all claims for conditions and mappings: integers as int64, other numbers as float64. It decodes
// on every call; nothing on the hot path needs it.
func (i Identity) Claims() (map[string]any, error) {
	if i.v.claims == nil {
		return map[string]any{}, nil
	}
	return i.v.claims.Map()
}

// Payload returns the claims as they were signed, JSON; "" for a credential that is no token.
func (i Identity) Payload() string {
	if i.v.claims == nil {
		return ""
	}
	return i.v.claims.Document()
}

// RootIssuedAt returns when the first nsc token of this chain was issued; the zero time where there is none yet.
func (i Identity) RootIssuedAt() time.Time { return i.v.rootIssuedAt }

// Depth returns how many federations between nsc issuers lie behind the credential.
func (i Identity) Depth() int { return i.v.depth }

// Federated reports whether another nsc issuer made the credential (rule 5).
func (i Identity) Federated() bool { return i.v.nsc && i.v.kind == External }

// Permissions returns what a credential of our own carries.
func (i Identity) Permissions() []Permission { return i.v.permissions }

// Trusts returns the trusts that contributed to a credential of our own.
func (i Identity) Trusts() []TrustRef { return i.v.trusts }

// Groups returns the groups that a credential of our own carries, prefixed already.
func (i Identity) Groups() []string { return i.v.groups }

// Attributes returns the attributes that a credential of our own carries.
func (i Identity) Attributes() map[string]string { return i.v.attributes }

// KeyID returns the ID of the key that signed a credential of our own; "" for an opaque one.
func (i Identity) KeyID() string { return i.v.key.ID }

// Parents returns the jti of the tokens of ours that a credential of our own was derived from: it falls with any of them.
func (i Identity) Parents() []string { return i.v.parents }

// ParentKeys returns the IDs of the keys that signed those.
func (i Identity) ParentKeys() []string { return i.v.parentKeys }

// Under returns the identity as one that was found to stand under a generation of its workspace: what it is allowed to do
// holds as long as the workspace has not moved on from there (rule 22).
func (i Identity) Under(generation int64) Identity {
	under := *i.v
	under.generation = generation
	return Identity{&under}
}

// Generation returns the generation under which the identity was found to stand; 0 where nobody looked.
func (i Identity) Generation() int64 { return i.v.generation }

// ClientID returns the client that a credential of our own was issued to.
func (i Identity) ClientID() string { return i.v.clientID }

// LocalIssuer stands for the issuer of a Local identity, which has none.
const LocalIssuer = "local"

// NewLocal returns the identity of the person who owns the data folder, acting as the named user of a workspace. Only
// the administration socket and the folder's lock holder may call it: both proved the ownership to the operating system.
// What it is given rests on the user as what a trust gives rests on the trust: it dies with this version of it.
func NewLocal(tenant Tenant, userID string, userVersion int64, permissions []Permission, now, ends time.Time) Identity {
	return Identity{&verified{
		tenant: tenant, kind: Local,
		subject: UserSubject(tenant.ID, userID), issuer: LocalIssuer, externalSubject: userID,
		issuedAt: now, expiresAt: ends, permissions: permissions, trusts: []TrustRef{{ID: userID, Version: userVersion}},
	}}
}

const (
	maxSubject  = 127 // Google Cloud's limit for google.subject
	subjectRoot = "workspace/"
)

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// UserSubject returns the subject of a user of a workspace (rule 10).
func UserSubject(workspaceID, userID string) string {
	return subjectRoot + workspaceID + "/user/" + userID
}

// ExternalSubject returns the subject under which a workspace knows the subject of another issuer (rule 10).
func ExternalSubject(workspaceID, issuer, subject string) string {
	prefix := ExternalSubjects(workspaceID, issuer)
	escaped := escape(subject)
	if len(prefix)+len(escaped) > maxSubject {
		hash := sha256.Sum256([]byte(subject))
		escaped = "~" + base32Lower.EncodeToString(hash[:])
	}
	return prefix + escaped
}

// ExternalSubjects returns how all subjects of an issuer begin in a workspace, and no other: with a slash at its end.
func ExternalSubjects(workspaceID, issuer string) string {
	return subjectRoot + workspaceID + "/external/" + IssuerHash(issuer) + "/"
}

// IssuerHash returns the hash by which the subjects of an issuer carry it (rule 10).
func IssuerHash(issuer string) string {
	sum := sha256.Sum256([]byte(issuer))
	return base32Lower.EncodeToString(sum[:16])
}

// SubjectIssuer returns the hash of the issuer that an external subject carries.
func SubjectIssuer(subject string) (hash string, ok bool) {
	_, rest, ok := strings.Cut(subject, "/external/")
	if !ok || !strings.HasPrefix(subject, subjectRoot) {
		return "", false
	}
	hash, _, ok = strings.Cut(rest, "/")
	return hash, ok
}

// Belongs reports whether a subject is one of a workspace.
func Belongs(subject, workspaceID string) bool {
	return strings.HasPrefix(subject, subjectRoot+workspaceID+"/")
}

// escape percent-encodes every byte outside [A-Za-z0-9._-].
func escape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteString(strings.ToUpper(hex.EncodeToString([]byte{c})))
		}
	}
	return b.String()
}
