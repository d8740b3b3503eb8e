// Package policy decides: it takes a verified Identity, the trust relationships of its issuer and what was asked for,
// and returns a Decision. Where the decision is yes it holds a Grant, which fixes the payload of the token to its last
// byte and which nothing but Decide can build; what follows only records it and signs it.
//
// The package is pure. It reads no clock, file, database or network, so that simulating, replaying and fuzzing a
// policy are free, and it returns values that say why, never errors for callers: what a stranger may learn is decided
// elsewhere. What it keeps: no trust, no token; nobody gives what he does not have; what is derived shrinks; what
// cannot be evaluated is refused when it is written (Check), and at run an evaluation that fails is no match.
package policy

import (
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
)

// Trust is a trust relationship as it was written: tokens of this issuer whose subject matches this pattern and whose
// claims satisfy this condition, presented with this audience, get these grants, for at most this long.
type Trust struct {
	ID          string // 26 characters of base32
	WorkspaceID string

	Issuer       string            // byte for byte the iss of the tokens
	SubjectMatch string            // literal text and * (rule 18)
	Audience     string            // pattern for one of the token's aud; "" is the workspace's issuer
	Condition    string            // CEL over claims, to a bool; "" is true
	Mappings     map[string]string // "groups" or "attributes.<name>" to a CEL expression over claims (rule 12)
	Grants       []identity.Permission

	DefaultDuration time.Duration // of the tokens issued where the caller asks for nothing else
	MaxDuration     time.Duration // at most this long, whatever the caller asks
	MaxLifetime     time.Duration // the longest exp - iat of an external token that is admitted

	SingleUse           bool // each external token once (rule 16)
	Enabled             bool
	AllowSharedAudience bool // rule 2
	AcceptDelegation    bool // the issuer's word on who acts and who may counts (rule 34)
	Description         string
	ManagedBy           string // "<manifest>/<name>" of the file that declares it; "" is none
	KeySource           identity.KeySource

	CreatedBy, UpdatedBy string // subjects
	CreatedAt, UpdatedAt time.Time
	Version              int64 // semantic: every change except description bumps it (rule 20)
	Revision             int64 // every change bumps it: the ETag
}

// Defaults of a trust relationship, and their limits.
const (
	DefaultDuration    = 15 * time.Minute
	DefaultMaxDuration = time.Hour
	UsualDuration      = 24 * time.Hour     // above it the writer is warned; no token that is issued for one of ours lives longer
	LongestDuration    = 7 * 24 * time.Hour // the record is kept for as long, and so are keys after they signed
	DefaultMaxLifetime = 24 * time.Hour
	LongestMaxLifetime = 366 * 24 * time.Hour // Kubernetes' extended service-account tokens last a year
)
