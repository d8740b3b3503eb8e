package keys

import (
	"slices"
	"time"

	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/policy"
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

// Signed returns between which times tokens may have been recorded that the key signs, by any node's clock; a zero time is no
// bound.
func (s Stored) Signed() (from, to time.Time) {
	if from = s.ActiveAt; !from.IsZero() {
		from = from.Add(-clockSkew)
	}
	if to = s.RetireAt; !to.IsZero() {
		to = to.Add(clockSkew)
	}
	return from, to
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

// early reports whether it is before the key's time by a clock that jumped back: it was never published ahead of its use.
func (s Stored) early(now time.Time) bool {
	return s.State(now) == Published && !s.ActiveAt.After(s.CreatedAt)
}

const clockSkew = 5 * time.Minute // the most by which nodes' clocks differ

// VerifiableFor returns how long after a key signed last its tokens may be valid, where trusts let them live for so long. The
// store keeps keys for longer than the rule where it is needed: it alone knows the trusts at the moment that either changes.
func VerifiableFor(life time.Duration) time.Duration {
	return max(life, policy.UsualDuration) + clockSkew
}

// atOnce is when a key begins that is to sign at once, on nodes whose clocks are behind too.
func atOnce(now time.Time) time.Time { return now.Add(-clockSkew) }

// retire ends the key's signing at a time, and its life when the last token that it signed has expired, as a rule.
func (s *Stored) retire(at time.Time) { s.RetireAt, s.GoneAt = at, at.Add(VerifiableFor(0)) }

// followed reports whether the key signs for ever, or until one of the given successors does, which are in order.
func (s Stored) followed(successors []Stored) bool {
	return s.RetireAt.IsZero() || len(successors) > 0 && !successors[0].ActiveAt.After(s.RetireAt)
}

// after reports whether the key began later than another, so that it is the one that signs while both may. Nodes agree.
func (s Stored) after(other Stored) bool {
	if s.ActiveAt.Equal(other.ActiveAt) {
		return s.ID > other.ID
	}
	return s.ActiveAt.After(other.ActiveAt)
}

func byStart(a, b Stored) int {
	if a.after(b) {
		return 1
	}
	return -1
}

// ringOf returns the keys of one algorithm.
func ringOf(all []Stored, alg jwt.Algorithm) []Stored {
	return slices.DeleteFunc(slices.Clone(all), func(k Stored) bool { return k.Algorithm != alg })
}

// in returns the keys of a ring that are in a state, in the order in which they begin.
func in(ring []Stored, state State, now time.Time) []Stored {
	found := slices.DeleteFunc(slices.Clone(ring), func(k Stored) bool { return k.State(now) != state })
	slices.SortFunc(found, byStart)
	return found
}

// signing returns the key of a ring that signs.
func signing(ring []Stored, now time.Time) (Stored, bool) {
	active := in(ring, Active, now)
	if len(active) == 0 {
		return Stored{}, false
	}
	return active[len(active)-1], true
}
