package storetest

import (
	"sync"
	"sync/atomic"
	"time"
)

var leases = map[string]func(*lab){
	"a lease has one holder, who may renew it": func(l *lab) {
		l.acquires("lease", "a", time.Hour, true)
		l.acquires("lease", "b", time.Hour, false)
		l.acquires("lease", "a", time.Hour, true)
		l.acquires("other", "b", time.Hour, true)
	},

	"a lease ends by itself": func(l *lab) {
		l.acquires("lease", "a", -time.Second, true)
		l.acquires("lease", "b", time.Hour, true)
		l.acquires("lease", "a", time.Hour, false)
	},

	"a lease can be given up by its holder alone": func(l *lab) {
		l.acquires("lease", "a", time.Hour, true)
		l.must(l.ReleaseLease(l.ctx, "lease", "b"))
		l.acquires("lease", "b", time.Hour, false)
		l.must(l.ReleaseLease(l.ctx, "lease", "a"))
		l.acquires("lease", "b", time.Hour, true)
	},

	"of many nodes one gets a lease": func(l *lab) {
		var holders atomic.Int64
		var nodes sync.WaitGroup
		for _, holder := range []string{"a", "b", "c", "d"} {
			node := l.node()
			nodes.Go(func() {
				held, err := node.AcquireLease(l.ctx, "lease", holder, time.Hour)
				if err != nil {
					l.Error(err)
				}
				if held {
					holders.Add(1)
				}
			})
		}
		nodes.Wait()
		equal(l, holders.Load(), 1)
	},
}

func (l *lab) acquires(name, holder string, ttl time.Duration, want bool) {
	l.Helper()
	held, err := l.AcquireLease(l.ctx, name, holder, ttl)
	l.must(err)
	equal(l, held, want)
}
