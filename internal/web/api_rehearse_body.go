package web

import (
	"encoding/json"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// claimsObject is the claims of a token as they are sent: no number is rounded on its way.
type claimsObject json.RawMessage

// Schema describes any object.
func (claimsObject) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

// UnmarshalJSON keeps the text.
func (c *claimsObject) UnmarshalJSON(b []byte) error {
	*c = append((*c)[:0], b...)
	return nil
}

// MarshalJSON writes the text as it is.
func (c claimsObject) MarshalJSON() ([]byte, error) { return c, nil }

// testRequest is an exchange to be tried.
type testRequest struct {
	Token     string       `json:"token,omitempty" maxLength:"65536" doc:"The token that would be exchanged"`
	Claims    claimsObject `json:"claims,omitempty" doc:"What a token would say, in place of one: iss, sub, aud and what conditions ask for"`
	TokenType string       `json:"token_type,omitempty" enum:"access_token,id_token" doc:"What would be asked for; default access_token"`
	Audience  string       `json:"audience,omitempty" maxLength:"1024" doc:"Audience that would be asked for; absent: the workspace's issuer" example:"https://api.example.com"`
	Scope     []string     `json:"scope,omitempty" maxItems:"64" nullable:"false" doc:"Scopes that would narrow the token"`
	Grants    *[]grantBody `json:"grants,omitempty" nullable:"false" doc:"Grants that would narrow the token"`
	Trust     string       `json:"trust,omitempty" maxLength:"26" doc:"ID of the one trust to use; absent: all that match"`
}

// testedBody is what an exchange would answer.
type testedBody struct {
	Verified bool          `json:"verified" doc:"The token verified; false where claims were tried"`
	Code     string        `json:"code,omitempty" doc:"Error code of a token that does not verify" example:"token_expired"`
	Summary  string        `json:"summary,omitempty" doc:"What is wrong with a token that does not verify"`
	Claims   claimsObject  `json:"claims,omitempty" doc:"What was decided on"`
	Decision *decisionBody `json:"decision,omitempty" doc:"How it would be decided; absent where the token does not verify"`
	Advice   []string      `json:"advice,omitempty" nullable:"false" doc:"What else helps"`
}

var exampleTestRequest = testRequest{
	Claims:    claimsObject(`{"iss":"` + exampleIssuer + `","sub":"` + exampleJob + `","aud":"https://nsc.example.com/w/acme","repository_owner_id":"1234"}`),
	TokenType: "id_token", Audience: exampleAudience,
}

var exampleTested = testedBody{Decision: &decisionBody{
	Granted: true, Grants: exampleGrants, Duration: "5m0s",
	Trusts: []findingBody{{ID: exampleTrust.ID, Version: 1, SubjectMatch: exampleJob, Matches: true, Failures: []failureBody{}}},
}}

// refusalBody is a refusal with why it was one.
type refusalBody struct {
	ID       string        `json:"id" doc:"What the caller was told" example:"agolopkbxawbssvvgrpr6ygwb4"`
	Time     time.Time     `json:"time" doc:"When it was"`
	Code     string        `json:"code" doc:"Error code that the caller was told" example:"token_refused"`
	Verified bool          `json:"verified" doc:"The token's signature verified. Where it did not, nothing that the token or its holder wrote is shown"`
	Summary  string        `json:"summary" doc:"What went wrong, without what the caller wrote"`
	Reason   string        `json:"reason,omitempty" doc:"What was recorded then; absent where the token did not verify"`
	Address  string        `json:"address,omitempty" doc:"Where the request came from"`
	Asked    askedBody     `json:"asked" doc:"What was asked for"`
	Claims   claimsObject  `json:"claims,omitempty" doc:"What the token said; absent where it did not verify, or was too long to be kept"`
	Decision *decisionBody `json:"decision,omitempty" doc:"How the request would be decided by the trusts as they are now; absent where the token did not verify"`
	Advice   []string      `json:"advice,omitempty" nullable:"false" doc:"What else helps"`
}

func (r refusalBody) entityTag() string { return digestOf(r) }

// askedBody is what a token was asked for.
type askedBody struct {
	TokenType string      `json:"token_type" doc:"access_token or id_token" example:"id_token"`
	Audience  string      `json:"audience,omitempty" doc:"Absent: the workspace's issuer"`
	Scope     []string    `json:"scope,omitempty" nullable:"false" doc:"Scopes that narrow it"`
	Grants    []grantBody `json:"grants,omitempty" nullable:"false" doc:"Grants that narrow it"`
	Trust     string      `json:"trust,omitempty" doc:"The one trust to use"`
	Duration  string      `json:"duration,omitempty" doc:"Wished lifetime"`
}

// decisionBody is a decision with how it comes about.
type decisionBody struct {
	Granted    bool              `json:"granted" doc:"Whether a token would be issued"`
	Reason     string            `json:"reason,omitempty" doc:"Why not" example:"no_trust"`
	Detail     string            `json:"detail,omitempty" doc:"What is wrong with the request by itself"`
	Asked      string            `json:"asked,omitempty" doc:"What is asked for beyond what is held"`
	Held       string            `json:"held,omitempty" doc:"What is held of its kind"`
	Grants     []grantBody       `json:"grants,omitempty" nullable:"false" doc:"What the token could do"`
	Groups     []string          `json:"groups,omitempty" nullable:"false" doc:"Groups that it would name"`
	Attributes map[string]string `json:"attributes,omitempty" doc:"Attributes that it would name"`
	Duration   string            `json:"duration,omitempty" doc:"How long it would live"`
	SingleUse  bool              `json:"single_use,omitempty" doc:"It would use up the token that is shown"`
	Trusts     []findingBody     `json:"trusts" nullable:"false" doc:"The trusts that were looked at, nearest first, 16 at most"`
}

// findingBody is how one trust comes out.
type findingBody struct {
	ID           string        `json:"id" doc:"The trust" example:"agolopjwaadyxgvd2c2vcu4hie"`
	Version      int64         `json:"version" doc:"Its version"`
	SubjectMatch string        `json:"subject_match,omitempty" doc:"Its pattern of sub"`
	Matches      bool          `json:"matches" doc:"Whether it admits the token"`
	Failures     []failureBody `json:"failures" nullable:"false" doc:"Every clause that fails"`
	Change       *changeBody   `json:"change,omitempty" doc:"The smallest change by which it would admit the token; absent where none is proposed"`
	Advice       []string      `json:"advice,omitempty" nullable:"false" doc:"What else helps, and why no change is proposed"`
}

// failureBody is one clause that a token does not satisfy.
type failureBody struct {
	Clause     string   `json:"clause" doc:"Field of the trust" example:"subject_match"`
	Expected   string   `json:"expected" doc:"What the trust says"`
	Actual     string   `json:"actual" doc:"What the token says"`
	NearMisses []string `json:"near_misses,omitempty" nullable:"false" doc:"By how little it misses: trailing_slash, white_space, scheme, case, one_segment, claim_name"`
}

// changeBody is a proposal. It never widens a pattern to a star, and never drops what says whose the tokens are.
type changeBody struct {
	Edits  []editBody  `json:"edits,omitempty" nullable:"false" doc:"Fields and their new values"`
	Grants []grantBody `json:"add_grants,omitempty" nullable:"false" doc:"Grants to be added"`
	Admits []string    `json:"admits" nullable:"false" doc:"What else it would admit, or no more"`
	Others int         `json:"others" doc:"How many other refused requests that are kept it would admit"`
}

// editBody is a new value of a field.
type editBody struct {
	Field string `json:"field" doc:"By its name in a trust" example:"subject_match"`
	From  string `json:"from" doc:"Its value now"`
	To    string `json:"to" doc:"Its new value"`
}

var exampleExplanation = refusalBody{
	ID: exampleTokenID, Time: exampleTime, Code: "token_refused", Verified: true, Address: "192.0.2.7",
	Summary: "the token is not admitted by this workspace; an administrator can look up the refusal",
	Reason:  "token_refused: no_trust: trust " + exampleTrust.ID + " failed at its subject_match",
	Asked:   askedBody{TokenType: "id_token", Audience: exampleAudience},
	Claims:  claimsObject(`{"iss":"` + exampleIssuer + `","sub":"repo:acme/api:ref:refs/heads/dev","repository_owner_id":"1234"}`),
	Decision: &decisionBody{Reason: "no_trust", Trusts: []findingBody{{
		ID: exampleTrust.ID, Version: 1, SubjectMatch: exampleJob,
		Failures: []failureBody{{"subject_match", exampleJob, "repo:acme/api:ref:refs/heads/dev", []string{"one_segment"}}},
		Change: &changeBody{
			Edits:  []editBody{{"subject_match", exampleJob, "repo:acme/api:ref:refs/heads/dev"}},
			Grants: []grantBody{}, Admits: []string{"every token of the subject repo:acme/api:ref:refs/heads/dev; and none of " + exampleJob + " any more"},
		},
	}}},
}
