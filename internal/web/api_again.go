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
// doubles, so that many who write to one workspace at the same time get out of each other's way.
const (
	callAtMost  = 8
	firstPause  = 4 * time.Millisecond
	movedPeriod = time.Second // when to come again after all of that
)

// insist makes a call, and makes it again, from the authentication of its caller on, where his workspace moved before what
// he did was committed: it may have been he who was cut off (rule 22). What moved under an attempt wrote nothing.
func insist[O any](ctx context.Context, h *handler, call func() (*O, error)) (*O, error) {
	for n := range callAtMost {
		out, err := call()
		var moved *audit.MovedError
		if !errors.As(err, &moved) {
			return out, err
		}
		h.Workspaces.Forget(moved.WorkspaceID)
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
