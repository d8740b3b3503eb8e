package storetest

import (
	"errors"
	"slices"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/workspace"
)

var ring = map[string]func(*lab){
	"a key retires in the transaction that publishes its successor": func(l *lab) {
		old, next := key(l.one.ID, jwt.ES256, now), key(l.one.ID, jwt.ES256, now.Add(time.Hour))
		l.must(l.AddKey(l.ctx, old, nil, event(l.one.ID, audit.KeyPublished)))
		old.RetireAt, old.GoneAt = now.Add(time.Hour), now.Add(2*time.Hour)
		l.must(l.AddKey(l.ctx, next, []keys.Stored{old}, event(l.one.ID, audit.KeyPublished)))
		bare := keys.Stored{WorkspaceID: l.one.ID, ID: "bare", Public: []byte{}, Sealed: []byte{}}
		l.must(l.AddKey(l.ctx, bare, nil, event(l.one.ID, audit.KeyPublished)))
		l.hasKeys(l.one, old, next, bare)
	},

	"a retired key stays for as long as a trust lets tokens live": func(l *lab) {
		const week = 7 * 24 * time.Hour
		retired := func(days int) keys.Stored {
			old := key(l.one.ID, jwt.ES256, now)
			l.must(l.AddKey(l.ctx, old, nil, event(l.one.ID, "x")))
			old.RetireAt, old.GoneAt = now.AddDate(0, 0, days), now.AddDate(0, 0, days+1)
			l.must(l.AddKey(l.ctx, key(l.one.ID, jwt.ES256, old.RetireAt), []keys.Stored{old}, event(l.one.ID, "x")))
			return old
		}
		stays := func(k keys.Stored, want time.Duration) {
			all, err := l.Keys(l.ctx, l.one.ID)
			l.must(err)
			for _, stored := range all {
				if stored.ID == k.ID && !stored.GoneAt.Equal(stored.RetireAt.Add(want)) {
					l.Errorf("stays for %s, want %s", stored.GoneAt.Sub(stored.RetireAt), want)
				}
			}
		}
		foreign := trust(l.two.ID)
		foreign.MaxDuration = week
		l.trust(foreign)
		usual := l.trust(trust(l.one.ID))
		first := retired(1)
		stays(first, 24*time.Hour)
		usual.MaxDuration = 2 * 24 * time.Hour
		l.must(l.UpdateTrust(l.ctx, usual, usual.Revision, event(l.one.ID, "x")))
		stays(first, keys.VerifiableFor(2*24*time.Hour))
		long := trust(l.one.ID)
		long.MaxDuration = week
		l.trust(long)
		stays(first, keys.VerifiableFor(week))
		second := retired(2)
		stays(second, keys.VerifiableFor(week))
		l.must(l.DeleteTrust(l.ctx, l.one.ID, long.ID, 0, event(l.one.ID, "x")))
		stays(second, keys.VerifiableFor(week)) // what was issued before may live on
		stays(retired(3), keys.VerifiableFor(2*24*time.Hour))
	},

	"a key whose predecessor does not exist is not added": func(l *lab) {
		old, foreign := key(l.one.ID, jwt.ES256, now), key(l.two.ID, jwt.ES256, now)
		l.must(l.AddKey(l.ctx, foreign, nil, event(l.two.ID, "x")))
		l.is(l.AddKey(l.ctx, key(l.one.ID, jwt.ES256, now), []keys.Stored{old}, event(l.one.ID, "x")), store.ErrNotFound)
		l.is(l.AddKey(l.ctx, key(l.one.ID, jwt.ES256, now), []keys.Stored{foreign}, event(l.one.ID, "x")), store.ErrInvalid)
		l.hasKeys(l.one)
		l.hasKeys(l.two, foreign)
	},

	"a key is deleted at once": func(l *lab) {
		k := key(l.one.ID, jwt.ES256, now)
		l.must(l.AddKey(l.ctx, k, nil, event(l.one.ID, "x")))
		l.is(l.AddKey(l.ctx, k, nil, event(l.one.ID, "x")), store.ErrExists)
		l.must(l.DeleteKey(l.ctx, l.one.ID, k.ID, event(l.one.ID, "x")))
		l.is(l.DeleteKey(l.ctx, l.one.ID, k.ID, event(l.one.ID, "x")), store.ErrNotFound)
		l.hasKeys(l.one)
	},

	"rotation is due where a ring's newest key is old": func(l *lab) {
		before := now.Add(-time.Hour)
		succeeded, successor := key(l.one.ID, jwt.ES256, before), key(l.one.ID, jwt.ES256, now)
		alone, other := key(l.one.ID, jwt.RS256, before), key(l.two.ID, jwt.ES256, before.Add(-time.Hour))
		for _, k := range []keys.Stored{succeeded, successor, alone, other} {
			l.must(l.AddKey(l.ctx, k, nil, event(k.WorkspaceID, "x")))
		}
		due, err := l.RotationDue(l.ctx, now, 10)
		l.must(err)
		equal(l, due, []keys.Stored{other, alone})
		due, err = l.RotationDue(l.ctx, now, 1)
		l.must(err)
		equal(l, due, []keys.Stored{other})
		due, err = l.RotationDue(l.ctx, before, 10)
		l.must(err)
		equal(l, due, []keys.Stored{other})
	},

	"of two keys of a ring that begin at once one is the newest": func(l *lab) {
		l.must(l.AddKey(l.ctx, key(l.one.ID, jwt.ES256, now), nil, event(l.one.ID, "x")))
		l.must(l.AddKey(l.ctx, key(l.one.ID, jwt.ES256, now), nil, event(l.one.ID, "x")))
		due, err := l.RotationDue(l.ctx, now.Add(time.Hour), 10)
		l.must(err)
		equal(l, len(due), 1)
	},

	"keys are gone when their time has come": func(l *lab) {
		first, second, live := key(l.one.ID, jwt.ES256, now), key(l.two.ID, jwt.ES256, now), key(l.one.ID, jwt.RS256, now)
		first.GoneAt, second.GoneAt = now, now.Add(time.Second)
		for _, k := range []keys.Stored{second, first, live} {
			l.must(l.AddKey(l.ctx, k, nil, event(k.WorkspaceID, "x")))
		}
		for before, want := range map[time.Time][]keys.Stored{
			now: nil, now.Add(time.Second): {first}, now.Add(time.Hour): {first, second},
		} {
			gone, err := l.KeysGone(l.ctx, before, 10)
			l.must(err)
			equal(l, gone, want)
		}
	},

	"resealing reaches every key and the seal check": func(l *lab) {
		w, all := workspace.Workspace{ID: id.New(now), Name: "many"}, []keys.Stored(nil)
		for range 501 {
			all = append(all, key(w.ID, jwt.ES256, now))
		}
		w, err := l.CreateWorkspace(l.ctx, w, all, nil, nil)
		l.must(err)
		other := key(l.one.ID, jwt.ES256, now)
		l.must(l.AddKey(l.ctx, other, nil, event(l.one.ID, "x")))

		e := event(l.one.ID, audit.KeysResealed)
		logKey := keys.LogKey{WorkspaceID: l.one.ID, Public: []byte("public"), Sealed: []byte("sealed"), CreatedAt: now}
		l.must(l.CreateLogKey(l.ctx, logKey))
		l.must(l.Reseal(l.ctx, store.Resealing{
			Key:    func(k keys.Stored) ([]byte, error) { return append([]byte("new"), k.Sealed...), nil },
			LogKey: func(k keys.LogKey) ([]byte, error) { return append([]byte("new"), k.Sealed...), nil },
		}, []byte("new check"), e))
		logKey.Sealed = []byte("newsealed")
		got, err := l.LogKey(l.ctx, l.one.ID)
		l.must(err)
		equal(l, got, logKey)
		other.Sealed = []byte("new\x00\x01\xff")
		for i := range all {
			all[i].Sealed = other.Sealed
		}
		l.hasKeys(w, all...)
		l.hasKeys(l.one, other)
		i, err := l.Installation(l.ctx)
		l.must(err)
		equal(l, string(i.SealCheck), "new check")
		l.isRecorded(e, true)
		if l.generation(l.two) <= w.Generation {
			l.Fatal("a workspace did not move")
		}
	},

	"resealing that fails changes nothing": func(l *lab) {
		first, second := key(l.one.ID, jwt.ES256, now), key(l.two.ID, jwt.ES256, now)
		for _, k := range []keys.Stored{first, second} {
			l.must(l.AddKey(l.ctx, k, nil, event(k.WorkspaceID, "x")))
		}
		n, broken := 0, errors.New("broken")
		err := l.Reseal(l.ctx, store.Resealing{Key: func(keys.Stored) ([]byte, error) {
			if n++; n > 1 {
				return nil, broken
			}
			return []byte("new"), nil
		}}, []byte("new check"))
		l.is(err, broken)
		l.hasKeys(l.one, first)
		l.hasKeys(l.two, second)
		i, err := l.Installation(l.ctx)
		l.must(err)
		equal(l, string(i.SealCheck), "check")
	},
}

func (l *lab) hasKeys(w workspace.Workspace, want ...keys.Stored) {
	l.Helper()
	got, err := l.Keys(l.ctx, w.ID)
	l.must(err)
	slices.SortFunc(want, byKeyID)
	equal(l, got, want)
}
