package manage_test

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/manage"
	"github.com/nsc-federation/nsc/internal/policy"
)

func grants(list ...identity.Permission) func(*policy.Trust) {
	return func(t *policy.Trust) { t.Grants = list }
}

// change is what a caller of UpdateTrust hands in.
func change(f func(*policy.Trust)) func(*policy.Trust) error {
	return func(t *policy.Trust) error { f(t); return nil }
}

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

// All trusts of a workspace in one issuer share its key source. Who says where the keys come from can be every subject of
// that issuer, so he needs what all of them have, and what one has that is added this very moment.
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

// between lets somebody else write between a call's look and its write.
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

// face is all that a caller sees of an error.
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

func TestRule20VersionsAndRevisions(t *testing.T) {
	end := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	onEach(t, func(l *lab) {
		for _, row := range []struct {
			rule              string
			change            func(*policy.Trust)
			version, revision int64 // by how much they grow
		}{
			{"nothing", func(*policy.Trust) {}, 0, 0},
			{"what is so already", func(t *policy.Trust) { t.Enabled, t.Grants = true, slices.Clone(t.Grants) }, 0, 0},
			{"the same grants in another order", func(t *policy.Trust) { slices.Reverse(t.Grants); slices.Reverse(t.Grants[0].Actions) }, 0, 0},
			{"white space around the condition", func(t *policy.Trust) { t.Condition = " " + t.Condition + "\n" }, 0, 0},
			{"no mappings, spelled otherwise", func(t *policy.Trust) { t.Mappings = map[string]string{} }, 0, 0},
			{"the same end in another zone", func(t *policy.Trust) { t.KeySource.NotAfter = t.KeySource.NotAfter.In(time.FixedZone("x", 3600)) }, 0, 0},
			{"the description", func(t *policy.Trust) { t.Description = "other" }, 0, 1},
			{"the description and more", func(t *policy.Trust) { t.Description, t.Enabled = "other", false }, 1, 1},
			{"issuer", func(t *policy.Trust) { t.Issuer = "https://elsewhere.example" }, 1, 1},
			{"subject", func(t *policy.Trust) { t.SubjectMatch = "repo:acme/web" }, 1, 1},
			{"audience", func(t *policy.Trust) { t.Audience = "https://aud.example" }, 1, 1},
			{"condition", func(t *policy.Trust) { t.Condition = `claims.ref == "dev"` }, 1, 1},
			{"mappings", func(t *policy.Trust) { t.Mappings = map[string]string{"groups": "claims.groups"} }, 1, 1},
			{"grants", func(t *policy.Trust) { t.Grants = t.Grants[:1] }, 1, 1},
			{"one action in a grant", func(t *policy.Trust) { t.Grants[0].Actions[0] = "put" }, 1, 1},
			{"default duration", func(t *policy.Trust) { t.DefaultDuration = time.Minute }, 1, 1},
			{"maximum duration", func(t *policy.Trust) { t.MaxDuration = 2 * time.Hour }, 1, 1},
			{"maximum lifetime", func(t *policy.Trust) { t.MaxLifetime = time.Hour }, 1, 1},
			{"single use", func(t *policy.Trust) { t.SingleUse = true }, 1, 1},
			{"enabled", func(t *policy.Trust) { t.Enabled = false }, 1, 1},
			{"shared audience", func(t *policy.Trust) { t.AllowSharedAudience = true }, 1, 1},
			{"key source", func(t *policy.Trust) { t.KeySource.NotAfter = end.Add(time.Hour) }, 1, 1},
			{"what is not the caller's to change", func(t *policy.Trust) {
				t.ID, t.WorkspaceID, t.Version, t.Revision = id.New(end), "x", 50, 60
				t.CreatedBy, t.UpdatedBy, t.CreatedAt, t.UpdatedAt = "x", "x", end, end
			}, 0, 0},
		} {
			l.rule = row.rule
			before := l.add(l.acme, func(t *policy.Trust) {
				t.Issuer = "https://" + id.New(time.Now()) + ".example" // a key source is all its trusts'
				t.Condition = `claims.ref == "main"`
				t.Grants = append(t.Grants, may(policy.HTTP, "b.example/*", "get", "put"))
				t.KeySource = identity.KeySource{Kind: identity.JWKS, JWKS: jwks, NotAfter: end}
			})
			if before.Version != 1 || before.Revision != 1 {
				l.Fatalf("version %d, revision %d", before.Version, before.Revision)
			}
			events := len(l.events(l.acme.ID))
			l.forgotten()
			<-time.After(time.Second)
			var after policy.Trust
			waited := took(func() {
				var err error
				after, _, err = l.UpdateTrust(l.Context(), admin(l.acme), before.ID, 0, change(row.change), address)
				l.must(err)
			})
			if v, r := after.Version-before.Version, after.Revision-before.Revision; v != row.version || r != row.revision {
				l.Errorf("version +%d, revision +%d", v, r)
			}
			if now := l.stored(before); !reflect.DeepEqual(now, after) {
				l.Errorf("returned %+v\nstored %+v", after, now)
			}
			if after.ID != before.ID || after.CreatedBy != before.CreatedBy || !after.CreatedAt.Equal(before.CreatedAt) {
				l.Errorf("%+v", after)
			}
			if n := int64(len(l.events(l.acme.ID)) - events); n != row.revision || int64(len(l.forgotten())) != row.revision {
				l.Errorf("%d events", n)
			}
			if cutOff := row.version > 0; cutOff != (waited == audit.ReceiptLife) || !cutOff && waited != 0 { // rule 22
				l.Errorf("returned after %s", waited)
			}
		}
	})
}

const jwks = `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"k"}]}`

func TestOptimisticConcurrency(t *testing.T) {
	onEach(t, func(l *lab) {
		for _, row := range []struct {
			rule     string
			revision int64
			winners  int64
		}{
			{"of one revision one wins", 1, 1},
			{"of whatever revision all win", 0, 4},
		} {
			tr := l.add(l.acme)
			var won atomic.Int64
			var writers sync.WaitGroup
			for i := range 4 {
				writers.Go(func() {
					_, _, err := l.UpdateTrust(l.Context(), admin(l.acme), tr.ID, row.revision, change(func(t *policy.Trust) {
						t.Description += string(rune('a' + i))
					}), address)
					switch {
					case err == nil:
						won.Add(1)
					case !fault.Is(err, fault.Stale):
						l.Error(err)
					}
				})
			}
			writers.Wait()
			now := l.stored(tr)
			if won.Load() != row.winners || now.Revision != 1+row.winners || len(now.Description) != int(row.winners) {
				l.Errorf("%s: %d won, revision %d, description %q", row.rule, won.Load(), now.Revision, now.Description)
			}
		}
		tr := l.add(l.acme)
		_, _, err := l.UpdateTrust(l.Context(), admin(l.acme), tr.ID, 2, change(func(t *policy.Trust) {}), address)
		l.wantFault(err, fault.Stale)
		l.wantFault(l.RemoveTrust(l.Context(), admin(l.acme), tr.ID, 2, address), fault.Stale)
		l.must(l.RemoveTrust(l.Context(), admin(l.acme), tr.ID, 1, address))
	})
}

func TestOptimisticRemoval(t *testing.T) {
	onEach(t, func(l *lab) {
		for _, row := range []struct {
			rule     string
			revision int64
			code     fault.Code
		}{
			{"of a revision that is gone", 1, fault.Stale},
			{"of whatever is there", 0, ""},
		} {
			tr := l.add(l.acme)
			s := l.racing(func() {
				_, _, err := l.UpdateTrust(l.Context(), admin(l.acme), tr.ID, 0, change(func(t *policy.Trust) { t.Description = "new" }), address)
				l.must(err)
			})
			err := s.RemoveTrust(l.Context(), admin(l.acme), tr.ID, row.revision, address)
			if row.code != "" {
				l.wantFault(err, row.code)
				continue
			}
			l.must(err)
			removed := l.events(l.acme.ID, audit.TrustRemoved)
			if e := removed[len(removed)-1]; !strings.Contains(e.Details["before"], `"Description":"new"`) {
				l.Errorf("the event shows another revision than the one that was removed: %s", e.Details["before"])
			}
		}
	})
}

func TestRule22ARemovalReturnsWhenNothingIsSignedAnyMore(t *testing.T) {
	onEach(t, func(l *lab) {
		tr := l.add(l.acme)
		if waited := took(func() { l.must(l.RemoveTrust(l.Context(), admin(l.acme), tr.ID, 0, address)) }); waited != audit.ReceiptLife {
			l.Errorf("returned after %s", waited)
		}
		tr = l.add(l.acme)
		ctx, cancel := context.WithTimeout(l.Context(), audit.ReceiptLife/2)
		defer cancel()
		if err := l.RemoveTrust(ctx, admin(l.acme), tr.ID, 0, address); err == nil {
			l.Error("who did not wait is told that it is done")
		}
	})
}

func TestTheRecordOfATrust(t *testing.T) {
	onEach(t, func(l *lab) {
		who := admin(l.acme)
		tr := l.add(l.acme)
		<-time.After(time.Millisecond)
		changed, _, err := l.UpdateTrust(l.Context(), who, tr.ID, 0, change(func(t *policy.Trust) { t.SubjectMatch = "repo:acme/web" }), address)
		l.must(err)
		l.must(l.RemoveTrust(l.Context(), who, tr.ID, 0, address))
		events := l.events(l.acme.ID)
		for i, want := range []struct {
			kind          audit.Kind
			before, after *policy.Trust
		}{
			{audit.TrustCreated, nil, &tr}, {audit.TrustUpdated, &tr, &changed}, {audit.TrustRemoved, &changed, nil},
		} {
			e := events[i]
			if e.Kind != want.kind || e.Object != tr.ID || e.Subject != who.Subject() || e.Address != address || e.WorkspaceID != l.acme.ID {
				l.Errorf("%+v", e)
			}
			if e.Upstream == nil || e.Upstream.Issuer != "local" || !slices.Equal(e.Trusts, who.Trusts()) {
				l.Errorf("%+v", e)
			}
			for name, t := range map[string]*policy.Trust{"before": want.before, "after": want.after} {
				var shown *policy.Trust
				if text, ok := e.Details[name]; ok {
					shown = new(policy.Trust)
					l.must(json.Unmarshal([]byte(text), shown))
				}
				if !reflect.DeepEqual(shown, t) {
					l.Errorf("%s %s: %+v, want %+v", want.kind, name, shown, t)
				}
			}
		}
		if len(events) != 3 {
			l.Errorf("%d events", len(events))
		}
	})
}

func TestALongKeySetIsOnTheRecordByItsHash(t *testing.T) {
	onEach(t, func(l *lab) {
		long := strings.TrimSuffix(jwks, "]}") + "]" + strings.Repeat(" ", 32<<10) + "}"
		tr := l.add(l.acme, func(t *policy.Trust) {
			t.KeySource = identity.KeySource{Kind: identity.JWKS, JWKS: long, NotAfter: time.Now().Add(time.Hour)}
		})
		if text := l.events(l.acme.ID)[0].Details["after"]; len(text) > 4096 || !strings.Contains(text, `"jwks":"sha256:`) {
			l.Errorf("%d bytes: %.500s", len(text), text)
		}
		if l.stored(tr).KeySource.JWKS != long {
			l.Error("the trust has the hash, too")
		}
	})
}

func TestATrustIsTheServersToNumberAndSign(t *testing.T) {
	onEach(t, func(l *lab) {
		now := time.Now()
		added, _, err := l.AddTrust(l.Context(), admin(l.acme), trust(func(t *policy.Trust) {
			t.ID, t.Version, t.Revision, t.CreatedBy, t.UpdatedBy, t.CreatedAt = "mine", 7, 8, "me", "me", now.Add(time.Hour)
		}), address)
		l.must(err)
		if !id.Valid(added.ID) || added.Version != 1 || added.Revision != 1 || added.CreatedBy != admin(l.acme).Subject() ||
			added.UpdatedBy != added.CreatedBy || !added.CreatedAt.Equal(now) || added.WorkspaceID != l.acme.ID {
			l.Errorf("%+v", added)
		}
		if now := l.stored(added); !reflect.DeepEqual(now, added) {
			l.Errorf("returned %+v\nstored %+v", added, now)
		}
		_, _, err = l.AddTrust(l.Context(), admin(l.acme), trust(func(t *policy.Trust) { t.WorkspaceID = l.zoo.ID }), address)
		if err == nil {
			l.Error("written into another workspace")
		}
	})
}

func TestWhatCannotBeATrustIsRefusedByField(t *testing.T) {
	onEach(t, func(l *lab) {
		for _, row := range []struct {
			rule   string
			change func(*policy.Trust)
			field  string // "" is accepted
		}{
			{"a good one", func(*policy.Trust) {}, ""},
			{"no issuer", func(t *policy.Trust) { t.Issuer = "" }, "issuer"},
			{"an issuer over HTTP", func(t *policy.Trust) { t.Issuer = "http://issuer.example" }, "issuer"},
			{"an issuer on loopback over HTTP (rule 35)", func(t *policy.Trust) { t.Issuer = "http://127.0.0.1:9" }, "issuer"},
			{"the workspace's own issuer (rule 5)", func(t *policy.Trust) { t.Issuer = base + "/w/acme" }, "issuer"},
			{"another workspace's issuer", func(t *policy.Trust) { t.Issuer = base + "/w/zoo" }, ""},
			{"no subject", func(t *policy.Trust) { t.SubjectMatch = "" }, "subject_match"},
			{"everybody (security.md)", func(t *policy.Trust) { t.SubjectMatch = "*" }, "subject_match"},
			{"a condition that does not compile", func(t *policy.Trust) { t.Condition = "claims.x ==" }, "condition"},
			{"an unknown action", func(t *policy.Trust) { t.Grants[0].Actions[0] = "steal" }, "grants[0].actions"},
			{"a duration below zero", func(t *policy.Trust) { t.MaxDuration = -1 }, "max_token_duration"},
			{"an uploaded set without its end (rule 15)", func(t *policy.Trust) {
				t.KeySource = identity.KeySource{Kind: identity.JWKS, JWKS: jwks}
			}, "key_source.not_after"},
			{"an unknown kind of key source", func(t *policy.Trust) { t.KeySource.Kind = "x" }, "key_source.kind"},
		} {
			l.rule = row.rule
			good := l.add(l.acme, func(t *policy.Trust) { t.Issuer = "https://one.example" })
			_, _, added := l.AddTrust(l.Context(), admin(l.acme), trust(row.change), address)
			_, _, updated := l.UpdateTrust(l.Context(), admin(l.acme), good.ID, 0, change(func(t *policy.Trust) { t.Issuer = issuer; row.change(t) }), address)
			for _, err := range []error{added, updated} {
				if row.field == "" {
					l.must(err)
					continue
				}
				l.wantFault(err, fault.InvalidField)
				if f := fault.From(err); f.Field != row.field || f.Detail == "" {
					l.Errorf("field %q: %s", f.Field, f.Detail)
				}
			}
		}
	})
}

func TestRule35LoopbackInDevelopmentOnly(t *testing.T) {
	onEach(t, func(l *lab) {
		c := l.config
		c.AllowLoopback = true
		_, _, err := manage.New(c).AddTrust(l.Context(), admin(l.acme), trust(func(t *policy.Trust) { t.Issuer = "http://127.0.0.1:9" }), address)
		l.must(err)
	})
}

func TestAChangeThatFailsChangesNothing(t *testing.T) {
	onEach(t, func(l *lab) {
		tr := l.add(l.acme)
		before := l.everything(l.acme)
		_, _, err := l.UpdateTrust(l.Context(), admin(l.acme), tr.ID, 0, func(t *policy.Trust) error {
			t.Grants[0].Actions[0] = "put"
			return fault.Invalid("field", "no")
		}, address)
		l.wantFault(err, fault.InvalidField)
		l.unchanged(l.acme, before)
	})
}

func TestTrustsAreListedByPages(t *testing.T) {
	onEach(t, func(l *lab) {
		var want []string
		for range 5 {
			want = append(want, l.add(l.acme).ID)
		}
		l.add(l.zoo)
		slices.Sort(want)
		var got []string
		for after := ""; ; {
			page, err := l.ListTrusts(l.Context(), admin(l.acme), after, 2)
			l.must(err)
			if len(page) == 0 {
				break
			}
			for _, t := range page {
				got = append(got, t.ID)
			}
			after = got[len(got)-1]
		}
		if !slices.Equal(got, want) {
			l.Errorf("%v, want %v", got, want)
		}
	})
}
