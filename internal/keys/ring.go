package keys

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/jwt"
)

// ring is all keys of one workspace as they were at one generation, ready to sign and to verify with.
type ring struct {
	generation int64
	until      time.Time // when the first of them is gone, and the ring is to be read again; zero for never
	members    []member
	jwks       Document
	public     jwt.KeySet
}

type member struct {
	stored Stored
	public jwt.Key
	signer *jwt.Signer
}

// Document is a JWKS as served, with its entity tag.
type Document struct {
	JSON []byte
	ETag string
}

// openRing opens the keys that are not gone. What is published of them is made from their private halves, which alone
// are bound to their rows: a public half that was exchanged in the database convinces nobody.
func openRing(stored []Stored, generation int64, master Master, now time.Time) (*ring, error) {
	r := &ring{generation: generation}
	for _, s := range stored {
		if s.State(now) == Gone {
			continue
		}
		m, err := openMember(s, master)
		if err != nil {
			return nil, fmt.Errorf("key %s of workspace %s: %w", s.ID, s.WorkspaceID, err)
		}
		r.members = append(r.members, m)
		r.public.Keys = append(r.public.Keys, m.public)
		if !s.GoneAt.IsZero() && (r.until.IsZero() || s.GoneAt.Before(r.until)) {
			r.until = s.GoneAt
		}
	}
	var err error
	r.jwks, err = document(r.public)
	return r, err
}

func openMember(s Stored, master Master) (member, error) {
	private, err := s.open(master)
	if err != nil {
		return member{}, err
	}
	signer, err := jwt.NewSigner(s.ID, s.Algorithm, private)
	if err != nil {
		return member{}, err
	}
	return member{s, jwt.Key{ID: s.ID, Algorithm: s.Algorithm, Public: private.Public()}.Thumbprinted(), signer}, nil
}

func document(set jwt.KeySet) (Document, error) {
	published := make([]json.RawMessage, len(set.Keys))
	for i, key := range set.Keys {
		var err error
		if published[i], err = key.JWK(); err != nil {
			return Document{}, err
		}
	}
	text, err := json.Marshal(map[string]any{"keys": published})
	if err != nil {
		return Document{}, err
	}
	sum := sha256.Sum256(text)
	return Document{text, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}, nil
}

// serves reports whether the ring is as new as is asked, and nothing in it has gone meanwhile.
func (r *ring) serves(generation int64, now time.Time) bool {
	return r.generation >= generation && (r.until.IsZero() || now.Before(r.until))
}

// active returns the key that signs for an algorithm: of those that may, the one that began last. A clock that jumped back
// to before the first key may find none; then it is the first, which was never published ahead of its use.
func (r *ring) active(alg jwt.Algorithm, now time.Time) (member, bool) {
	var best, first member
	for _, m := range r.members {
		switch {
		case m.stored.Algorithm != alg:
		case m.stored.State(now) == Active && (best.signer == nil || m.stored.after(best.stored)):
			best = m
		case m.stored.early(now) && (first.signer == nil || first.stored.after(m.stored)):
			first = m
		}
	}
	if best.signer == nil {
		best = first
	}
	return best, best.signer != nil
}

// recorded returns the key that was chosen for a token, where it may still sign it: it is there, and at the choice, no longer
// ago than a receipt lasts, it could be what active returns.
func (r *ring) recorded(keyID string, alg jwt.Algorithm, now time.Time) (member, bool) {
	for _, m := range r.members {
		if m.stored.ID == keyID {
			signs := m.stored.State(now) == Active || m.stored.State(now.Add(-audit.ReceiptLife)) == Active || m.stored.early(now)
			return m, m.stored.Algorithm == alg && signs
		}
	}
	return member{}, false
}

func (r *ring) find(keyID string) (jwt.Key, bool) {
	for _, m := range r.members {
		if m.stored.ID == keyID {
			return m.public, true
		}
	}
	return jwt.Key{}, false
}

// algorithms returns those that tokens are or will be signed with: whoever reads discovery once must know an algorithm
// before it is used, as he must know a key (rule 29).
func (r *ring) algorithms(now time.Time) []jwt.Algorithm {
	var algs []jwt.Algorithm
	for _, alg := range []jwt.Algorithm{jwt.ES256, jwt.RS256, jwt.EdDSA} {
		if slices.ContainsFunc(r.members, func(m member) bool {
			state := m.stored.State(now)
			return m.stored.Algorithm == alg && (state == Published || state == Active)
		}) {
			algs = append(algs, alg)
		}
	}
	return algs
}

// Reader is what the rings need of the store.
type Reader interface {
	Keys(ctx context.Context, workspaceID string) ([]Stored, error)
}
