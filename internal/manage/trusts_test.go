package manage_test

import (
	"encoding/json"
	"reflect"
	"slices"
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

func grants(list ...identity.Permission) func(*policy.Trust) {
	return func(t *policy.Trust) { t.Grants = list }
}

// change is what a caller of UpdateTrust hands in.
func change(f func(*policy.Trust)) func(*policy.Trust) error {
	return func(t *policy.Trust) error { f(t); return nil }
}

// All trusts of a workspace in one issuer share its key source. Who says where the keys come from can be every subject of
// that issuer, so he needs what all of them have, and what one has that is added this very moment.
// between lets somebody else write between a call's look and its write.
// face is all that a caller sees of an error.
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
			{"an unknown action", func(t *policy.Trust) { t.Grants[0].Actions[0] = "steal" }, "grants[0].actions[0]"},
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
		c.Reach = identity.NewReach(identity.Options{AllowLoopback: true})
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
