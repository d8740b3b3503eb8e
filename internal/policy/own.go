package policy

import (
	"slices"
	"strconv"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
)

// maxParents bounds a chain of tokens derived from tokens: each carries all before it, so that it falls with any of them.
const maxParents = 16

// derive finds out what a token of our own, or the operating system's word, is good for: what it carries, as long as
// every trust or user behind it is as it was (rule 20).
func (d *Decision) derive(caller Claimant, live []identity.TrustRef, req Request) (standing, bool) {
	if req.Trust != "" {
		return standing{}, d.refuse(RequestRefused, "a trust can be named only with a token of another issuer")
	}
	if ref, dead := firstDead(caller.Trusts(), live); dead {
		d.note(Outcome{ref, ClauseVersion, strconv.FormatInt(ref.Version, 10), presentVersion(live, ref.ID)})
		return standing{}, d.refuse(DeadTrust, "")
	}
	s := standingOf(caller, req.Now)
	if len(s.parents) > maxParents {
		return standing{}, d.refuse(ChainLimit, "")
	}
	return s, true
}

func presentVersion(live []identity.TrustRef, id string) string {
	i := slices.IndexFunc(live, func(ref identity.TrustRef) bool { return ref.ID == id })
	if i < 0 {
		return "removed or disabled"
	}
	return strconv.FormatInt(live[i].Version, 10)
}

func standingOf(caller Claimant, now time.Time) standing {
	s := standing{
		permissions: caller.Permissions(), trusts: caller.Trusts(),
		groups: caller.Groups(), attributes: caller.Attributes(), act: caller.Act(), mayAct: caller.MayAct(),
		rootIssuedAt: caller.RootIssuedAt().Unix(), depth: caller.Depth(),
		duration: DefaultDuration, most: min(caller.ExpiresAt().Sub(now), UsualDuration),
	}
	if caller.Kind() == identity.Own {
		s.parents = append(slices.Clone(caller.Parents()), caller.TokenID())
		s.parentKeys = slices.Clone(caller.ParentKeys())
		if key := caller.KeyID(); key != "" && !slices.Contains(s.parentKeys, key) {
			s.parentKeys = append(s.parentKeys, key)
		}
	}
	if caller.RootIssuedAt().IsZero() {
		s.rootIssuedAt = now.Unix()
	}
	if caller.Kind() == identity.Local {
		s.duration = s.most
	}
	return s
}
