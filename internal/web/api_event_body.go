package web

import (
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
)

// eventBody is an event as the API shows it.
type eventBody struct {
	ID          string            `json:"id" doc:"Of an issued token, its jti" example:"agolopkbxawbssvvgrpr6ygwb4"`
	Time        time.Time         `json:"time" doc:"When it happened"`
	WorkspaceID string            `json:"workspace_id" doc:"Where it happened" example:"agolopjsdawfniaebnoh7uduj4"`
	Kind        audit.Kind        `json:"kind" doc:"What happened" example:"token.issued"`
	Subject     string            `json:"subject,omitempty" doc:"Who did it, as nsc names him"`
	Address     string            `json:"address,omitempty" doc:"From where" example:"192.0.2.7"`
	Token       *eventToken       `json:"token,omitempty" doc:"The token that was issued, without being one"`
	Upstream    *eventUpstream    `json:"upstream,omitempty" doc:"The credential behind it"`
	Actor       *eventUpstream    `json:"actor,omitempty" doc:"The credential of who asked on behalf of the subject (RFC 8693)"`
	Act         []string          `json:"act,omitempty" nullable:"false" doc:"Subjects that act in the token for its subject, the present one first"`
	Trusts      []eventTrust      `json:"trusts,omitempty" nullable:"false" doc:"The trusts that admitted it, as they were"`
	Object      string            `json:"object,omitempty" doc:"ID of what was written"`
	Reason      string            `json:"reason,omitempty" doc:"Why it was refused, or done"`
	Details     map[string]string `json:"details,omitempty" doc:"What else matters to this kind of event; of a change, what was before and after"`
	Unreadable  bool              `json:"unreadable,omitempty" doc:"The rest of the event is damaged, or was written by a newer release: only its ID, time and kind are known"`
}

// eventToken is a token on the record.
type eventToken struct {
	ID          string    `json:"id" doc:"jti" example:"agolopkbxawbssvvgrpr6ygwb4"`
	Type        string    `json:"type" doc:"access_token or id_token" example:"id_token"`
	Audience    string    `json:"audience" doc:"aud" example:"https://api.example.com"`
	Subject     string    `json:"subject" doc:"sub"`
	Algorithm   string    `json:"algorithm" doc:"What it was signed with" example:"ES256"`
	KeyID       string    `json:"key_id,omitempty" doc:"kid of the key that signs it; absent for an opaque token, and in events of early releases" example:"agolopjz5bofbzajslg45rczkm"`
	ExpiresAt   time.Time `json:"expires_at" doc:"exp"`
	PayloadHash string    `json:"payload_sha256" doc:"Of the claims as signed, hexadecimal"`
}

// eventUpstream is the credential behind an event.
type eventUpstream struct {
	Issuer    string `json:"issuer" doc:"Its iss" example:"https://token.actions.githubusercontent.com"`
	Subject   string `json:"subject" doc:"Its sub" example:"repo:acme/api:ref:refs/heads/main"`
	TokenID   string `json:"token_id,omitempty" doc:"Its jti"`
	Digest    string `json:"sha256,omitempty" doc:"Of the whole token, hexadecimal"`
	Key       string `json:"key,omitempty" doc:"Thumbprint (RFC 7638) of the key that verified it"`
	KeySource string `json:"key_source,omitempty" doc:"Where that key came from"`
}

// eventTrust is a trust that admitted something.
type eventTrust struct {
	ID      string `json:"id" doc:"Of the trust relationship, or of a user" example:"agolopjwaadyxgvd2c2vcu4hie"`
	Version int64  `json:"version" doc:"Its version at that time"`
}

func newEventBody(e audit.Event) eventBody {
	body := eventBody{
		ID: e.ID, Time: e.Time, WorkspaceID: e.WorkspaceID, Kind: e.Kind, Subject: e.Subject, Address: e.Address,
		Token: (*eventToken)(e.Token), Upstream: (*eventUpstream)(e.Upstream), Object: e.Object, Reason: e.Reason, Details: e.Details,
		Unreadable: e.Unreadable, Actor: (*eventUpstream)(e.Actor), Act: e.Act,
	}
	for _, t := range e.Trusts {
		body.Trusts = append(body.Trusts, eventTrust(t))
	}
	return body
}
