package sts_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/manage"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/sts"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// recorder answers every intent with an error.
type recorder struct {
	sts.Recorder
	err     error
	intents int
}

func (r *recorder) Intent(context.Context, policy.Grant, string, audit.Origin) (audit.Receipt, error) {
	r.intents++
	return audit.Receipt{}, r.err
}

// gone are workspaces of which one vanishes after it was found once.
type gone struct {
	sts.Workspaces
	found int
	err   error
}

func (g *gone) ByName(ctx context.Context, name string) (*workspace.Snapshot, error) {
	if g.found++; g.found > 1 {
		return nil, g.err
	}
	return g.Workspaces.ByName(ctx, name)
}

func TestRule22AWorkspaceThatMovesAndMovesIsDecidedSoOften(t *testing.T) {
	onEach(t, func(l *lab) {
		l.trust()
		n := l.b
		moving := &recorder{n.recorder, fmt.Errorf("wrapped: %w", audit.ErrMoved), 0}
		s := n.with(func(c *sts.Config) { c.Recorder = moving })
		_, err := s.Exchange(l.Context(), request(l.external(nil)))
		l.wantFault(err, fault.Unavailable)
		if f := fault.From(err); moving.intents != 4 || f.RetryAfter == 0 || f.Refusal == "" {
			l.Errorf("decided %d times: %+v", moving.intents, f)
		}
	})
}

func TestRule22AWorkspaceThatVanishesUnderARequest(t *testing.T) {
	onEach(t, func(l *lab) {
		l.trust()
		for want, cause := range map[fault.Code]error{
			fault.NotFound: fault.Newf(fault.NotFound, "deleted"), fault.Unavailable: fault.Newf(fault.Unavailable, "down"),
			fault.Internal: errors.New("bug"),
		} {
			s := l.b.with(func(c *sts.Config) {
				c.Recorder = &recorder{l.b.recorder, audit.ErrMoved, 0}
				c.Workspaces = &gone{l.b.cache, 0, cause}
			})
			_, err := s.Exchange(l.Context(), request(l.external(nil)))
			l.wantFault(err, want)
		}
	})
}

func TestWhatACallerIsToldOfTheRecord(t *testing.T) {
	onEach(t, func(l *lab) {
		l.trust()
		for cause, code := range map[error]fault.Code{
			audit.ErrBusy: fault.Unavailable, audit.ErrClosed: fault.Unavailable, audit.ErrLate: fault.Unavailable, context.Canceled: fault.Unavailable,
			context.DeadlineExceeded: fault.Unavailable, audit.ErrReplayed: fault.TokenReplayed, audit.ErrNoTokenID: fault.TokenRefused,
			keys.ErrKeyEnded: fault.Unavailable, errors.New("disk"): fault.Internal,
		} {
			l.rule = cause.Error()
			s := l.b.with(func(c *sts.Config) { c.Recorder = &recorder{l.b.recorder, fmt.Errorf("wrapped: %w", cause), 0} })
			answer, err := s.Exchange(l.Context(), request(l.external(nil)))
			l.wantFault(err, code)
			if answer.Token.Compact() != "" {
				l.Errorf("a token that is not on the record")
			}
			if f := fault.From(err); f.Status() >= 500 && code == fault.Unavailable && f.RetryAfter == 0 {
				l.Errorf("the caller is not told when to try again")
			}
		}
	})
}

// meanwhile is a recorder after whose first record something else happens, before its caller can sign.
type meanwhile struct {
	sts.Recorder
	does    func()
	intents int
}

func (m *meanwhile) Intent(ctx context.Context, g policy.Grant, keyID string, from audit.Origin) (audit.Receipt, error) {
	receipt, err := m.Recorder.Intent(ctx, g, keyID, from)
	if m.intents++; m.intents == 1 {
		m.does()
	}
	return receipt, err
}

// Rules 22, 26 and 29: a token is signed by the key that its record names, or not at all. Where that key was removed since, the
// request is decided again; a single use that it consumed is its own (rule 16).
func TestRule26AKeyThatIsGoneSignsNothingAndNoOtherDoes(t *testing.T) {
	onEach(t, func(l *lab) {
		l.interrupted(func() chan error { return l.replaceKey() }, func(first, second audit.Event) bool {
			return first.Token.KeyID != second.Token.KeyID
		})
	})
}

// Rule 16: a use is consumed only on success. What was recorded too slowly is not signed, and recorded again.
func TestRule16ARecordThatCameTooLateUsesNothingUp(t *testing.T) {
	onEach(t, func(l *lab) {
		l.interrupted(func() chan error {
			<-time.After(audit.ReceiptLife)
			ended := make(chan error, 1)
			ended <- nil
			return ended
		}, func(first, second audit.Event) bool { return first.Token.KeyID == second.Token.KeyID })
	})
}

// interrupted exchanges tokens where something happens after the record and before the signature. The token that comes of it
// is the one on the record that a second event names; as says how the two events are alike.
func (l *lab) interrupted(by func() chan error, as func(first, second audit.Event) bool) {
	for rule, once := range map[string]bool{"a token that may be used again": false, "a token that may be used once": true} {
		l.rule = rule
		tr := l.trust(func(t *policy.Trust) { t.SingleUse = once })
		var ended chan error
		recorder := &meanwhile{Recorder: l.b.recorder, does: func() { ended = by() }}
		s := l.b.with(func(c *sts.Config) { c.Recorder = recorder })
		issued, reissued := len(l.events(audit.TokenIssued)), len(l.events(audit.TokenReissued))
		external := l.external(nil)
		answer, err := s.Exchange(l.Context(), request(external))
		l.must(err)
		events := slices.Concat(l.events(audit.TokenIssued)[issued:], l.events(audit.TokenReissued)[reissued:])
		token := parse(l, answer.Token.Compact())
		if len(events) != 2 || token.Claims.ID != events[1].Token.ID || token.Header.KeyID != events[1].Token.KeyID || !as(events[0], events[1]) {
			l.Errorf("signed by %s is %s; on the record are %+v", token.Header.KeyID, token.Claims.ID, events)
		}
		if same := events[0].Token.ID == events[1].Token.ID; same != once {
			l.Errorf("the two events are of one token: %t", same)
		}
		if once {
			_, err := s.Exchange(l.Context(), request(external))
			l.wantFault(err, fault.TokenReplayed)
		}
		l.must(<-ended)
		l.must(l.a.manage.RemoveTrust(l.Context(), admin(l.tenant), tr.ID, 0, ""))
		l.b.cache.Forget(l.tenant.ID)
	}
}

// replaceKey replaces the key that signs as compromised, and returns when it is gone, which is a second before the call ends.
func (l *lab) replaceKey() chan error {
	<-time.After(time.Millisecond) // events are in the order of theirs
	before, err := l.db.Keys(l.Context(), l.tenant.ID)
	l.must(err)
	ended := make(chan error, 1)
	go func() {
		_, err := l.a.manage.RotateKeys(l.Context(), admin(l.tenant), manage.Rotation{Algorithm: jwt.ES256, Compromised: true}, "")
		ended <- err
	}()
	for gone := false; !gone; {
		synctest.Wait()
		now, err := l.db.Keys(l.Context(), l.tenant.ID)
		l.must(err)
		gone = slices.ContainsFunc(before, func(k keys.Stored) bool {
			return !slices.ContainsFunc(now, func(n keys.Stored) bool { return n.ID == k.ID })
		})
	}
	l.b.cache.Forget(l.tenant.ID)
	return ended
}
