package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// retryFor is how long the answers of these tests are kept.
const retryFor = 24 * time.Hour

// answer returns an answer under a key.
func answer(key, body string) *audit.Answer {
	return &audit.Answer{
		Key: sha256.Sum256([]byte(key)), Request: sha256.Sum256([]byte("request")), Body: []byte(body), ExpiresAt: now.Add(retryFor),
	}
}

// answered returns an event that carries an answer.
func answered(workspaceID string, at time.Time, a *audit.Answer) audit.Entry {
	e := event(workspaceID, "x")
	e.Time, e.Answer = at, a
	return e
}

var answers = map[string]func(*lab){
	"an answer is kept with the event of every kind of creation": func(l *lab) {
		for name, create := range map[string]func(e audit.Entry) error{
			"workspace": func(e audit.Entry) error {
				_, err := l.CreateWorkspace(l.ctx, workspace.Workspace{ID: e.ID, Name: "new", CreatedAt: now}, nil, nil, nil, e)
				return err
			},
			"trust": func(e audit.Entry) error { return l.CreateTrust(l.ctx, trust(l.one.ID), e) },
			"cut-off": func(e audit.Entry) error {
				return l.CreateCutOff(l.ctx, cutOff(l.one.ID, workspace.CutToken, "jti"), e)
			},
			"key": func(e audit.Entry) error { return l.AddKey(l.ctx, key(l.one.ID, "ES256", now), nil, e) },
		} {
			want := answer(name, "the body of "+name)
			l.must(create(answered(l.one.ID, now, want)))
			got, err := l.Answer(l.ctx, l.one.ID, want.Key, now)
			l.must(err)
			equal(l, got, *want)
			_, err = l.Answer(l.ctx, l.two.ID, want.Key, now)
			l.is(err, store.ErrNotFound)
		}
	},

	"what was answered is not done again, and changes nothing": func(l *lab) {
		first := answer("key", "first")
		l.must(l.CreateTrust(l.ctx, trust(l.one.ID), answered(l.one.ID, now, first)))
		before := l.contents()
		again := answered(l.one.ID, now.Add(retryFor-time.Microsecond), answer("key", "second"))
		l.is(l.CreateTrust(l.ctx, trust(l.one.ID), again), store.ErrAnswered)
		equal(l, l.contents(), before)
		got, err := l.Answer(l.ctx, l.one.ID, first.Key, now)
		l.must(err)
		equal(l, got, *first)
		l.must(l.CreateTrust(l.ctx, trust(l.two.ID), answered(l.two.ID, now, answer("key", "another workspace's"))))
	},

	"no answer is kept of what failed": func(l *lab) {
		a := answer("key", "body")
		bad := trust(l.one.ID)
		bad.Description = "\x00"
		l.is(l.CreateTrust(l.ctx, bad, answered(l.one.ID, now, a)), store.ErrInvalid)
		_, err := l.Answer(l.ctx, l.one.ID, a.Key, now)
		l.is(err, store.ErrNotFound)
	},

	"a key is free again once its answer has expired": func(l *lab) {
		first, second := answer("key", "first"), answer("key", "second")
		l.must(l.CreateTrust(l.ctx, trust(l.one.ID), answered(l.one.ID, now, first)))
		_, err := l.Answer(l.ctx, l.one.ID, first.Key, first.ExpiresAt)
		l.is(err, store.ErrNotFound)
		second.ExpiresAt = first.ExpiresAt.Add(retryFor)
		l.must(l.CreateTrust(l.ctx, trust(l.one.ID), answered(l.one.ID, first.ExpiresAt, second)))
		got, err := l.Answer(l.ctx, l.one.ID, first.Key, first.ExpiresAt)
		l.must(err)
		equal(l, got, *second)
	},

	"of creations with one key at the same time, on two nodes, one takes place": func(l *lab) {
		other := l.database.Open(l.T)
		var created, refused atomic.Int64
		var all sync.WaitGroup
		for i := range 8 {
			s := []*store.Store{l.Store, other}[i%2]
			e, t := answered(l.one.ID, now, answer("key", "body")), trust(l.one.ID)
			all.Go(func() {
				switch err := s.CreateTrust(context.Background(), t, e); {
				case err == nil:
					created.Add(1)
				case errors.Is(err, store.ErrAnswered):
					refused.Add(1)
				default:
					l.Error(err)
				}
			})
		}
		all.Wait()
		trusts, err := l.Trusts(l.ctx, l.one.ID, "", 0)
		l.must(err)
		equal(l, []int64{created.Load(), refused.Load(), int64(len(trusts))}, []int64{1, 7, 1})
	},

	"answers are swept when they have expired": func(l *lab) {
		for i, name := range []string{"a", "b", "c"} {
			a := answer(name, name)
			a.ExpiresAt = now.Add(time.Duration(i) * time.Hour)
			l.must(l.CreateTrust(l.ctx, trust(l.one.ID), answered(l.one.ID, now.Add(-time.Hour), a)))
		}
		before := l.generation(l.one)
		for _, step := range []struct {
			at          time.Duration
			limit, want int
		}{{0, 10, 0}, {90 * time.Minute, 1, 1}, {90 * time.Minute, 10, 1}, {90 * time.Minute, 10, 0}} {
			n, err := l.SweepAnswers(l.ctx, now.Add(step.at), step.limit)
			l.must(err)
			equal(l, n, step.want)
		}
		equal(l, l.generation(l.one), before)
	},
}
