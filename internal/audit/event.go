package audit

import (
	"crypto/rand"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
)

// Event is one thing that happened in a workspace. It ties a token to the credential, the trusts and the caller that
// it came from, by their immutable names.
type Event struct {
	ID          string    `json:"id"` // 26 characters of base32; of an issued token its jti
	Time        time.Time `json:"time"`
	WorkspaceID string    `json:"workspace_id"`
	Kind        Kind      `json:"kind"`
	Subject     string    `json:"subject,omitempty"` // who did it (rule 10)
	Address     string    `json:"address,omitempty"` // from where

	Token    *Token              `json:"token,omitempty"`    // what was issued
	Upstream *Upstream           `json:"upstream,omitempty"` // the credential behind it
	Actor    *Upstream           `json:"actor,omitempty"`    // the credential of who acts for the subject (rule 34)
	Act      []string            `json:"act,omitempty"`      // subjects that act in the token, the present one first
	Trusts   []identity.TrustRef `json:"trusts,omitempty"`   // what admitted it

	Object  string            `json:"object,omitempty"`  // ID of what was written
	Reason  string            `json:"reason,omitempty"`  // why it was refused
	Details map[string]string `json:"details,omitempty"` // what else matters to this kind

	Unreadable bool `json:"unreadable,omitempty"` // it was recorded, but only ID, time, workspace and kind can be told
}

// Token describes an issued token without being one.
type Token struct {
	ID          string    `json:"id"` // jti
	Type        string    `json:"type"`
	Audience    string    `json:"audience"`
	Subject     string    `json:"subject"`
	Algorithm   string    `json:"algorithm"`
	KeyID       string    `json:"key_id,omitempty"` // kid of the key chosen to sign it; none for an opaque token
	ExpiresAt   time.Time `json:"expires_at"`
	PayloadHash string    `json:"payload_sha256"` // hex, of the claims as signed
}

// Upstream describes the credential that an event rests on.
type Upstream struct {
	Issuer    string `json:"issuer"`
	Subject   string `json:"subject"`
	TokenID   string `json:"token_id,omitempty"` // its jti
	Digest    string `json:"sha256,omitempty"`   // hex, of the compact token
	Key       string `json:"key,omitempty"`      // RFC 7638 thumbprint of the key that verified it
	KeySource string `json:"key_source,omitempty"`
}

func newSalt() (salt [16]byte) {
	rand.Read(salt[:])
	return salt
}

// tokenID returns the jti that the event is found by: that of the issued token, else the upstream one's.
func (e Event) tokenID() string {
	switch {
	case e.Token != nil:
		return e.Token.ID
	case e.Upstream != nil:
		return e.Upstream.TokenID
	}
	return ""
}

// trustsWritten returns the IDs of the trusts that were written, or cut off: whoever asks for the events of a trust wants to
// know these, too. They are how the event is found, not what it says.
func (e Event) trustsWritten() []string {
	switch {
	case e.Kind == TrustCreated, e.Kind == TrustUpdated, e.Kind == TrustRemoved:
		return append(strings.Fields(e.Details["key_source_of"]), e.Object)
	case e.Kind == CutOffCreated && e.Details["kind"] == "trust":
		return []string{e.Object}
	}
	return nil
}

// entry returns the event as the store keeps it.
func (e Event) entry() Entry {
	entry := Entry{
		ID: e.ID, WorkspaceID: e.WorkspaceID, Time: e.Time, Kind: e.Kind, Subject: e.Subject,
		TokenID: e.tokenID(), Salt: newSalt(), Body: e.AppendCanonical(make([]byte, 0, 768)),
	}
	for _, t := range e.Trusts {
		entry.Trusts = append(entry.Trusts, t.ID)
	}
	for _, written := range e.trustsWritten() {
		if !slices.Contains(entry.Trusts, written) {
			entry.Trusts = append(entry.Trusts, written)
		}
	}
	if e.Token == nil {
		return entry
	}
	entry.Actors = e.Act
	for _, u := range []*Upstream{e.Upstream, e.Actor} {
		if u != nil && u.TokenID != "" {
			entry.Parents = append(entry.Parents, u.TokenID)
		}
	}
	return entry
}

// CanonicalVersion is the first member of every canonical encoding.
const CanonicalVersion = 1

// AppendCanonical appends the event's canonical encoding, which the record's hashes are made of (rule 25): one JSON
// object without white space, members in the order below, empty ones left out, times as integer microseconds, details
// sorted by name, strings escaped no more than RFC 8259 §7 demands. It is written by hand because it may never
// change under us: an encoder of a library may.
func (e Event) AppendCanonical(b []byte) []byte {
	b = append(b, `{"v":`...)
	b = strconv.AppendInt(b, CanonicalVersion, 10)
	b = appendText(b, "id", e.ID)
	b = appendTime(b, "time", e.Time)
	b = appendText(b, "workspace_id", e.WorkspaceID)
	b = appendText(b, "kind", string(e.Kind))
	b = appendText(b, "subject", e.Subject)
	b = appendText(b, "address", e.Address)
	if e.Token != nil {
		b = e.Token.appendCanonical(append(b, `,"token":{`...))
	}
	if e.Upstream != nil {
		b = e.Upstream.appendCanonical(append(b, `,"upstream":{`...))
	}
	if e.Actor != nil {
		b = e.Actor.appendCanonical(append(b, `,"actor":{`...))
	}
	b = appendTexts(b, "act", e.Act)
	b = appendTrusts(b, e.Trusts)
	b = appendText(b, "object", e.Object)
	b = appendText(b, "reason", e.Reason)
	b = appendDetails(b, e.Details)
	return append(b, '}')
}

func (t *Token) appendCanonical(b []byte) []byte {
	b = appendText(b, "id", t.ID)
	b = appendText(b, "type", t.Type)
	b = appendText(b, "audience", t.Audience)
	b = appendText(b, "subject", t.Subject)
	b = appendText(b, "algorithm", t.Algorithm)
	b = appendText(b, "key_id", t.KeyID)
	b = appendTime(b, "expires_at", t.ExpiresAt)
	b = appendText(b, "payload_sha256", t.PayloadHash)
	return append(b, '}')
}

func (u *Upstream) appendCanonical(b []byte) []byte {
	b = appendText(b, "issuer", u.Issuer)
	b = appendText(b, "subject", u.Subject)
	b = appendText(b, "token_id", u.TokenID)
	b = appendText(b, "sha256", u.Digest)
	b = appendText(b, "key", u.Key)
	b = appendText(b, "key_source", u.KeySource)
	return append(b, '}')
}
