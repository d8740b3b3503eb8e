package refusal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
)

// memory is a store that may fail.
type memory struct {
	kept  []Refusal
	calls int
	fails error
}

func (m *memory) AddRefusals(_ context.Context, refusals []Refusal) error {
	m.calls++
	if m.fails == nil {
		m.kept = append(m.kept, refusals...)
	}
	return m.fails
}

// running is a ring that writes, in a bubble of time.
type running struct {
	*Ring
	store memory
	lost  atomic.Int64
	log   bytes.Buffer
	stop  func()
}

func run(t *testing.T, test func(r *running)) {
	synctest.Test(t, func(t *testing.T) {
		r := &running{}
		r.Ring = NewRing(&r.store, func(n int) { r.lost.Add(int64(n)) })
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			r.Run(ctx, slog.New(slog.NewTextHandler(&r.log, nil)))
			close(ended)
		}()
		r.stop = func() {
			cancel()
			<-ended
		}
		test(r)
		r.stop()
	})
}

func TestRule24AFloodIsBoundedAndKeepsNobodyWaiting(t *testing.T) {
	run(t, func(r *running) {
		for n := range 10_000 {
			r.Keep(Refusal{ID: fmt.Sprint(n), WorkspaceID: "one"})
		}
		r.Keep(Refusal{ID: "verified", WorkspaceID: "one", Verified: true})
		r.Keep(Refusal{ID: "other", WorkspaceID: "two"})
		r.stop()
		if n := len(r.store.kept); n != 4*perSecond+2 || int64(n)+r.lost.Load() != 10_002 {
			t.Errorf("%d kept, %d lost", n, r.lost.Load())
		}
		if r.store.calls != 1 {
			t.Errorf("%d writes", r.store.calls)
		}
	})
}

func TestWhatAFullQueueLosesIsCounted(t *testing.T) {
	var lost int
	r := NewRing(&memory{}, func(n int) { lost += n }) // nobody writes
	for n := range queued + 7 {
		r.Keep(Refusal{WorkspaceID: fmt.Sprint(n)})
	}
	if lost != 7 {
		t.Errorf("%d lost", lost)
	}
}

func TestAWriteThatFailsIsCountedAndLoggedOnce(t *testing.T) {
	run(t, func(r *running) {
		r.store.fails = errors.New("no disk")
		for range 3 {
			r.Keep(Refusal{WorkspaceID: "one"})
			synctest.Wait()
			r.Keep(Refusal{WorkspaceID: "one"})
			time.Sleep(2 * gatherFor) // in the bubble
			synctest.Wait()
		}
		r.stop()
		if r.lost.Load() != 6 || strings.Count(r.log.String(), "no disk") != 1 {
			t.Errorf("%d lost, log %s", r.lost.Load(), &r.log)
		}
	})
}

func TestWhatIsAskedForIsBounded(t *testing.T) {
	long := Refusal{Claims: "{}", Asked: Asked{TokenType: "id_token", HasDetails: true}}
	for range 300 {
		long.Asked.Details = append(long.Asked.Details, identity.Permission{ResourceID: strings.Repeat("x", 100)})
	}
	body, err := long.Encode()
	var read Refusal
	if err != nil || len(body) > maxBody || read.Decode(body) != nil || read.Asked.TokenType != "id_token" || read.Claims != "{}" {
		t.Errorf("%d bytes, %v, %+v", len(body), err, read)
	}
}
