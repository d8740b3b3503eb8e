package nsc

import (
	"crypto"
	"crypto/sha256"
	"sync"
	"sync/atomic"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// verified is a token whose signature was verified.
type verified struct {
	claims    Claims
	algorithm jwt.Algorithm
	key       jwt.Key
	set       atomic.Pointer[jwt.KeySet] // the last one in which the key was seen
}

func newVerified(claims Claims, algorithm jwt.Algorithm, key jwt.Key, set *jwt.KeySet) *verified {
	v := &verified{claims: claims, algorithm: algorithm, key: key}
	v.set.Store(set)
	return v
}

// signedBy reports whether the key that signed the token is in the set.
func (v *verified) signedBy(set *jwt.KeySet) bool {
	if v.set.Load() == set {
		return true
	}
	for _, k := range set.Keys {
		public, ok := k.Public.(interface{ Equal(crypto.PublicKey) bool })
		if ok && k.ID == v.key.ID && k.Accepts(v.algorithm) && public.Equal(v.key.Public) {
			v.set.Store(set)
			return true
		}
	}
	return false
}

// cache remembers verified tokens by their SHA-256, so that it holds no token that could be used. It has two
// generations: what was not asked for while a whole generation filled up is forgotten.
type cache struct {
	mu         sync.RWMutex
	young, old map[[sha256.Size]byte]*verified
}

// maxGeneration bounds a generation. Tokens are 6 KB at most: both are 25 MB at worst, and 2 MB of ordinary ones.
const maxGeneration = 2048

func (c *cache) get(digest [sha256.Size]byte) *verified {
	c.mu.RLock()
	v, young := c.young[digest]
	if !young {
		v = c.old[digest]
	}
	c.mu.RUnlock()
	if v != nil && !young {
		c.put(digest, v)
	}
	return v
}

func (c *cache) put(digest [sha256.Size]byte, v *verified) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young == nil || len(c.young) >= maxGeneration {
		c.old, c.young = c.young, make(map[[sha256.Size]byte]*verified)
	}
	c.young[digest] = v
}
