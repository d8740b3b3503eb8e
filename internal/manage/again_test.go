package manage_test

import (
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/manage"
	"github.com/nsc-federation/nsc/internal/policy"
)

// Rules 22 and 23: what is cut off again is as sure as what is cut off first, and what is not reached is counted again.
func TestRule23ACutOffThatIsMadeAgain(t *testing.T) {
	onEach(t, func(l *lab) {
		l.issues(true)
		token := l.signed("k", "https://api.example", time.Hour)
		for rule, row := range map[string]struct {
			target manage.Target
			want   map[string]int
		}{
			"a token":                {manage.Target{Token: token.ID}, map[string]int{"https://api.example": 1}},
			"a subject by issuer":    {manage.Target{Issuer: issuer, Subject: "agent"}, map[string]int{"https://api.example": 5, "https://other.example": 1}},
			"an issuer":              {manage.Target{Issuer: "https://bots.example"}, map[string]int{"https://api.example": 2}},
			"a subject as nsc names": {manage.Target{Subject: l.external("https://people.example", "anna")}, map[string]int{"https://api.example": 4, "https://other.example": 1}},
		} {
			l.rule = rule
			first, err := l.CutOff(l.Context(), admin(l.acme), row.target, address)
			l.must(err)
			if !first.Since.IsZero() {
				l.Errorf("the first says that there was one before: %+v", first)
			}
			since, events := time.Now().Add(-audit.ReceiptLife), len(l.events(l.acme.ID, audit.CutOffCreated))
			l.forgotten()
			for _, key := range []string{"", "another"} {
				var again manage.CutOffResult
				waited := took(func() {
					again, err = l.Once(retry(key, rule)).CutOff(l.Context(), caller(l.acme, may(policy.Workspace, "token", policy.Write)), row.target, address)
				})
				l.must(err)
				if again.ID != first.ID || !again.Since.Equal(since) {
					l.Errorf("%+v, want %s since %s", again, first.ID, since)
				}
				l.wantUnreachable("again", again, row.want)
				if waited != audit.ReceiptLife {
					l.Errorf("returned after %s", waited)
				}
				if len(l.forgotten()) == 0 {
					l.Errorf("this node remembers what was so before")
				}
			}
			if now := len(l.events(l.acme.ID, audit.CutOffCreated)); now != events {
				l.Errorf("%d events, %d before", now, events)
			}
		}
	})
}
