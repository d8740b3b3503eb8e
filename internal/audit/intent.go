package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
)

// leeway is how long after its end an external token may still be accepted, so how much longer its use is remembered.
const leeway = 2 * time.Minute

// Origin is where a request came from.
type Origin struct {
	Address  string // the caller's
	RetryKey string // Idempotency-Key; "" for none
}

// intended is one token on its way through the record.
type intended struct {
	grant   policy.Grant
	keyID   string
	from    Origin
	payload []byte
	hash    [32]byte
	tokenID string
	ends    time.Time
}

// Intent records that a token is about to be issued, and returns the receipt that alone can be signed, by the key of that ID
// and no other; "" is a token that is not signed but kept (see keys.Opaques). It returns once
// the record is durable, or ErrMoved, ErrReplayed, ErrNoTokenID, ErrBusy or the log's error; then nothing may be signed.
func (r *Recorder) Intent(ctx context.Context, g policy.Grant, keyID string, from Origin) (Receipt, error) {
	switch {
	case g.IsZero():
		return Receipt{}, errors.New("audit: no grant")
	case g.Generation() <= 0: // 0 is "do not compare" to the store: nothing would hold the decision to the present (rule 22)
		return Receipt{}, errors.New("audit: the decision names no generation")
	case g.SingleUse() && g.Caller().TokenID() == "":
		return Receipt{}, ErrNoTokenID
	case ctx.Err() != nil: // nobody waits for a token: a single use is not to be wasted on him
		return Receipt{}, ctx.Err()
	}
	i := intended{g, keyID, from, g.Payload(), sha256.Sum256(g.Payload()), g.ID(), g.ExpiresAt()}
	entry := i.entry(TokenIssued, g.IssuedAt())
	if g.SingleUse() {
		entry.Use = i.use()
	}
	res := r.append(ctx, entry)
	if res.err == nil && res.outcome.Verdict == Used && entry.Use != nil {
		return r.again(ctx, i, entry.Use, res.outcome)
	}
	return i.receipt(res)
}

// receipt is given for what is on the record and for nothing else.
func (i intended) receipt(res result) (Receipt, error) {
	switch {
	case res.err != nil:
		return Receipt{}, res.err
	case res.outcome.Verdict == Moved:
		return Receipt{}, ErrMoved
	case res.outcome.Verdict != Committed:
		return Receipt{}, fmt.Errorf("audit: verdict %d on a token", res.outcome.Verdict)
	}
	return Receipt{&receipt{
		grant: i.grant, keyID: i.keyID, payload: i.payload, hash: i.hash, tokenID: i.tokenID, expiresAt: i.ends, began: res.began,
	}}, nil
}

func (i intended) entry(kind Kind, at time.Time) Entry {
	g := i.grant
	event := Event{
		ID: g.ID(), Time: at, WorkspaceID: g.WorkspaceID(), Kind: kind,
		Subject: g.Caller().Subject(), Address: i.from.Address,
		Token: &Token{
			ID: i.tokenID, Type: string(g.TokenType()), Audience: g.Audience(), Subject: g.Subject(),
			Algorithm: string(g.Algorithm()), KeyID: i.keyID, ExpiresAt: i.ends, PayloadHash: hex.EncodeToString(i.hash[:]),
		},
		Upstream: UpstreamOf(g.Caller()), Act: g.Act().Names(g.Caller().Tenant()), Trusts: g.Trusts(),
	}
	if g.Act().Told() { // whom another issuer names by its own words; Act has a hash of them
		event.Details = map[string]string{"act": g.Act().String()}
	}
	if actor := g.Actor(); !actor.IsZero() {
		event.Actor = UpstreamOf(actor)
	}
	entry := event.entry()
	entry.Generation = g.Generation()
	return entry
}

func (i intended) use() *Use {
	caller := i.grant.Caller()
	return &Use{
		Issuer: caller.Issuer(), TokenID: caller.TokenID(), ExpiresAt: caller.ExpiresAt().Add(leeway),
		RetryKey: retryKey(i.grant, i.from.RetryKey), Payload: i.payload,
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
