package keys

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// ring is all keys of one workspace as they were at one generation, ready to sign and to verify with.
type ring struct {
	generation int64
	members    []member // newest first
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

func openRing(stored []Stored, generation int64, master Master, now time.Time) (*ring, error) {
	r := &ring{generation: generation}
	var published []json.RawMessage
	for _, s := range stored {
		if s.State(now) == Gone {
			continue
		}
		private, err := s.open(master)
		if err != nil {
			return nil, fmt.Errorf("key %s of workspace %s: %w", s.ID, s.WorkspaceID, err)
		}
		signer, err := jwt.NewSigner(s.ID, s.Algorithm, private)
		if err != nil {
			return nil, err
		}
		key := jwt.Key{ID: s.ID, Algorithm: s.Algorithm, Public: private.Public()}
		r.members = append(r.members, member{s, key, signer})
		r.public.Keys = append(r.public.Keys, key)
		published = append(published, s.Public)
	}
	document, err := json.Marshal(struct {
		Keys []json.RawMessage `json:"keys"`
	}{published})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(document)
	r.jwks = Document{document, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
	return r, nil
}

// active returns the key that signs for an algorithm: of those that may, the one that began last.
func (r *ring) active(alg jwt.Algorithm, now time.Time) (member, bool) {
	var best member
	for _, m := range r.members {
		if m.stored.Algorithm == alg && m.stored.State(now) == Active &&
			(best.signer == nil || m.stored.ActiveAt.After(best.stored.ActiveAt)) {
			best = m
		}
	}
	return best, best.signer != nil
}

func (r *ring) find(keyID string, now time.Time) (jwt.Key, bool) {
	for _, m := range r.members {
		if m.stored.ID == keyID {
			return m.public, m.stored.State(now) != Gone
		}
	}
	return jwt.Key{}, false
}

// algorithms returns those that the ring can sign with now.
func (r *ring) algorithms(now time.Time) []jwt.Algorithm {
	var algs []jwt.Algorithm
	for _, alg := range []jwt.Algorithm{jwt.ES256, jwt.RS256, jwt.EdDSA} {
		if _, ok := r.active(alg, now); ok {
			algs = append(algs, alg)
		}
	}
	return algs
}

// Reader is what the rings need of the store.
type Reader interface {
	Keys(ctx context.Context, workspaceID string) ([]Stored, error)
}
