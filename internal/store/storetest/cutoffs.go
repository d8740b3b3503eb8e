package storetest

import (
	"slices"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/workspace"
)

var cutOffs = map[string]func(*lab){
	"rule 21: what is cut off is known until it is lifted": func(l *lab) {
		token, subject := l.cut(workspace.CutToken, "jti"), l.cut(workspace.CutSubject, "somebody")
		issuer, other := l.cut(workspace.CutIssuer, "hash"), cutOff(l.two.ID, workspace.CutSubject, "jti")
		other.ExpiresAt = now.Add(time.Hour)
		l.must(l.CreateCutOff(l.ctx, other, event(l.two.ID, "x")))
		l.cuts(l.one, []string{"somebody"}, []string{"hash"}, true)
		l.cuts(l.two, []string{"jti"}, nil, false)
		l.tokenCut(l.one, "jti", true)
		l.tokenCut(l.one, "somebody", false)
		l.tokenCut(l.two, "jti", false)
		for _, c := range []workspace.CutOff{token, subject, issuer} {
			found, err := l.CutOff(l.ctx, l.one.ID, c.ID)
			l.must(err)
			equal(l, found, c)
			found, err = l.CutOffOf(l.ctx, l.one.ID, c.Kind, c.Value)
			l.must(err)
			equal(l, found, c)
			_, err = l.CutOffOf(l.ctx, l.two.ID, c.Kind, c.Value)
			l.is(err, store.ErrNotFound)
			_, err = l.CutOff(l.ctx, l.two.ID, c.ID)
			l.is(err, store.ErrNotFound)
			l.must(l.DeleteCutOff(l.ctx, l.one.ID, c.ID, event(l.one.ID, "x")))
			l.is(l.DeleteCutOff(l.ctx, l.one.ID, c.ID, event(l.one.ID, "x")), store.ErrNotFound)
			_, err = l.CutOff(l.ctx, l.one.ID, c.ID)
			l.is(err, store.ErrNotFound)
		}
		l.cuts(l.one, nil, nil, false)
		l.tokenCut(l.one, "jti", false)
	},

	"a thing is cut off once": func(l *lab) {
		l.cut(workspace.CutToken, "jti")
		l.is(l.CreateCutOff(l.ctx, cutOff(l.one.ID, workspace.CutToken, "jti"), event(l.one.ID, "x")), store.ErrExists)
	},

	"cut-offs are listed by ID": func(l *lab) {
		var all []workspace.CutOff
		for _, value := range []string{"a", "b", "c", "d"} {
			all = append(all, l.cut(workspace.CutToken, value))
		}
		slices.SortFunc(all, func(a, b workspace.CutOff) int { return strings.Compare(a.ID, b.ID) })
		l.listed(now, all)
	},

	"a cut-off that has ended is not listed, takes no place on a page, and stands in no other's way": func(l *lab) {
		var all []workspace.CutOff
		for i, value := range []string{"a", "b", "c", "d", "e", "f"} {
			c := cutOff(l.one.ID, workspace.CutToken, value)
			if i%2 == 0 {
				c.ExpiresAt = now.Add(time.Duration(i+1) * time.Hour)
			}
			l.must(l.CreateCutOff(l.ctx, c, event(l.one.ID, "x")))
			all = append(all, c)
		}
		at := all[2].ExpiresAt
		lasting := slices.DeleteFunc(slices.Clone(all), func(c workspace.CutOff) bool { return !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(at) })
		slices.SortFunc(lasting, func(a, b workspace.CutOff) int { return strings.Compare(a.ID, b.ID) })
		l.listed(at, lasting)

		for i, want := range []error{nil, store.ErrExists, nil, store.ErrExists, store.ErrExists} {
			c := cutOff(l.one.ID, workspace.CutToken, all[i].Value)
			c.CreatedAt = at
			l.is(l.CreateCutOff(l.ctx, c, event(l.one.ID, "x")), want)
		}
	},

	"cut-offs are swept when what they forbid has expired, and move nothing": func(l *lab) {
		l.cut(workspace.CutToken, "lasting")
		for i, value := range []string{"a", "b", "c"} {
			c := cutOff(l.one.ID, workspace.CutToken, value)
			c.ExpiresAt = now.Add(time.Duration(i) * time.Hour)
			l.must(l.CreateCutOff(l.ctx, c, event(l.one.ID, "x")))
		}
		before := l.generation(l.one)
		for _, step := range []struct {
			at          time.Duration
			limit, want int
		}{{0, 10, 0}, {90 * time.Minute, 1, 1}, {90 * time.Minute, 10, 1}, {90 * time.Minute, 10, 0}} {
			n, err := l.SweepCutOffs(l.ctx, now.Add(step.at), step.limit)
			l.must(err)
			equal(l, n, step.want)
		}
		equal(l, l.generation(l.one), before)
		for value, want := range map[string]bool{"lasting": true, "a": false, "b": false, "c": true} {
			l.tokenCut(l.one, value, want)
		}
	},
}

// cut cuts something off in the first workspace.
func (l *lab) cut(kind workspace.CutKind, value string) workspace.CutOff {
	l.Helper()
	c := cutOff(l.one.ID, kind, value)
	l.must(l.CreateCutOff(l.ctx, c, event(l.one.ID, "x")))
	return c
}

func (l *lab) cuts(w workspace.Workspace, subjects, issuers []string, tokens bool) {
	l.Helper()
	want := workspace.Cuts{Subjects: map[string]bool{}, Issuers: map[string]bool{}, Tokens: tokens}
	for _, s := range subjects {
		want.Subjects[s] = true
	}
	for _, i := range issuers {
		want.Issuers[i] = true
	}
	got, err := l.Cuts(l.ctx, w.ID)
	l.must(err)
	equal(l, got, want)
}

func (l *lab) tokenCut(w workspace.Workspace, tokenID string, want bool) {
	l.Helper()
	got, err := l.TokenCut(l.ctx, w.ID, tokenID)
	l.must(err)
	equal(l, got, want)
}

// listed compares the cut-offs of the first workspace at a time, in two pages, the first of three.
func (l *lab) listed(at time.Time, want []workspace.CutOff) {
	page, err := l.CutOffs(l.ctx, l.one.ID, "", at, 3)
	l.must(err)
	equal(l, page, want[:3])
	page, err = l.CutOffs(l.ctx, l.one.ID, page[2].ID, at, 3)
	l.must(err)
	equal(l, page, want[3:])
}
