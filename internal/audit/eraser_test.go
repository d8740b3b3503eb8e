package audit

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// aged is events in a database, by when they happened.
type aged struct {
	mu      sync.Mutex
	events  []time.Time
	holder  string
	largest int
	failing error
}

func (a *aged) AcquireLease(_ context.Context, _, holder string, _ time.Duration) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.holder == "" {
		a.holder = holder
	}
	return a.holder == holder, nil
}

func (a *aged) EraseEvents(_ context.Context, before time.Time, limit int) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failing != nil {
		return 0, a.failing
	}
	var kept []time.Time
	erased := 0
	for _, at := range a.events {
		if at.Before(before) && erased < limit {
			erased++
		} else {
			kept = append(kept, at)
		}
	}
	a.events, a.largest = kept, max(a.largest, erased)
	return erased, nil
}

func (a *aged) left() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.events)
}

func TestRule25EventsAreErasedByTheirAgeInSmallBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &aged{failing: errors.New("the database is away")}
		for range 1000 {
			a.events = append(a.events, time.Now().Add(-time.Hour))
		}
		for range 10 {
			a.events = append(a.events, time.Now())
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		for range 2 {
			e := &Eraser{Erasure: a, Age: time.Hour, Now: time.Now, Log: quiet}
			running.Go(func() { e.Run(ctx) })
		}
		<-time.After(5 * time.Minute)
		if n := a.left(); n != 1010 {
			t.Errorf("%d are left of a database that is away", n)
		}
		a.mu.Lock()
		a.failing = nil
		a.mu.Unlock()
		<-time.After(2 * time.Minute)
		if n := a.left(); n != 10 {
			t.Errorf("%d are left", n)
		}
		<-time.After(time.Hour)
		if n := a.left(); n != 0 {
			t.Errorf("%d are left after an hour", n)
		}
		cancel()
		running.Wait()
		if a.largest > eraseBatch {
			t.Errorf("%d were erased at once", a.largest)
		}
	})
}
