package keys

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/policy"
)

// Schedule says when keys are replaced.
type Schedule struct {
	PublishAhead time.Duration // how long a key is published before it signs (rule 29); longer than anybody caches the JWKS
	RotateEvery  time.Duration // how long a key signs
}

// DefaultSchedule is a day and thirty days.
var DefaultSchedule = Schedule{PublishAhead: 24 * time.Hour, RotateEvery: 30 * 24 * time.Hour}

// verifiableFor is how long after a key signed last its tokens may be valid: the longest token, and clocks that differ.
const verifiableFor = policy.LongestDuration + 5*time.Minute

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
func NewRotator(store Writer, entries Entries, pool *Pool, master Master, schedule Schedule, now func() time.Time, forget func(string)) *Rotator {
	return &Rotator{store, entries, pool, master, schedule, now, forget}
}

// ErrPublished is returned by Rotate where a successor is published already.
var ErrPublished = errors.New("keys: a successor is published already and will sign when its time comes")

// ErrNoSuchKey is returned where the key to be removed does not exist.
var ErrNoSuchKey = errors.New("keys: no such key")

// First returns the keys that a new workspace begins with: both rings exist from its creation (rule 29), active at once
// because nobody can have cached an earlier JWKS.
func (r *Rotator) First(workspaceID string) ([]Stored, error) {
	now := r.now()
	var first []Stored
	for _, alg := range []jwt.Algorithm{jwt.ES256, jwt.RS256} {
		key, err := r.pool.New(r.master, workspaceID, id.New(now), alg, now, now)
		if err != nil {
			return nil, err
		}
		first = append(first, key)
	}
	return first, nil
}

// Rotate publishes a successor in a ring, which takes over after the schedule's PublishAhead. A ring that does not exist
// yet begins with a key that is active at once. By is the subject who asked; "" is the schedule.
func (r *Rotator) Rotate(ctx context.Context, workspaceID string, alg jwt.Algorithm, by string) (Stored, error) {
	ring, err := r.of(ctx, workspaceID, alg)
	if err != nil {
		return Stored{}, err
	}
	now := r.now()
	activeAt := now
	var retire []Stored
	for _, k := range ring {
		switch k.State(now) {
		case Published:
			return k, ErrPublished
		case Active:
			activeAt = now.Add(r.schedule.PublishAhead)
			retire = append(retire, k)
		}
	}
	for i := range retire {
		retire[i].RetireAt, retire[i].GoneAt = activeAt, activeAt.Add(verifiableFor)
	}
	return r.add(ctx, workspaceID, alg, activeAt, retire, by, nil)
}

// Replace removes a compromised key at once, and with it the validity of all that it signed, after a new one that signs
// from now on took its place. It returns when nothing that was recorded under the old key can be signed any more.
func (r *Rotator) Replace(ctx context.Context, workspaceID string, alg jwt.Algorithm, keyID, by string) (Stored, error) {
	ring, err := r.of(ctx, workspaceID, alg)
	if err != nil {
		return Stored{}, err
	}
	now := r.now()
	at := slices.IndexFunc(ring, func(k Stored) bool {
		return k.ID == keyID || keyID == "" && k.State(now) == Active
	})
	if at < 0 {
		return Stored{}, ErrNoSuchKey
	}
	bad := ring[at]
	next := Stored{}
	if bad.State(now) == Active {
		if next, err = r.add(ctx, workspaceID, alg, now, nil, by, map[string]string{"replaces": bad.ID}); err != nil {
			return Stored{}, err
		}
	}
	if err := r.remove(ctx, bad, by, "compromised"); err != nil {
		return Stored{}, err
	}
	select { // receipts that were given out before the removal lapse (rule 22)
	case <-time.After(audit.ReceiptLife):
		return next, nil
	case <-ctx.Done():
		return Stored{}, ctx.Err()
	}
}

func (r *Rotator) of(ctx context.Context, workspaceID string, alg jwt.Algorithm) ([]Stored, error) {
	all, err := r.store.Keys(ctx, workspaceID)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(k Stored) bool { return k.Algorithm != alg }), nil
}

func (r *Rotator) add(ctx context.Context, workspaceID string, alg jwt.Algorithm, activeAt time.Time, retire []Stored, by string, details map[string]string) (Stored, error) {
	now := r.now()
	key, err := r.pool.New(r.master, workspaceID, id.New(now), alg, now, activeAt)
	if err != nil {
		return Stored{}, err
	}
	event := keyEvent(audit.KeyPublished, key, by, now)
	event.Details["active_at"] = activeAt.UTC().Format(time.RFC3339)
	for name, value := range details {
		event.Details[name] = value
	}
	if err := r.store.AddKey(ctx, key, retire, r.entries.Entry(event)); err != nil {
		return Stored{}, err
	}
	r.forget(workspaceID)
	return key, nil
}

func (r *Rotator) remove(ctx context.Context, key Stored, by, why string) error {
	event := keyEvent(audit.KeyRemoved, key, by, r.now())
	event.Reason = why
	if err := r.store.DeleteKey(ctx, key.WorkspaceID, key.ID, r.entries.Entry(event)); err != nil {
		return err
	}
	r.forget(key.WorkspaceID)
	return nil
}

func keyEvent(kind audit.Kind, key Stored, by string, now time.Time) audit.Event {
	return audit.Event{
		ID: id.New(now), Time: now, WorkspaceID: key.WorkspaceID, Kind: kind, Subject: by, Object: key.ID,
		Details: map[string]string{"algorithm": string(key.Algorithm)},
	}
}

// Leases keep two nodes from rotating one ring at a time.
type Leases interface {
	AcquireLease(ctx context.Context, name, holder string, ttl time.Duration) (bool, error)
}

const (
	leaseName   = "rotation"
	rotateCheck = time.Minute
	rotateBatch = 50
)

// Run keeps the schedule until the context ends: it publishes successors in time and removes keys that are gone. Any
// number of nodes may run it; the one that holds the lease works.
func (r *Rotator) Run(ctx context.Context, leases Leases, log *slog.Logger) {
	holder := id.New(r.now())
	lead := func(ctx context.Context) (bool, error) {
		return leases.AcquireLease(ctx, leaseName, holder, rotateCheck)
	}
	tick := time.NewTicker(rotateCheck)
	defer tick.Stop()
	for {
		if err := r.turn(ctx, lead); err != nil && ctx.Err() == nil {
			log.Error("keys could not be rotated; trying again in a minute", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (r *Rotator) turn(ctx context.Context, lead func(context.Context) (bool, error)) error {
	now := r.now()
	due, err := r.store.RotationDue(ctx, now.Add(r.schedule.PublishAhead-r.schedule.RotateEvery), rotateBatch)
	if err != nil {
		return err
	}
	gone, err := r.store.KeysGone(ctx, now, rotateBatch)
	if err != nil || len(due)+len(gone) == 0 {
		return err
	}
	if held, err := lead(ctx); err != nil || !held {
		return err
	}
	var failures []error
	for _, k := range due {
		if _, err := r.Rotate(ctx, k.WorkspaceID, k.Algorithm, ""); err != nil && !errors.Is(err, ErrPublished) {
			failures = append(failures, fmt.Errorf("rotate %s: %w", k.ID, err))
		}
	}
	for _, k := range gone {
		if err := r.remove(ctx, k, "", "expired"); err != nil {
			failures = append(failures, fmt.Errorf("remove %s: %w", k.ID, err))
		}
	}
	return errors.Join(failures...)
}
