// Package inspect takes somebody's JWT apart and says in words what is wrong with it.
//
// It reads more than nsc accepts: whoever debugs a refusal wants to see what is in a token that no verifier would look
// into. So the parts are decoded one by one, as far as they go, and the strict reader of package jwt judges only
// afterwards. Nothing here admits anybody.
package inspect

import (
	"encoding/json"
	"strings"
	"time"
)

// Report is what was found out about a token.
type Report struct {
	Header    json.RawMessage `json:"header,omitempty"` // as it is in the token; absent where it is not JSON
	Claims    json.RawMessage `json:"claims,omitempty"`
	Signature Signature       `json:"signature"`
	Problems  []Problem       `json:"problems"` // why it would be refused; gravest first
	Notes     []string        `json:"notes,omitempty"`
}

// Status says what is known of a signature.
type Status string

// The statuses.
const (
	Valid     Status = "valid"
	Invalid   Status = "invalid"
	Unchecked Status = "unchecked"
)

// Signature is what is known of a token's signature.
type Signature struct {
	Status Status `json:"status"`
	Reason string `json:"reason,omitempty"`   // why it is not known to be valid
	KeyID  string `json:"key_id,omitempty"`   // of the key that verified it
	JWKS   string `json:"jwks_uri,omitempty"` // where that key was
}

// Problem is one reason to refuse a token.
type Problem struct {
	Code string `json:"code"` // stable
	Text string `json:"text"`
	Todo string `json:"todo,omitempty"`
}

// The codes of problems.
const (
	NotAToken    = "not_a_token"
	Malformed    = "malformed"
	Encrypted    = "encrypted"
	Unsigned     = "unsigned"
	Algorithm    = "algorithm"
	Incomplete   = "incomplete"
	Expired      = "expired"
	NotYetValid  = "not_yet_valid"
	Audience     = "audience"
	BadSignature = "signature"
	UnknownKey   = "key_unknown"
	WrongIssuer  = "issuer"
)

func (r *Report) problem(code, text, todo string) {
	r.Problems = append(r.Problems, Problem{code, text, todo})
}

func (r *Report) note(text string) { r.Notes = append(r.Notes, text) }

// Expectation is what the token is held against.
type Expectation struct {
	Now      time.Time
	Issuer   string // of the workspace that the token is to be shown to; "" where none is known
	Insist   bool   // the workspace was named: another audience is a problem, not a note
	Relative func(time.Time) string
}

// Token reports on a token without its signature, which Verify checks. The text may be a bare token, one behind
// "Bearer ", or the content of a file of nsc's own.
func Token(text string, want Expectation) *Report {
	r := &Report{Problems: []Problem{}, Signature: Signature{Status: Unchecked}}
	raw := r.unwrap(strings.TrimSpace(text))
	if !r.takeApart(raw) {
		return r
	}
	r.judge(raw, want)
	return r
}

// unwrap takes a token out of what people copy it with.
func (r *Report) unwrap(text string) string {
	if scheme, rest, ok := strings.Cut(text, " "); ok && strings.EqualFold(scheme, "bearer") {
		r.note(`the word "Bearer" before it is not part of the token`)
		return strings.TrimSpace(rest)
	}
	var stored struct {
		Bearer string `json:"bearer_token"`
	}
	if strings.HasPrefix(text, "{") && json.Unmarshal([]byte(text), &stored) == nil && stored.Bearer != "" {
		return stored.Bearer
	}
	return text
}
