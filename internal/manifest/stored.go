package manifest

import (
	"errors"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
)

// Kept is a trust as the management API has it: what a plan reads, and what a change writes. Durations are Go's.
type Kept struct {
	ID                                        string
	Issuer, SubjectMatch, Audience, Condition string
	Mappings                                  map[string]string
	Grants                                    []Grant
	DefaultDuration, MaxDuration, MaxLifetime string
	SingleUse, Enabled, AllowSharedAudience   bool
	AcceptDelegation                          bool
	Description, ManagedBy                    string
	KeySource                                 Source
	Revision                                  int64
}

// Source is where the keys of an issuer come from, as the management API has it.
type Source struct {
	Kind, URL, CA, JWKS string
	NotAfter            time.Time
}

// trust returns it as policy has it.
func (k Kept) trust() (policy.Trust, error) {
	t := policy.Trust{
		ID: k.ID, Issuer: k.Issuer, SubjectMatch: k.SubjectMatch, Audience: k.Audience, Condition: k.Condition, Mappings: k.Mappings,
		SingleUse: k.SingleUse, Enabled: k.Enabled, AllowSharedAudience: k.AllowSharedAudience, AcceptDelegation: k.AcceptDelegation,
		Description: k.Description, ManagedBy: k.ManagedBy, Revision: k.Revision,
		KeySource: identity.KeySource{
			Kind: identity.SourceKind(k.KeySource.Kind), URL: k.KeySource.URL, CA: k.KeySource.CA, JWKS: k.KeySource.JWKS, NotAfter: k.KeySource.NotAfter,
		},
	}
	for _, g := range k.Grants {
		t.Grants = append(t.Grants, identity.Permission(g))
	}
	var errs [3]error
	t.DefaultDuration, errs[0] = time.ParseDuration(k.DefaultDuration)
	t.MaxDuration, errs[1] = time.ParseDuration(k.MaxDuration)
	t.MaxLifetime, errs[2] = time.ParseDuration(k.MaxLifetime)
	return t, errors.Join(errs[:]...)
}

// Check judges it as the server would that was asked to keep it, but for the issuer's keys, and returns what it would warn of.
func (k Kept) Check(tenant identity.Tenant) ([]string, error) {
	t, err := k.trust()
	if err != nil {
		return nil, err
	}
	_, warnings, err := policy.Check(t, tenant)
	return warnings, err
}

// Want returns what the change makes the trust: every field, so that nothing stays as it was.
func (c Change) Want() Kept {
	t := c.want
	k := Kept{
		ID: c.ID, Issuer: t.Issuer, SubjectMatch: t.SubjectMatch, Audience: t.Audience, Condition: t.Condition, Mappings: t.Mappings,
		Grants: []Grant{}, DefaultDuration: t.DefaultDuration.String(), MaxDuration: t.MaxDuration.String(),
		MaxLifetime: t.MaxLifetime.String(), SingleUse: t.SingleUse, Enabled: t.Enabled, AllowSharedAudience: t.AllowSharedAudience,
		AcceptDelegation: t.AcceptDelegation, Description: t.Description, ManagedBy: t.ManagedBy, Revision: c.Revision,
		KeySource: Source{
			Kind: string(t.KeySource.Kind), URL: t.KeySource.URL, CA: t.KeySource.CA, JWKS: t.KeySource.JWKS, NotAfter: t.KeySource.NotAfter,
		},
	}
	for _, g := range t.Grants {
		k.Grants = append(k.Grants, Grant(g))
	}
	if k.Mappings == nil {
		k.Mappings = map[string]string{}
	}
	return k
}
