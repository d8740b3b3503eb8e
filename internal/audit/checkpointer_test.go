package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc/internal/evidence"
)

// logTable is the heads of the logs.
type logTable struct {
	mu      sync.Mutex
	size    int64
	signed  int64
	holder  string
	kept    []string
	failing error
	counted int64 // events that waited, when this was told last
}

func (l *logTable) AcquireLease(_ context.Context, _, holder string, _ time.Duration) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.holder == "" {
		l.holder = holder
	}
	return l.holder == holder, nil
}

func (l *logTable) UnsignedLogs(context.Context, int) ([]LogHead, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size == l.signed {
		return nil, l.failing
	}
	return []LogHead{{WorkspaceID: "id", Workspace: "acme", Size: l.size, SignedSize: l.signed}}, l.failing
}

func (l *logTable) KeepCheckpoints(_ context.Context, list []LogHead) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range list {
		l.signed = h.SignedSize
		l.kept = append(l.kept, h.Checkpoint)
	}
	return nil
}

// SignCheckpoint shows what was to be signed.
func (l *logTable) SignCheckpoint(_ context.Context, workspaceID string, c evidence.Checkpoint) (string, error) {
	return fmt.Sprint(workspaceID, " ", c.Origin, " ", c.Size), nil
}

func (l *logTable) LogWaits(events int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counted = events
}

func (l *logTable) CheckpointsSigned(int) {}

func (l *logTable) grow(events int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.size += events
}

func (l *logTable) checkpoints() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.kept...)
}

func (l *logTable) run(t *testing.T, nodes int) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for range nodes {
		c := &Checkpointer{Logs: l, Notary: l, Meter: l, Log: quiet, Issuer: func(name string) string { return "https://nsc.example.com/w/" + name }}
		running.Go(func() { c.Run(ctx) })
	}
	return func() {
		cancel()
		running.Wait()
	}
}

func TestACheckpointASecondAndOnlyWhereTheLogGrew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &logTable{}
		defer l.run(t, 1)()
		<-time.After(10 * time.Second)
		if got := l.checkpoints(); len(got) != 0 {
			t.Errorf("an idle log has checkpoints: %q", got)
		}
		for range 50 { // five seconds
			l.grow(2)
			<-time.After(100 * time.Millisecond)
		}
		<-time.After(10 * time.Second)
		got := l.checkpoints()
		if len(got) < 5 || len(got) > 7 || got[len(got)-1] != "id nsc.example.com/w/acme 100" {
			t.Errorf("%q", got)
		}
		synctest.Wait()
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.counted != 0 {
			t.Errorf("%d events wait", l.counted)
		}
	})
}

func TestOneNodeSignsCheckpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &logTable{size: 1}
		defer l.run(t, 3)()
		<-time.After(5 * time.Second)
		if got := l.checkpoints(); len(got) != 1 {
			t.Errorf("%q", got)
		}
	})
}

func TestCheckpointsAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &logTable{size: 1, failing: errors.New("the database is away")}
		defer l.run(t, 1)()
		<-time.After(time.Minute)
		l.mu.Lock()
		l.failing = nil
		l.mu.Unlock()
		<-time.After(slowest)
		if got := l.checkpoints(); len(got) != 1 {
			t.Errorf("%q", got)
		}
	})
}
