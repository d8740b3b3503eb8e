package policy

import (
	"testing"
	"time"
)

func TestRule05LifetimesAfterAnExternalToken(t *testing.T) {
	w := newWorld(t)
	lasting := func(usual, most time.Duration) *Trusts {
		return compile(t, trust(func(tr *Trust) {
			tr.DefaultDuration, tr.MaxDuration = usual, most
			tr.Grants = append(tr.Grants, grant(Audience, azure, Issue))
		}))
	}
	trusts, short := lasting(20*time.Minute, 90*time.Minute), lasting(time.Minute, 2*time.Minute)
	for _, row := range []struct {
		rule   string
		trusts *Trusts
		ask    []func(*Request)
		want   time.Duration
	}{
		{"access token, the trust's default", trusts, nil, 20 * time.Minute},
		{"access token, wished shorter", trusts, []func(*Request){wish(time.Second)}, time.Second},
		{"access token, wished longer than the external token lives", trusts, []func(*Request){wish(time.Hour)}, time.Hour},
		{"access token, shortened to the maximum", trusts, []func(*Request){wish(48 * time.Hour)}, 90 * time.Minute},
		{"rule 13: ID token, 5 minutes by default", trusts, []func(*Request){idToken}, 5 * time.Minute},
		{"rule 13: ID token, 1 hour at most", trusts, []func(*Request){idToken, wish(90 * time.Minute)}, time.Hour},
		{"rule 13: ID token for Azure, 1 hour by default", trusts, []func(*Request){idToken, forAudience(azure)}, time.Hour},
		{"ID token for Azure, wished shorter", trusts, []func(*Request){idToken, forAudience(azure), wish(time.Minute)}, time.Minute},
		{"ID token for Azure, within the trust's maximum", short, []func(*Request){idToken, forAudience(azure)}, 2 * time.Minute},
		{"access token for Azure, the trust's default", trusts, []func(*Request){forAudience(azure)}, 20 * time.Minute},
		{"ID token, within the trust's default", short, []func(*Request){idToken}, time.Minute},
		{"ID token, within the trust's maximum", short, []func(*Request){idToken, wish(time.Hour)}, 2 * time.Minute},
	} {
		t.Run(row.rule, func(t *testing.T) {
			g := w.granted(Decide(w.external(nil), row.trusts, nil, w.ask(row.ask...)))
			if got := g.ExpiresAt().Sub(g.IssuedAt()); got != row.want || !g.IssuedAt().Equal(w.now) {
				t.Errorf("from %s for %s", g.IssuedAt(), got)
			}
		})
	}
}

func TestRule05LifetimesAfterOurOwnToken(t *testing.T) {
	w := newWorld(t)
	for _, row := range []struct {
		rule      string
		local     bool
		remaining time.Duration
		ask       []func(*Request)
		want      time.Duration
	}{
		{"access token, 15 minutes by default", false, 3 * time.Hour, nil, 15 * time.Minute},
		{"access token, wished beyond it", false, 3 * time.Hour, []func(*Request){wish(9 * time.Hour)}, 3 * time.Hour},
		{"access token, no later than the parent's end", false, 90 * time.Second, nil, 90 * time.Second},
		{"ID token, 5 minutes by default", false, 3 * time.Hour, []func(*Request){idToken}, 5 * time.Minute},
		{"ID token, 1 hour at most", false, 3 * time.Hour, []func(*Request){idToken, wish(2 * time.Hour)}, time.Hour},
		{"ID token, wished beyond it", false, time.Minute, []func(*Request){idToken, wish(2 * time.Hour)}, time.Minute},
		{"administrator signing in, as long as was allowed", true, 3 * time.Hour, nil, 3 * time.Hour},
		{"administrator signing in, shorter", true, 3 * time.Hour, []func(*Request){wish(time.Hour)}, time.Hour},
		{"administrator's ID token", true, 3 * time.Hour, []func(*Request){idToken}, 5 * time.Minute},
	} {
		t.Run(row.rule, func(t *testing.T) {
			who := admin(w, w.now.Add(row.remaining))
			if !row.local {
				who = w.mustOwn(w.granted(derive(who, w.ask())))
			}
			g := w.granted(derive(who, w.ask(row.ask...)))
			if got := g.ExpiresAt().Sub(w.now); got != row.want {
				t.Errorf("lives %s", got)
			}
		})
	}
	t.Run("not a second is left", func(t *testing.T) {
		d := derive(admin(w, w.now.Add(999*time.Millisecond)), w.ask())
		if _, ok := d.Grant(); ok || d.Reason != Ended {
			t.Errorf("%+v", d)
		}
	})
	t.Run("part of a second is gone", func(t *testing.T) {
		late := w.ask(func(r *Request) { r.Now = w.now.Add(900 * time.Millisecond) })
		g := w.granted(derive(admin(w, w.now.Add(2500*time.Millisecond)), late))
		if g.ExpiresAt().After(w.now.Add(2500 * time.Millisecond)) {
			t.Errorf("ends %s", g.ExpiresAt())
		}
	})
}

func TestRule05ExternalLifetimeIsCapped(t *testing.T) {
	w := newWorld(t)
	hour := trust(func(tr *Trust) { tr.ID, tr.MaxLifetime = "hour", time.Hour })
	day := trust(func(tr *Trust) { tr.ID, tr.MaxLifetime = "day", 24*time.Hour })
	for _, row := range []struct {
		rule     string
		lifetime time.Duration
		trusts   []Trust
		want     Reason
		by       int
	}{
		{"exactly as long as is admitted", time.Hour, []Trust{hour}, Granted, 1},
		{"a second longer", time.Hour + time.Second, []Trust{hour}, LifetimeRefused, 0},
		{"admitted by one of two", 2 * time.Hour, []Trust{hour, day}, Granted, 1},
		{"admitted by both", time.Hour, []Trust{hour, day}, Granted, 2},
		{"longer than all, in the second trust too", 25 * time.Hour, []Trust{hour, day}, LifetimeRefused, 0},
		{"too long, but nothing else matches either", 25 * time.Hour,
			[]Trust{trust(func(tr *Trust) { tr.Condition = `claims.sub == "x"` })}, NoTrust, 0},
	} {
		t.Run(row.rule, func(t *testing.T) {
			who := w.external(claims{"exp": w.now.Add(row.lifetime).Unix()})
			d := Decide(who, compile(t, row.trusts...), nil, w.ask())
			g, _ := d.Grant()
			if d.Reason != row.want || !g.IsZero() && len(g.Trusts()) != row.by {
				t.Errorf("%+v", d)
			}
		})
	}
}
