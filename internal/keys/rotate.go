package keys

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/jwt"
)

// Writer is what rotation needs of the store. Each method records its event in its own transaction.
type Writer interface {
	Reader
	// AddKey adds a key, and sets when the given ones of its ring retire and are gone.
	AddKey(ctx context.Context, key Stored, retire []Stored, e audit.Entry) error
	DeleteKey(ctx context.Context, workspaceID, keyID string, e audit.Entry) error
	// RotationDue returns rings whose newest key became active before a time.
	RotationDue(ctx context.Context, activeBefore time.Time, limit int) ([]Stored, error)
	// KeysGone returns keys that were gone before a time.
	KeysGone(ctx context.Context, before time.Time, limit int) ([]Stored, error)
}

// Entries makes an event into an entry for a transaction of the store.
type Entries interface{ Entry(audit.Event) audit.Entry }

// Rotator replaces keys.
type Rotator struct {
	store    Writer
	entries  Entries
	pool     *Pool
	master   Master
	schedule Schedule
	now      func() time.Time
	forget   func(workspaceID string)
}

// NewRotator returns a rotator. It calls forget for each workspace whose keys it changed.
func NewRotator(store Writer, entries Entries, pool *Pool, master Master, schedule Schedule, now func() time.Time,
	forget func(string)) *Rotator {
	return &Rotator{store, entries, pool, master, schedule, now, forget}
}

// Through returns the rotator that writes through another writer, which may add to what is written.
func (r *Rotator) Through(w Writer) *Rotator {
	through := *r
	through.store = w
	return &through
}

// ErrPublished is returned by Rotate where a successor is published already.
var ErrPublished = errors.New("keys: a successor is published already and will sign when its time comes")

// ErrNoSuchKey is returned where the key to be removed does not exist.
var ErrNoSuchKey = errors.New("keys: no such key")

// First returns the keys that a new workspace begins with: both rings exist from its creation (rule 29), active at once
// because nobody can have cached an earlier JWKS.
func (r *Rotator) First(workspaceID string) ([]Stored, error) {
	var first []Stored
	for _, alg := range []jwt.Algorithm{jwt.ES256, jwt.RS256} {
		key, err := r.Fresh(workspaceID, alg)
		if err != nil {
			return nil, err
		}
		first = append(first, key)
	}
	return first, nil
}

// Fresh returns a key for a ring that is to begin anew, which signs at once.
func (r *Rotator) Fresh(workspaceID string, alg jwt.Algorithm) (Stored, error) {
	return r.fresh(workspaceID, alg, atOnce(r.now()))
}

// Rotate publishes a successor in a ring, which takes over after the schedule's PublishAhead. The first key of a ring signs
// at once (rule 29): nobody verifies by that algorithm yet, and who begins to meets a key ID that he does not know, for
// which he fetches the keys again (OpenID Connect Core 1.0 §10.1.1). By is what an event says of who asked; of the schedule
// it says nothing.
func (r *Rotator) Rotate(ctx context.Context, workspaceID string, alg jwt.Algorithm, by audit.Event) (Stored, error) {
	all, err := r.store.Keys(ctx, workspaceID)
	if err != nil {
		return Stored{}, err
	}
	ring, now := ringOf(all, alg), r.now()
	if successors := in(ring, Published, now); len(successors) > 0 {
		return successors[0], ErrPublished
	}
	activeAt := now.Add(r.schedule.PublishAhead)
	retire := in(ring, Active, now)
	if len(retire) == 0 {
		activeAt = atOnce(now) // the ring begins; or it cannot sign, and a day is too long for that
	}
	for i := range retire {
		retire[i].retire(activeAt)
	}
	next, err := r.fresh(workspaceID, alg, activeAt)
	if err != nil {
		return Stored{}, err
	}
	return r.add(ctx, next, retire, by, nil)
}

// Replace removes a compromised key at once, and with it the validity of all that it signed, after whatever has to take
// its place did: a new key that signs from now on where it was the one that signs, a new successor where it was that.
// A key is named by its ID; "" is the one that signs with the algorithm. Replace returns the new key, zero where none was
// needed, when nothing that was recorded under the old key can be signed any more.
func (r *Rotator) Replace(ctx context.Context, workspaceID string, alg jwt.Algorithm, keyID string, by audit.Event) (Stored, error) {
	all, err := r.store.Keys(ctx, workspaceID)
	if err != nil {
		return Stored{}, err
	}
	bad, ok := compromised(all, alg, keyID, r.now())
	if !ok {
		return Stored{}, ErrNoSuchKey
	}
	work := context.WithoutCancel(ctx) // half of this is worse than none
	rest := slices.DeleteFunc(ringOf(all, bad.Algorithm), func(k Stored) bool { return k.ID == bad.ID })
	next, err := r.fill(work, bad, rest, by)
	if err != nil {
		return Stored{}, err
	}
	if err := r.remove(work, bad, by, "compromised"); err != nil {
		return Stored{}, err
	}
	return next, audit.Lapse(ctx)
}

// compromised finds the key that is to be removed.
func compromised(all []Stored, alg jwt.Algorithm, keyID string, now time.Time) (Stored, bool) {
	if keyID == "" {
		return signing(ringOf(all, alg), now)
	}
	at := slices.IndexFunc(all, func(k Stored) bool { return k.ID == keyID })
	if at < 0 {
		return Stored{}, false
	}
	return all[at], true
}

// fill adds the key that the rest of a ring lacks without the bad one: one that signs from now on, until the next published
// one takes over, or one that takes over where the last retires.
func (r *Rotator) fill(ctx context.Context, bad Stored, rest []Stored, by audit.Event) (Stored, error) {
	now := r.now()
	successors := in(rest, Published, now)
	last, signs := signing(rest, now)
	activeAt := now.Add(r.schedule.PublishAhead)
	switch {
	case !signs && bad.State(now) != Active, signs && last.followed(successors):
		return Stored{}, nil
	case !signs:
		activeAt = atOnce(now)
	}
	next, err := r.fresh(bad.WorkspaceID, bad.Algorithm, activeAt)
	if err != nil {
		return Stored{}, err
	}
	var retire []Stored
	if signs {
		last.retire(activeAt)
		retire = []Stored{last}
	} else if len(successors) > 0 {
		next.retire(successors[0].ActiveAt)
	}
	return r.add(ctx, next, retire, by, map[string]string{"replaces": bad.ID})
}

func (r *Rotator) fresh(workspaceID string, alg jwt.Algorithm, activeAt time.Time) (Stored, error) {
	now := r.now()
	return r.pool.New(r.master, workspaceID, id.New(now), alg, now, activeAt)
}

func (r *Rotator) add(ctx context.Context, key Stored, retire []Stored, by audit.Event, details map[string]string) (Stored, error) {
	event := keyEvent(audit.KeyPublished, key, by, key.CreatedAt)
	event.Details["active_at"] = key.ActiveAt.UTC().Format(time.RFC3339)
	maps.Copy(event.Details, details)
	if err := r.store.AddKey(ctx, key, retire, r.entries.Entry(event)); err != nil {
		return Stored{}, err
	}
	r.forget(key.WorkspaceID)
	return key, nil
}

func (r *Rotator) remove(ctx context.Context, key Stored, by audit.Event, why string) error {
	event := keyEvent(audit.KeyRemoved, key, by, r.now())
	event.Reason = why
	if err := r.store.DeleteKey(ctx, key.WorkspaceID, key.ID, r.entries.Entry(event)); err != nil {
		return err
	}
	r.forget(key.WorkspaceID)
	return nil
}

func keyEvent(kind audit.Kind, key Stored, by audit.Event, now time.Time) audit.Event {
	by.ID, by.Time, by.WorkspaceID, by.Kind, by.Object = id.New(now), now, key.WorkspaceID, kind, key.ID
	by.Details = map[string]string{"algorithm": string(key.Algorithm)}
	return by
}
