package credentials

import (
	"errors"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// Credential is a sign-in that was read from a file: a bearer token, and what it says of itself.
type Credential struct {
	Stored
	Path   string // the file it is from
	Source Source

	Issuer    string // of the bearer token: the workspace it is for
	Base      string // of the server that made it: all of the issuer before /w/
	Workspace string // its name: all of the issuer after /w/
	Subject   string
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// Expired reports whether the bearer token has ended.
func (c Credential) Expired(now time.Time) bool { return !now.Before(c.ExpiresAt) }

// DerivedBy reports whether this token was had by federation from the given sign-in.
func (c Credential) DerivedBy(origin Credential) bool {
	return c.DerivedFrom != "" && c.DerivedFrom == Digest(origin.BearerToken)
}

var errForeign = errors.New("holds a token that no nsc server made")

// Read takes what a bearer token says of itself, unverified. Its error continues the sentence "the file …".
func Read(s Stored) (Credential, error) {
	token, err := jwt.Parse(s.BearerToken)
	if err != nil {
		return Credential{}, errForeign
	}
	base, workspace, ok := SplitIssuer(token.Claims.Issuer)
	if !ok || token.Claims.ExpiresAt == 0 {
		return Credential{}, errForeign
	}
	return Credential{
		Stored: s, Issuer: token.Claims.Issuer, Base: base, Workspace: workspace,
		Subject:  token.Claims.Subject,
		IssuedAt: time.Unix(token.Claims.IssuedAt, 0), ExpiresAt: time.Unix(token.Claims.ExpiresAt, 0),
	}, nil
}

// SplitIssuer takes a workspace's issuer, <base>/w/<name>, apart.
func SplitIssuer(issuer string) (base, workspace string, ok bool) {
	i := strings.LastIndex(issuer, "/w/")
	if i < 0 {
		return "", "", false
	}
	base, workspace = issuer[:i], issuer[i+len("/w/"):]
	scheme, host, found := strings.Cut(base, "://")
	if !found || host == "" || (scheme != "https" && scheme != "http") || CheckName(workspace) != nil {
		return "", "", false
	}
	return base, workspace, true
}
