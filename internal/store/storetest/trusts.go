package storetest

import (
	"slices"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/workspace"
)

var trusts = map[string]func(*lab){
	"a trust comes back as it was written": func(l *lab) {
		uploaded := trust(l.one.ID)
		uploaded.Issuer = "https://uploaded.example.com"
		uploaded.KeySource = identity.KeySource{Kind: identity.JWKS, JWKS: `{"keys":[]}`, CA: "pem", NotAfter: now}
		for _, want := range []policy.Trust{
			trust(l.one.ID), uploaded,
			{ID: id.New(now), WorkspaceID: l.one.ID, Issuer: "bare"},
			{ID: id.New(now), WorkspaceID: l.one.ID, Issuer: "empty", Mappings: map[string]string{}, Grants: []identity.Permission{}},
		} {
			l.must(l.CreateTrust(l.ctx, want, event(l.one.ID, audit.TrustCreated)))
			got, err := l.Trust(l.ctx, l.one.ID, want.ID)
			l.must(err)
			equal(l, got, want)
		}
	},

	"a trust is created once": func(l *lab) {
		t := l.trust(trust(l.one.ID))
		l.is(l.CreateTrust(l.ctx, t, event(l.one.ID, "x")), store.ErrExists)
		t.WorkspaceID = id.New(now)
		l.is(l.CreateTrust(l.ctx, t, event(l.one.ID, "x")), store.ErrNotFound)
	},

	"an update replaces all but the creation, and only what it was made from": func(l *lab) {
		old := l.trust(trust(l.one.ID))
		want := policy.Trust{
			ID: old.ID, WorkspaceID: old.WorkspaceID, Issuer: "https://new.example.com", SubjectMatch: "new", Audience: "new",
			Condition: "new", Mappings: map[string]string{"groups": "new"}, Grants: nil, DefaultDuration: 1000, MaxDuration: 2000,
			MaxLifetime: 3000, Description: "new", KeySource: otherSource(old).KeySource, UpdatedBy: "new", UpdatedAt: now.Add(time.Hour),
			Version: 4,
		}
		l.is(l.UpdateTrust(l.ctx, want, old.Revision-1, event(l.one.ID, "x")), store.ErrStale)
		l.is(l.UpdateTrust(l.ctx, want, 0, event(l.one.ID, "x")), store.ErrStale)
		l.must(l.UpdateTrust(l.ctx, want, old.Revision, event(l.one.ID, "x")))
		want.CreatedBy, want.CreatedAt, want.Revision = old.CreatedBy, old.CreatedAt, old.Revision+1
		got, err := l.Trust(l.ctx, l.one.ID, old.ID)
		l.must(err)
		equal(l, got, want)
		l.is(l.UpdateTrust(l.ctx, want, old.Revision, event(l.one.ID, "x")), store.ErrStale)
		want.ID = id.New(now)
		l.is(l.UpdateTrust(l.ctx, want, want.Revision, event(l.one.ID, "x")), store.ErrNotFound)
	},

	"each switch of a trust is kept by itself": func(l *lab) {
		for _, only := range []func(*policy.Trust){
			func(t *policy.Trust) { t.SingleUse = true }, func(t *policy.Trust) { t.Enabled = true },
			func(t *policy.Trust) { t.AllowSharedAudience = true }, func(t *policy.Trust) { t.AcceptDelegation = true },
		} {
			want := policy.Trust{ID: id.New(now), WorkspaceID: l.one.ID, Issuer: "bare", Revision: 1}
			l.must(l.CreateTrust(l.ctx, want, event(l.one.ID, audit.TrustCreated)))
			only(&want)
			l.must(l.UpdateTrust(l.ctx, want, 1, event(l.one.ID, audit.TrustUpdated)))
			want.Revision = 2
			got, err := l.Trust(l.ctx, l.one.ID, want.ID)
			l.must(err)
			equal(l, got, want)
			want.ID = id.New(now)
			l.must(l.CreateTrust(l.ctx, want, event(l.one.ID, audit.TrustCreated)))
			got, err = l.Trust(l.ctx, l.one.ID, want.ID)
			l.must(err)
			equal(l, got, want)
		}
	},

	"a name in a manifest is one trust's": func(l *lab) {
		first, second := l.trust(trust(l.one.ID)), l.trust(trust(l.one.ID))
		again := trust(l.one.ID)
		again.ManagedBy = first.ManagedBy
		l.is(l.CreateTrust(l.ctx, again, event(l.one.ID, "x")), store.ErrManaged)
		change := second
		change.ManagedBy = first.ManagedBy
		l.is(l.UpdateTrust(l.ctx, change, second.Revision, event(l.one.ID, "x")), store.ErrManaged)
		elsewhere := trust(l.two.ID)
		elsewhere.ManagedBy = first.ManagedBy
		l.trust(elsewhere)
		for range 2 { // made by hand
			free := trust(l.one.ID)
			free.ManagedBy = ""
			l.trust(free)
		}
		l.must(l.DeleteTrust(l.ctx, l.one.ID, first.ID, 0, event(l.one.ID, "x")))
		l.must(l.UpdateTrust(l.ctx, change, second.Revision, event(l.one.ID, "x")))
	},

	"a trust is deleted at the revision that was seen, or at any": func(l *lab) {
		t := l.trust(trust(l.one.ID))
		l.is(l.DeleteTrust(l.ctx, l.one.ID, t.ID, t.Revision+1, event(l.one.ID, "x")), store.ErrStale)
		l.must(l.DeleteTrust(l.ctx, l.one.ID, t.ID, t.Revision, event(l.one.ID, "x")))
		l.is(l.DeleteTrust(l.ctx, l.one.ID, t.ID, 0, event(l.one.ID, "x")), store.ErrNotFound)
		t = l.trust(trust(l.one.ID))
		l.must(l.DeleteTrust(l.ctx, l.one.ID, t.ID, 0, event(l.one.ID, "x")))
	},

	"all trusts of a workspace in an issuer have one key source": func(l *lab) {
		first, second := l.trust(trust(l.one.ID)), l.trust(trust(l.one.ID))
		elsewhere, other := l.trust(otherSource(trust(l.two.ID))), trust(l.one.ID)
		other.Issuer += "/"
		other = l.trust(other)
		l.is(l.CreateTrust(l.ctx, otherSource(trust(l.one.ID)), event(l.one.ID, "x")), store.ErrKeySource)

		change := otherSource(first)
		change.Version, change.UpdatedBy, change.UpdatedAt = first.Version+1, "changer", now.Add(time.Hour)
		l.must(l.UpdateTrust(l.ctx, change, first.Revision, event(l.one.ID, "x")))
		want := second
		want.KeySource, want.UpdatedBy, want.UpdatedAt = change.KeySource, "changer", now.Add(time.Hour)
		want.Version, want.Revision = second.Version+1, second.Revision+1
		for _, want := range []policy.Trust{want, other, elsewhere} {
			got, err := l.Trust(l.ctx, want.WorkspaceID, want.ID)
			l.must(err)
			equal(l, got, want)
		}
	},

	"an update without another key source leaves the issuer's other trusts alone": func(l *lab) {
		first, second := l.trust(trust(l.one.ID)), l.trust(trust(l.one.ID))
		first.Description = "new"
		l.must(l.UpdateTrust(l.ctx, first, first.Revision, event(l.one.ID, "x")))
		got, err := l.Trust(l.ctx, l.one.ID, second.ID)
		l.must(err)
		equal(l, got, second)
	},

	"trusts are listed by ID and by issuer, byte for byte": func(l *lab) {
		var all []policy.Trust
		for _, issuer := range []string{"https://a.example.com", "https://a.example.com/", "https://A.example.com", "https://a.example.com"} {
			t := trust(l.one.ID)
			t.Issuer = issuer
			all = append(all, l.trust(t))
		}
		l.trust(trust(l.two.ID))
		slices.SortFunc(all, func(a, b policy.Trust) int { return strings.Compare(a.ID, b.ID) })

		page, err := l.Trusts(l.ctx, l.one.ID, "", 3)
		l.must(err)
		equal(l, page, all[:3])
		page, err = l.Trusts(l.ctx, l.one.ID, page[2].ID, 3)
		l.must(err)
		equal(l, page, all[3:])

		exact, err := l.TrustsByIssuer(l.ctx, l.one.ID, "https://a.example.com")
		l.must(err)
		equal(l, exact, slices.DeleteFunc(slices.Clone(all), func(t policy.Trust) bool { return t.Issuer != "https://a.example.com" }))
		issuers, err := l.Issuers(l.ctx, l.one.ID)
		l.must(err)
		equal(l, issuers, []string{"https://A.example.com", "https://a.example.com", "https://a.example.com/"})
	},

	"rule 21: trusts are found by who created or last changed them": func(l *lab) {
		const anna, annabel, bert, of = "workspace/w/external/h/anna", "workspace/w/external/h/annabel", "workspace/w/external/h_/bert", "workspace/w/external/h/"
		found := map[string][]string{}
		for _, by := range [][2]string{{anna, bert}, {bert, anna}, {annabel, annabel}, {bert, bert}, {anna, anna}} {
			t := trust(l.one.ID)
			t.CreatedBy, t.UpdatedBy = by[0], by[1]
			l.trust(t)
			for _, subject := range []string{anna, annabel, bert} {
				if slices.Contains(by[:], subject) {
					found[subject] = append(found[subject], t.ID)
				}
			}
			if by != [2]string{bert, bert} {
				found[of] = append(found[of], t.ID)
			}
		}
		elsewhere := trust(l.two.ID)
		elsewhere.CreatedBy, elsewhere.UpdatedBy = anna, anna
		l.trust(elsewhere)
		for subject, want := range found {
			slices.Sort(want)
			got, err := l.TrustsTouchedBy(l.ctx, l.one.ID, subject, 10)
			l.must(err)
			equal(l, got, want)
			got, err = l.TrustsTouchedBy(l.ctx, l.one.ID, subject, 1)
			l.must(err)
			equal(l, got, want[:1])
		}
		for _, nobody := range []string{"workspace/w/external/H/", "workspace/w/external/h/ann", "workspace/w/external/h/anna/"} {
			got, err := l.TrustsTouchedBy(l.ctx, l.one.ID, nobody, 10)
			l.must(err)
			equal(l, len(got), 0)
		}
	},

	"rule 23: how long tokens may live is told by the workspace's trusts": func(l *lab) {
		longest := func(workspaceID string, want time.Duration) {
			l.Helper()
			got, err := l.LongestDuration(l.ctx, workspaceID)
			l.must(err)
			equal(l, got, want)
		}
		longest(l.one.ID, 0)
		for _, life := range []time.Duration{2 * time.Hour, 100 * time.Hour, time.Hour} {
			t := trust(l.one.ID)
			t.MaxDuration, t.Enabled = life, life < 100*time.Hour // what is disabled may have issued
			l.trust(t)
		}
		longest(l.one.ID, 100*time.Hour)
		longest(l.two.ID, 0)
		longest(id.New(now), 0)
	},

	"rule 20: what a token rests on is told by version, and what is gone is not enabled": func(l *lab) {
		live, off, person := trust(l.one.ID), trust(l.one.ID), user(l.one.ID)
		off.Enabled, off.Version, person.Version = false, 7, 9
		l.trust(live)
		l.trust(off)
		l.must(l.CreateUser(l.ctx, person, event(l.one.ID, "x")))
		for id, want := range map[string]workspace.Authority{
			live.ID: {Version: 3, Enabled: true}, off.ID: {Version: 7}, person.ID: {Version: 9, Enabled: true}, id.New(now): {},
		} {
			got, err := l.Authority(l.ctx, l.one.ID, id)
			l.must(err)
			equal(l, got, want)
		}
	},
}

// trust creates a trust.
func (l *lab) trust(t policy.Trust) policy.Trust {
	l.Helper()
	l.must(l.CreateTrust(l.ctx, t, event(t.WorkspaceID, audit.TrustCreated)))
	return t
}
