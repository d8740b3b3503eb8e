package interop

import (
	"fmt"
	"testing"
	"time"
)

// Relying parties keep key sets for minutes and do not fetch them again at will. None refuses a good token because a
// key was replaced, or keeps accepting what a compromised key signed.
func TestKeyRotationIsSurvived(t *testing.T) {
	l := openLab(t)
	for transport, s := range l.servers() {
		for _, p := range parties {
			t.Run(transport+"/"+p.name, func(t *testing.T) {
				t.Parallel() // each waits for a key of its own
				r := rotation{w: s.newWorkspace(t), party: p, rp: p.open(t, l)}
				r.run(t)
			})
		}
	}
}

type rotation struct {
	w     workspace
	party party
	rp    relyingParty
}

// The clock of the relying party is put forward by more than any library keeps a key set, within an hour's token.
const (
	nextFetch = 11 * time.Minute
	lastFetch = 22 * time.Minute
)

func (r rotation) run(t *testing.T) {
	first := r.issue(t)
	r.accepts(t, first, 0)

	successor := r.w.rotate(t)
	if ahead := successor.ActiveAt.Sub(successor.CreatedAt); ahead.Round(time.Second) != publishAhead {
		t.Errorf("the key signs %v after it was published", ahead)
	}
	r.accepts(t, first, 0) // by the key set from before
	r.accepts(t, first, nextFetch)
	second := r.waitForKey(t, successor.ID)
	r.accepts(t, second, nextFetch) // where the library would not fetch so soon again, it has the key from before it signed
	r.accepts(t, first, nextFetch)

	r.w.rotate(t, "--compromised")
	third := r.issue(t)
	r.accepts(t, third, lastFetch)
	wantRefused(t, r.rp, r.verification(second, lastFetch), "kid", "signature")
	r.accepts(t, first, lastFetch) // its key had retired in peace
}

func (r rotation) issue(t *testing.T) string {
	t.Helper()
	return r.w.issue(t, r.party.kind, orders, "expires_in", "3600")
}

func (r rotation) verification(token string, later time.Duration) verification {
	return verification{issuer: r.w.Issuer, audience: orders, token: token, later: later}
}

func (r rotation) accepts(t *testing.T, token string, later time.Duration) {
	t.Helper()
	wantAccepted(t, r.rp, r.verification(token, later), read(t, token).Subject)
}

// waitForKey returns the first token that a key has signed.
func (r rotation) waitForKey(t *testing.T, id string) (token string) {
	t.Helper()
	err := waitFor(patiently(t), func() error {
		token = r.issue(t)
		if signed := read(t, token).KeyID; signed != id {
			return fmt.Errorf("key %s signs, not %s", signed, id)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return token
}
