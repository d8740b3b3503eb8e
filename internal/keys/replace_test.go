package keys_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/workspace"
)

func (l *lab) replace(alg jwt.Algorithm, keyID string) keys.Stored {
	l.Helper()
	<-time.After(time.Millisecond)
	next, err := l.rotator.Replace(l.Context(), l.tenant.ID, alg, keyID, audit.Event{Subject: "somebody"})
	l.must(err)
	if next.ID == "" {
		return next
	}
	return l.read(next)
}

// thrives holds that a ring signs and verifies for the next 70 days.
func (l *lab) thrives(alg jwt.Algorithm) {
	l.Helper()
	for end := time.Now().Add(70 * day); time.Now().Before(end); <-time.After(13*time.Hour + 7*time.Minute) {
		l.must(l.rotator.Turn(l.Context()))
		token, signer := l.sign(alg)
		if err := verify(l.jwks(), token); err != nil {
			l.Fatalf("key %s: %v", signer, err)
		}
	}
	l.wantStates(alg, keys.Active)
}

func TestRule29ACompromisedKeyIsRemovedAtOnce(t *testing.T) {
	onEach(t, keys.DefaultSchedule, func(l *lab) {
		bad := l.rotate(jwt.ES256)
		token, _ := l.sign(jwt.ES256)
		rsa := l.rotate(jwt.RS256)
		next := l.replace(jwt.ES256, "")
		l.wantStates(jwt.ES256, keys.Active)
		if set := l.jwks(); verify(set, token) == nil || len(set.Keys) != 2 {
			l.Error("what the compromised key signed is still verified")
		}
		if _, ok, err := l.rings.PublicKey(l.Context(), l.tenant.ID, bad.ID); ok || err != nil {
			l.Errorf("%v %v", ok, err)
		}
		if _, signer := l.sign(jwt.ES256); signer != next.ID {
			l.Errorf("signed by %s", signer)
		}
		if l.read(rsa).ID == "" {
			l.Error("the other ring was touched")
		}
		published, removed := l.events(audit.KeyPublished), l.events(audit.KeyRemoved)
		if p := published[len(published)-1]; p.Object != next.ID || p.Details["replaces"] != bad.ID || p.Subject != "somebody" {
			l.Errorf("%+v", p)
		}
		if len(removed) != 1 || removed[0].Object != bad.ID || removed[0].Reason != "compromised" || removed[0].Subject != "somebody" {
			l.Errorf("%+v", removed)
		}
		l.thrives(jwt.ES256)
	})
}

func TestRule29ReplaceInEveryStateOfTheRing(t *testing.T) {
	type ring struct{ retiring, active, published keys.Stored }
	for _, row := range []struct {
		rule   string
		bad    func(ring) keys.Stored
		states []keys.State
		begins time.Duration // of the new key, from now; -1 where there is none
	}{
		{"the active one, while its successor is published", func(r ring) keys.Stored { return r.active },
			[]keys.State{keys.Retiring, keys.Active, keys.Published}, 0},
		{"the successor", func(r ring) keys.Stored { return r.published },
			[]keys.State{keys.Retiring, keys.Active, keys.Published}, day},
		{"one that retires", func(r ring) keys.Stored { return r.retiring },
			[]keys.State{keys.Active, keys.Published}, -1},
	} {
		t.Run(row.rule, func(t *testing.T) {
			onEach(t, keys.DefaultSchedule, func(l *lab) {
				var r ring
				r.retiring = l.rotate(jwt.ES256)
				r.active = l.rotate(jwt.ES256)
				<-time.After(day)
				r.published = l.rotate(jwt.ES256)
				<-time.After(time.Hour)
				l.wantStates(jwt.ES256, keys.Retiring, keys.Active, keys.Published)
				if n := len(l.jwks().Keys); n != 3 {
					l.Errorf("%d keys published", n)
				}
				next := l.replace(jwt.ES256, row.bad(r).ID)
				l.wantStates(jwt.ES256, row.states...)
				if l.read(row.bad(r)).ID != "" || len(l.jwks().Keys) != len(row.states) {
					l.Error("it is still there")
				}
				switch {
				case row.begins < 0 && next.ID != "":
					l.Errorf("a key that nobody needs: %+v", next)
				case row.begins == 0 && (!next.RetireAt.Equal(r.published.ActiveAt) || !next.GoneAt.Equal(next.RetireAt.Add(keys.VerifiableFor(0)))):
					l.Errorf("the stopgap retires at %s, its successor begins at %s", next.RetireAt, r.published.ActiveAt)
				case row.begins == day:
					old := l.read(r.active)
					if !next.ActiveAt.Equal(next.CreatedAt.Add(day)) || !old.RetireAt.Equal(next.ActiveAt) ||
						!old.GoneAt.Equal(old.RetireAt.Add(keys.VerifiableFor(0))) {
						l.Errorf("the old one retires at %s, its new successor begins at %s", old.RetireAt, next.ActiveAt)
					}
				}
				l.thrives(jwt.ES256)
			})
		})
	}
}

// Two nodes published successors at the same time. The old key retires when the first of them begins; without it, it
// has to sign for longer.
func TestRule29TheFirstOfTwoSuccessorsIsReplaced(t *testing.T) {
	onEach(t, keys.DefaultSchedule, func(l *lab) {
		old := l.rotate(jwt.ES256)
		var second keys.Stored
		racing := &twice{l.Store, func() {
			<-time.After(time.Hour)
			second = l.rotate(jwt.ES256)
		}}
		first, err := l.newRotator(racing, keys.DefaultSchedule, l.rings.Forget).Rotate(l.Context(), l.tenant.ID, jwt.ES256, audit.Event{})
		l.must(err)
		if old = l.read(old); !old.RetireAt.Equal(first.ActiveAt) || !second.ActiveAt.After(first.ActiveAt) {
			l.Fatalf("retires at %s, successors begin at %s and %s", old.RetireAt, first.ActiveAt, second.ActiveAt)
		}
		l.replace(jwt.ES256, first.ID)
		until(first.ActiveAt.Add(time.Minute)) // before the second begins
		if _, signer := l.sign(jwt.ES256); signer != old.ID {
			l.Errorf("signed by %s", signer)
		}
		l.thrives(jwt.ES256)
	})
}

func TestRule29TheOnlyKeyOfARingThatHasNotBegun(t *testing.T) {
	onEach(t, keys.DefaultSchedule, func(l *lab) {
		l.rotate(jwt.ES256)
		waiting, err := l.rotator.Fresh(l.tenant.ID, jwt.EdDSA)
		l.must(err)
		waiting.ActiveAt = time.Now().Add(day)
		published := audit.Event{ID: id.New(time.Now()), Time: time.Now(), WorkspaceID: l.tenant.ID, Kind: audit.KeyPublished}
		l.must(l.AddKey(l.Context(), waiting, nil, l.recorder.Entry(published)))
		if next := l.replace(jwt.EdDSA, waiting.ID); next.ID != "" {
			l.Errorf("%+v", next)
		}
		l.wantStates(jwt.EdDSA)
		l.wantStates(jwt.ES256, keys.Active)
	})
}

func TestRule29AKeyIsFoundByItsIDWhateverItsAlgorithm(t *testing.T) {
	onEach(t, keys.DefaultSchedule, func(l *lab) {
		l.rotate(jwt.ES256)
		eddsa := l.rotate(jwt.EdDSA)
		<-time.After(day)
		next := l.replace(jwt.ES256, eddsa.ID)
		if next.Algorithm != jwt.EdDSA || l.read(eddsa).ID != "" {
			l.Errorf("%+v", next)
		}
		l.wantStates(jwt.ES256, keys.Active)
		l.wantStates(jwt.EdDSA, keys.Active)
	})
}

func TestRule07ForeignAndUnknownKeysAreAlike(t *testing.T) {
	onEach(t, keys.DefaultSchedule, func(l *lab) {
		l.rotate(jwt.ES256)
		w := workspace.Workspace{ID: id.New(time.Now()), Name: "other"}
		_, err := l.CreateWorkspace(l.Context(), w, nil, nil, nil)
		l.must(err)
		foreign, err := l.rotator.Rotate(l.Context(), w.ID, jwt.ES256, audit.Event{})
		l.must(err)
		for _, keyID := range []string{foreign.ID, id.New(time.Now()), "x", "\x00"} {
			if _, err := l.rotator.Replace(l.Context(), l.tenant.ID, jwt.ES256, keyID, audit.Event{}); err != keys.ErrNoSuchKey {
				l.Errorf("%q: %v", keyID, err)
			}
		}
		if _, err := l.rotator.Replace(l.Context(), l.tenant.ID, jwt.RS256, "", audit.Event{}); err != keys.ErrNoSuchKey {
			l.Errorf("a ring that does not exist: %v", err)
		}
		l.wantStates(jwt.ES256, keys.Active)
		if stored, err := l.Keys(l.Context(), w.ID); err != nil || len(stored) != 1 {
			l.Errorf("%d keys of the other workspace: %v", len(stored), err)
		}
	})
}

// broken is a database that fails once, between the two halves of a replacement.
type broken struct {
	keys.Writer
	err error
}

func (b *broken) DeleteKey(ctx context.Context, workspaceID, keyID string, e audit.Entry) error {
	if err := b.err; err != nil {
		b.err = nil
		return err
	}
	return b.Writer.DeleteKey(ctx, workspaceID, keyID, e)
}

func TestRule29AReplacementThatBrokeOffCanBeRepeated(t *testing.T) {
	down := errors.New("down")
	for rule, prepare := range map[string]func(*lab) keys.Stored{
		"of the active key": func(l *lab) keys.Stored { return l.rotate(jwt.ES256) },
		"of the active key with a successor": func(l *lab) keys.Stored {
			bad := l.rotate(jwt.ES256)
			l.rotate(jwt.ES256)
			return bad
		},
		"of the successor": func(l *lab) keys.Stored {
			l.rotate(jwt.ES256)
			return l.rotate(jwt.ES256)
		},
	} {
		t.Run(rule, func(t *testing.T) {
			onEach(t, keys.DefaultSchedule, func(l *lab) {
				bad := prepare(l)
				flaky := l.newRotator(&broken{l.Store, down}, keys.DefaultSchedule, l.rings.Forget)
				if _, err := flaky.Replace(l.Context(), l.tenant.ID, jwt.ES256, bad.ID, audit.Event{}); !errors.Is(err, down) {
					l.Fatal(err)
				}
				added := len(l.events(audit.KeyPublished))
				<-time.After(time.Minute)
				if next, err := flaky.Replace(l.Context(), l.tenant.ID, jwt.ES256, bad.ID, audit.Event{}); err != nil || next.ID != "" {
					l.Errorf("%+v %v", next, err)
				}
				if n := len(l.events(audit.KeyPublished)); n != added || l.read(bad).ID != "" {
					l.Errorf("%d keys were published, before that %d", n, added)
				}
				l.thrives(jwt.ES256)
			})
		})
	}
}

func TestRule29AReplacementIsNotLeftHalfDone(t *testing.T) {
	onEach(t, keys.DefaultSchedule, func(l *lab) {
		bad := l.rotate(jwt.ES256)
		ctx, cancel := context.WithCancel(l.Context())
		// the caller leaves when the first half is done
		rotator := l.newRotator(l.Store, keys.DefaultSchedule, func(workspaceID string) {
			l.rings.Forget(workspaceID)
			cancel()
		})
		if _, err := rotator.Replace(ctx, l.tenant.ID, jwt.ES256, bad.ID, audit.Event{}); !errors.Is(err, context.Canceled) {
			l.Errorf("error %v", err)
		}
		if l.read(bad).ID != "" {
			l.Error("the compromised key is still there")
		}
		l.wantStates(jwt.ES256, keys.Active)
	})
}

// What was recorded before the removal may still be signed by the bad key, until its receipt lapses. Replace returns after.
func TestRule22OnceReplaceHasReturnedTheOldKeySignsNothing(t *testing.T) {
	onEach(t, keys.DefaultSchedule, func(l *lab) {
		bad := l.rotate(jwt.ES256)
		other := keys.Open(l.Store, l.master, time.Now) // another node, which nobody told
		chosen, err := other.Choose(l.Context(), grant(l, l.tenant, l.generation(), jwt.ES256))
		l.must(err)
		if chosen != bad.ID {
			l.Fatalf("%s is chosen", chosen)
		}
		early, late := l.intend(jwt.ES256), l.intend(jwt.ES256)
		returned := make(chan error, 1)
		go func() {
			_, err := l.rotator.Replace(l.Context(), l.tenant.ID, jwt.ES256, bad.ID, audit.Event{})
			returned <- err
		}()
		for l.read(bad).ID != "" { // until it is removed
			synctest.Wait()
		}
		if _, err := other.Sign(l.Context(), early); err != nil {
			l.Errorf("a token that was recorded in time: %v", err)
		}
		select {
		case <-returned:
			l.Error("returned while a token may still be signed")
		default:
		}
		l.must(<-returned)
		if _, err := other.Sign(l.Context(), late); !errors.Is(err, audit.ErrLate) {
			l.Errorf("signed after Replace returned: %v", err)
		}
		signed, err := other.Sign(l.Context(), l.intend(jwt.ES256))
		l.must(err)
		if token, err := jwt.Parse(signed.Compact()); err != nil || token.Header.KeyID == bad.ID {
			l.Errorf("signed by the removed key: %v", err)
		}
	})
}
