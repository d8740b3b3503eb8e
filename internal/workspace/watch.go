package workspace

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

const (
	pollEvery    = 250 * time.Millisecond
	confirmedFor = time.Second // rule 22: how long a node may answer from memory without asking the database
)

// Watch asks the database which workspaces moved, several times a second, until the context ends.
func (c *Cache) Watch(ctx context.Context, log *slog.Logger) {
	var last int64
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	failing := false
	for {
		var err error
		last, err = c.poll(ctx, last)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			log.Error("the database does not say which workspaces changed; requests are refused until it does", "error", err)
		case err == nil && failing:
			log.Info("the database says again which workspaces changed")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// poll asks once. It does not wait for longer than the answer would be of use: another connection may work.
func (c *Cache) poll(ctx context.Context, last int64) (int64, error) {
	asked := time.Now()
	ctx, cancel := context.WithTimeout(ctx, confirmedFor)
	defer cancel()
	list, err := c.reader.Generations(ctx, last)
	if err != nil {
		return last, err
	}
	if len(list) > 0 {
		moved := make(map[string]int64, len(list))
		for _, g := range list {
			moved[g.WorkspaceID] = g.Generation
			last = max(last, g.Generation)
		}
		c.forget(moved)
	}
	c.confirmed.Store(&asked)
	return last, nil
}

// Confirmed returns when the database was asked that answered last.
func (c *Cache) Confirmed() time.Time { return *c.confirmed.Load() }

// Fresh returns an error where the database has not confirmed for a second that nothing moved: a decision that is not
// compared in the record's transaction must not be made from memory then (rule 22).
func (c *Cache) Fresh() error {
	if age := since(*c.confirmed.Load()); age > confirmedFor {
		return fmt.Errorf("workspace: the database was last heard %s ago", age.Round(time.Millisecond))
	}
	return nil
}

// since returns how long ago something was, by the clock that says longer: the monotonic one stands still while a
// machine sleeps, and the other may be set back.
func since(t time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(t), now.Round(0).Sub(t.Round(0)))
}
