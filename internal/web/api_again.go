package web

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
)

// How often a call is made where its workspace moves under it, and how long it waits in between, at most and at first: it
// doubles, so that nodes that write to one workspace at the same time get out of each other's way. On one node those who
// were overtaken go one after another.
const (
	callAtMost  = 8
	firstPause  = 4 * time.Millisecond
	movedPeriod = time.Second // when to come again after all of that
)

// insist makes a call, and makes it again, from the authentication of its caller on, where his workspace moved before what
// he did was committed: it may have been he who was cut off (rule 22). What moved under an attempt wrote nothing.
func insist[O any](ctx context.Context, h *handler, call func() (*O, error)) (*O, error) {
	out, err := call()
	var moved *audit.MovedError
	if !errors.As(err, &moved) {
		return out, err
	}
	give, err := h.turns.take(ctx, moved.WorkspaceID)
	if err != nil {
		return nil, err
	}
	defer give()
	for n := range callAtMost - 1 {
		h.Workspaces.Forget(moved.WorkspaceID)
		if out, err = call(); !errors.As(err, &moved) {
			return out, err
		}
		select {
		case <-time.After(rand.N(firstPause << n)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	f := fault.New(fault.Unavailable, audit.ErrMoved)
	f.RetryAfter = movedPeriod
	return nil, f
}
