package storetest

import (
	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/workspace"
)

var erasures = map[string]func(*lab){
	"rule 25: what is chosen is erased, in one workspace, and its leaves stay": func(l *lab) {
		var mine []audit.Entry
		for n := range 1100 { // more than two pages
			e := event(l.one.ID, audit.TokenRefused)
			if e.ID = id.New(now); n%2 == 0 {
				e.Subject = "me"
			}
			mine = append(mine, e)
		}
		foreign := event(l.two.ID, audit.TokenRefused)
		foreign.Subject = "me"
		_, err := l.Append(l.ctx, append(mine, foreign))
		l.must(err)
		l.sequence()
		erased, err := l.EraseOf(l.ctx, l.one.ID, func(e audit.Entry) bool { return e.Subject == "me" }, func(int) audit.Entry {
			return event(l.one.ID, audit.SubjectErased)
		})
		l.must(err)
		equal(l, erased, 550)
		l.sequence()
		for w, want := range map[workspace.Workspace]int64{l.one: 0, l.two: 1} {
			n, err := l.Count(l.ctx, audit.Query{WorkspaceID: w.ID, Subject: "me"})
			l.must(err)
			equal(l, n, want)
		}
		logged, err := l.LogEntries(l.ctx, l.one.ID, 0, 1000, 0)
		l.must(err)
		gone := 0
		for _, e := range logged {
			if e.Erased() {
				gone++
			}
		}
		if len(logged) != 1000 || gone < 490 {
			l.Errorf("%d of %d leaves are of erased events", gone, len(logged))
		}
	},
}
