package policy

import (
	"slices"

	"github.com/nsc-federation/nsc/internal/identity"
)

// Alive reports whether everything that a token rests on is as it was when the token was issued: one trust that is
// gone, disabled or changed kills it (rule 20). Live is the present state of what is enabled.
func Alive(rests, live []identity.TrustRef) bool {
	_, dead := firstDead(rests, live)
	return !dead
}

func firstDead(rests, live []identity.TrustRef) (identity.TrustRef, bool) {
	i := slices.IndexFunc(rests, func(ref identity.TrustRef) bool { return !slices.Contains(live, ref) })
	if i < 0 {
		return identity.TrustRef{}, false
	}
	return rests[i], true
}
