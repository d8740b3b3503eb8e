package audit

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// shared is a queue in a database that several nodes see.
type shared struct {
	mu      sync.Mutex
	rows    int
	holder  string
	ends    time.Time
	leases  int // how often a lease was asked for
	worked  map[string]int
	failing error
	stuck   bool // rows that another node has in its hands: nothing comes out
	rounds  int
}

// node is the queue as one of them sees it.
type node struct {
	*shared
	name string
}

func (n node) AcquireLease(_ context.Context, name, holder string, ttl time.Duration) (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.leases++
	if n.holder != "" && n.holder != holder && time.Now().Before(n.ends) {
		return false, nil
	}
	n.holder, n.ends = holder, time.Now().Add(ttl)
	return true, nil
}

func (n node) ReleaseLease(_ context.Context, name, holder string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.leases++
	if n.holder == holder {
		n.holder = ""
	}
	return nil
}

func (n node) Pending(context.Context) (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.rows > 0, n.failing
}

func (n node) Sequence(_ context.Context, most int) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rounds++
	taken := min(n.rows, most)
	if n.stuck {
		taken = 0
	}
	n.rows -= taken
	n.worked[n.name] += taken
	return taken, nil
}

func (s *shared) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// left returns how many rows wait.
func (s *shared) left() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rows
}

// done returns how many rows a node unpacked.
func (s *shared) done(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.worked[name]
}

// run starts a node's sequencer and returns what ends it.
func (s *shared) run(t *testing.T, name string, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		Sequence(ctx, node{s, name}, log)
		close(ended)
	}()
	return func() {
		cancel()
		<-ended
	}
}

func newShared() *shared { return &shared{worked: map[string]int{}} }

var quiet = slog.New(slog.DiscardHandler)

func TestTheSequencerUnpacksAllThatWaitsWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShared()
		defer s.run(t, "a", quiet)()
		s.set(func() { s.rows = 10*sequenceRows + 1 })
		<-time.After(time.Second)
		synctest.Wait()
		if n := s.left(); n != 0 {
			t.Errorf("%d rows wait", n)
		}
	})
}

func TestAnIdleSequencerWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShared()
		stop := s.run(t, "a", quiet)
		<-time.After(time.Hour)
		stop()
		if s.leases != 0 || s.rounds != 0 {
			t.Errorf("%d leases, %d transactions", s.leases, s.rounds)
		}
	})
}

func TestOneSequencerWorksAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShared()
		stopA := s.run(t, "a", quiet)
		<-time.After(50 * time.Millisecond)
		defer s.run(t, "b", quiet)()
		for range 100 { // longer than a lease, so it is renewed
			s.set(func() { s.rows++ })
			<-time.After(sequenceEvery)
		}
		synctest.Wait()
		if a, b := s.done("a"), s.done("b"); a != 100 || b != 0 {
			t.Errorf("%d and %d", a, b)
		}
		stopA()
		s.set(func() { s.rows++ })
		<-time.After(time.Second) // less than the lease would have lasted: it was given up
		synctest.Wait()
		if n := s.done("b"); n != 1 {
			t.Errorf("%d after the other node left", n)
		}
	})
}

func TestASequencerThatDiesIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShared()
		s.holder, s.ends = "dead", time.Now().Add(sequenceLease)
		defer s.run(t, "b", quiet)()
		s.set(func() { s.rows = 1 })
		<-time.After(sequenceLease - sequenceEvery)
		synctest.Wait()
		if s.left() != 1 {
			t.Error("worked under another's lease")
		}
		<-time.After(2 * sequenceEvery)
		synctest.Wait()
		if s.left() != 0 {
			t.Error("the lease ended and nobody works")
		}
	})
}

func TestASequencerDoesNotSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShared()
		s.rows, s.stuck = 1, true
		defer s.run(t, "a", quiet)()
		<-time.After(10 * sequenceEvery)
		synctest.Wait()
		s.set(func() {
			if s.rounds > 10 {
				t.Errorf("%d transactions that found nothing", s.rounds)
			}
		})
	})
}

func TestASequencerThatFailsTriesLessOftenAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShared()
		s.rows, s.failing = 1, errors.New("damaged")
		var text bytes.Buffer
		stop := s.run(t, "a", slog.New(slog.NewTextHandler(&text, nil)))
		<-time.After(10 * time.Minute)
		s.set(func() { s.failing = nil })
		<-time.After(slowest + time.Second)
		stop()
		if lines := strings.Count(text.String(), "\n"); lines < 20 || lines > 40 {
			t.Errorf("%d lines in ten minutes", lines)
		}
		if !strings.Contains(text.String(), "damaged") {
			t.Errorf("the cause is not in the log: %s", text.String())
		}
		if s.left() != 0 {
			t.Error("not recovered")
		}
	})
}

// The queue is unpacked soon where there is little of it, and late where there is much or nothing.
func TestTheSequencerRestsAsItWorked(t *testing.T) {
	for _, row := range []struct {
		rule   string
		worked bool
		took   time.Duration
		want   time.Duration
	}{
		{"nothing was there", false, time.Millisecond, sequenceEvery},
		{"a little", true, time.Millisecond, sequenceSoon},
		{"more", true, 20 * time.Millisecond, 20 * time.Millisecond * sequenceRests},
		{"a great deal", true, time.Second, sequenceEvery},
	} {
		if got := pause(row.worked, row.took); got != row.want {
			t.Errorf("%s: %s, want %s", row.rule, got, row.want)
		}
	}
}
