package storetest

import (
	"fmt"
	"slices"
	"sync"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/workspace"
)

var workspaces = map[string]func(*lab){
	"a workspace is found by name and by ID": func(l *lab) {
		byName, err := l.WorkspaceByName(l.ctx, "one")
		l.must(err)
		equal(l, byName, l.one)
		byID, err := l.WorkspaceByID(l.ctx, l.one.ID)
		l.must(err)
		equal(l, byID, l.one)
		_, err = l.WorkspaceByName(l.ctx, "One")
		l.is(err, store.ErrNotFound)
		_, err = l.WorkspaceByID(l.ctx, id.New(now))
		l.is(err, store.ErrNotFound)
	},

	"rule 8: names of deleted workspaces are reserved for ever": func(l *lab) {
		dead := workspace.Workspace{ID: id.New(now), Name: "dead", CreatedAt: now, DeletedAt: now}
		_, err := l.CreateWorkspace(l.ctx, dead, nil, nil, nil)
		l.must(err)
		_, err = l.CreateWorkspace(l.ctx, workspace.Workspace{ID: id.New(now), Name: "dead"}, nil, nil, nil)
		l.is(err, store.ErrExists)
		got, err := l.WorkspaceByName(l.ctx, "dead")
		l.must(err)
		equal(l, got.DeletedAt, now)
	},

	"a workspace is created with all that it begins with": func(l *lab) {
		w := workspace.Workspace{ID: id.New(now), Name: "three", CreatedAt: now, CreatedBy: "somebody"}
		ring := []keys.Stored{key(w.ID, jwt.ES256, now), key(w.ID, jwt.RS256, now)}
		people, own, operator := user(w.ID), trust(w.ID), trust(l.one.ID)
		created, mine := event(w.ID, audit.WorkspaceCreated), event(l.one.ID, audit.TrustCreated)
		w, err := l.CreateWorkspace(l.ctx, w, ring, []workspace.User{people}, []policy.Trust{own, operator}, created, mine)
		l.must(err)
		got, err := l.WorkspaceByName(l.ctx, "three")
		l.must(err)
		equal(l, got, w)
		gotRing, err := l.Keys(l.ctx, w.ID)
		l.must(err)
		slices.SortFunc(ring, byKeyID)
		equal(l, gotRing, ring)
		gotUser, err := l.User(l.ctx, w.ID, people.ID)
		l.must(err)
		equal(l, gotUser, people)
		for _, want := range []policy.Trust{own, operator} {
			got, err := l.Trust(l.ctx, want.WorkspaceID, want.ID)
			l.must(err)
			equal(l, got, want)
		}
		l.isRecorded(created, true)
		l.isRecorded(mine, true)
		equal(l, l.generation(l.one), w.Generation) // the operator's trust moved it
		equal(l, l.generation(l.two), l.two.Generation)
	},

	"a workspace that cannot be created whole is not created": func(l *lab) {
		for name, broken := range map[string]struct {
			ring   []keys.Stored
			users  []workspace.User
			trusts []policy.Trust
			want   error
		}{
			"key of another":                 {ring: []keys.Stored{key(l.one.ID, jwt.ES256, now)}, want: store.ErrInvalid},
			"user of another":                {users: []workspace.User{user(l.one.ID)}, want: store.ErrInvalid},
			"trust of none":                  {trusts: []policy.Trust{trust(id.New(now))}, want: store.ErrNotFound},
			"two key sources for one issuer": {trusts: []policy.Trust{trust(l.one.ID), otherSource(trust(l.one.ID))}, want: store.ErrKeySource},
		} {
			w := workspace.Workspace{ID: id.New(now), Name: "broken"}
			e := event(w.ID, audit.WorkspaceCreated)
			_, err := l.CreateWorkspace(l.ctx, w, broken.ring, broken.users, broken.trusts, e)
			l.Log(name)
			l.is(err, broken.want)
			_, err = l.WorkspaceByName(l.ctx, "broken")
			l.is(err, store.ErrNotFound)
			l.isRecorded(e, false)
		}
		equal(l, l.generation(l.one), l.one.Generation)
	},

	"lists are in the order of the bytes of names": func(l *lab) {
		for _, name := range []string{"a-b", "ab", "a", "b", "aa", "a0"} {
			l.workspace(name)
		}
		var got []string
		for after := ""; ; after = got[len(got)-1] {
			list, err := l.Workspaces(l.ctx, after, 3)
			l.must(err)
			if len(list) == 0 {
				break
			}
			for _, w := range list {
				got = append(got, w.Name)
			}
		}
		equal(l, got, []string{"a", "a-b", "a0", "aa", "ab", "b", "one", "two"})
	},

	"every write moves its workspace, and no other, and is on the record": func(l *lab) {
		k, t, c := key(l.one.ID, jwt.ES256, now), trust(l.one.ID), cutOff(l.one.ID, workspace.CutToken, "jti")
		for _, write := range []struct {
			name string
			call func(audit.Entry) error
		}{
			{"CreateUser", func(e audit.Entry) error { return l.CreateUser(l.ctx, user(l.one.ID), e) }},
			{"AddKey", func(e audit.Entry) error { return l.AddKey(l.ctx, k, nil, e) }},
			{"DeleteKey", func(e audit.Entry) error { return l.DeleteKey(l.ctx, l.one.ID, k.ID, e) }},
			{"CreateCutOff", func(e audit.Entry) error { return l.CreateCutOff(l.ctx, c, e) }},
			{"DeleteCutOff", func(e audit.Entry) error { return l.DeleteCutOff(l.ctx, l.one.ID, c.ID, e) }},
			{"CreateTrust", func(e audit.Entry) error { return l.CreateTrust(l.ctx, t, e) }},
			{"UpdateTrust", func(e audit.Entry) error { return l.UpdateTrust(l.ctx, t, t.Revision, e) }},
			{"DeleteTrust", func(e audit.Entry) error { return l.DeleteTrust(l.ctx, l.one.ID, t.ID, 0, e) }},
		} {
			before, other := l.generation(l.one), l.generation(l.two)
			e := event(l.one.ID, "x")
			l.must(write.call(e))
			if l.generation(l.one) <= before || l.generation(l.two) != other {
				l.Fatalf("%s: generation %d after %d, the other's %d after %d", write.name, l.generation(l.one), before, l.generation(l.two), other)
			}
			l.isRecorded(e, true)
			e = event(l.one.ID, "x")
			if write.call(e) == nil && write.name != "CreateUser" {
				l.Fatalf("%s twice", write.name)
			}
			l.isRecorded(e, write.name == "CreateUser")
		}
	},

	"whoever has seen a generation has seen all before it": func(l *lab) {
		const writers, writes = 4, 10
		nodes := []*store.Store{l.Store, l.node()}
		var writing sync.WaitGroup
		for i := range writers {
			w := l.workspace(fmt.Sprintf("writer%d", i))
			writing.Go(func() {
				for range writes {
					if err := nodes[i%2].CreateUser(l.ctx, user(w.ID), event(w.ID, "x")); err != nil {
						l.Error(err)
					}
				}
			})
		}
		done := make(chan struct{})
		go func() { writing.Wait(); close(done) }()
		seen := map[string]int64{}
		for last, finished := int64(0), false; !finished; {
			select {
			case <-done:
				finished = true
			default:
			}
			moved, err := l.Generations(l.ctx, last)
			l.must(err)
			for _, g := range moved {
				if g.Generation < last {
					l.Fatalf("generation %d after %d", g.Generation, last)
				}
				seen[g.WorkspaceID], last = g.Generation, g.Generation
			}
		}
		list, err := l.Workspaces(l.ctx, "", 0)
		l.must(err)
		for _, w := range list {
			equal(l, seen[w.ID], w.Generation)
		}
	},
}

func byKeyID(a, b keys.Stored) int {
	if a.ID < b.ID {
		return -1
	}
	return 1
}

// otherSource returns the trust with another key source.
func otherSource(t policy.Trust) policy.Trust {
	t.KeySource = identity.KeySource{Kind: identity.JWKSURL, URL: "https://issuer.example.com/keys"}
	return t
}
