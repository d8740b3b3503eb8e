package audit

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/nsc-federation/nsc/internal/policy"
)

// retryFor is how long the first use of a single-use token may be repeated with the same Idempotency-Key (rule 16).
const retryFor = 60 * time.Second

// again answers the retry of a recorded single use with the claims that were recorded then (rules 16 and 26). The ID of
// the retry's own decision, which no token has, becomes that of its event.
func (r *Recorder) again(ctx context.Context, i intended, u *Use, first Outcome) (Receipt, error) {
	now := r.now()
	if u.RetryKey == nil || !hmac.Equal(u.RetryKey, first.FirstRetryKey) || now.Sub(first.FirstAt).Abs() > retryFor {
		return Receipt{}, ErrReplayed
	}
	recorded, err := parseClaims(first.FirstPayload)
	if err != nil {
		return Receipt{}, err
	}
	asked, err := parseClaims(i.payload)
	switch {
	case err != nil:
		return Receipt{}, err
	case !recorded.answers(asked):
		return Receipt{}, ErrReplayed
	}
	i.payload, i.hash = first.FirstPayload, sha256.Sum256(first.FirstPayload)
	i.tokenID, i.ends = recorded.ID, time.Unix(recorded.ExpiresAt, 0)
	return i.receipt(r.append(ctx, i.entry(TokenReissued, now)))
}

// claimSet is a payload, its times and its ID apart from all else that it says.
type claimSet struct {
	ID        string `json:"jti"`
	IssuedAt  int64  `json:"iat"`
	ExpiresAt int64  `json:"exp"`
	rest      map[string]json.RawMessage
}

func parseClaims(payload []byte) (c claimSet, err error) {
	if err := json.Unmarshal(payload, &c); err != nil {
		return c, fmt.Errorf("audit: recorded payload: %w", err)
	}
	if err := json.Unmarshal(payload, &c.rest); err != nil {
		return c, fmt.Errorf("audit: recorded payload: %w", err)
	}
	for _, name := range []string{"jti", "iat", "exp", "nbf", "root_iat"} {
		delete(c.rest, name)
	}
	return c, nil
}

// answers reports whether a payload says what another would: all the same, for as long, at another moment.
func (c claimSet) answers(asked claimSet) bool {
	return c.ID != "" && c.ExpiresAt-c.IssuedAt == asked.ExpiresAt-asked.IssuedAt &&
		maps.EqualFunc(c.rest, asked.rest, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) })
}

// retryKey binds the caller's key to what was asked and decided: a retry that asks for another kind of token, or that
// the trusts by now would answer otherwise, is not a retry of the same request. Without a key it is nil.
func retryKey(g policy.Grant, key string) []byte {
	if key == "" {
		return nil
	}
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
