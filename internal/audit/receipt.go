package audit

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync/atomic"
	"time"

	"github.com/nsc-federation/nsc/internal/policy"
)

// ReceiptLife is how long after its record a token may still be signed.
const ReceiptLife = time.Second

// ErrLate is returned for a receipt that is older than ReceiptLife.
var ErrLate = errors.New("audit: the receipt is too old to be signed")

// Lapse returns when no receipt for what was recorded before the call can be redeemed any more. Whoever cuts something
// off waits for it: what was recorded before the cut-off is then signed or will never be (rule 22).
func Lapse(ctx context.Context) error {
	select {
	case <-time.After(ReceiptLife):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Receipt is the proof that the intent to issue a token is durable. It signs once, exactly the payload whose hash was
// recorded (rule 26), with the key that was, and only within ReceiptLife.
type Receipt struct{ r *receipt }

type receipt struct {
	grant     policy.Grant
	keyID     string
	payload   []byte
	hash      [32]byte
	tokenID   string
	expiresAt time.Time
	began     time.Time // of the record's transaction: a cut-off that committed after it has not waited long enough yet
	redeemed  atomic.Bool
}

// IsZero reports whether there is no record behind the receipt.
func (r Receipt) IsZero() bool { return r.r == nil }

// Grant returns the decision that was recorded.
func (r Receipt) Grant() policy.Grant { return r.r.grant }

// KeyID returns the ID of the key that was recorded, which alone may sign; "" for a token that is not signed.
func (r Receipt) KeyID() string { return r.r.keyID }

// TokenID returns the jti of the token to be signed.
func (r Receipt) TokenID() string { return r.r.tokenID }

// ExpiresAt returns when the token to be signed ends.
func (r Receipt) ExpiresAt() time.Time { return r.r.expiresAt }

// Late reports whether it is too late to sign, so that a signature that took too long can be thrown away.
func (r Receipt) Late() bool { return r.r == nil || since(r.r.began) >= ReceiptLife }

// Redeem returns the payload to be signed, once. It fails with ErrLate where it is too late.
func (r Receipt) Redeem() ([]byte, error) {
	switch {
	case r.r == nil:
		return nil, errors.New("audit: no receipt")
	case r.r.redeemed.Swap(true):
		return nil, errors.New("audit: the receipt was redeemed before")
	case r.Late():
		return nil, ErrLate
	case sha256.Sum256(r.r.payload) != r.r.hash:
		return nil, errors.New("audit: the payload is not the one recorded")
	}
	return r.r.payload, nil
}

// since returns how long ago something was, by the clock that says longer: the monotonic one stands still while a
// machine sleeps, and the other may be set back.
func since(t time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(t), now.Round(0).Sub(t.Round(0)))
}
