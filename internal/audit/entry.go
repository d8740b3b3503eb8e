package audit

import "time"

// Entry is an event as the store sees it: the columns it is found by, and its canonical body.
type Entry struct {
	ID          string // 26 characters of base32; for an issued token also its jti
	WorkspaceID string
	Generation  int64 // the workspace's generation that the decision was made under; 0 is "do not compare"
	Time        time.Time
	Kind        Kind
	Subject     string   // nsc subject; may be empty
	TokenID     string   // jti of the token that the event is about; may be empty
	Trusts      []string // IDs of the trusts that contributed, or that were written
	Parents     []string // of an issued token: jti of the tokens that it was issued for
	Actors      []string // of an issued token: subjects that act in it
	Salt        [16]byte
	Body        []byte  // canonical encoding of the event
	Use         *Use    // consumed in the same transaction; nil for none
	Answer      *Answer // kept in the same transaction as a write's event; nil for none
}

// Use is the single use of an external token (rule 16), kept until the token has expired.
type Use struct {
	Issuer    string
	TokenID   string
	ExpiresAt time.Time
	RetryKey  []byte // digest of the Idempotency-Key and of what was asked; nil for none
	Payload   []byte // what was recorded for signing, to be signed again for the same RetryKey
}

// Verdict is what became of an Entry.
type Verdict int

// The verdicts. Only a Committed entry is on the record; an outcome that nobody filled in says nothing of the kind.
const (
	Undecided Verdict = iota // nothing speaks against the entry so far
	Committed
	Moved // the workspace's generation is not the entry's: decide again
	Used  // the external token was used before
)

// Outcome is the verdict on one Entry of a batch.
type Outcome struct {
	Verdict Verdict
	// For Used: how the first use was recorded, so that a retry with the same key can be told from a replay.
	FirstRetryKey []byte
	FirstPayload  []byte
	FirstAt       time.Time
}

// Query selects events. Zero fields select all.
type Query struct {
	WorkspaceID string // mandatory
	ID          string // of the one event; "" is any
	Since       time.Time
	Until       time.Time // exclusive
	Kinds       []Kind
	Subject     string
	Trust       string
	TokenID     string
	Parent      string // jti of a token that others were issued for
	Actor       string // subject that acts in the token
	Limit       int    // 1 to 1000
	Bytes       int    // of bodies, after which no more events are taken; 0 is no bound
	Before      string // the ID to go on from: events older than it
}
