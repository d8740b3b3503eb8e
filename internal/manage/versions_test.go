package manage_test

import (
	"context"
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
	"github.com/nsc-federation/nsc/internal/policy"
)

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
			{"the file that declares it", func(t *policy.Trust) { t.ManagedBy = "federation/api" }, 0, 1},
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
			{"the issuer's word on who acts", func(t *policy.Trust) { t.AcceptDelegation = true }, 1, 1},
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

// A trust whose uploaded keys have ended admits nobody, and may be described, disabled and given new ones; not the old ones.
func TestATrustWhoseKeysHaveEndedMayStillBeChanged(t *testing.T) {
	onEach(t, func(l *lab) {
		end := time.Now().Add(time.Hour)
		source := identity.KeySource{Kind: identity.JWKS, JWKS: jwks, NotAfter: end}
		added := l.add(l.acme, func(t *policy.Trust) { t.KeySource = source })
		<-time.After(2 * time.Hour)
		update := func(change func(*policy.Trust)) error {
			_, _, err := l.UpdateTrust(l.Context(), admin(l.acme), added.ID, 0, func(t *policy.Trust) error {
				change(t)
				return nil
			}, address)
			return err
		}
		l.must(update(func(t *policy.Trust) { t.Enabled, t.Description = false, "ended" }))
		l.wantFault(update(func(t *policy.Trust) { t.KeySource.NotAfter = end.Add(time.Minute) }), fault.InvalidField)
		l.must(update(func(t *policy.Trust) { t.KeySource.NotAfter = end.Add(24 * time.Hour) }))
		_, _, err := l.AddTrust(l.Context(), admin(l.acme), trust(func(t *policy.Trust) { t.Issuer, t.KeySource = "https://late.example", source }), address)
		l.wantFault(err, fault.InvalidField)
	})
}
