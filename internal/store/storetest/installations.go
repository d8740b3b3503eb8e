package storetest

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/nsc-federation/nsc/internal/store"
)

var installations = map[string]func(*lab){
	"an installation is created once": func(l *lab) {
		l.is(l.CreateInstallation(l.ctx, store.Installation{BaseURL: "https://other.example.com"}), store.ErrExists)
		got, err := l.Installation(l.ctx)
		l.must(err)
		equal(l, got, store.Installation{BaseURL: "https://nsc.example.com", CreatedAt: now, SealCheck: []byte("check"), Epoch: 1})
	},

	"of many nodes that start together one creates the installation": func(l *lab) {
		empty := l.sibling()
		_, err := empty.Open(l).Installation(l.ctx)
		l.is(err, store.ErrNotFound)
		var first atomic.Int64
		var nodes sync.WaitGroup
		for range 4 {
			nodes.Go(func() {
				s, err := store.Open(context.Background(), empty.options)
				if err != nil {
					l.Error(err)
					return
				}
				defer s.Close()
				if s.CreateInstallation(l.ctx, store.Installation{BaseURL: "https://nsc.example.com"}) == nil {
					first.Add(1)
				}
			})
		}
		nodes.Wait()
		equal(l, first.Load(), 1)
	},

	"without an installation there are no workspaces": func(l *lab) {
		empty := l.sibling().Open(l)
		l.is(empty.CreateTrust(l.ctx, trust(l.one.ID), event(l.one.ID, "x")), store.ErrNotFound)
	},

	"opening again changes nothing": func(l *lab) {
		got, err := l.database.Open(l).WorkspaceByName(l.ctx, "one")
		l.must(err)
		equal(l, got, l.one)
	},

	"an open database answers": func(l *lab) { l.must(l.Ping(l.ctx)) },
}

// sibling returns another database of the same engine.
func (l *lab) sibling() Database {
	if l.database.options.SQLiteFile != "" {
		return SQLite(l)
	}
	return Postgres(l)
}
