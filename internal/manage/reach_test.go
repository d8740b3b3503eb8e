package manage_test

import (
	"net/netip"
	"testing"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/manage"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// Rule 35: an address that the dialer refuses is refused as it is written, for whoever it is; and a trust whose issuer may be
// called no more can still be described and disabled, but not moved to another such address.
func TestRule35AnAddressThatMayNotBeCalled(t *testing.T) {
	onEach(t, func(l *lab) {
		private := func(t *policy.Trust) { t.Issuer = "https://10.1.2.3" }
		add := func(who identity.Identity, change func(*policy.Trust)) error {
			_, _, err := l.AddTrust(l.Context(), who, trust(change), address)
			return err
		}
		wantField := func(err error, field string) {
			l.Helper()
			if f := fault.From(err); err == nil || f.Code != fault.InvalidField || f.Field != field {
				l.Errorf("%v, want the field %s", err, field)
			}
		}
		wantField(add(admin(l.acme), private), "issuer")
		wantField(add(admin(l.acme), func(t *policy.Trust) {
			t.KeySource = identity.KeySource{Kind: identity.JWKSURL, URL: "https://169.254.169.254/keys"}
		}), "key_source.url")
		c := l.config
		c.Reach = identity.NewReach(identity.Options{Exceptions: []identity.Exception{{Workspace: "acme", Prefix: netip.MustParsePrefix("10.0.0.0/8")}}})
		known := manage.New(c)
		kept, _, err := known.AddTrust(l.Context(), admin(l.acme), trust(private), address)
		l.must(err)
		_, _, err = known.AddTrust(l.Context(), admin(l.zoo), trust(private), address)
		wantField(err, "issuer")
		update := func(f func(*policy.Trust)) error {
			_, _, err := l.UpdateTrust(l.Context(), admin(l.acme), kept.ID, 0, change(f), address)
			return err
		}
		l.must(update(func(t *policy.Trust) { t.Enabled = false }))
		wantField(update(func(t *policy.Trust) { t.Issuer = "https://10.1.2.4" }), "issuer")
		system := l.tenant(workspace.SystemName)
		for _, owner := range []string{"https://127.0.0.1", "https://localhost.", "https://0x7f.1"} {
			_, err := l.CreateWorkspace(l.Context(), admin(system), "new", manage.Owner{Issuer: owner, Subject: "me"}, address)
			wantField(err, "owner.issuer")
		}
	})
}
