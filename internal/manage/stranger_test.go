package manage_test

import (
	"strings"
	"testing"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/manage"
	"github.com/nsc-federation/nsc/internal/policy"
)

// Rule 21: who mistypes an issuer has cut off nobody, and is told so; what is no issuer at all is refused.
func TestRule21AnIssuerThatNoTrustIsIn(t *testing.T) {
	onEach(t, func(l *lab) {
		l.add(l.acme)
		l.add(l.zoo, func(t *policy.Trust) { t.Issuer = "https://other.example" })
		reader := admin(l.acme)
		blind := caller(l.acme, may(policy.Workspace, "token", policy.Write))
		const none, nearly = "no trust relationship of the workspace is in the issuer ", "which was not cut off: " + issuer + " (it differs by: "
		for _, row := range []struct {
			rule, issuer string
			who          identity.Identity
			field        string
			want         []string // in the warning; nil for none
		}{
			{"the issuer of a trust", issuer, reader, "", nil},
			{"with a slash", issuer + "/", reader, "", []string{none, nearly + "trailing slash)"}},
			{"in another case", "https://ISSUER.example", reader, "", []string{none, nearly + "case)"}},
			{"far from all", "https://far.example", reader, "", []string{none}},
			{"another workspace's", "https://other.example", reader, "", []string{none}},
			{"by who may not read trusts", issuer + "//", blind, "", []string{none}},
			{"no URL", "not-a-url", reader, "issuer", nil},
			{"no scheme", "issuer.example", reader, "issuer", nil},
			{"another scheme", "http://issuer.example", reader, "issuer", nil},
			{"with white space", " " + issuer, reader, "issuer", nil},
			{"too long", "https://" + strings.Repeat("a", 512), reader, "issuer", nil},
		} {
			for _, subject := range []string{"", "ci:acme"} {
				l.rule = row.rule + " " + subject
				done, err := l.CutOff(l.Context(), row.who, manage.Target{Issuer: row.issuer, Subject: subject}, address)
				if row.field != "" {
					if !fault.Is(err, fault.InvalidField) || fault.From(err).Field != row.field {
						l.Errorf("%v", err)
					}
					continue
				}
				l.must(err)
				if _, err := l.LastingCutOff(l.Context(), reader, done.ID); err != nil {
					l.Errorf("it was not made: %v", err)
				}
				warning := strings.Join(done.Warnings, "\n")
				if (len(done.Warnings) == 0) != (row.want == nil) || strings.Contains(warning, nearly) != (len(row.want) == 2) {
					l.Errorf("warned: %q", done.Warnings)
				}
				for _, part := range row.want {
					if !strings.Contains(warning, part) {
						l.Errorf("%q, want %q", warning, part)
					}
				}
			}
		}
	})
}
