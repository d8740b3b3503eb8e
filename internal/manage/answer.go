package manage

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/identity"
)

// AnswerStore finds what creations answered. The transaction of the creation itself keeps it, with its event.
type AnswerStore interface {
	Answer(ctx context.Context, workspaceID string, key [sha256.Size]byte, now time.Time) (audit.Answer, error)
}

// Retry is what makes two calls of one caller the same creation. Without a key every call is one of its own.
type Retry struct {
	Key     string            // Idempotency-Key
	Request [sha256.Size]byte // digest of what is asked for
}

// retryFor is how long a creation can be sent again.
const retryFor = 24 * time.Hour

// Once returns the service for one call that creates something and may be sent again: the same caller is answered the
// same, without any secret (rule 31), and nothing is created twice. Of calls that failed nothing is kept.
func (s *Service) Once(r Retry) *Service { return &Service{s.c, r} }

// once creates something, or returns what was created before. Of two calls at the same time, on whatever nodes, the later
// one is answered as the earlier.
func once[T any](ctx context.Context, s *Service, caller identity.Identity, create func() (T, error)) (T, error) {
	if s.retry.Key == "" {
		return create()
	}
	if first, found, err := answered[T](ctx, s, caller); found || err != nil {
		return first, err
	}
	made, err := create()
	if err == nil {
		return made, nil
	}
	if first, found, _ := answered[T](ctx, s, caller); found { // the other call is why this one failed
		return first, nil
	}
	return made, err
}

// answered returns what the key was answered before.
func answered[T any](ctx context.Context, s *Service, caller identity.Identity) (first T, found bool, err error) {
	a, err := s.c.Answers.Answer(ctx, caller.Tenant().ID, s.retry.digest(caller), s.c.Now())
	switch {
	case fault.Is(err, fault.NotFound):
		return first, false, nil
	case err != nil:
		return first, false, err
	case a.Request != s.retry.Request:
		f := fault.Newf(fault.KeyReused, "the key of another request")
		f.Field = "Idempotency-Key"
		f.Detail = "was sent before with another request; a new request needs a new key"
		return first, false, f
	}
	return first, true, json.Unmarshal(a.Body, &first)
}

// answer returns what is to be kept of what a call makes; nil where it has no key.
func (s *Service) answer(caller identity.Identity, made any) (*audit.Answer, error) {
	if s.retry.Key == "" {
		return nil, nil
	}
	body, err := json.Marshal(made)
	return &audit.Answer{
		Key: s.retry.digest(caller), Request: s.retry.Request, Body: body, ExpiresAt: s.c.Now().Add(retryFor),
	}, err
}

// digest names a key of one caller's.
func (r Retry) digest(caller identity.Identity) (d [sha256.Size]byte) {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(caller.Subject()))))
	h.Write([]byte(caller.Subject()))
	h.Write([]byte(r.Key))
	h.Sum(d[:0])
	return d
}
