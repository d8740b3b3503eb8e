package manage

import (
	"context"
	"slices"

	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
)

// strangers returns what to be warned of where a cut-off names an issuer that no trust of the workspace is in. It is made all
// the same: tokens by a trust that was removed may live. But an issuer is compared byte for byte, and whoever mistypes one in
// a hurry has cut off nobody. What the issuers are called is only for a caller who may read trusts.
func (s *Service) strangers(ctx context.Context, caller identity.Identity, t Target) ([]string, error) {
	if t.Issuer == "" {
		return nil, nil
	}
	trusted, err := s.c.Trusts.Issuers(ctx, caller.Tenant().ID)
	if err != nil || slices.Contains(trusted, t.Issuer) {
		return nil, err
	}
	warning := "no trust relationship of the workspace is in the issuer " + t.Issuer + ", which was cut off as it is written"
	if t.Subject != "" {
		warning = "no trust relationship of the workspace is in the issuer " + t.Issuer + ", whose subject was cut off as it is written"
	}
	if allow(caller, trustNoun, "read") != nil {
		return []string{warning}, nil
	}
	if meant, near := policy.NearIssuer(trusted, t.Issuer); meant != "" {
		warning += "; it is nearly that of a trust, which was not cut off: " + meant + policy.By(near)
	}
	return []string{warning}, nil
}
