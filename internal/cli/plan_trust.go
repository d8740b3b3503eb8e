package cli

import (
	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/manifest"
)

// kept returns trusts of the API's as a manifest compares them.
func kept(trusts ...api.Trust) []manifest.Kept {
	var all []manifest.Kept
	for _, t := range trusts {
		k := manifest.Kept{
			ID: t.ID, Issuer: t.Issuer, SubjectMatch: t.SubjectMatch, Audience: t.Audience, Condition: t.Condition, Mappings: t.Mappings,
			DefaultDuration: t.DefaultDuration, MaxDuration: t.MaxDuration, MaxLifetime: t.MaxLifetime, SingleUse: t.SingleUse,
			Enabled: t.Enabled, AllowSharedAudience: t.AllowSharedAudience, AcceptDelegation: t.AcceptDelegation, Description: t.Description, ManagedBy: t.ManagedBy,
			KeySource: manifest.Source(t.KeySource), Revision: t.Revision,
		}
		for _, g := range t.Grants {
			k.Grants = append(k.Grants, manifest.Grant(g))
		}
		all = append(all, k)
	}
	return all
}

// declaration returns what the API is told, so that a trust is as a manifest wants it.
func declaration(k manifest.Kept) api.TrustChange {
	grants, source := []api.Grant{}, api.KeySource(k.KeySource)
	for _, g := range k.Grants {
		grants = append(grants, api.Grant(g))
	}
	return api.TrustChange{
		Issuer: &k.Issuer, SubjectMatch: &k.SubjectMatch, Audience: &k.Audience, Condition: &k.Condition, Mappings: &k.Mappings,
		Grants: &grants, DefaultDuration: &k.DefaultDuration, MaxDuration: &k.MaxDuration, MaxLifetime: &k.MaxLifetime,
		SingleUse: &k.SingleUse, Enabled: &k.Enabled, AllowSharedAudience: &k.AllowSharedAudience, AcceptDelegation: &k.AcceptDelegation,
		Description: &k.Description, ManagedBy: &k.ManagedBy, KeySource: &source,
	}
}
