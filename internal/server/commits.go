package server

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/metrics"
)

// commits makes the record durable, counts how that goes, and remembers whether it went well: a database on a full disk can
// still be read, so nothing but a commit shows that no token can be had here.
type commits struct {
	log     audit.Log
	metrics *metrics.Metrics
	try     func(context.Context) error // writes something durably, and leaves nothing behind
	failed  atomic.Pointer[time.Time]   // when the last commit failed; nil where it succeeded
}

// Append makes entries durable.
func (c *commits) Append(ctx context.Context, entries []audit.Entry) ([]audit.Outcome, error) {
	began := time.Now()
	outcomes, err := c.log.Append(ctx, entries)
	now := time.Now()
	c.metrics.Committed(len(entries), now.Sub(began), err)
	if err != nil {
		c.failed.Store(&now)
	} else if c.failed.Load() != nil {
		c.failed.Store(nil)
	}
	return outcomes, err
}

// ready returns an error where the last commit failed, and nothing can be written still. That is tried here: a node that is
// sent no requests, since it is not ready, commits nothing, and would never learn that the trouble is over.
func (c *commits) ready(ctx context.Context) error {
	failed := c.failed.Load()
	if failed == nil {
		return nil
	}
	if err := c.try(ctx); err != nil {
		return fmt.Errorf("the record could not be written %s ago, and nothing can: %w", time.Since(*failed).Round(time.Millisecond), err)
	}
	c.failed.CompareAndSwap(failed, nil) // unless another commit has failed meanwhile
	return nil
}
