package server

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/metrics"
)

// triedAgain is how long a node is not ready after a commit of the record failed, where none succeeds. Then it is ready
// again: a node that nobody asks commits nothing, and would never learn that the trouble is over.
const triedAgain = 30 * time.Second

// commits makes the record durable, counts how that goes, and remembers whether it went well: a database on a full disk can
// still be read, so nothing but a commit shows that no token can be had here.
type commits struct {
	log     audit.Log
	metrics *metrics.Metrics
	failed  atomic.Pointer[time.Time] // when the last commit failed; nil where it succeeded
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

// ready returns an error where the last commit failed, and that was not long ago.
func (c *commits) ready() error {
	if failed := c.failed.Load(); failed != nil && time.Since(*failed) < triedAgain {
		return fmt.Errorf("the record could not be written %s ago", time.Since(*failed).Round(time.Millisecond))
	}
	return nil
}
