package sts_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
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

func (r *recorder) Intent(context.Context, policy.Grant, audit.Origin) (audit.Receipt, error) {
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
			errors.New("disk"): fault.Internal,
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
