package manage

import (
	"context"

	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
)

// touchedAtMost is how many trusts a cut-off lists.
const touchedAtMost = 100

// touched returns the IDs of trusts that whom a cut-off is about has created or was the last to change: they outlive him, and
// somebody should look at them. It returns touchedAtMost at most, and whether there are more. A caller who may not read
// trusts is told of none.
func (s *Service) touched(ctx context.Context, caller identity.Identity, t Target) (ids []string, more bool, err error) {
	var his func(subject string) bool
	switch t.named() {
	case "subject":
		c, err := t.lasting(caller.Tenant())
		if err != nil {
			return nil, false, err
		}
		his = func(subject string) bool { return subject == c.Value }
	case "issuer":
		hash := identity.IssuerHash(t.Issuer)
		his = func(subject string) bool {
			of, ok := identity.SubjectIssuer(subject)
			return ok && of == hash
		}
	default:
		return nil, false, nil
	}
	if allow(caller, trustNoun, "read") != nil {
		return nil, false, nil
	}
	for last := ""; ; {
		trusts, err := s.c.Trusts.Trusts(ctx, caller.Tenant().ID, last, MaxPage)
		if err != nil {
			return nil, false, err
		}
		for _, trust := range trusts {
			if !touchedBy(trust, his) {
				continue
			}
			if len(ids) == touchedAtMost {
				return ids, true, nil
			}
			ids = append(ids, trust.ID)
		}
		if len(trusts) < MaxPage {
			return ids, false, nil
		}
		last = trusts[len(trusts)-1].ID
	}
}

func touchedBy(t policy.Trust, his func(subject string) bool) bool {
	return his(t.CreatedBy) || his(t.UpdatedBy)
}
