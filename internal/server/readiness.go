package server

import (
	"context"
	"sync"
	"time"
)

// readyFor is how long an answer about readiness is given again: anybody may ask, and it is the database that is asked. It
// has readyTimeout for its answer.
const (
	readyFor     = time.Second
	readyTimeout = 5 * time.Second
)

// readiness is the last answer about whether requests should be sent here.
type readiness struct {
	mu    sync.Mutex // held while the database is asked: those who ask meanwhile get the same answer
	asked time.Time
	err   error
}

// of returns the last answer, or a new one where that is old.
func (r *readiness) of(ctx context.Context, ready func(context.Context) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); r.asked.IsZero() || now.Sub(r.asked).Abs() >= readyFor {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout) // who asked first may hang up
		defer cancel()
		r.asked, r.err = now, ready(ctx)
	}
	return r.err
}
