package policy

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// pastOf is what the record would hold of an exchange.
func pastOf(d Decision, target string) Past {
	g, _ := d.Grant()
	return Past{Subject: g.Caller().ExternalSubject(), TokenID: g.Caller().TokenID(), Target: target, Trusts: g.Trusts(), At: g.IssuedAt()}
}

// Whatever the change: an exchange that is said to be shut out is refused under it, and one that is said to be admitted is
// granted. Where the record cannot say, either may be.
func TestReplayNeverGuesses(t *testing.T) {
	w := newWorld(t)
	draw := func(r *rapid.T, i int) Trust {
		return trust(func(tr *Trust) {
			tr.ID = fmt.Sprint(i)
			tr.SubjectMatch = rapid.SampledFrom([]string{subject, subject, "repo:acme/api:*", "repo:acme/*:ref:refs/heads/main", "repo:acme/web:*"}).Draw(r, "pattern")
			tr.Condition = rapid.SampledFrom([]string{"", "", `claims.env == "prod"`, `claims.env == "prod" && claims.n > 2`, `claims.n > 2`}).Draw(r, "condition")
			tr.Audience = rapid.SampledFrom([]string{"", "", tenant.Issuer, "https://nsc.example/w/*", "https://x.example"}).Draw(r, "audience")
			tr.MaxLifetime = rapid.SampledFrom([]time.Duration{time.Minute, 5 * time.Minute, time.Hour, time.Hour}).Draw(r, "lifetime")
			tr.Enabled, tr.SingleUse = rapid.IntRange(0, 3).Draw(r, "enabled") > 0, rapid.IntRange(0, 3).Draw(r, "once") == 0
			tr.UpdatedAt = w.now.Add(-time.Hour)
			if rapid.Bool().Draw(r, "granted") {
				tr.Grants = these(grant(Audience, "https://api.example/*", Issue), grant(Docker, "x", "a:b"))
			}
			tr.AcceptDelegation = rapid.IntRange(0, 3).Draw(r, "believing") == 0
			if rapid.Bool().Draw(r, "mapped") {
				tr.Mappings = map[string]string{"attributes.env": "claims.env"}
			}
		})
	}
	check := func(r *rapid.T, list []Trust) []Trust {
		checked := make([]Trust, len(list))
		for i, tr := range list {
			var err error
			if checked[i], _, err = Check(tr, tenant); err != nil {
				r.Fatal(err)
			}
		}
		return checked
	}
	told := map[Verdict]int{}
	rehearse := func(r *rapid.T) {
		var before, after []Trust
		for i := range rapid.IntRange(1, 3).Draw(r, "before") {
			tr := draw(r, i)
			before = append(before, tr)
			switch rapid.SampledFrom([]string{"keep", "change", "remove"}).Draw(r, "do") {
			case "keep":
				after = append(after, tr)
			case "change":
				after = append(after, draw(r, i))
			}
		}
		if rapid.Bool().Draw(r, "add") {
			after = append(after, draw(r, 9))
		}
		change := claims{
			"env": rapid.SampledFrom([]string{"prod", "dev"}).Draw(r, "env"), "n": rapid.IntRange(1, 4).Draw(r, "n"),
			"jti": rapid.SampledFrom([]any{"j", nil}).Draw(r, "jti"),
			"act": rapid.SampledFrom([]any{nil, claims{"sub": "x"}, "x"}).Draw(r, "act"), "may_act": claims{"sub": "agent:one"},
		}
		req := w.ask()
		if rapid.Bool().Draw(r, "third") {
			req.Audience = "https://api.example/x"
		}
		before, after = check(r, before), check(r, after)
		rehearsal, err := NewRehearsal(tenant, before, after)
		if err != nil {
			r.Fatal(err)
		}
		who := w.external(change)
		then, now := Decide(who, compile(t, before...), nil, req), Decide(who, compile(t, after...), nil, req)
		_, granted := now.Grant()
		if _, was := then.Grant(); !was {
			if v := rehearsal.Claimed(w.supposed(change), req); (v == LetIn) != granted {
				r.Fatalf("%s, granted %v", v, granted)
			}
			if v, why := rehearsal.Refused(who.ExternalSubject()); v == Unchanged && granted {
				r.Fatalf("%s %s, and granted", v, why)
			}
			return
		}
		verdict, why := rehearsal.Issued(pastOf(then, req.audience(tenant)))
		told[verdict]++
		switch {
		case verdict == ShutOut && granted, (verdict == Unchanged || verdict == Narrowed) && !granted:
			r.Fatalf("%s (%s), and under the change %s", verdict, why, now.Reason)
		case verdict == LetIn:
			r.Fatalf("was in")
		}
	}
	for range 10 {
		rapid.Check(t, rehearse)
	}
	for _, v := range []Verdict{Unchanged, ShutOut, CannotTell, Narrowed} {
		if told[v] == 0 {
			t.Errorf("never %s: %v", v, told)
		}
	}
}

// Where neither is touched, somebody who acts for another is answered as before.
func TestReplayTouchesWhatItChanges(t *testing.T) {
	w := newWorld(t)
	outcomes := map[Reason]int{}
	touched := 0
	rapid.Check(t, func(r *rapid.T) {
		draw := func(id, subject string) Trust {
			checked, _, err := Check(trust(func(tr *Trust) {
				tr.ID, tr.SubjectMatch = id, subject
				tr.Enabled = rapid.IntRange(0, 4).Draw(r, "enabled") > 0
				tr.AcceptDelegation = rapid.Bool().Draw(r, "believing")
			}), tenant)
			if err != nil {
				r.Fatal(err)
			}
			return checked
		}
		before := []Trust{draw("a", subject), draw("b", "repo:acme/api:*"), draw("c", "agent:one"), draw("d", "repo:acme/web:*")}
		after := slices.Clone(before)
		switch i := rapid.IntRange(0, len(before)-1).Draw(r, "which"); rapid.IntRange(0, 2).Draw(r, "how") {
		case 0:
			after = slices.Delete(after, i, i+1)
		case 1:
			after[i] = draw(after[i].ID, after[i].SubjectMatch)
		case 2:
			after = append(after, draw("e", after[i].SubjectMatch))
		}
		rehearsal, err := NewRehearsal(tenant, before, after)
		if err != nil {
			r.Fatal(err)
		}
		said := claims{"act": rapid.SampledFrom([]any{nil, claims{"sub": "x"}, "x"}).Draw(r, "act"), "may_act": claims{"sub": "agent:one"}}
		then, now := w.acting(said, nil, compile(t, before...)), w.acting(said, nil, compile(t, after...))
		outcomes[then.Reason]++
		if rehearsal.Touches(subject) || rehearsal.Touches("agent:one") {
			touched++
		} else if then.Reason != now.Reason {
			r.Fatalf("not touched: %s, and then %s", then.Reason, now.Reason)
		}
	})
	if outcomes[Granted] == 0 || outcomes[ActorRefused] == 0 || outcomes[ActRefused] == 0 || touched == 0 {
		t.Errorf("%v, touched %d", outcomes, touched)
	}
}

func TestReplaySaysWhy(t *testing.T) {
	w := newWorld(t)
	old := trust(func(tr *Trust) {
		tr.ID, tr.UpdatedAt, tr.Condition = "old", w.now.Add(-time.Hour), `claims.env == "prod"`
	})
	then := Decide(w.external(claims{"env": "prod"}), compile(t, old), nil, w.ask())
	for rule, row := range map[string]struct {
		change func(*Trust)
		want   Verdict
		why    string
	}{
		"description":        {func(tr *Trust) { tr.Description = "x" }, Unchanged, ""},
		"removed":            {nil, ShutOut, "trust old is removed"},
		"disabled":           {func(tr *Trust) { tr.Enabled = false }, ShutOut, "trust old is disabled"},
		"another subject":    {func(tr *Trust) { tr.SubjectMatch = "repo:acme/web:*" }, ShutOut, "trust old does not match"},
		"a wider subject":    {func(tr *Trust) { tr.SubjectMatch = "repo:acme/*" }, Unchanged, ""},
		"a new condition":    {func(tr *Trust) { tr.Condition = `claims.n > 1` }, CannotTell, "the condition of trust old needs claims that the record does not hold"},
		"one more condition": {func(tr *Trust) { tr.Condition += ` && claims.n > 1` }, CannotTell, "the condition of trust old needs claims that the record does not hold"},
		"no condition":       {func(tr *Trust) { tr.Condition = "" }, Unchanged, ""},
		"another audience":   {func(tr *Trust) { tr.Audience = "https://x.example" }, CannotTell, "trust old demands an audience, and the record does not hold the token's"},
		"a shorter lifetime": {func(tr *Trust) { tr.MaxLifetime = time.Second }, CannotTell, "trust old limits the token's lifetime, which the record does not hold"},
		"fewer grants":       {func(tr *Trust) { tr.Grants = tr.Grants[:1] }, Narrowed, "without audience https://api.example/*: issue"},
	} {
		before, _, err := Check(old, tenant)
		if err != nil {
			t.Fatal(err)
		}
		var after []Trust
		if row.change != nil {
			changed := old
			row.change(&changed)
			if changed, _, err = Check(changed, tenant); err != nil {
				t.Fatal(err)
			}
			if rule == "fewer grants" {
				changed.Grants = these(grant(Workspace, "trust", Read))
			}
			after = append(after, changed)
		}
		r, err := NewRehearsal(tenant, []Trust{before}, after)
		if err != nil {
			t.Fatal(err)
		}
		if got, why := r.Issued(pastOf(then, tenant.Issuer)); got != row.want || why != row.why {
			t.Errorf("%s: %s %q", rule, got, why)
		}
	}
}

// Rule 34: what trusts say of an issuer's word bears on past exchanges, too, and the record holds none of that word.
func TestRule34ReplayOfAnIssuersWord(t *testing.T) {
	w := newWorld(t)
	as := func(id string, change ...func(*Trust)) Trust {
		checked, _, err := Check(trust(append(change, func(tr *Trust) { tr.ID, tr.UpdatedAt = id, w.now.Add(-time.Hour) })...), tenant)
		if err != nil {
			t.Fatal(err)
		}
		return checked
	}
	said := claims{"act": "x"}
	for _, row := range []struct {
		rule          string
		claims        claims
		before, after []Trust
		want          Verdict
		why           string
	}{
		{"one more that believes it may find what it cannot take over", said, []Trust{as("a")}, []Trust{as("a"), as("b", believing)},
			CannotTell, "trust b takes over who acts by the issuer's word, and the record does not hold what it was"},
		{"one that believed it and is gone may have refused it", said, []Trust{as("a"), as("b", believing)}, []Trust{as("a")},
			CannotTell, "trust b changes and its subject matched, and the token's claims were not kept"},
		{"one more that believes it after one that did", nil, []Trust{as("a", believing)}, []Trust{as("a", believing), as("b", believing)}, Unchanged, ""},
		{"it is believed no longer", nil, []Trust{as("a", believing)}, []Trust{as("a")}, Unchanged, ""},
	} {
		t.Run(row.rule, func(t *testing.T) {
			r, err := NewRehearsal(tenant, row.before, row.after)
			if err != nil {
				t.Fatal(err)
			}
			d := Decide(w.external(row.claims), compile(t, row.before...), nil, w.ask())
			var got Verdict
			var why string
			if _, granted := d.Grant(); granted {
				got, why = r.Issued(pastOf(d, tenant.Issuer))
			} else {
				got, why = r.Refused(subject)
			}
			if got != row.want || why != row.why {
				t.Errorf("%s: %s %q", d.Reason, got, why)
			}
		})
	}
}
