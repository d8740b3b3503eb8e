package evidence

import (
	"crypto/sha256"

	"golang.org/x/mod/sumdb/tlog"
)

// SaltSize is the number of bytes of an event's salt. With 128 random bits nobody can guess an erased event and check his
// guess against its leaf (rule 25).
const SaltSize = 16

// Leaf returns the leaf hash of an event: RFC 6962's hash of a leaf (§2.1) over the SHA-256 of the salt and the event's
// canonical encoding.
func Leaf(salt [SaltSize]byte, event []byte) tlog.Hash {
	h := sha256.New()
	h.Write(salt[:])
	h.Write(event)
	var digest [sha256.Size]byte
	return tlog.RecordHash(h.Sum(digest[:0]))
}
