package policy

import (
	"slices"
	"strings"

	"github.com/nsc-federation/nsc/internal/identity"
)

// Reason is why a request was refused.
type Reason string

// The reasons. Granted is the zero value.
const (
	Granted         Reason = ""
	NoCaller        Reason = "no_caller"        // nobody
	RequestRefused  Reason = "request_refused"  // the request by itself makes no sense; Detail says why
	NoTrust         Reason = "no_trust"         // no enabled trust matches
	CutOff          Reason = "cut_off"          // the caller's subject, issuer or token is cut off (rule 21)
	DeadTrust       Reason = "dead_trust"       // a trust behind the caller's token is not as it was (rule 20)
	LifetimeRefused Reason = "lifetime_refused" // the token lives longer than every otherwise matching trust admits
	FederationLimit Reason = "federation_limit" // too long since the first nsc token, or too many federations (rule 5)
	ChainLimit      Reason = "chain_limit"      // too many tokens lie between this one and the first
	MappingRefused  Reason = "mapping_refused"  // a mapping made what is refused everywhere (rule 12)
	MappingConflict Reason = "mapping_conflict" // two trusts map to different values (rule 12)
	NoTokenID       Reason = "no_token_id"      // single use is asked for, and the token has no jti (rule 16)
	TargetRefused   Reason = "target_refused"   // the caller may not have a token for the audience (rule 2)
	DetailsRefused  Reason = "details_refused"  // more is asked for than the caller has
	ScopeRefused    Reason = "scope_refused"    // a scope names nothing that the caller has
	ActorRefused    Reason = "actor_refused"    // the subject's token does not let this actor act for it (rule 34)
	ActRefused      Reason = "act_refused"      // who acts by the word of the token's issuer cannot be taken over (rule 34)
	Ended           Reason = "ended"            // the caller's token has no whole second left
	Oversize        Reason = "issued_too_large" // the token would be larger than 6 KB (rule 13)
)

// Clause is a part of a trust that a token was held against.
type Clause string

// The clauses, in the order in which they are looked at.
const (
	ClauseOwner      Clause = "owner" // the trust is of another workspace or issuer
	ClauseSubject    Clause = "subject_match"
	ClauseEnabled    Clause = "enabled"
	ClauseAudience   Clause = "audience"
	ClauseCondition  Clause = "condition"
	ClauseLifetime   Clause = "max_external_lifetime"
	ClauseDelegation Clause = "accept_delegation"
	ClauseMapping    Clause = "mappings"
	ClauseVersion    Clause = "version" // of a trust behind a token of our own
	ClauseSingleUse  Clause = "single_use"
)

// Outcome is how one trust came out of a decision. Expected and Actual are shown to administrators alone.
type Outcome struct {
	Trust    identity.TrustRef
	Failed   Clause // "" matched
	Expected string
	Actual   string
}

// Decision is the answer to a request, with how it came about.
type Decision struct {
	Outcomes []Outcome // of the trusts that were looked at, at most 32
	Reason   Reason
	Detail   string // about the caller's own request, fit to be shown to him
	Asked    string // what is asked for beyond what is held; like Held, shown to administrators alone
	Held     string // what is held of its kind
	grant    Grant
}

// Grant returns what was granted, and whether anything was.
func (d Decision) Grant() (Grant, bool) { return d.grant, d.Reason == Granted && !d.grant.IsZero() }

const (
	maxOutcomes = 32
	maxOperand  = 256 // bytes of Expected and Actual
)

func (d *Decision) note(o Outcome) {
	if len(d.Outcomes) == maxOutcomes {
		return
	}
	o.Expected, o.Actual = shorten(o.Expected), shorten(o.Actual)
	d.Outcomes = append(d.Outcomes, o)
}

func shorten(text string) string {
	if len(text) <= maxOperand {
		return text
	}
	return strings.ToValidUTF8(text[:maxOperand], "") + "…"
}

// refuse ends a decision. It returns false for its caller to return.
func (d *Decision) refuse(reason Reason, detail string) bool {
	d.Reason, d.Detail, d.grant = reason, detail, Grant{}
	return false
}

// exceeded ends a decision because more is asked for than the caller has, and notes for administrators what was asked and
// what is held of these types of resources.
func (d *Decision) exceeded(reason Reason, asked string, have []identity.Permission, types ...string) bool {
	held := slices.DeleteFunc(slices.Clone(have), func(h identity.Permission) bool { return !slices.Contains(types, h.ResourceType) })
	d.Asked, d.Held = shorten(asked), shorten(listed(held))
	return d.refuse(reason, "")
}

// listed writes permissions as the command line shows them.
func listed(permissions []identity.Permission) string {
	lines := make([]string, len(permissions))
	for i, p := range permissions {
		lines[i] = p.ResourceType + " " + p.ResourceID + ": " + strings.Join(p.Actions, ", ")
	}
	return strings.Join(lines, "; ")
}
