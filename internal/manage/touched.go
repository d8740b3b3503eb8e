package manage

import (
	"context"

	"github.com/nsc-federation/nsc/internal/identity"
)

// touchedAtMost is how many trusts a cut-off lists.
const touchedAtMost = 100

// touched returns the IDs of trusts that whom a cut-off is about has created or was the last to change: they outlive him, and
// somebody should look at them. It returns touchedAtMost at most, and whether there are more. A caller who may not read
// trusts is told of none.
func (s *Service) touched(ctx context.Context, caller identity.Identity, t Target) (ids []string, more bool, err error) {
	var whose string
	switch t.named() {
	case "subject":
		c, err := t.lasting(caller.Tenant())
		if err != nil {
			return nil, false, err
		}
		whose = c.Value
	case "issuer":
		whose = identity.ExternalSubjects(caller.Tenant().ID, t.Issuer)
	default:
		return nil, false, nil
	}
	if allow(caller, trustNoun, "read") != nil {
		return nil, false, nil
	}
	ids, err = s.c.Trusts.TrustsTouchedBy(ctx, caller.Tenant().ID, whose, touchedAtMost+1)
	if len(ids) > touchedAtMost {
		return ids[:touchedAtMost], true, err
	}
	return ids, false, err
}
