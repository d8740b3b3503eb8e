package manage_test

import (
	"context"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/manage"
)

// linkedSince is a record whose events are found by who acts in them from a time on.
type linkedSince struct {
	manage.RecordStore
	since time.Time
}

func (l linkedSince) ActorsSince(context.Context) (time.Time, error) { return l.since, nil }

// issues records tokens for others to verify: two of an agent's own, four that it acts in, one of nobody's concern, and
// what is not to be counted.
func (l *lab) issues(linked bool) {
	l.Helper()
	agent, bot, anna := l.external(issuer, "agent"), l.external("https://bots.example", "bot"), l.external("https://people.example", "anna")
	var entries []audit.Entry
	issue := func(subject string, act []string, change func(*audit.Event)) {
		<-time.After(time.Millisecond)
		e := audit.Event{
			ID: id.New(time.Now()), Time: time.Now(), WorkspaceID: l.acme.ID, Kind: audit.TokenIssued, Subject: subject, Act: act,
			Token: &audit.Token{Audience: "https://api.example", Subject: subject, ExpiresAt: time.Now().Add(time.Hour)},
		}
		e.Token.ID = e.ID
		change(&e)
		entry := l.recorder.Entry(e)
		if !linked {
			entry.Actors = nil
		}
		entries = append(entries, entry)
	}
	as := func(*audit.Event) {}
	issue(agent, nil, as)
	issue(agent, []string{agent}, as) // counted once
	issue(anna, []string{agent}, as)
	issue(anna, []string{agent}, func(e *audit.Event) { e.Token.Audience = "https://other.example" })
	issue(anna, []string{bot, agent}, as)
	issue(bot, []string{anna, agent, bot}, as)
	issue(anna, nil, as)
	issue(anna, []string{agent}, func(e *audit.Event) { e.Token.Audience = l.acme.Issuer })
	issue(anna, []string{agent}, func(e *audit.Event) { e.Token.ExpiresAt = time.Now() })
	issue(anna, []string{agent}, func(e *audit.Event) { e.Kind = audit.TokenReissued })
	issue(anna, []string{agent}, func(e *audit.Event) { e.WorkspaceID = l.zoo.ID })
	_, err := l.db.Append(l.Context(), entries)
	l.must(err)
}

func (l *lab) external(issuer, subject string) string {
	return identity.ExternalSubject(l.acme.ID, issuer, subject)
}

// Rules 23 and 34: what a cut-off does not reach are the tokens of whom it names, and those that he acts in.
func TestRule23CountsByWhoActs(t *testing.T) {
	type count = map[string]int
	all := map[string]count{
		"the actor by issuer":     {"https://api.example": 5, "https://other.example": 1},
		"the actor as nsc names":  {"https://api.example": 5, "https://other.example": 1},
		"the actor's issuer":      {"https://api.example": 5, "https://other.example": 1},
		"one who acted in others": {"https://api.example": 2},
		"a subject":               {"https://api.example": 4, "https://other.example": 1},
		"nobody":                  {},
	}
	own := map[string]count{
		"the actor by issuer": {"https://api.example": 2}, "the actor as nsc names": {"https://api.example": 2},
		"the actor's issuer":      all["the actor's issuer"], // looked for among all tokens
		"one who acted in others": {"https://api.example": 1},
		"a subject":               {"https://api.example": 3, "https://other.example": 1},
	}
	const day = 24 * time.Hour
	for rule, row := range map[string]struct {
		linked   bool
		sequence bool
		upgraded time.Duration // ago; 0 for never
		want     map[string]count
	}{
		"from the queue":                    {linked: true, want: all},
		"unpacked":                          {linked: true, sequence: true, want: all},
		"of an earlier release":             {sequence: true, upgraded: time.Minute, want: all},
		"of one that ran beside":            {sequence: true, upgraded: 2*day - time.Minute, want: all},
		"of one that could no more, though": {sequence: true, upgraded: 2*day + time.Minute, want: own},
	} {
		onEach(t, func(l *lab) {
			l.rule = rule
			l.issues(row.linked)
			if row.sequence {
				_, err := l.db.Sequence(l.Context(), 64)
				l.must(err)
			}
			if row.upgraded > 0 {
				c := l.config
				c.Record = linkedSince{l.db, time.Now().Add(-row.upgraded)}
				l.Service = manage.New(c)
			}
			for name, target := range map[string]manage.Target{
				"the actor by issuer":     {Issuer: issuer, Subject: "agent"},
				"the actor's issuer":      {Issuer: issuer},
				"one who acted in others": {Issuer: "https://bots.example", Subject: "bot"},
				"a subject":               {Subject: l.external("https://people.example", "anna")},
				"nobody":                  {Issuer: issuer, Subject: "nobody"},
			} {
				done, err := l.CutOff(l.Context(), admin(l.acme), target, address)
				l.must(err)
				l.wantUnreachable(name, done, row.want[name])
				if target.Subject == "agent" {
					l.must(l.LiftCutOff(l.Context(), admin(l.acme), done.ID, address))
					done, err = l.CutOff(l.Context(), admin(l.acme), manage.Target{Subject: l.external(issuer, "agent")}, address)
					l.must(err)
					l.wantUnreachable("the actor as nsc names", done, row.want["the actor as nsc names"])
				}
			}
		})
	}
}

func (l *lab) wantUnreachable(name string, done manage.CutOffResult, want map[string]int) {
	l.Helper()
	if len(done.Unreachable) != len(want) || done.Incomplete {
		l.Errorf("%s: %+v, want %v", name, done, want)
	}
	for _, u := range done.Unreachable {
		if u.Count != want[u.Audience] {
			l.Errorf("%s: %+v, want %v", name, u, want)
		}
	}
}
