package policy

import (
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
)

// TokenType is the kind of token that is asked for.
type TokenType string

// The types of token.
const (
	AccessToken TokenType = "access_token"
	IDToken     TokenType = "id_token"
)

// Request is what a caller asks for, beside who he is.
type Request struct {
	ID         string    // of the event, and so the jti (rule 26)
	Now        time.Time // one moment for the whole decision
	Generation int64     // of the workspace, that the trusts were read under (rule 22)

	TokenType TokenType
	Audience  string                // "" is the workspace's issuer
	Algorithm string                // "" is by audience
	Lifetime  time.Duration         // wished; 0 is the default. What exceeds the maximum is shortened to it
	Trust     string                // the ID of the only trust to use; "" is all that match
	Scope     []string              // "type:action" each; only narrows
	Details   []identity.Permission // the wanted permissions, where HasDetails
	Actor     *Actor                // who wants to act for the caller; nil for nobody (rule 34). Explain looks only at whether there is one
	MayAct    *identity.MayAct      // who may act for the subject of the token that is asked for; nil for nobody
	// CutOff is what of the caller is cut off (rule 21); "" is nothing.
	CutOff string
	// ActCutOff is what is cut off of those who act for the caller by the word of his token's issuer; "" is nothing.
	ActCutOff string
	// HasDetails tells an absent authorization_details from an empty one, which asks for no permission at all.
	HasDetails bool
	// Assertion says that the token came as an RFC 7523 assertion, whose aud may also be the token endpoint (§3).
	Assertion bool
}

const maxAudience = 1024 // bytes

// azure is the audience of Azure's federated credentials, which take RS256 alone, for an hour by default. Those of its sovereign clouds begin
// the same.
const azure = "api://AzureADTokenExchange"

// problem returns what is wrong with the request by itself.
func (r Request) problem() string {
	switch {
	case r.ID == "" || r.Now.IsZero():
		return "the request has no ID or no time"
	case r.TokenType != AccessToken && r.TokenType != IDToken:
		return "the token type is not one that is issued here"
	case r.Lifetime < 0 || r.Lifetime > 0 && r.Lifetime < time.Second:
		return "the wished lifetime is below one second"
	case len(r.Scope) > maxGrants:
		return "there are too many scopes"
	}
	if problem := checkText(r.Audience, maxAudience); problem != "" {
		return "the audience " + problem
	}
	return ""
}

// audience returns the aud of the token.
func (r Request) audience(tenant identity.Tenant) string {
	if r.Audience == "" {
		return tenant.Issuer
	}
	return r.Audience
}

// carries reports whether the token says what its bearer may do (rule 11). An ID token never does. What a caller may do is
// nobody else's business, unless he names it for whoever the token is for.
func (r Request) carries(tenant identity.Tenant) bool {
	return r.TokenType == AccessToken && (r.audience(tenant) == tenant.Issuer || r.HasDetails || len(r.Scope) > 0)
}

func (r Request) forAzure() bool { return strings.HasPrefix(r.Audience, azure) }

func (r Request) algorithm() string {
	switch {
	case r.Algorithm != "":
		return r.Algorithm
	case r.forAzure():
		return "RS256"
	}
	return "ES256"
}
