package audit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
)

// ReceiptLife is how long after its record a token may still be signed. A cut-off that has waited this long knows that
// nothing recorded before it will be signed any more (rule 22).
const ReceiptLife = time.Second

// retryFor is how long the first use of a single-use token may be repeated with the same Idempotency-Key (rule 16).
const retryFor = 60 * time.Second

// leeway is how long after its end an external token may still be accepted, so how much longer its use is remembered.
const leeway = 2 * time.Minute

// Origin is where a request came from.
type Origin struct {
	Address  string // the caller's
	RetryKey string // Idempotency-Key; "" for none
}

// Receipt is the proof that the intent to issue a token is durable. It signs once, exactly the payload whose hash was
// recorded (rule 26), and only within ReceiptLife.
type Receipt struct{ r *receipt }

type receipt struct {
	grant     policy.Grant
	payload   []byte
	hash      [32]byte
	tokenID   string
	expiresAt time.Time
	deadline  time.Time // with its monotonic reading: a clock that jumps does not move it
	redeemed  atomic.Bool
}

// IsZero reports whether there is no record behind the receipt.
func (r Receipt) IsZero() bool { return r.r == nil }

// Grant returns the decision that was recorded.
func (r Receipt) Grant() policy.Grant { return r.r.grant }

// TokenID returns the jti of the token to be signed.
func (r Receipt) TokenID() string { return r.r.tokenID }

// ExpiresAt returns when the token to be signed ends.
func (r Receipt) ExpiresAt() time.Time { return r.r.expiresAt }

// Redeem returns the payload to be signed, once.
func (r Receipt) Redeem() ([]byte, error) {
	switch {
	case r.r == nil:
		return nil, errors.New("audit: no receipt")
	case r.r.redeemed.Swap(true):
		return nil, errors.New("audit: the receipt was redeemed before")
	case time.Until(r.r.deadline) <= 0:
		return nil, errors.New("audit: the receipt is too old to be signed")
	case sha256.Sum256(r.r.payload) != r.r.hash:
		return nil, errors.New("audit: the payload is not the one recorded")
	}
	return r.r.payload, nil
}

func newReceipt(g policy.Grant, payload []byte, hash [32]byte, tokenID string, expiresAt time.Time) Receipt {
	return Receipt{&receipt{
		grant: g, payload: payload, hash: hash, tokenID: tokenID, expiresAt: expiresAt, deadline: time.Now().Add(ReceiptLife),
	}}
}

// Intent records that a token is about to be issued, and returns the receipt that alone can be signed. It returns once
// the record is durable, or ErrMoved, ErrReplayed, ErrNoTokenID, ErrBusy or the log's error; then nothing may be signed.
func (r *Recorder) Intent(ctx context.Context, g policy.Grant, from Origin) (Receipt, error) {
	if g.IsZero() {
		return Receipt{}, errors.New("audit: no grant")
	}
	payload := g.Payload()
	hash := sha256.Sum256(payload)
	entry := issued(TokenIssued, g, g.ID(), hash, g.ExpiresAt(), from, g.IssuedAt()).entry()
	entry.Generation = g.Generation()
	if g.SingleUse() {
		if g.Caller().TokenID() == "" {
			return Receipt{}, ErrNoTokenID
		}
		entry.Use = use(g, payload, from)
	}
	outcome, err := r.append(ctx, entry)
	switch {
	case err != nil:
		return Receipt{}, err
	case outcome.Verdict == Moved:
		return Receipt{}, ErrMoved
	case outcome.Verdict == Used:
		return r.again(ctx, g, entry.Use, outcome, from)
	}
	return newReceipt(g, payload, hash, g.ID(), g.ExpiresAt()), nil
}

// again answers the retry of a recorded single use with the claims that were recorded then (rules 16 and 26).
func (r *Recorder) again(ctx context.Context, g policy.Grant, u *Use, first Outcome, from Origin) (Receipt, error) {
	if u.RetryKey == nil || !hmac.Equal(u.RetryKey, first.FirstRetryKey) || r.now().Sub(first.FirstAt).Abs() > retryFor {
		return Receipt{}, ErrReplayed
	}
	var claims struct {
		ID        string `json:"jti"`
		ExpiresAt int64  `json:"exp"`
	}
	if err := json.Unmarshal(first.FirstPayload, &claims); err != nil {
		return Receipt{}, fmt.Errorf("audit: recorded payload: %w", err)
	}
	hash, ends := sha256.Sum256(first.FirstPayload), time.Unix(claims.ExpiresAt, 0).UTC()
	now := r.now()
	event := issued(TokenReissued, g, claims.ID, hash, ends, from, now)
	event.ID = id.New(now)
	entry := event.entry()
	entry.Generation = g.Generation()
	outcome, err := r.append(ctx, entry)
	switch {
	case err != nil:
		return Receipt{}, err
	case outcome.Verdict != Committed:
		return Receipt{}, ErrMoved
	}
	return newReceipt(g, first.FirstPayload, hash, claims.ID, ends), nil
}

func issued(kind Kind, g policy.Grant, tokenID string, hash [32]byte, ends time.Time, from Origin, at time.Time) Event {
	return Event{
		ID: g.ID(), Time: at, WorkspaceID: g.WorkspaceID(), Kind: kind,
		Subject: g.Caller().Subject(), Address: from.Address,
		Token: &Token{
			ID: tokenID, Type: string(g.TokenType()), Audience: g.Audience(), Subject: g.Subject(),
			Algorithm: string(g.Algorithm()), ExpiresAt: ends, PayloadHash: hex.EncodeToString(hash[:]),
		},
		Upstream: UpstreamOf(g.Caller()), Trusts: g.Trusts(),
	}
}

// UpstreamOf describes the credential of a verified caller.
func UpstreamOf(caller identity.Identity) *Upstream {
	digest := caller.Digest()
	u := &Upstream{
		Issuer: caller.Issuer(), Subject: caller.ExternalSubject(), TokenID: caller.TokenID(),
		Key: caller.KeyThumbprint(), KeySource: caller.KeySource(),
	}
	if digest != ([32]byte{}) {
		u.Digest = hex.EncodeToString(digest[:])
	}
	return u
}

func use(g policy.Grant, payload []byte, from Origin) *Use {
	u := &Use{
		Issuer: g.Caller().Issuer(), TokenID: g.Caller().TokenID(), ExpiresAt: g.Caller().ExpiresAt().Add(leeway), Payload: payload,
	}
	if from.RetryKey != "" {
		u.RetryKey = retryKey(g, from.RetryKey)
	}
	return u
}

// retryKey binds the caller's key to what was asked and decided: a retry that asks for another kind of token, or that
// the trusts by now would answer otherwise, is not a retry of the same request.
func retryKey(g policy.Grant, key string) []byte {
	digest := g.Caller().Digest()
	h := sha256.New()
	part := func(s string) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	part(key)
	part(string(digest[:]))
	part(g.Typ())
	part(string(g.Algorithm()))
	part(g.Audience())
	for _, p := range g.Permissions() {
		part(p.ResourceType)
		part(p.ResourceID)
		for _, a := range p.Actions {
			part(a)
		}
		part("")
	}
	for _, t := range g.Trusts() {
		part(t.ID)
		part(strconv.FormatInt(t.Version, 10))
	}
	return h.Sum(nil)
}
