package evidence

import (
	"crypto/sha256"
	"errors"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// Frontier is all that must be known of a tree to let it grow: its size, and the roots of the largest complete subtrees
// that it falls into, from left to right, one for each bit of the size. The zero value is the empty tree.
type Frontier struct {
	size   int64
	hashes []tlog.Hash
}

var errFrontier = errors.New("evidence: not the frontier of a tree of this size")

// NewFrontier returns the frontier of a tree.
func NewFrontier(size int64, hashes []tlog.Hash) (Frontier, error) {
	if size < 0 || len(hashes) != bits.OnesCount64(uint64(size)) {
		return Frontier{}, errFrontier
	}
	return Frontier{size, append([]tlog.Hash(nil), hashes...)}, nil
}

// DecodeFrontier returns the frontier that Encode wrote.
func DecodeFrontier(size int64, encoded []byte) (Frontier, error) {
	if len(encoded)%tlog.HashSize != 0 {
		return Frontier{}, errFrontier
	}
	hashes := make([]tlog.Hash, len(encoded)/tlog.HashSize)
	for i := range hashes {
		copy(hashes[i][:], encoded[i*tlog.HashSize:])
	}
	return NewFrontier(size, hashes)
}

// Encode returns the hashes, one after the other.
func (f *Frontier) Encode() []byte {
	encoded := make([]byte, 0, len(f.hashes)*tlog.HashSize)
	for _, h := range f.hashes {
		encoded = append(encoded, h[:]...)
	}
	return encoded
}

// Size returns the number of leaves.
func (f *Frontier) Size() int64 { return f.size }

// Add appends a leaf. It calls completed for the root of each subtree that this completes, above the leaf itself, with
// its level and its number there.
func (f *Frontier) Add(leaf tlog.Hash, completed func(level int, number int64, h tlog.Hash)) {
	h := leaf
	for level := 0; f.size>>level&1 == 1; level++ {
		last := len(f.hashes) - 1
		h = tlog.NodeHash(f.hashes[last], h)
		f.hashes = f.hashes[:last]
		if completed != nil {
			completed(level+1, f.size>>(level+1), h)
		}
	}
	f.hashes = append(f.hashes, h)
	f.size++
}

// Root returns the root of the tree (RFC 6962 §2.1).
func (f *Frontier) Root() tlog.Hash {
	if f.size == 0 {
		return sha256.Sum256(nil)
	}
	h := f.hashes[len(f.hashes)-1]
	for i := len(f.hashes) - 2; i >= 0; i-- {
		h = tlog.NodeHash(f.hashes[i], h)
	}
	return h
}

// FrontierIndexes returns where a store of hashes has the frontier of a tree, as tlog.StoredHashIndex counts.
func FrontierIndexes(size int64) []int64 {
	var indexes []int64
	var before int64
	for level := 62; level >= 0; level-- {
		if size>>level&1 == 1 {
			indexes = append(indexes, tlog.StoredHashIndex(level, before>>level))
			before += 1 << level
		}
	}
	return indexes
}
