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
	"io"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/policy"
)

const (
	openRings   = 4096 // workspaces whose keys are held in memory
	loadTimeout = 5 * time.Second
)

// ErrNoKey is returned where a workspace has no active key of the algorithm.
var ErrNoKey = errors.New("keys: the workspace has no active key of this algorithm")

// ErrKeyEnded is returned where the key that was recorded for a token signs no more. Nothing was signed: decide again.
var ErrKeyEnded = errors.New("keys: the key that was recorded signs no more")

var errLoad = errors.New("keys: the keys could not be read") // what those who wait are told where the load panics

// Rings holds the open key rings of a node. It is safe for concurrent use.
type Rings struct {
	reader Reader
	master Master
	now    func() time.Time
	rings  *lru.Cache[string, *ring]

	mu      sync.Mutex // orders what is kept against what is forgotten; held for looks alone
	loading map[string]*load
}

// load is a ring on its way from the database. The maker closes done.
type load struct {
	done chan struct{}
	ring *ring
	err  error
}

// Open returns the rings that the reader's keys make, opened with the master key on first use.
func Open(reader Reader, master Master, now func() time.Time) *Rings {
	rings, err := lru.New[string, *ring](openRings)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &Rings{reader: reader, master: master, now: now, rings: rings, loading: map[string]*load{}}
}

// Forget drops a workspace's ring, because its generation moved. Whoever asks from now on gets one that was read from now
// on: a load that is under way serves those who wait for it, and leaves nothing behind.
func (r *Rings) Forget(workspaceID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.loading, workspaceID)
	r.rings.Remove(workspaceID)
}

// Token is a signed token. Only Sign makes one.
type Token struct {
	compact *string // so that it does not print as a part of something else either
	id      string
	expires time.Time
}

// Compact returns the token's compact serialization (RFC 7515 §7.1). It is a secret: it is never logged.
func (t Token) Compact() string {
	if t.compact == nil {
		return ""
	}
	return *t.compact
}

// ID returns the token's jti.
func (t Token) ID() string { return t.id }

// ExpiresAt returns when the token ends.
func (t Token) ExpiresAt() time.Time { return t.expires }

// Format keeps tokens out of logs, whatever the verb.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// String keeps tokens out of logs.
func (t Token) String() string { return "[redacted]" }

// Choose returns the ID of the key that is to sign what was decided, for the record to name it before it does; ErrNoKey
// where there is none. The ring is at least as new as the decision, so a key that was removed before is not chosen.
func (r *Rings) Choose(ctx context.Context, grant policy.Grant) (string, error) {
	ring, err := r.ring(ctx, grant.WorkspaceID(), grant.Generation())
	if err != nil {
		return "", err
	}
	key, ok := ring.active(jwt.Algorithm(grant.Algorithm()), r.now())
	if !ok {
		return "", ErrNoKey
	}
	return key.stored.ID, nil
}

// Sign signs what the receipt recorded, once, with the key that it recorded and no other. The ring is at least as new as the
// decision, so a key that was removed before the decision signs nothing; and what was signed too late for a cut-off is
// thrown away (rule 22).
func (r *Rings) Sign(ctx context.Context, receipt audit.Receipt) (Token, error) {
	switch {
	case receipt.IsZero():
		return Token{}, errors.New("keys: no receipt")
	case receipt.KeyID() == "":
		return Token{}, errors.New("keys: the receipt is for a token that is not signed")
	}
	grant := receipt.Grant()
	ring, err := r.ring(ctx, grant.WorkspaceID(), grant.Generation())
	if err != nil {
		return Token{}, err
	}
	key, ok := ring.recorded(receipt.KeyID(), jwt.Algorithm(grant.Algorithm()), r.now())
	if !ok {
		return Token{}, ErrKeyEnded
	}
	payload, err := receipt.Redeem()
	if err != nil {
		return Token{}, err
	}
	compact, err := key.signer.Sign(grant.Typ(), payload)
	switch {
	case err != nil:
		return Token{}, fmt.Errorf("keys: %w", err)
	case receipt.Late():
		return Token{}, audit.ErrLate
	}
	return Token{&compact, receipt.TokenID(), receipt.ExpiresAt()}, nil
}

// PublicKey returns a key of a workspace by its ID, unless it is gone.
func (r *Rings) PublicKey(ctx context.Context, workspaceID, keyID string) (jwt.Key, bool, error) {
	ring, err := r.ring(ctx, workspaceID, 0)
	if err != nil {
		return jwt.Key{}, false, err
	}
	key, ok := ring.find(keyID)
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
	for {
		if held, ok := r.rings.Get(workspaceID); ok && held.serves(generation, r.now()) {
			return held, nil
		}
		l, mine := r.join(workspaceID)
		if mine {
			r.fetch(ctx, l, workspaceID, generation)
			return l.ring, l.err
		}
		select {
		case <-l.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if l.err != nil || l.ring.generation >= generation {
			return l.ring, l.err
		}
	}
}

// join returns the load of a workspace's ring that is under way, or a new one for the caller to make.
func (r *Rings) join(workspaceID string) (l *load, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l, ok := r.loading[workspaceID]; ok {
		return l, false
	}
	l = &load{done: make(chan struct{})}
	r.loading[workspaceID] = l
	return l, true
}

// fetch makes a load. Others wait for it: it does not end with the caller.
func (r *Rings) fetch(ctx context.Context, l *load, workspaceID string, generation int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
	defer cancel()
	l.err = errLoad
	defer r.settle(l, workspaceID)
	stored, err := r.reader.Keys(ctx, workspaceID)
	if err != nil {
		l.err = err
		return
	}
	l.ring, l.err = openRing(stored, generation, r.master, r.now())
}

// settle ends a load and keeps its ring, unless the workspace was forgotten meanwhile.
func (r *Rings) settle(l *load, workspaceID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer close(l.done)
	if r.loading[workspaceID] != l {
		return
	}
	delete(r.loading, workspaceID)
	if l.err == nil && len(l.ring.members) > 0 { // unknown workspaces take no room
		r.rings.Add(workspaceID, l.ring)
	}
}
