package identity

import "time"

// SourceKind says how the keys of an issuer are had.
type SourceKind string

// The kinds of key source.
const (
	Discovery SourceKind = "discovery" // <issuer>/.well-known/openid-configuration names the JWKS
	JWKSURL   SourceKind = "jwks_url"  // a fixed JWKS address
	JWKS      SourceKind = "jwks"      // an uploaded key set, for issuers that nobody can reach
)

// KeySource is where the keys of one issuer come from. All trusts of a workspace in one issuer share it.
type KeySource struct {
	Kind     SourceKind `json:"kind"`
	URL      string     `json:"url,omitempty"`      // JWKSURL
	CA       string     `json:"ca,omitempty"`       // PEM of the private authorities of Discovery or JWKSURL; "" is the system's
	JWKS     string     `json:"jwks,omitempty"`     // the uploaded document
	NotAfter time.Time  `json:"not_after,omitzero"` // when the uploaded document ceases to be believed; mandatory with it
}
