package storetest

import (
	"time"

	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/workspace"
)

var opaques = map[string]func(*lab){
	"an opaque token is found by its hash until it is swept": func(l *lab) {
		for i, hash := range []string{"a", "b", "c"} {
			l.must(l.CreateOpaque(l.ctx, l.one.ID, []byte(hash), []byte("claims of "+hash), now.Add(time.Duration(i)*time.Hour)))
		}
		payload, err := l.Opaque(l.ctx, []byte("b"))
		l.must(err)
		equal(l, string(payload), "claims of b")
		n, err := l.SweepOpaque(l.ctx, now.Add(90*time.Minute), 10)
		l.must(err)
		equal(l, n, 2)
		_, err = l.Opaque(l.ctx, []byte("b"))
		l.is(err, store.ErrNotFound)
		_, err = l.Opaque(l.ctx, []byte("c"))
		l.must(err)
		l.is(l.CreateOpaque(l.ctx, l.one.ID, []byte("c"), []byte("{}"), now), store.ErrExists)
	},

	"a revocable token is found by its secret and by its ID, and not by the secret before": func(l *lab) {
		t := revocable(l.one.ID)
		before := l.generation(l.one)
		l.must(l.CreateRevocable(l.ctx, t, event(l.one.ID, "x")))
		if l.generation(l.one) <= before {
			l.Error("the workspace did not move")
		}
		t.Workspace = l.one.Name
		for range 2 {
			found, err := l.Revocable(l.ctx, t.Hash)
			l.must(err)
			equal(l, found, t)
			found, err = l.RevocableByID(l.ctx, l.one.ID, t.ID)
			l.must(err)
			equal(l, found, t)
			authority, err := l.Authority(l.ctx, l.one.ID, t.ID)
			l.must(err)
			equal(l, authority, workspace.Authority{Version: t.Version, Enabled: true})
			old := t.Hash
			t.Hash, t.Version = []byte("hash "+id.New(now)), t.Version+1
			t.RefreshedAt, t.ExpiresAt = now.Add(time.Hour), now.Add(48*time.Hour)
			l.must(l.RefreshRevocable(l.ctx, t, event(l.one.ID, "x")))
			_, err = l.Revocable(l.ctx, old)
			l.is(err, store.ErrNotFound)
		}
		l.is(l.RefreshRevocable(l.ctx, t, event(l.one.ID, "x")), store.ErrStale) // its version is not the one after the present
		l.must(l.DeleteRevocable(l.ctx, l.one.ID, t.ID, event(l.one.ID, "x")))
		l.is(l.DeleteRevocable(l.ctx, l.one.ID, t.ID, event(l.one.ID, "x")), store.ErrNotFound)
		authority, err := l.Authority(l.ctx, l.one.ID, t.ID)
		l.must(err)
		equal(l, authority, workspace.Authority{})
	},
}

// revocable returns a revocable token of a workspace.
func revocable(workspaceID string) workspace.Revocable {
	tokenID := id.New(now)
	return workspace.Revocable{
		ID: tokenID, WorkspaceID: workspaceID, Hash: []byte("hash " + tokenID), Name: "name", Grants: []byte("[]"), CreatedBy: "somebody",
		CreatedAt: now, RefreshedAt: now, ExpiresAt: now.Add(time.Hour), Version: 1,
	}
}
