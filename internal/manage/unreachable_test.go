package manage_test

import (
	"context"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/manage"
)

// wholeSince is a record whose events were not, before a time, found by who acts in them, and named no key.
type wholeSince struct {
	manage.RecordStore
	since time.Time
}

func (w wholeSince) WholeSince(context.Context) (time.Time, error) { return w.since, nil }

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
				c.Record = wholeSince{l.db, time.Now().Add(-row.upgraded)}
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

// Rules 23 and 29: a cut-off of a key counts what it signed, by whichever call; and what cannot be told is not called none.
func TestRule23CountsByTheKeyThatSigned(t *testing.T) {
	for rule, row := range map[string]struct {
		upgraded   time.Duration // ago; 0 for never
		named      bool          // whether the tokens before name their key
		incomplete bool
	}{
		"always named":                           {named: true},
		"not named by an earlier release":        {upgraded: time.Minute, incomplete: true},
		"not named, an earlier release may run":  {upgraded: 47 * time.Hour, incomplete: true},
		"not named, no earlier release can have": {upgraded: 49 * time.Hour},
	} {
		for _, call := range []string{"cut off", "rotated", "rotated by ID, told again"} {
			onEach(t, func(l *lab) {
				l.rule = rule + ", " + call
				if row.upgraded > 0 {
					l.config.Record = wholeSince{l.db, time.Now().Add(-row.upgraded)}
				}
				s := manage.New(l.config)
				bad, err := s.RotateKeys(l.Context(), admin(l.acme), manage.Rotation{Algorithm: jwt.ES256}, address)
				l.must(err)
				other, err := s.RotateKeys(l.Context(), admin(l.acme), manage.Rotation{Algorithm: jwt.RS256}, address)
				l.must(err)
				twice := l.signed(bad.ID, "https://api.example", time.Hour)
				l.reissued(twice, bad.ID)
				l.reissued(twice, bad.ID)
				l.reissued(l.signed(other.ID, "https://api.example", time.Hour), bad.ID)
				l.signed(bad.ID, l.acme.Issuer, time.Hour)
				l.signed(bad.ID, "https://api.example", -time.Minute)
				l.signed(other.ID, "https://api.example", time.Hour)
				if !row.named {
					l.signed("", "https://api.example", time.Hour)
				}
				var found []manage.Unreachable
				var incomplete bool
				switch rotation := (manage.Rotation{Algorithm: jwt.ES256, Compromised: true}); call {
				case "cut off":
					done, err := s.CutOff(l.Context(), admin(l.acme), manage.Target{Key: bad.ID}, address)
					l.must(err)
					found, incomplete = done.Unreachable, done.Incomplete
				case "rotated":
					done, err := s.RotateKeys(l.Context(), admin(l.acme), rotation, address)
					l.must(err)
					found, incomplete = done.Unreachable, done.Incomplete
				default:
					rotation.KeyID = bad.ID
					for range 2 {
						done, err := s.Once(retry("key", "x")).RotateKeys(l.Context(), admin(l.acme), rotation, address)
						l.must(err)
						found, incomplete = done.Unreachable, done.Incomplete
					}
				}
				l.wantUnreachable("of the key", manage.CutOffResult{Unreachable: found}, map[string]int{"https://api.example": 2})
				if incomplete != row.incomplete {
					l.Errorf("incomplete is %v", incomplete)
				}
			})
		}
	}
}

// A rotation that is done is not called failed because nobody can count.
func TestRule23ACompromisedKeyIsReplacedWhateverTheRecordSays(t *testing.T) {
	onEach(t, func(l *lab) {
		l.config.Record = damaged{l.db}
		s := manage.New(l.config)
		bad, err := s.RotateKeys(l.Context(), admin(l.acme), manage.Rotation{Algorithm: jwt.ES256}, address)
		l.must(err)
		l.signed(bad.ID, "https://api.example", time.Hour)
		done, err := s.RotateKeys(l.Context(), admin(l.acme), manage.Rotation{Algorithm: jwt.ES256, Compromised: true}, address)
		l.must(err)
		if !done.Incomplete || len(done.Unreachable) != 0 || done.Removed.ID != bad.ID {
			l.Errorf("%+v", done)
		}
	})
}

// signed records a token that a key signs, which lasts for so long.
func (l *lab) signed(keyID, audience string, lasts time.Duration) *audit.Token {
	l.Helper()
	t := &audit.Token{ID: id.New(time.Now()), Algorithm: "ES256", KeyID: keyID, Audience: audience, ExpiresAt: time.Now().Add(lasts)}
	l.must(l.recorder.Note(l.Context(), audit.Event{ID: t.ID, Time: time.Now(), WorkspaceID: l.acme.ID, Kind: audit.TokenIssued, Token: t}))
	return t
}

// reissued records that a key signs a token again.
func (l *lab) reissued(t *audit.Token, keyID string) {
	l.Helper()
	<-time.After(time.Millisecond) // events are in the order of theirs
	again := *t
	again.KeyID = keyID
	e := audit.Event{ID: id.New(time.Now()), Time: time.Now(), WorkspaceID: l.acme.ID, Kind: audit.TokenReissued, Token: &again}
	l.must(l.recorder.Note(l.Context(), e))
}

// Rule 23: what descends from a token is counted once, with what it was issued for by our own word, and what is too much to
// be looked at is not said to be reached.
func TestRule23CountsWhatDescendsFromAToken(t *testing.T) {
	onEach(t, func(l *lab) {
		api, our := "https://api.example", l.acme.Issuer
		issue := func(audience, keyID string, lasts time.Duration, parents ...audit.Upstream) string {
			l.Helper()
			<-time.After(time.Millisecond)
			e := audit.Event{ID: id.New(time.Now()), Time: time.Now(), WorkspaceID: l.acme.ID, Kind: audit.TokenIssued}
			e.Token = &audit.Token{ID: e.ID, Type: "access_token", Audience: audience, KeyID: keyID, ExpiresAt: time.Now().Add(lasts)}
			for i, parent := range parents {
				*[]**audit.Upstream{&e.Upstream, &e.Actor}[i] = &parent
			}
			l.must(l.recorder.Note(l.Context(), e))
			return e.ID
		}
		of := func(tokenID string) audit.Upstream { return audit.Upstream{Issuer: our, TokenID: tokenID} }
		first := issue(our, "k", time.Hour)
		issue(api, "k", time.Hour, of(first))
		issue(api, "", time.Hour, of(first)) // opaque
		issue(api, "k", -time.Minute, of(first))
		issue(api, "k", time.Hour, audit.Upstream{Issuer: issuer, TokenID: first}) // somebody else's, of the same ID
		left, right := issue(our, "k", time.Hour, of(first)), issue(our, "", time.Hour, of(first))
		issue(api, "k", time.Hour, of(left), of(right))
		issue("https://other.example", "k", time.Hour, of(issue(our, "k", time.Hour, of(right))))
		done, err := l.CutOff(l.Context(), admin(l.acme), manage.Target{Token: first}, address)
		l.must(err)
		l.wantUnreachable("all", done, map[string]int{api: 2, "https://other.example": 1})

		many := issue(our, "k", time.Hour)
		for range manage.CountParents {
			l.must(l.recorder.Note(l.Context(), audit.Event{
				ID: id.New(time.Now()), Time: time.Now(), WorkspaceID: l.acme.ID, Kind: audit.TokenIssued, Upstream: new(of(many)),
				Token: &audit.Token{ID: id.New(time.Now()), Audience: our, ExpiresAt: time.Now().Add(time.Hour)},
			}))
		}
		done, err = l.CutOff(l.Context(), admin(l.acme), manage.Target{Token: many}, address)
		l.must(err)
		if !done.Incomplete {
			l.Error("too many to be looked at, and it is not said")
		}
	})
}
