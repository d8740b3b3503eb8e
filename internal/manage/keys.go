package manage

import (
	"context"
	"errors"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/keys"
)

// ListKeys returns the keys of the caller's workspace.
func (s *Service) ListKeys(ctx context.Context, caller identity.Identity) ([]keys.Stored, error) {
	if err := allow(caller, keyNoun, "read"); err != nil {
		return nil, err
	}
	stored, err := s.c.Keys.Keys(ctx, caller.Tenant().ID)
	for i := range stored {
		stored[i] = shown(stored[i])
	}
	return stored, err
}

// shown is a key without its private half, which has no business outside, sealed or not.
func shown(k keys.Stored) keys.Stored {
	k.Sealed = nil
	return k
}

// Rotation says how a key is replaced.
type Rotation struct {
	Algorithm   jwt.Algorithm
	Compromised bool   // remove the key at once, and the validity of what it signed
	KeyID       string // which, of whatever algorithm, with Compromised; "" is the active one
}

// Rotated says what a rotation did.
type Rotated struct {
	keys.Stored // the new key; zero where a compromised one needed none
	Removed     keys.Stored
	Unreachable []Unreachable `json:"-"` // of what the removed key signed
	Incomplete  bool          `json:"-"` // as in CutOffResult
}

// RotateKeys publishes a successor, or replaces a compromised key at once, which is a cut-off of that key.
func (s *Service) RotateKeys(ctx context.Context, caller identity.Identity, r Rotation, address string) (Rotated, error) {
	if err := allow(caller, keyNoun, "write"); err != nil {
		return Rotated{}, err
	}
	if err := r.check(); err != nil {
		return Rotated{}, err
	}
	rotated, err := once(ctx, s, caller, func() (Rotated, error) {
		return s.rotate(ctx, caller, r, address, func(done Rotated) (*audit.Answer, error) { return s.answer(caller, done) })
	})
	if err == nil && r.Compromised && s.retry.Key != "" {
		err = audit.Lapse(ctx) // the first call may not have come to it
	}
	if err != nil || !r.Compromised {
		return rotated, err
	}
	rotated.Unreachable, rotated.Incomplete, err = s.unreachable(ctx, caller, Target{Key: rotated.Removed.ID}, rotated.Removed)
	if err != nil { // an error would be taken for a rotation that was not done, and send another after it
		rotated.Incomplete = true
	}
	return rotated, nil
}

func (r Rotation) check() error {
	switch r.Algorithm {
	case jwt.ES256, jwt.RS256, jwt.EdDSA:
	default:
		return invalid("algorithm", "must be ES256, RS256 or EdDSA")
	}
	if r.KeyID != "" && !r.Compromised {
		return invalid("key_id", "goes with compromised: a scheduled rotation follows the active key")
	}
	if r.KeyID != "" && !id.Valid(r.KeyID) {
		return fault.New(fault.NotFound, keys.ErrNoSuchKey)
	}
	return nil
}

// rotate replaces a key, and keeps the call's answer with the event that completes it.
func (s *Service) rotate(ctx context.Context, caller identity.Identity, r Rotation, address string,
	answer func(Rotated) (*audit.Answer, error)) (Rotated, error) {
	through := &calling{Writer: s.c.Keys, generation: caller.Generation(), removes: r.Compromised, answer: answer}
	rotator, by := s.c.Rotator.Through(through), s.event(caller, "", "", address)
	if r.Compromised {
		key, err := rotator.Replace(ctx, caller.Tenant().ID, r.Algorithm, r.KeyID, by)
		if errors.Is(err, keys.ErrNoSuchKey) {
			err = fault.New(fault.NotFound, err)
		}
		return Rotated{Stored: shown(key), Removed: through.done.Removed}, err
	}
	key, err := rotator.Rotate(ctx, caller.Tenant().ID, r.Algorithm, by)
	if errors.Is(err, keys.ErrPublished) {
		f := fault.New(fault.Conflict, err)
		f.Detail = "key " + key.ID + " is published already and signs from " + key.ActiveAt.UTC().Format("2006-01-02 15:04 UTC") + " on"
		return Rotated{Stored: shown(key)}, f
	}
	return Rotated{Stored: shown(key)}, err
}

// calling is a writer for the rotation that somebody asked for. Its first write compares the generation under which he was
// found entitled to it (rule 22). It keeps the answer with the new key, or, where a key is to be removed, with its removal,
// so that a call which failed in between is not taken for done.
type calling struct {
	keys.Writer
	generation int64
	removes    bool
	done       Rotated
	answer     func(Rotated) (*audit.Answer, error)
}

// AddKey adds a key.
func (c *calling) AddKey(ctx context.Context, key keys.Stored, retire []keys.Stored, e audit.Entry) (err error) {
	c.done.Stored, e.Generation = shown(key), c.generation
	if !c.removes {
		if e.Answer, err = c.answer(c.done); err != nil {
			return err
		}
	}
	err = c.Writer.AddKey(ctx, key, retire, e)
	c.generation = 0 // it moved by this write, and half of a replacement is worse than none
	return err
}

// DeleteKey removes a key.
func (c *calling) DeleteKey(ctx context.Context, workspaceID, keyID string, e audit.Entry) (err error) {
	stored, err := c.Keys(ctx, workspaceID)
	if err != nil {
		return err
	}
	for _, k := range stored {
		if k.ID == keyID {
			c.done.Removed = shown(k)
		}
	}
	e.Generation = c.generation
	if e.Answer, err = c.answer(c.done); err != nil {
		return err
	}
	return c.Writer.DeleteKey(ctx, workspaceID, keyID, e)
}
