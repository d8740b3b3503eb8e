package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
)

// Past is what the record holds of an exchange of another issuer's token that was granted. It does not hold the token's
// claims, audience and lifetime: what is said of those has to follow from the trusts that admitted it.
type Past struct {
	Subject string // the token's own
	TokenID string
	Target  string // audience of what was issued
	Trusts  []identity.TrustRef
	At      time.Time
}

// Verdict is what a change would make of a past exchange.
type Verdict string

// The verdicts. There is one for what the record cannot answer: nothing is guessed.
const (
	Unchanged  Verdict = "unchanged"
	Narrowed   Verdict = "narrowed" // admitted, with fewer grants
	LetIn      Verdict = "let_in"
	ShutOut    Verdict = "shut_out"
	CannotTell Verdict = "cannot_tell"
)

// Rehearsal holds the trusts of one workspace in one issuer as they are, and as they would be.
type Rehearsal struct {
	tenant        identity.Tenant
	before, after *Trusts
	present       map[string]Trust // by ID
	proposed      map[string]Trust
	parts         map[string][]string // of conditions, by their text
}

// NewRehearsal compiles both. The error is a *FieldError.
func NewRehearsal(tenant identity.Tenant, before, after []Trust) (*Rehearsal, error) {
	r := &Rehearsal{tenant: tenant, parts: map[string][]string{}}
	var err error
	if r.before, r.present, err = r.compile(before); err != nil {
		return nil, err
	}
	r.after, r.proposed, err = r.compile(after)
	return r, err
}

func (r *Rehearsal) compile(trusts []Trust) (*Trusts, map[string]Trust, error) {
	compiled, byID := make([]*Compiled, len(trusts)), make(map[string]Trust, len(trusts))
	for i, t := range trusts {
		c, err := Compile(t, r.tenant)
		if err != nil {
			return nil, nil, err
		}
		compiled[i], byID[t.ID] = c, t
	}
	return NewTrusts(compiled), byID, nil
}

// Claimed decides a refused request again, whose claims were kept.
func (r *Rehearsal) Claimed(caller Claimant, req Request) Verdict {
	if Judge(caller, r.after, nil, req) == Granted && Judge(caller, r.before, nil, req) != Granted {
		return LetIn
	}
	return Unchanged
}

// Refused says what becomes of a refused request of which only the subject is known.
func (r *Rehearsal) Refused(subject string) (Verdict, string) {
	for _, c := range r.after.candidates(subject, "") {
		before, existed := r.present[c.ref.ID]
		if c.enabled && !(existed && sameTerms(before, r.proposed[c.ref.ID])) {
			return CannotTell, "trust " + c.ref.ID + " changes and its subject matches, and the token's claims were not kept"
		}
	}
	for _, c := range r.before.candidates(subject, "") { // it may be what refused the exchange: by its mappings, single use, or an act that it accepts
		after, stays := r.proposed[c.ref.ID]
		if c.enabled && (c.singleUse || c.believed || len(c.mappings) > 0) && !(stays && sameTerms(r.present[c.ref.ID], after)) {
			return CannotTell, "trust " + c.ref.ID + " changes and its subject matched, and the token's claims were not kept"
		}
	}
	return Unchanged, ""
}

// Touches reports whether the change is about any trust that a subject may be admitted by.
func (r *Rehearsal) Touches(subject string) bool {
	changes := func(in, other map[string]Trust) func(c *Compiled) bool {
		return func(c *Compiled) bool {
			t, stays := other[c.ref.ID]
			return !stays || !sameTerms(in[c.ref.ID], t)
		}
	}
	return slices.ContainsFunc(r.before.candidates(subject, ""), changes(r.present, r.proposed)) ||
		slices.ContainsFunc(r.after.candidates(subject, ""), changes(r.proposed, r.present))
}

// Issued says what becomes of an exchange that was granted.
func (r *Rehearsal) Issued(p Past) (Verdict, string) {
	known := r.contributors(p)
	var sure, perhaps []identity.Permission
	admitted, unknown, spoilt := false, "", false
	for _, c := range r.after.candidates(p.Subject, "") {
		once := c.singleUse && p.TokenID == "" // such a trust refuses the whole exchange where it matches
		switch why, certain := r.admits(c, p, known); {
		case !c.enabled || certain:
		case why != "":
			unknown, perhaps = why, append(perhaps, c.grants...)
			spoilt = spoilt || once || c.believed || len(c.mappings) > 0 // which may be in conflict
		case once:
			return ShutOut, "trust " + c.ref.ID + " admits each token once, and the token has no jti"
		default:
			admitted, sure = true, append(sure, c.grants...)
		}
	}
	entitled := func(grants []identity.Permission) bool {
		return p.Target == r.tenant.Issuer || Allows(grants, Audience, p.Target, Issue)
	}
	switch {
	case spoilt:
		return CannotTell, unknown
	case admitted && entitled(sure):
		if lost := Exceeding(sure, union(known)); len(lost) > 0 && unknown == "" {
			return Narrowed, "without " + listed(lost)
		}
		return Unchanged, ""
	case unknown != "" && entitled(append(perhaps, sure...)):
		return CannotTell, unknown
	case admitted:
		return ShutOut, "no trust that is left grants the audience " + p.Target
	}
	return ShutOut, r.gone(p)
}

// contributors returns the trusts that admitted a token, where they are still as they were then: what they demand is true
// of it.
func (r *Rehearsal) contributors(p Past) (known []Trust) {
	for _, ref := range p.Trusts {
		if t, ok := r.present[ref.ID]; ok && t.Version == ref.Version {
			known = append(known, t)
		}
	}
	return known
}

func union(trusts []Trust) []identity.Permission {
	var all []identity.Permission
	for _, t := range trusts {
		all = append(all, t.Grants...)
	}
	return Union(all)
}

// admits reports whether a trust whose subject matches would admit a token: "" if it would, else why not, and whether that
// is certain or only cannot be ruled out.
func (r *Rehearsal) admits(c *Compiled, p Past, known []Trust) (why string, certain bool) {
	t := r.proposed[c.ref.ID]
	contributed := slices.ContainsFunc(p.Trusts, func(ref identity.TrustRef) bool { return ref.ID == t.ID })
	before, existed := r.present[t.ID]
	if existed && !contributed && sameTerms(before, t) && before.UpdatedAt.Before(p.At) {
		return "did not match then", true
	}
	switch {
	case !slices.ContainsFunc(known, func(k Trust) bool { return r.sameAudience(c, k) }):
		return "trust " + t.ID + " demands an audience, and the record does not hold the token's", false
	case !r.satisfied(t.Condition, known):
		return "the condition of trust " + t.ID + " needs claims that the record does not hold", false
	case !slices.ContainsFunc(known, func(k Trust) bool { return k.MaxLifetime <= t.MaxLifetime }):
		return "trust " + t.ID + " limits the token's lifetime, which the record does not hold", false
	}
	if t.AcceptDelegation && !slices.ContainsFunc(known, func(k Trust) bool { return k.AcceptDelegation }) {
		return "trust " + t.ID + " takes over who acts by the issuer's word, and the record does not hold what it was", false
	}
	for target, expression := range t.Mappings {
		if !slices.ContainsFunc(known, func(k Trust) bool { return k.Mappings[target] == expression }) {
			return "the mappings of trust " + t.ID + " need claims that the record does not hold", false
		}
	}
	return "", false
}

// sameAudience reports whether a token that a known trust admitted has an audience that another expects.
func (r *Rehearsal) sameAudience(c *Compiled, known Trust) bool {
	pattern, err := expectedAudience(known, r.tenant)
	if err != nil {
		return false
	}
	return c.audience.Contains(pattern)
}

// satisfied reports whether every part of a condition is one of a condition that was true of the token.
func (r *Rehearsal) satisfied(condition string, known []Trust) bool {
	if condition == "" {
		return true
	}
	for _, part := range r.partsOf(condition) {
		if !slices.ContainsFunc(known, func(k Trust) bool { return slices.Contains(r.partsOf(k.Condition), part) }) {
			return false
		}
	}
	return true
}

// partsOf returns the texts of a condition's parts; of one that cannot be read, its own.
func (r *Rehearsal) partsOf(condition string) []string {
	if parts, ok := r.parts[condition]; ok {
		return parts
	}
	texts := []string{condition}
	if parts, err := conjunctsOf(condition); err == nil {
		texts = nil
		for _, part := range parts {
			texts = append(texts, part.text)
		}
	}
	r.parts[condition] = texts
	return texts
}

// gone says what became of the trusts that admitted a token.
func (r *Rehearsal) gone(p Past) string {
	var lines []string
	for _, ref := range p.Trusts {
		line := "trust " + ref.ID + " is removed"
		if t, ok := r.proposed[ref.ID]; ok {
			line = "trust " + ref.ID + " does not match"
			if !t.Enabled {
				line = "trust " + ref.ID + " is disabled"
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

// sameTerms reports whether two trusts admit the same tokens to the same.
func sameTerms(a, b Trust) bool {
	return a.Issuer == b.Issuer && a.SubjectMatch == b.SubjectMatch && a.Audience == b.Audience && a.Condition == b.Condition &&
		a.MaxLifetime == b.MaxLifetime && a.SingleUse == b.SingleUse && a.Enabled == b.Enabled && a.AcceptDelegation == b.AcceptDelegation && sameMappings(a, b) &&
		len(Exceeding(a.Grants, b.Grants)) == 0 && len(Exceeding(b.Grants, a.Grants)) == 0
}

func sameMappings(a, b Trust) bool {
	if len(a.Mappings) != len(b.Mappings) {
		return false
	}
	for target, expression := range a.Mappings {
		if b.Mappings[target] != expression {
			return false
		}
	}
	return true
}
