// Package keys signs. It holds the key rings of all workspaces and adds header and signature to exactly the payload
// that a Receipt says was recorded; there is no other way to a token's signature.
//
// A ring is the keys of one workspace and algorithm. A key is published a day before it signs, so that nobody who caches
// the JWKS as told meets a token whose key he does not know, and stays until the last token it signed has expired
// (rule 29). Private keys are sealed at rest by a master key and bound to their row (rule 30).
//
// The package does not know who may have a token or what is in it.
package keys

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/jwt"
)

const openRings = 4096 // workspaces whose keys are held in memory

// ErrNoKey is returned where a workspace has no active key of the algorithm.
var ErrNoKey = errors.New("keys: the workspace has no active key of this algorithm")

// Rings holds the open key rings of a node. It is safe for concurrent use.
type Rings struct {
	reader  Reader
	master  Master
	now     func() time.Time
	rings   *lru.Cache[string, *ring]
	loading singleflight.Group
	forgets atomic.Int64 // counted, so that a load that began before a Forget leaves nothing behind
}

// Open returns the rings that the reader's keys make, opened with the master key on first use.
func Open(reader Reader, master Master, now func() time.Time) *Rings {
	rings, err := lru.New[string, *ring](openRings)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &Rings{reader: reader, master: master, now: now, rings: rings}
}

// Forget drops a workspace's ring, because its generation moved.
func (r *Rings) Forget(workspaceID string) {
	r.forgets.Add(1)
	r.rings.Remove(workspaceID)
}

// Token is a signed token. Only Sign makes one.
type Token struct {
	compact string
	id      string
	expires time.Time
}

// Compact returns the token's compact serialization (RFC 7515 §7.1). It is a secret: it is never logged.
func (t Token) Compact() string { return t.compact }

// ID returns the token's jti.
func (t Token) ID() string { return t.id }

// ExpiresAt returns when the token ends.
func (t Token) ExpiresAt() time.Time { return t.expires }

// String keeps tokens out of logs.
func (t Token) String() string { return "[redacted]" }

// GoString keeps tokens out of logs.
func (t Token) GoString() string { return "[redacted]" }

// Sign signs what the receipt recorded, once. The ring is at least as new as the decision, so a key that was removed
// before the decision signs nothing.
func (r *Rings) Sign(ctx context.Context, receipt audit.Receipt) (Token, error) {
	if receipt.IsZero() {
		return Token{}, errors.New("keys: no receipt")
	}
	grant := receipt.Grant()
	ring, err := r.ring(ctx, grant.WorkspaceID(), grant.Generation())
	if err != nil {
		return Token{}, err
	}
	key, ok := ring.active(jwt.Algorithm(grant.Algorithm()), r.now())
	if !ok {
		return Token{}, ErrNoKey
	}
	payload, err := receipt.Redeem()
	if err != nil {
		return Token{}, err
	}
	compact, err := key.signer.Sign(grant.Typ(), payload)
	if err != nil {
		return Token{}, fmt.Errorf("keys: %w", err)
	}
	return Token{compact, receipt.TokenID(), receipt.ExpiresAt()}, nil
}

// CanSign reports whether the workspace has an active key of the algorithm.
func (r *Rings) CanSign(ctx context.Context, workspaceID, alg string) (bool, error) {
	ring, err := r.ring(ctx, workspaceID, 0)
	if err != nil {
		return false, err
	}
	_, ok := ring.active(jwt.Algorithm(alg), r.now())
	return ok, nil
}

// PublicKey returns a key of a workspace by its ID, unless it is gone.
func (r *Rings) PublicKey(ctx context.Context, workspaceID, keyID string) (jwt.Key, bool, error) {
	ring, err := r.ring(ctx, workspaceID, 0)
	if err != nil {
		return jwt.Key{}, false, err
	}
	key, ok := ring.find(keyID, r.now())
	return key, ok, nil
}

// JWKS returns a workspace's key set as served.
func (r *Rings) JWKS(ctx context.Context, workspaceID string) (Document, error) {
	ring, err := r.ring(ctx, workspaceID, 0)
	if err != nil {
		return Document{}, err
	}
	return ring.jwks, nil
}

// KeySet returns a workspace's keys for a verifier in this process.
func (r *Rings) KeySet(ctx context.Context, workspaceID string) (jwt.KeySet, error) {
	ring, err := r.ring(ctx, workspaceID, 0)
	if err != nil {
		return jwt.KeySet{}, err
	}
	return ring.public, nil
}

// Algorithms returns what a workspace can sign with now.
func (r *Rings) Algorithms(ctx context.Context, workspaceID string) ([]jwt.Algorithm, error) {
	ring, err := r.ring(ctx, workspaceID, 0)
	if err != nil {
		return nil, err
	}
	return ring.algorithms(r.now()), nil
}

// ring returns a workspace's ring, read anew where the one at hand is older than the generation.
func (r *Rings) ring(ctx context.Context, workspaceID string, generation int64) (*ring, error) {
	if held, ok := r.rings.Get(workspaceID); ok && held.generation >= generation {
		return held, nil
	}
	loaded, err, _ := r.loading.Do(workspaceID, func() (any, error) { return r.load(ctx, workspaceID, generation) })
	if err != nil {
		return nil, err
	}
	if held := loaded.(*ring); held.generation >= generation {
		return held, nil
	}
	return r.load(ctx, workspaceID, generation) // joined a flight that began before the generation moved
}

func (r *Rings) load(ctx context.Context, workspaceID string, generation int64) (*ring, error) {
	forgets := r.forgets.Load()
	stored, err := r.reader.Keys(context.WithoutCancel(ctx), workspaceID)
	if err != nil {
		return nil, err
	}
	opened, err := openRing(stored, generation, r.master, r.now())
	if err != nil {
		return nil, err
	}
	if len(opened.members) > 0 && r.forgets.Load() == forgets { // unknown workspaces take no room
		r.rings.Add(workspaceID, opened)
	}
	return opened, nil
}
