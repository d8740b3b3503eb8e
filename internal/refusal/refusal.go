// Package refusal keeps what was refused at the token endpoint for as long as an administrator may ask why.
//
// It is not the record: nothing rests on it. Anybody can cause a refusal, so what is kept is bounded in every direction:
// so many per second, so many per workspace, so many bytes of each, for so many days. Refusals of tokens whose signature
// verified and all others are bounded apart, so that what anybody can make up drives out nothing but its like (rule 24).
// Rows may be erased at any time; no hash rests on them.
//
// A refusal belongs to the workspace that its request named, by path or by aud, else to the operator's (rule 28).
package refusal

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/identity"
)

// Bounds of what is kept.
const (
	MaxClaims = 4 << 10 // bytes of the claims of one refusal
	MaxText   = 700     // bytes of each of its texts
	PerKind   = 500     // refusals of a workspace, of those that verified and of the others each
	KeptFor   = 7 * 24 * time.Hour
)

// Refusal is one request for a token that got none.
type Refusal struct {
	ID          string     `json:"-"`
	WorkspaceID string     `json:"-"`
	Time        time.Time  `json:"-"`
	Verified    bool       `json:"-"` // the signatures of the token, and of its actor's, verified: what they say is their issuers' word
	Code        fault.Code `json:"code"`
	Reason      string     `json:"reason"` // with what the token says: fit to be shown only where Verified
	Gist        string     `json:"gist"`   // in our own words alone
	Address     string     `json:"address,omitempty"`
	Claims      string     `json:"claims,omitempty"` // JSON, as it was signed; "" where it could not be read, or is longer than MaxClaims
	TooLong     bool       `json:"too_long,omitempty"`
	Asked       Asked      `json:"asked"`
}

// Asked is what a token was asked for.
type Asked struct {
	TokenType  string                `json:"token_type"`
	Audience   string                `json:"audience,omitempty"`
	Scope      []string              `json:"scope,omitempty"`
	Details    []identity.Permission `json:"details,omitempty"`
	HasDetails bool                  `json:"has_details,omitempty"`
	Trust      string                `json:"trust,omitempty"`
	Lifetime   time.Duration         `json:"lifetime,omitempty"`
	Assertion  bool                  `json:"assertion,omitempty"`
	MayAct     *identity.MayAct      `json:"may_act,omitempty"`
	Actor      bool                  `json:"actor,omitempty"` // somebody asked who acts for the token's subject (rule 34)
}

// maxBody is the largest encoding of a refusal. Who asks for very much is not told it again.
const maxBody = 16 << 10

// Encode returns the refusal as it is kept: all but its ID, workspace, time and kind.
func (r Refusal) Encode() ([]byte, error) {
	body, err := json.Marshal(r)
	if err == nil && len(body) > maxBody {
		r.Asked.Details, r.Asked.Scope, r.Asked.MayAct = nil, nil, nil
		body, err = json.Marshal(r)
	}
	return body, err
}

// Concerns reports whether a refusal says anything of a subject of its workspace: the token was, or claimed to be, that
// subject's, or names it.
func (r Refusal) Concerns(subject string) bool {
	return strings.Contains(r.Claims, subject) || strings.Contains(r.Reason, subject) || r.names(json.RawMessage(r.Claims), "", subject)
}

// names reports whether claims, or an actor inside them, are a subject's. Who has no issuer beside him is of the token's own.
func (r Refusal) names(claims json.RawMessage, issuer, subject string) bool {
	said := struct {
		Issuer  string          `json:"iss"`
		Subject string          `json:"sub"`
		Act     json.RawMessage `json:"act"`
		MayAct  json.RawMessage `json:"may_act"`
	}{Issuer: issuer}
	if json.Unmarshal(claims, &said) != nil {
		return false
	}
	if identity.ExternalSubject(r.WorkspaceID, said.Issuer, said.Subject) == subject {
		return true
	}
	issuer = cmp.Or(issuer, said.Issuer)
	return r.names(said.Act, issuer, subject) || r.names(said.MayAct, issuer, subject)
}

// Decode takes over what Encode returned.
func (r *Refusal) Decode(body []byte) error { return json.Unmarshal(body, r) }
