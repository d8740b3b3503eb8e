package keys_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/workspace"
)

const day = 24 * time.Hour

func until(t time.Time) { <-time.After(time.Until(t)) } // of the bubble's time

func TestRule29TheLifeOfAKey(t *testing.T) {
	onEach(t, keys.DefaultSchedule, func(l *lab) {
		first := l.rotate(jwt.ES256)
		l.wantStates(jwt.ES256, keys.Active)
		turn := func() {
			l.Helper()
			l.must(l.rotator.Turn(l.Context()))
		}
		due := first.ActiveAt.Add(29 * day)
		until(due)
		turn()
		l.wantStates(jwt.ES256, keys.Active)

		<-time.After(time.Second)
		published := time.Now()
		turn()
		turn() // it is published once
		l.wantStates(jwt.ES256, keys.Active, keys.Published)
		events := l.events(audit.KeyPublished)
		second := l.read(keys.Stored{ID: events[1].Object})
		first = l.read(first)
		if !second.ActiveAt.Equal(published.Add(day)) || !second.RetireAt.IsZero() || !second.GoneAt.IsZero() {
			t := second
			l.Errorf("published at %s: active at %s, retires at %s", published, t.ActiveAt, t.RetireAt)
		}
		if !first.RetireAt.Equal(second.ActiveAt) || !first.GoneAt.Equal(second.ActiveAt.Add(keys.VerifiableFor(0))) {
			l.Errorf("retires at %s and is gone at %s", first.RetireAt, first.GoneAt)
		}
		if n := len(l.jwks().Keys); n != 2 {
			l.Errorf("%d keys published", n)
		}
		for _, step := range []struct {
			at     time.Time
			signer string
			states []keys.State
		}{
			{second.ActiveAt.Add(-time.Microsecond), first.ID, []keys.State{keys.Active, keys.Published}},
			{second.ActiveAt, second.ID, []keys.State{keys.Retiring, keys.Active}},
			{first.GoneAt.Add(-time.Microsecond), second.ID, []keys.State{keys.Retiring, keys.Active}},
		} {
			until(step.at)
			turn()
			l.wantStates(jwt.ES256, step.states...)
			if _, signer := l.sign(jwt.ES256); signer != step.signer {
				l.Errorf("at %s signed by %s", step.at, signer)
			}
			if n := len(l.jwks().Keys); n != 2 {
				l.Errorf("%d keys published at %s", n, step.at)
			}
		}
		until(first.GoneAt)
		if n := len(l.jwks().Keys); n != 1 {
			l.Errorf("%d keys published", n)
		}
		<-time.After(time.Microsecond)
		turn()
		l.wantStates(jwt.ES256, keys.Active)
		removed := l.events(audit.KeyRemoved)
		if len(removed) != 1 || removed[0].Object != first.ID || removed[0].Reason != "expired" || removed[0].Subject != "" {
			l.Errorf("%+v", removed)
		}
		if e := events[1]; e.Subject != "" || e.Details["algorithm"] != "ES256" || e.Details["active_at"] != second.ActiveAt.Format(time.RFC3339) {
			l.Errorf("%+v", e)
		}
	})
}

// relyingParty caches the JWKS for as long as it is told, and fetches it for no other reason, not for an unknown key ID
// either.
type relyingParty struct {
	set     jwt.KeySet
	fetched time.Time
}

const maxAge = 300 * time.Second // what the JWKS endpoint says

func (r *relyingParty) verify(l *lab, token *jwt.Token) error {
	if r.fetched.IsZero() || time.Since(r.fetched) >= maxAge {
		r.set, r.fetched = l.jwks(), time.Now()
	}
	return verify(r.set, token)
}

// The row of security.md: a new key signs before caches have it.
func TestSecurityNoRotationFailsAVerification(t *testing.T) {
	onEach(t, keys.Schedule{PublishAhead: day, RotateEvery: 10 * day}, func(l *lab) {
		dice := rand.New(rand.NewPCG(1, 2))
		parties := make([]relyingParty, 4)
		var living []*jwt.Token
		signers := map[string]bool{}
		use := func(wait time.Duration) {
			l.Helper()
			<-time.After(wait)
			token, signer := l.sign(jwt.ES256)
			living, signers[signer] = append(living, token), true
			living = slices.DeleteFunc(living, func(t *jwt.Token) bool { return t.Claims.ExpiresAt <= time.Now().Unix() })
			for i := range parties {
				if dice.IntN(3) == 0 && wait > 0 {
					continue // it has nothing to do just now
				}
				for _, token := range living {
					if err := parties[i].verify(l, token); err != nil {
						l.Fatalf("a relying party that fetched %s ago: key %s: %v", time.Since(parties[i].fetched), token.Header.KeyID, err)
					}
				}
			}
		}
		seconds := func(n int) time.Duration { return time.Duration(1+dice.IntN(n)) * time.Second }
		newest := l.rotate(jwt.ES256)
		for range 100 {
			until(newest.ActiveAt.Add(9 * day))
			use(0) // everybody has just fetched
			use(time.Second)
			l.must(l.rotator.Turn(l.Context()))
			use(0) // and the successor is published
			use(seconds(280))
			use(seconds(5 * 3600))
			published := l.events(audit.KeyPublished)
			newest = l.read(keys.Stored{ID: published[len(published)-1].Object})
			until(newest.ActiveAt.Add(-seconds(280)))
			use(0)
			until(newest.ActiveAt.Add(-time.Microsecond))
			use(0)
			use(time.Microsecond) // the new one signs
			use(seconds(280))
			until(newest.ActiveAt.Add(day - time.Second)) // the last token of the old one is about to end
			use(0)
			until(newest.ActiveAt.Add(keys.VerifiableFor(0)))
			use(time.Second)
			l.must(l.rotator.Turn(l.Context())) // the old one goes
			use(0)
		}
		if len(signers) != 101 {
			l.Errorf("%d keys signed", len(signers))
		}
		l.wantStates(jwt.ES256, keys.Active)
	})
}

func TestRule29ARingBegins(t *testing.T) {
	onEach(t, keys.DefaultSchedule, func(l *lab) {
		first := l.rotate(jwt.ES256) // nobody has ever fetched a JWKS of this workspace
		l.wantStates(jwt.ES256, keys.Active)
		if age := time.Since(first.ActiveAt); age != keys.ClockSkew {
			l.Errorf("active since %s: nodes whose clocks are behind could not sign", age)
		}
		eddsa := l.rotate(jwt.EdDSA) // somebody has, but none of this ring
		l.wantStates(jwt.EdDSA, keys.Active)
		if _, signer := l.sign(jwt.EdDSA); signer != eddsa.ID {
			l.Errorf("signed by %s", signer)
		}
		if algs, err := l.rings.Algorithms(l.Context(), l.tenant.ID); err != nil || !slices.Equal(algs, []jwt.Algorithm{jwt.ES256, jwt.EdDSA}) {
			l.Errorf("discovery lists %v: %v", algs, err)
		}
		if n := len(l.jwks().Keys); n != 2 {
			l.Errorf("%d keys", n)
		}
		successor := l.rotate(jwt.EdDSA)
		if time.Until(successor.ActiveAt) != day {
			l.Errorf("the second begins in %s", time.Until(successor.ActiveAt))
		}
		if _, signer := l.sign(jwt.EdDSA); signer != eddsa.ID {
			l.Errorf("signed by %s, which no cache knows", signer)
		}
	})
}

func TestRule29TheFirstKeys(t *testing.T) {
	onEach(t, keys.DefaultSchedule, func(l *lab) {
		w := workspace.Workspace{ID: id.New(time.Now()), Name: "new"}
		ring, err := l.rotator.First(w.ID)
		l.must(err)
		_, err = l.CreateWorkspace(l.Context(), w, ring, nil, nil)
		l.must(err)
		algs, err := l.rings.Algorithms(l.Context(), w.ID)
		if err != nil || !slices.Equal(algs, []jwt.Algorithm{jwt.ES256, jwt.RS256}) {
			l.Errorf("%v %v", algs, err)
		}
	})
}

func TestRule29OneSuccessorAtATime(t *testing.T) {
	onEach(t, keys.DefaultSchedule, func(l *lab) {
		l.rotate(jwt.ES256)
		next := l.rotate(jwt.ES256)
		again, err := l.rotator.Rotate(l.Context(), l.tenant.ID, jwt.ES256, audit.Event{Subject: "somebody"})
		if !errors.Is(err, keys.ErrPublished) || again.ID != next.ID {
			l.Errorf("%s %v", again.ID, err)
		}
		l.wantStates(jwt.ES256, keys.Active, keys.Published)
		if e := l.events(audit.KeyPublished); len(e) != 2 || e[1].Subject != "somebody" || e[1].Object != next.ID {
			l.Errorf("%+v", e)
		}
	})
}

// A rotation that came late, because no node ran, finds the key still signing.
func TestRule29ARotationThatComesLate(t *testing.T) {
	onEach(t, keys.DefaultSchedule, func(l *lab) {
		old := l.rotate(jwt.ES256)
		<-time.After(100 * day)
		if _, signer := l.sign(jwt.ES256); signer != old.ID {
			l.Errorf("signed by %s", signer)
		}
		l.must(l.rotator.Turn(l.Context()))
		l.wantStates(jwt.ES256, keys.Active, keys.Published)
		<-time.After(100 * day) // again nobody: the successor signs, and nothing is gone that should not be
		if _, signer := l.sign(jwt.ES256); signer == old.ID {
			l.Error("signed by the key that retired")
		}
		l.must(l.rotator.Turn(l.Context()))
		l.wantStates(jwt.ES256, keys.Active, keys.Published)
	})
}

// twice lets another node rotate between the look and the write of this one.
type twice struct {
	keys.Writer
	other func()
}

func (w *twice) AddKey(ctx context.Context, key keys.Stored, retire []keys.Stored, e audit.Entry) error {
	if other := w.other; other != nil {
		w.other = nil
		other()
	}
	return w.Writer.AddKey(ctx, key, retire, e)
}

func TestRule29TwoNodesRotateAtTheSameTime(t *testing.T) {
	onEach(t, keys.DefaultSchedule, func(l *lab) {
		old := l.rotate(jwt.ES256)
		other := l.newRotator(l.Store, keys.DefaultSchedule, func(string) {})
		racing := &twice{l.Store, func() {
			<-time.After(time.Second)
			_, err := other.Rotate(l.Context(), l.tenant.ID, jwt.ES256, audit.Event{})
			l.must(err)
		}}
		_, err := l.newRotator(racing, keys.DefaultSchedule, l.rings.Forget).Rotate(l.Context(), l.tenant.ID, jwt.ES256, audit.Event{})
		l.must(err)
		l.wantStates(jwt.ES256, keys.Active, keys.Published, keys.Published)
		signers := map[string]bool{}
		for end := time.Now().Add(70 * day); time.Now().Before(end); <-time.After(19 * time.Hour) {
			l.must(l.rotator.Turn(l.Context()))
			token, signer := l.sign(jwt.ES256)
			signers[signer] = true
			l.must(verify(l.jwks(), token))
		}
		l.wantStates(jwt.ES256, keys.Active) // and both successors retired
		if signers[old.ID] != true || len(signers) > 5 {
			l.Errorf("%v", signers)
		}
	})
}

// leases are those of a node that has them, or has not.
type leases struct {
	held  bool
	err   error
	asked int
}

func (l *leases) AcquireLease(context.Context, string, string, time.Duration) (bool, error) {
	l.asked++
	return l.held, l.err
}

func TestTheScheduleRunsWhereTheLeaseIs(t *testing.T) {
	for _, row := range []struct {
		rule    string
		leases  leases
		due     bool
		rotates bool
		asked   bool
		says    string
	}{
		{"the holder works", leases{held: true}, true, true, true, ""},
		{"others do not", leases{held: false}, true, false, true, ""},
		{"a failure is said", leases{err: errors.New("no lease today")}, true, false, true, "no lease today"},
		{"nothing due, nothing written", leases{held: true}, false, false, false, ""},
	} {
		t.Run(row.rule, func(t *testing.T) {
			onEach(t, keys.DefaultSchedule, func(l *lab) {
				l.rotate(jwt.ES256)
				if row.due {
					<-time.After(29*day + time.Second)
				}
				var said strings.Builder
				ctx, cancel := context.WithCancel(l.Context())
				mine, ended := row.leases, make(chan struct{})
				go func() {
					l.rotator.Run(ctx, &mine, slog.New(slog.NewTextHandler(io.Writer(&said), nil)))
					close(ended)
				}()
				<-time.After(30 * time.Second)
				cancel()
				<-ended
				want := []keys.State{keys.Active}
				if row.rotates {
					want = append(want, keys.Published)
				}
				l.wantStates(jwt.ES256, want...)
				if (mine.asked > 0) != row.asked || !strings.Contains(said.String(), row.says) || row.says == "" && said.Len() > 0 {
					l.Errorf("asked %d times, said %q", mine.asked, said.String())
				}
			})
		})
	}
}

func TestTheScheduleGoesOnEveryMinute(t *testing.T) {
	onEach(t, keys.Schedule{PublishAhead: 10 * time.Minute, RotateEvery: 20 * time.Minute}, func(l *lab) {
		l.rotate(jwt.ES256)
		ctx, cancel := context.WithCancel(l.Context())
		ended := make(chan struct{})
		go func() {
			l.rotator.Run(ctx, &leases{held: true}, slog.New(slog.DiscardHandler))
			close(ended)
		}()
		<-time.After(200 * time.Minute)
		cancel()
		<-ended
		published := l.events(audit.KeyPublished)
		if n := len(published); n < 10 || n > 11 {
			l.Errorf("%d keys in 200 minutes", n)
		}
	})
}

// gone is another node that removed the key first.
type gone struct{ keys.Writer }

func (g gone) KeysGone(ctx context.Context, before time.Time, limit int) ([]keys.Stored, error) {
	list, err := g.Writer.KeysGone(ctx, before, limit)
	recorder := audit.NewRecorder(commits{}, time.Now)
	defer recorder.Close()
	for _, k := range list {
		if err := g.Writer.DeleteKey(ctx, k.WorkspaceID, k.ID, recorder.Entry(audit.Event{
			ID: id.New(time.Now()), WorkspaceID: k.WorkspaceID, Kind: audit.KeyRemoved,
		})); err != nil {
			return nil, fmt.Errorf("the other node: %w", err)
		}
	}
	return list, err
}

func TestAKeyThatAnotherNodeRemovedIsNoFailure(t *testing.T) {
	onEach(t, keys.DefaultSchedule, func(l *lab) {
		l.rotate(jwt.ES256)
		l.rotate(jwt.ES256)
		<-time.After(3 * day)
		l.must(l.newRotator(gone{l.Store}, keys.DefaultSchedule, l.rings.Forget).Turn(l.Context()))
		l.wantStates(jwt.ES256, keys.Active)
	})
}
