package audit

import (
	"crypto/sha256"
	"time"
)

// Answer is what the caller of a creation was told. It is kept in the creation's own transaction, so that whoever sends
// the same Idempotency-Key again, to whichever node, is told the same and creates nothing. It holds no secret (rule 31).
type Answer struct {
	Key       [sha256.Size]byte // digest of the caller and his Idempotency-Key
	Request   [sha256.Size]byte // digest of what was asked
	Body      []byte            // the answer, for whoever made it to read
	ExpiresAt time.Time
}
