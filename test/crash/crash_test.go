package crash

import (
	"flag"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/store/pgtest"
)

var (
	rounds = flag.Int("rounds", 10, "how often a server is killed, on each database")
	seed   = flag.Uint64("seed", 0, "of the instants and the load; 0 takes one of the clock")
)

const (
	callers     = 6
	underLoad   = 150 * time.Millisecond // the latest instant, from the first request on
	inStart     = 60 * time.Millisecond  // from the program's start on; it is ready after about as long
	mostUses    = 200                    // of one round, that are sent again
	retryWithin = 60 * time.Second       // rule 16
	firstKill   = 20                     // one in so many kills is in the first start of an installation
)

// onBoth runs a test on both databases at the same time. The instants are the same for each.
func onBoth(t *testing.T, run func(t *testing.T, program, database string, chance *rand.Rand)) {
	program, begin := build(t), *seed
	if begin == 0 {
		begin = uint64(time.Now().UnixNano())
	}
	t.Logf("%d rounds each, -seed %d", *rounds, begin)
	for name, database := range map[string]func(testing.TB) string{
		"SQLite": func(testing.TB) string { return "" }, "PostgreSQL": pgtest.Database,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, program, database(t), rand.New(rand.NewPCG(begin, 0)))
		})
	}
}

// after waits for a random instant: a crash has no condition that one could wait for.
func after(chance *rand.Rand, latest time.Duration) {
	<-time.After(time.Duration(chance.Int64N(int64(latest))))
}

// Killed under load and while it starts, again and again, on the same data.
func TestKilledAtAnyInstant(t *testing.T) {
	onBoth(t, func(t *testing.T, program, database string, chance *rand.Rand) {
		i, from, got := newInstallation(t, program, database), newIssuer(t), newReceived()
		i.start(t)
		i.bootstrap(t)
		i.trust(t, from, "job", false)
		i.trust(t, from, "once", true)
		for n := range *rounds {
			since := time.Now().Add(-time.Second)
			load(t, i, from, got, chance)
			i.forgetLeases(t)
			if chance.IntN(4) == 0 {
				i.launch(t)
				after(chance, inStart)
				i.server.kill()
			}
			i.start(t)
			settle(t, i, from, got, since)
			if t.Failed() {
				t.Fatalf("in round %d", n)
			}
			if (n+1)%100 == 0 {
				t.Logf("%d rounds, %d tokens", n+1, got.count())
			}
		}
		i.consistent(t, got)
		t.Logf("%d tokens, %d of them for tokens of single use", len(got.hashes), len(got.uses))
		if len(got.hashes) < *rounds {
			t.Error("hardly a token was issued: the test saw nothing")
		}
	})
}

// load lets callers exchange tokens until the server is killed.
func load(t *testing.T, i *installation, from *issuer, got *received, chance *rand.Rand) {
	t.Helper()
	var all sync.WaitGroup
	for range callers {
		c := newCaller(i, from, got, chance.Uint64())
		all.Go(func() {
			if err := c.run(); err != nil {
				t.Error(err)
			}
		})
	}
	after(chance, underLoad)
	i.server.kill()
	all.Wait()
	i.clean(t)
}

// settle sends every token of single use again that was sent before the crash, and holds what anybody received against
// the record.
func settle(t *testing.T, i *installation, from *issuer, got *received, since time.Time) {
	t.Helper()
	again := newCaller(i, from, got, 0)
	defer again.client.CloseIdleConnections()
	hashes, uses, broken := got.next()
	for n := 0; n < len(uses); n += 1 + len(uses)/mostUses {
		u := uses[n]
		answered := len(u.brought) == 1
		status, answer := again.present(u.token, u)
		switch {
		case u.retryKey != "" && status != http.StatusOK && time.Since(u.made) < retryWithin:
			t.Errorf("a retry (answered before: %v): %d %s", answered, status, answer)
		case u.retryKey == "" && answered && !strings.Contains(answer, "token_replayed"):
			t.Errorf("used twice: %d %s", status, answer)
		}
		if status, answer = again.present(u.token, &use{brought: u.brought}); !strings.Contains(answer, "token_replayed") {
			t.Errorf("used once more: %d %s", status, answer)
		}
	}
	late, _, more := got.next()
	record := i.events(t, since)
	recorded(t, hashes, record)
	recorded(t, late, record)
	for _, what := range append(broken, more...) {
		t.Error(what)
	}
}

// Killed while it makes its folder, keys and database: the next start goes on from whatever is there.
func TestKilledInTheFirstStart(t *testing.T) {
	onBoth(t, func(t *testing.T, program, database string, chance *rand.Rand) {
		for n := range max(3, *rounds/firstKill) {
			if database != "" && n > 0 {
				database = pgtest.Database(t) // a new one
			}
			i := newInstallation(t, program, database)
			for range 3 {
				i.launch(t)
				after(chance, inStart)
				i.server.kill()
			}
			i.start(t)
			i.bootstrap(t)
			i.clean(t)
			i.server.kill()
			if t.Failed() {
				t.FailNow()
			}
		}
	})
}

// PostgreSQL is stopped as by a power cut, and comes back, while callers exchange: nobody gets a token that it has lost,
// and nothing has to be started again.
func TestTheDatabaseRestartsInMidFlight(t *testing.T) {
	database := pgtest.Start(t)
	i, from, got := newInstallation(t, build(t), database.Database(t)), newIssuer(t), newReceived()
	i.start(t)
	i.bootstrap(t)
	i.trust(t, from, "job", false)
	i.trust(t, from, "once", true)
	since := time.Now().Add(-time.Second)
	stop := make(chan struct{})
	var all sync.WaitGroup
	answered := make(chan struct{})
	for n := range callers {
		c := newCaller(i, from, got, uint64(n))
		all.Go(func() { c.until(t, stop, answered) })
	}
	for range 2 {
		for range 10 {
			<-answered // it serves, and serves again
		}
		database.Stop(t)
		database.Resume(t)
	}
	for range 10 {
		<-answered
	}
	close(stop)
	all.Wait()
	settle(t, i, from, got, since)
	i.forgetLeases(t)
	i.unpacked(t)
	recorded(t, got.hashes, i.events(t, since))
}
