package manage

import (
	"context"
	"errors"

	"github.com/nsc-federation/nsc/internal/fault"
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

// RotateKeys publishes a successor, or replaces a compromised key at once, and returns the new key; zero where a
// compromised key needed none.
func (s *Service) RotateKeys(ctx context.Context, caller identity.Identity, r Rotation) (keys.Stored, error) {
	if err := allow(caller, keyNoun, "write"); err != nil {
		return keys.Stored{}, err
	}
	switch r.Algorithm {
	case jwt.ES256, jwt.RS256, jwt.EdDSA:
	default:
		return keys.Stored{}, invalid("algorithm", "must be ES256, RS256 or EdDSA")
	}
	if r.KeyID != "" && !r.Compromised {
		return keys.Stored{}, invalid("key_id", "goes with compromised: a scheduled rotation follows the active key")
	}
	if r.Compromised {
		key, err := s.c.Rotator.Replace(ctx, caller.Tenant().ID, r.Algorithm, r.KeyID, caller.Subject())
		if errors.Is(err, keys.ErrNoSuchKey) {
			err = fault.New(fault.NotFound, err)
		}
		return shown(key), err
	}
	key, err := s.c.Rotator.Rotate(ctx, caller.Tenant().ID, r.Algorithm, caller.Subject())
	if errors.Is(err, keys.ErrPublished) {
		f := fault.New(fault.Conflict, err)
		f.Detail = "key " + key.ID + " is published already and signs from " + key.ActiveAt.UTC().Format("2006-01-02 15:04 UTC") + " on"
		return shown(key), f
	}
	return shown(key), err
}
