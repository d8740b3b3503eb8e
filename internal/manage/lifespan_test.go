package manage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/manage"
	"github.com/nsc-federation/nsc/internal/policy"
)

// Rule 23: a cut-off counts for as long as tokens live by any trust of the workspace, and by those that it had when they were
// issued.
func TestRule23CountsForAsLongAsTokensLive(t *testing.T) {
	const day = 24 * time.Hour
	long := func(t *policy.Trust) { t.MaxDuration = 7 * day }
	shorten := func(l *lab, t policy.Trust) {
		_, _, err := l.UpdateTrust(l.Context(), admin(l.acme), t.ID, 0, func(t *policy.Trust) error {
			t.MaxDuration = time.Hour
			return nil
		}, address)
		l.must(err)
	}
	remove := func(l *lab, t policy.Trust) { l.must(l.RemoveTrust(l.Context(), admin(l.acme), t.ID, 0, address)) }
	for rule, row := range map[string]struct {
		trust  func(*policy.Trust)
		change func(*lab, policy.Trust)
		after  time.Duration
		counts bool
	}{
		"as is usual":            {func(*policy.Trust) {}, nil, day - time.Minute, true},
		"as is usual, no more":   {func(*policy.Trust) {}, nil, day + time.Minute, false},
		"for a week":             {long, nil, 7*day - time.Minute, true},
		"changed in the week":    {long, shorten, 7*day - time.Minute, true},
		"removed in the week":    {long, remove, 7*day - time.Minute, true},
		"changed before that":    {long, shorten, 7*day + time.Minute, false},
		"for a week, and longer": {long, nil, 7*day + time.Minute, false},
	} {
		onEach(t, func(l *lab) {
			l.rule = rule
			added, _, err := l.AddTrust(l.Context(), admin(l.acme), trust(row.trust), address)
			l.must(err)
			token := l.signed("k", "https://api.example", 30*day)
			if row.change != nil {
				row.change(l, added)
			}
			<-time.After(row.after)
			done, err := l.CutOff(l.Context(), admin(l.acme), manage.Target{Token: token.ID}, address)
			l.must(err)
			if (len(done.Unreachable) == 1) != row.counts || done.Incomplete {
				l.Errorf("%s: %+v", rule, done)
			}
		})
	}
}

// Rule 22: a cut-off of a token lasts for as long as any trust may let a token live, and takes as long with very many trusts
// as with one.
func TestRule22CutOffsReadNoTrusts(t *testing.T) {
	onEach(t, func(l *lab) {
		_, _, err := l.AddTrust(l.Context(), admin(l.acme), trust(), address)
		l.must(err)
		token := l.signed("k", "https://api.example", time.Hour)
		l.config.Trusts = unlisted{l.config.Trusts}
		s := manage.New(l.config)
		done, err := s.CutOff(l.Context(), admin(l.acme), manage.Target{Token: token.ID}, address)
		l.must(err)
		if len(done.Unreachable) != 1 || done.Incomplete {
			l.Errorf("%+v", done)
		}
		found, err := s.ListCutOffs(l.Context(), admin(l.acme), "", 10)
		l.must(err)
		if len(found) != 1 || found[0].ExpiresAt.Sub(found[0].CreatedAt) != policy.LongestDuration {
			l.Errorf("%+v", found)
		}
		<-time.After(policy.LongestDuration)
		if found, err = s.ListCutOffs(l.Context(), admin(l.acme), "", 10); err != nil || len(found) > 0 {
			l.Errorf("when it has ended: %+v %v", found, err)
		}
	})
}

// Rules 21 and 22: what somebody left behind is found without reading all trusts, and so is what gets other keys with a trust.
func TestRule21WhatIsLeftBehindIsFoundByWhoWroteIt(t *testing.T) {
	onEach(t, func(l *lab) {
		anna, bert := l.external(issuer, "anna"), l.external("https://other.example", "bert")
		for n := range 103 {
			tr := trust()
			tr.ID, tr.WorkspaceID, tr.CreatedBy, tr.UpdatedBy = id.New(time.Now()), l.acme.ID, bert, bert
			if n == 0 {
				tr.UpdatedBy = anna
			}
			tr.KeySource.Kind = identity.Discovery
			l.must(l.db.CreateTrust(l.Context(), tr, l.recorder.Entry(audit.Event{ID: id.New(time.Now()), Time: time.Now(), WorkspaceID: l.acme.ID, Kind: audit.TrustCreated})))
		}
		l.config.Trusts = unlisted{l.config.Trusts}
		s := manage.New(l.config)
		for rule, row := range map[string]struct {
			target manage.Target
			want   int
			more   bool
		}{
			"his subject":           {manage.Target{Subject: anna}, 1, false},
			"his issuer":            {manage.Target{Issuer: issuer}, 1, false},
			"of very many":          {manage.Target{Subject: bert}, 100, true},
			"of very many's issuer": {manage.Target{Issuer: "https://other.example"}, 100, true},
			"of nobody":             {manage.Target{Issuer: issuer, Subject: "ann"}, 0, false},
		} {
			l.rule = rule
			done, err := s.CutOff(l.Context(), admin(l.acme), row.target, address)
			l.must(err)
			if len(done.Trusts) != row.want || done.MoreTrusts != row.more {
				l.Errorf("%d trusts, more: %v", len(done.Trusts), done.MoreTrusts)
			}
		}
		moved := l.add(l.acme, func(t *policy.Trust) { t.Issuer = "https://moved.example" })
		other := l.add(l.acme, func(t *policy.Trust) { t.Issuer = "https://moved.example" })
		_, _, err := s.UpdateTrust(l.Context(), admin(l.acme), moved.ID, 0, func(t *policy.Trust) error {
			t.KeySource = identity.KeySource{Kind: identity.JWKSURL, URL: "https://moved.example/keys"}
			return nil
		}, address)
		l.must(err)
		events := l.events(l.acme.ID, audit.TrustUpdated)
		if along := events[len(events)-1].Details["key_source_of"]; along != other.ID {
			l.Errorf("moved along: %q, want %s", along, other.ID)
		}
	})
}

// unlisted are trusts of which there are too many to list them.
type unlisted struct{ manage.TrustStore }

func (unlisted) Trusts(context.Context, string, string, int) ([]policy.Trust, error) {
	return nil, errors.New("all trusts are read")
}
