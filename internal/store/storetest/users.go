package storetest

import (
	"slices"
	"strings"

	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/workspace"
)

var users = map[string]func(*lab){
	"a user comes back as it was written": func(l *lab) {
		bare := workspace.User{ID: "bare", WorkspaceID: l.one.ID, Grants: []byte{}}
		for _, want := range []workspace.User{user(l.one.ID), bare} {
			l.must(l.CreateUser(l.ctx, want, event(l.one.ID, "x")))
			got, err := l.User(l.ctx, l.one.ID, want.ID)
			l.must(err)
			equal(l, got, want)
			l.is(l.CreateUser(l.ctx, want, event(l.one.ID, "x")), store.ErrExists)
		}
		_, err := l.User(l.ctx, l.one.ID, "nobody")
		l.is(err, store.ErrNotFound)
	},

	"users are listed by ID": func(l *lab) {
		var all []workspace.User
		for range 5 {
			all = append(all, user(l.one.ID))
			l.must(l.CreateUser(l.ctx, all[len(all)-1], event(l.one.ID, "x")))
		}
		slices.SortFunc(all, func(a, b workspace.User) int { return strings.Compare(a.ID, b.ID) })
		page, err := l.Users(l.ctx, l.one.ID, "", 3)
		l.must(err)
		equal(l, page, all[:3])
		page, err = l.Users(l.ctx, l.one.ID, page[2].ID, 0)
		l.must(err)
		equal(l, page, all[3:])
	},
}
