package keys

import (
	"time"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// Stored is a key as the store keeps it: what may be known of it, and the sealed private half.
type Stored struct {
	WorkspaceID string
	ID          string // the kid
	Algorithm   jwt.Algorithm
	Public      []byte // JWK, JSON
	Sealed      []byte // see Master.Seal
	CreatedAt   time.Time
	ActiveAt    time.Time // from when it may sign
	RetireAt    time.Time // from when it signs no more; zero until a successor is published
	GoneAt      time.Time // when the last token it signed has expired and it leaves the JWKS; zero as RetireAt is
}

// State is where a key stands in its life.
type State string

// The states, in order. A key is verified with in all but the last.
const (
	Published State = "published" // in the JWKS, does not sign yet
	Active    State = "active"    // signs
	Retiring  State = "retiring"  // signs no more; tokens it signed are still valid
	Gone      State = "gone"
)

// State returns the key's state at a time.
func (s Stored) State(now time.Time) State {
	switch {
	case now.Before(s.ActiveAt):
		return Published
	case s.RetireAt.IsZero() || now.Before(s.RetireAt):
		return Active
	case now.Before(s.GoneAt):
		return Retiring
	}
	return Gone
}
