package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nsc-federation/nsc/internal/store"
)

var installations = map[string]func(*lab){
	"an installation is created once": func(l *lab) {
		l.is(l.CreateInstallation(l.ctx, store.Installation{BaseURL: "https://other.example.com"}), store.ErrExists)
		linked, err := l.WholeSince(l.ctx)
		l.must(err)
		equal(l, linked, time.Time{})
		got, err := l.Installation(l.ctx)
		l.must(err)
		equal(l, got, installation)
	},

	"of many nodes that start together one creates the installation": func(l *lab) {
		empty := l.sibling()
		_, err := empty.Open(l).Installation(l.ctx)
		l.is(err, store.ErrNotFound)
		other := &lab{T: l.T, Store: empty.Open(l), database: empty}
		var first atomic.Int64
		var nodes sync.WaitGroup
		for range 4 {
			node := other.node()
			nodes.Go(func() {
				switch err := node.CreateInstallation(l.ctx, installation); {
				case err == nil:
					first.Add(1)
				case !errors.Is(err, store.ErrExists):
					l.Error(err)
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
}

// sibling returns another database of the same engine.
func (l *lab) sibling() Database {
	if l.database.options.SQLiteFile != "" {
		return SQLite(l)
	}
	return Postgres(l)
}
