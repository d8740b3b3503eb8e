package manage_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/manage"
	"github.com/nsc-federation/nsc/internal/policy"
)

func TestRule04NobodyGivesWhatHeDoesNotHave(t *testing.T) {
	all := may(policy.Workspace, "*", policy.Admin)
	onEach(t, func(l *lab) {
		for _, row := range []struct {
			rule   string
			grants []identity.Permission
			ok     bool
		}{
			{"a part of his own", []identity.Permission{may(policy.HTTP, "api.example/v1/*", "get")}, true},
			{"all of his own", []identity.Permission{may(policy.HTTP, "api.example/*", "get"), may(policy.Workspace, "trust", "write")}, true},
			{"less than his own", []identity.Permission{may(policy.Workspace, "trust", "read")}, true},
			{"nothing", nil, true},
			{"another action", []identity.Permission{may(policy.HTTP, "api.example/v1/*", "post")}, false},
			{"one action more", []identity.Permission{may(policy.HTTP, "api.example/v1/*", "get", "post")}, false},
			{"every action", []identity.Permission{may(policy.HTTP, "api.example/*", "*")}, false},
			{"another host", []identity.Permission{may(policy.HTTP, "other.example/*", "get")}, false},
			{"a wider pattern", []identity.Permission{may(policy.HTTP, "*", "get")}, false},
			{"one grant more", []identity.Permission{may(policy.HTTP, "api.example/v1/*", "get"), may(policy.Registry, "a", "pull")}, false},
			{"an audience", []identity.Permission{may(policy.Audience, "https://api.example/*", "issue")}, false},
			{"administration of trusts", []identity.Permission{may(policy.Workspace, "trust", "admin")}, false},
			{"another noun", []identity.Permission{may(policy.Workspace, "key", "read")}, false},
			{"the workspace", []identity.Permission{all}, false},
		} {
			l.rule = row.rule
			who := writer(l.acme)
			small, large := l.add(l.acme), l.add(l.acme, grants(row.grants...))
			before := l.everything(l.acme)
			disable := change(func(t *policy.Trust) { t.Enabled = false })

			_, _, added := l.AddTrust(l.Context(), who, trust(grants(row.grants...)), address)
			_, _, widened := l.UpdateTrust(l.Context(), who, small.ID, 0, change(grants(row.grants...)), address)
			_, _, disabled := l.UpdateTrust(l.Context(), who, large.ID, 0, disable, address)
			_, _, narrowed := l.UpdateTrust(l.Context(), who, large.ID, 0, change(grants()), address)
			_, cut := l.CutOff(l.Context(), who, manage.Target{Trust: large.ID}, address)
			removed := l.RemoveTrust(l.Context(), who, large.ID, 0, address)
			if row.ok {
				for _, err := range []error{added, widened, disabled, cut, removed} {
					l.must(err)
				}
				continue
			}
			for _, err := range []error{added, widened, disabled, narrowed, cut, removed} {
				l.wantFault(err, fault.Forbidden)
			}
			if f := fault.From(added); f.Field != "grants" || f.Detail == "" {
				l.Errorf("%+v", f)
			}
			l.unchanged(l.acme, before)
		}
	})
}

func TestRule04WhoSaysWhereKeysComeFromWritesAllTrustsOfTheIssuer(t *testing.T) {
	uploaded := identity.KeySource{Kind: identity.JWKSURL, URL: "https://evil.example/jwks"}
	same := func(*policy.Trust) {}
	elsewhere := func(t *policy.Trust) { t.Issuer = "https://elsewhere.example" }
	for _, row := range []struct {
		rule   string
		mine   func(*policy.Trust)
		change func(*policy.Trust)
		ok     bool // for a writer of trusts
		along  bool // the other trust of the issuer moves along, when an administrator does it
	}{
		{"another key source for the issuer of both", same, func(t *policy.Trust) { t.KeySource = uploaded }, false, true},
		{"into the other's issuer, with another key source", elsewhere, func(t *policy.Trust) { t.Issuer, t.KeySource = issuer, uploaded }, false, true},
		{"into the other's issuer, with its key source", elsewhere, func(t *policy.Trust) { t.Issuer = issuer }, false, false},
		{"another key source for an issuer of his own", elsewhere, func(t *policy.Trust) { t.KeySource = uploaded }, false, false},
		{"out of the other's issuer, with another key source", same, func(t *policy.Trust) { elsewhere(t); t.KeySource = uploaded }, false, false},
		{"anything else", same, func(t *policy.Trust) { t.Enabled = false }, true, false},
	} {
		t.Run(row.rule, func(t *testing.T) {
			onEach(t, func(l *lab) {
				theirs := l.add(l.acme, grants(may(policy.Workspace, "*", policy.Admin)))
				foreign := l.add(l.zoo)
				mine := l.add(l.acme, row.mine)
				before := l.everything(l.acme)
				_, _, err := l.UpdateTrust(l.Context(), writer(l.acme), mine.ID, 0, change(row.change), address)
				if row.ok {
					l.must(err)
				} else {
					l.wantFault(err, fault.Forbidden)
					l.unchanged(l.acme, before)
				}
				_, _, err = l.UpdateTrust(l.Context(), admin(l.acme), mine.ID, 0, change(row.change), address)
				l.must(err)
				events := l.events(l.acme.ID, audit.TrustUpdated)
				version, source, told := theirs.Version, theirs.KeySource, ""
				if row.along {
					version, source, told = version+1, uploaded, theirs.ID
				}
				if now := l.stored(theirs); now.Version != version || now.KeySource != source || events[0].Details["key_source_of"] != told {
					l.Errorf("%+v\n%+v", now, events)
				}
				if l.stored(foreign).KeySource.Kind != identity.Discovery {
					l.Error("another workspace's trust moved along")
				}
			})
		})
	}
}

type between struct {
	manage.TrustStore
	other func()
}

func (b *between) now() {
	if other := b.other; other != nil {
		b.other = nil
		other()
	}
}

func (b *between) UpdateTrust(ctx context.Context, t policy.Trust, ifRevision int64, e audit.Entry) error {
	b.now()
	return b.TrustStore.UpdateTrust(ctx, t, ifRevision, e)
}

func (b *between) DeleteTrust(ctx context.Context, workspaceID, id string, ifRevision int64, e audit.Entry) error {
	b.now()
	return b.TrustStore.DeleteTrust(ctx, workspaceID, id, ifRevision, e)
}

func (l *lab) racing(other func()) *manage.Service {
	c := l.config
	c.Trusts = &between{l.db, other}
	return manage.New(c)
}

func TestRule04WhatIsCheckedIsWhatIsWritten(t *testing.T) {
	onEach(t, func(l *lab) {
		for rule, act := range map[string]func(*manage.Service, policy.Trust) error{
			"update": func(s *manage.Service, t policy.Trust) error {
				_, _, err := s.UpdateTrust(l.Context(), writer(l.acme), t.ID, 0, change(func(t *policy.Trust) { t.Enabled = false }), address)
				return err
			},
			"remove": func(s *manage.Service, t policy.Trust) error {
				return s.RemoveTrust(l.Context(), writer(l.acme), t.ID, 0, address)
			},
			"cut off": func(s *manage.Service, t policy.Trust) error {
				_, err := s.CutOff(l.Context(), writer(l.acme), manage.Target{Trust: t.ID}, address)
				return err
			},
		} {
			small := l.add(l.acme)
			s := l.racing(func() { // an administrator widens it
				_, _, err := l.UpdateTrust(l.Context(), admin(l.acme), small.ID, 0, change(grants(may(policy.Workspace, "*", policy.Admin))), address)
				l.must(err)
			})
			l.wantFault(act(s, small), fault.Forbidden)
			if now := l.stored(small); !now.Enabled || now.Revision != 2 || now.Version != 2 {
				l.Errorf("%s: %+v", rule, now)
			}
		}
	})
}

func TestRule07ForeignAndUnknownTrustsAreAlike(t *testing.T) {
	onEach(t, func(l *lab) {
		foreign := l.add(l.zoo)
		before := l.everything(l.zoo)
		who := admin(l.acme)
		for name, act := range map[string]func(trustID string) error{
			"read": func(trustID string) error { _, err := l.Trust(l.Context(), who, trustID); return err },
			"update": func(trustID string) error {
				_, _, err := l.UpdateTrust(l.Context(), who, trustID, 0, change(func(t *policy.Trust) { t.Enabled = false }), address)
				return err
			},
			"update of a revision": func(trustID string) error {
				_, _, err := l.UpdateTrust(l.Context(), who, trustID, 1, change(func(t *policy.Trust) { t.Enabled = false }), address)
				return err
			},
			"remove":               func(trustID string) error { return l.RemoveTrust(l.Context(), who, trustID, 0, address) },
			"remove of a revision": func(trustID string) error { return l.RemoveTrust(l.Context(), who, trustID, 9, address) },
			"cut off": func(trustID string) error {
				_, err := l.CutOff(l.Context(), who, manage.Target{Trust: trustID}, address)
				return err
			},
		} {
			want := faceOf(act(foreign.ID))
			for _, unknown := range []string{id.New(time.Now()), "x", "\x00", strings.ToUpper(foreign.ID), strings.Repeat("a", 5000)} {
				if got := faceOf(act(unknown)); got != want || got.code != fault.NotFound {
					l.Errorf("%s of %q: %+v, of a foreign one %+v", name, unknown, got, want)
				}
			}
		}
		l.unchanged(l.zoo, before)
		if list, err := l.ListTrusts(l.Context(), who, "", 0); err != nil || len(list) != 0 {
			l.Errorf("%v %v", list, err)
		}
	})
}

type face struct {
	code          fault.Code
	text, field   string
	status        int
	detail, oauth string
	retry         time.Duration
}

func faceOf(err error) face {
	f := fault.From(err)
	return face{f.Code, f.Text(), f.Field, f.Status(), f.Detail, f.OAuth(), f.RetryAfter}
}
