package jwt

import (
	"errors"
	"fmt"
)

// Bounds of a key set.
const (
	MaxKeySetBytes = 512 << 10 // bytes of the document
	MaxKeys        = 100       // keys in it, usable or not

	maxCandidates = 4 // keys that one token without a key ID is tried against
)

// KeySet holds the keys of one issuer.
type KeySet struct {
	Keys    []Key
	Skipped int // keys in the document that are not for verifying tokens here
}

// ParseKeySet reads a JWK Set (RFC 7517 §5). Keys of unknown kinds, symmetric ones, those for encryption, weak ones and
// those that are no key at all are skipped, as §5 wants; a document with no key left is an error.
func ParseKeySet(document []byte) (KeySet, error) {
	if len(document) > MaxKeySetBytes {
		return KeySet{}, fmt.Errorf("%w: a key set of %d bytes", ErrTooLarge, len(document))
	}
	var set KeySet
	s := scan(string(document))
	err := s.document(func(name string) error {
		if name != "keys" {
			return s.skip()
		}
		return s.array(func() error { return set.read(&s) })
	})
	if err != nil {
		return KeySet{}, fmt.Errorf("key set: %w", err)
	}
	if len(set.Keys) == 0 {
		return KeySet{}, fmt.Errorf("key set: %w: no usable key among %d", ErrMalformed, set.Skipped)
	}
	return set, nil
}

// read takes one key of the array.
func (set *KeySet) read(s *scanner) error {
	if len(set.Keys)+set.Skipped == MaxKeys {
		return malformed("more than 100 keys")
	}
	key, err := s.key()
	switch {
	case errors.Is(err, errUnusable):
		set.Skipped++
	case err != nil:
		return err
	default:
		set.Keys = append(set.Keys, key)
	}
	return nil
}

// Candidates returns the keys that may have signed a token with this header. A key ID is taken at its word: where no
// key has it, there is no candidate, and where a key has it that does not fit the algorithm, Verify will say so.
func (s KeySet) Candidates(h Header) []Key {
	var fitting, named []Key
	for _, k := range s.Keys {
		if h.KeyID != "" && k.ID != h.KeyID {
			continue
		}
		if k.Accepts(h.Algorithm) && len(fitting) < maxCandidates {
			fitting = append(fitting, k)
		}
		if h.KeyID != "" && len(named) < maxCandidates {
			named = append(named, k)
		}
	}
	if len(fitting) > 0 {
		return fitting
	}
	return named
}
