package storetest

import (
	"fmt"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/refusal"
	"github.com/nsc-federation/nsc/internal/store"
)

// refused returns a refusal of a workspace with something in every field.
func refused(workspaceID string, at time.Time, verified bool) refusal.Refusal {
	return refusal.Refusal{
		ID: id.New(at), WorkspaceID: workspaceID, Time: at, Verified: verified, Code: fault.TokenRefused, Reason: "reason", Gist: "gist",
		Address: "192.0.2.1", Claims: `{"sub":"x"}`, TooLong: true, Asked: refusal.Asked{
			TokenType: "id_token", Audience: "aud", Scope: []string{"a:b"}, HasDetails: true, Trust: "trust", Lifetime: time.Hour, Assertion: true,
			Details: []identity.Permission{{ResourceType: "docker", ResourceID: "x", Actions: []string{"a:b"}}},
		},
	}
}

var refusals = map[string]func(*lab){
	"a refusal is found by its ID, in its workspace, and moves no generation": func(l *lab) {
		before := l.generation(l.one)
		for _, verified := range []bool{false, true} {
			r := refused(l.one.ID, now, verified)
			l.must(l.AddRefusals(l.ctx, []refusal.Refusal{r}))
			got, err := l.node().Refusal(l.ctx, l.one.ID, r.ID)
			l.must(err)
			equal(l, got, r)
			_, err = l.Refusal(l.ctx, l.two.ID, r.ID)
			l.is(err, store.ErrNotFound)
		}
		equal(l, l.generation(l.one), before)
	},

	"Rule24: of each kind and workspace the newest stay, and what anybody can make up drives out nothing but its like": func(l *lab) {
		genuine, other := refused(l.one.ID, now, true), refused(l.two.ID, now, false)
		l.must(l.AddRefusals(l.ctx, []refusal.Refusal{genuine, other}))
		var flood []refusal.Refusal
		for i := range refusal.PerKind + 20 {
			flood = append(flood, refused(l.one.ID, now.Add(time.Duration(i)*time.Millisecond), false))
		}
		l.must(l.AddRefusals(l.ctx, flood))
		n, err := l.CountRefusals(l.ctx)
		l.must(err)
		equal(l, n, refusal.PerKind+2)
		for i, r := range flood {
			_, err := l.Refusal(l.ctx, l.one.ID, r.ID)
			if gone := i < 20; gone != (err != nil) {
				l.Fatal(fmt.Sprint(i, err))
			}
		}
		for _, r := range []refusal.Refusal{genuine, other} {
			_, err := l.Refusal(l.ctx, r.WorkspaceID, r.ID)
			l.must(err)
		}
	},

	"those that verified are listed for a period, newest first": func(l *lab) {
		var all []refusal.Refusal
		for i := range 4 {
			all = append(all, refused(l.one.ID, now.Add(time.Duration(i)*time.Hour), true))
		}
		l.must(l.AddRefusals(l.ctx, append(all, refused(l.one.ID, now.Add(time.Hour), false), refused(l.two.ID, now.Add(time.Hour), true))))
		found, err := l.VerifiedRefusals(l.ctx, l.one.ID, now.Add(time.Hour), now.Add(3*time.Hour))
		l.must(err)
		equal(l, found, []refusal.Refusal{all[2], all[1]})
		found, err = l.VerifiedRefusals(l.ctx, l.one.ID, time.Time{}, time.Time{})
		l.must(err)
		equal(l, len(found), 4)
	},

	"refusals are swept by their age": func(l *lab) {
		for i := range 3 {
			l.must(l.AddRefusals(l.ctx, []refusal.Refusal{refused(l.one.ID, now.Add(time.Duration(i)*time.Hour), i == 1)}))
		}
		for _, step := range []struct{ limit, want int }{{1, 1}, {10, 1}, {10, 0}} {
			n, err := l.SweepRefusals(l.ctx, now.Add(90*time.Minute), step.limit)
			l.must(err)
			equal(l, n, step.want)
		}
	},
}
