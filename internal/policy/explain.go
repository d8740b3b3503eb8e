package policy

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
)

// Explanation is how a request is answered and why, for administrators alone.
type Explanation struct {
	Reason Reason // Granted: a token would be issued
	Detail string
	Trusts []Finding // that were looked at, nearest first, at most maxFindings

	Asked, Held string                // where more is asked for than is held
	Missing     []identity.Permission // grants that would make up for it; empty where none can be named

	// Where a token would be issued:
	Grants     []identity.Permission
	Groups     []string
	Attributes map[string]string
	Duration   time.Duration
	SingleUse  bool // it would use up the token
}

// Finding is how one trust came out.
type Finding struct {
	Trust    identity.TrustRef
	Subject  string    // its pattern
	Failures []Failure // every clause that fails; none where the trust matches
	Change   *Change   // the smallest change by which the trust would admit the token; nil where none is proposed
	Advice   []string  // what else may help, and why no change is proposed
	distance int       // of the subject
}

// Failure is one clause of a trust that a token does not satisfy. A condition has one for each of its parts.
type Failure struct {
	Clause   Clause
	Expected string
	Actual   string
	Near     []NearMiss
}

const maxFindings = 16

// Explain says how Decide would answer, and holds the claims against all clauses of every trust that they may be meant for
// where Decide stops at the first that fails. The reason is the one that Decide would give, since it comes of the same
// code; only the size of the token is not looked at. It makes no Grant.
func Explain(caller Claimant, trusts *Trusts, live []identity.TrustRef, req Request) Explanation {
	var d Decision
	var e Explanation
	s, ok := d.presume(caller, trusts, live, req)
	if ok {
		if e.Grants, ok = d.entitle(caller.Tenant(), s, req); ok {
			e.Groups, e.Attributes, e.Duration, e.SingleUse = s.groups, s.attributes, s.lifetime(req), s.singleUse
		}
	}
	e.Reason, e.Detail, e.Asked, e.Held = d.Reason, d.Detail, d.Asked, d.Held
	e.Missing = missing(s, caller.Tenant(), req, d.Reason)
	if caller.Kind() == identity.External {
		e.Trusts = findings(caller, trusts, req, e)
	} else {
		e.Trusts = restsOf(caller, live, d, e)
	}
	return e
}

// presume is the part of Decide before the Grant.
func (d *Decision) presume(caller Claimant, trusts *Trusts, live []identity.TrustRef, req Request) (standing, bool) {
	if req.CutOff != "" {
		return standing{}, d.refuse(CutOff, "the token's "+req.CutOff+" is cut off")
	}
	if problem := req.problem(); problem != "" {
		return standing{}, d.refuse(RequestRefused, problem)
	}
	return d.stand(caller, trusts, live, req)
}

// missing returns the grants that are asked for and not held.
func missing(s standing, tenant identity.Tenant, req Request, reason Reason) []identity.Permission {
	switch reason {
	case TargetRefused:
		return []identity.Permission{{ResourceType: Audience, ResourceID: req.audience(tenant), Actions: []string{Issue}}}
	case DetailsRefused:
		return Exceeding(s.permissions, req.Details)
	}
	return nil
}

// findings holds a token of another issuer against the trusts that it may be meant for.
func findings(caller Claimant, trusts *Trusts, req Request, e Explanation) []Finding {
	looked := trusts.around(caller.ExternalSubject(), req.Trust)
	found := make([]Finding, len(looked))
	for i, c := range looked {
		found[i] = c.find(caller, req)
		if c.advise(&found[i], caller, req, e); !e.unmatched() && len(found[i].Failures) > 0 {
			found[i].Change = nil // another trust admits the token already
		}
	}
	if slices.ContainsFunc(found, Finding.meant) {
		for i := range found {
			if found[i].Change != nil && found[i].theirs() {
				found[i].Change = nil
				found[i].Advice = append(found[i].Advice, "another trust is for the subject: change that")
			}
		}
	}
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.weight(), b.weight()), cmp.Compare(a.distance, b.distance), strings.Compare(a.Trust.ID, b.Trust.ID))
	})
	return found[:min(len(found), maxFindings)]
}

// unmatched reports whether no trust admits the token.
func (e Explanation) unmatched() bool { return e.Reason == NoTrust || e.Reason == LifetimeRefused }

// weight is how much speaks against a trust. Another subject weighs most, since it says that the trust is somebody else's,
// however little it misses; then another audience, which says that the token is; a near miss of anything else little.
func (f Finding) weight() int {
	subject, audience, rest := 0, 0, 0
	for _, failure := range f.Failures {
		missed := 2
		if len(failure.Near) > 0 {
			missed = 1
		}
		switch failure.Clause {
		case ClauseSubject:
			if subject = 3 * missed; len(failure.Near) > 0 && !slices.Contains(failure.Near, NearSegment) {
				subject = 1
			}
		case ClauseAudience:
			audience = missed
		default:
			rest += missed
		}
	}
	return subject*10_000 + audience*1000 + min(rest, 999)
}

// theirs reports whether a trust is somebody else's: the subject misses it by more than its spelling.
func (f Finding) theirs() bool {
	return slices.ContainsFunc(f.Failures, func(failure Failure) bool {
		return failure.Clause == ClauseSubject && !slices.ContainsFunc(failure.Near, typed)
	})
}

// meant reports whether a trust is for the subject, as this issuer names it.
func (f Finding) meant() bool {
	return !slices.ContainsFunc(f.Failures, func(failure Failure) bool {
		return failure.Clause == ClauseSubject || failure.Clause == ClauseOwner
	})
}

// find holds a token against every clause of a trust.
func (c *Compiled) find(caller Claimant, req Request) Finding {
	subject := caller.ExternalSubject()
	f := Finding{Trust: c.ref, Subject: shorten(c.subject.Text()), distance: -common(c.subject.Text(), subject)}
	fail := func(clause Clause, expected, actual string, near []NearMiss) {
		f.Failures = append(f.Failures, Failure{clause, shorten(expected), shorten(actual), near})
	}
	if c.foreign(caller) {
		fail(ClauseOwner, c.issuer, caller.Issuer(), Near(c.issuer, caller.Issuer()))
	}
	if !c.subject.Match(subject) {
		fail(ClauseSubject, c.subject.Text(), subject, nearPattern(c.subject, subject))
	}
	if !c.enabled {
		fail(ClauseEnabled, "true", "false", nil)
	}
	if !c.expects(caller, req.Assertion) {
		fail(ClauseAudience, c.audience.Text(), strings.Join(caller.Audience(), " "), nearAudience(c.audience, caller.Audience()))
	}
	v := &evaluation{caller: caller}
	f.Failures = append(f.Failures, v.failures(c.condition)...)
	if lifetime := caller.ExpiresAt().Sub(caller.IssuedAt()); lifetime > c.maxLifetime {
		fail(ClauseLifetime, c.maxLifetime.String(), lifetime.String(), nil)
	}
	if !c.lends(req) {
		fail(ClauseDelegation, "true", "false", nil)
	}
	if _, err := chain(caller); err != nil && c.believed {
		fail(ClauseDelegation, "an act that can be taken over", err.Error(), nil)
	}
	if _, err := v.apply(c); err != nil {
		fail(ClauseMapping, "groups and attributes", err.Error(), nil)
	}
	if c.singleUse && caller.TokenID() == "" {
		fail(ClauseSingleUse, "a jti", "none", nil)
	}
	return f
}

func nearAudience(p Pattern, audiences []string) []NearMiss {
	for _, audience := range audiences {
		if near := nearPattern(p, audience); len(near) > 0 && near[0] != NearSegment {
			return near
		}
	}
	return nil
}

// restsOf says how what a token of our own rests on came out.
func restsOf(caller Claimant, live []identity.TrustRef, d Decision, e Explanation) (found []Finding) {
	for _, ref := range caller.Trusts() {
		f := Finding{Trust: ref}
		for _, o := range d.Outcomes {
			if o.Trust == ref && o.Failed != "" {
				f.Failures = append(f.Failures, Failure{o.Failed, o.Expected, o.Actual, nil})
				f.Advice = append(f.Advice, "the token ended with the trust as it was; get a new one")
			}
		}
		if len(found) == 0 && len(f.Failures) == 0 {
			f.Change = grantMissing(ref.ID, "everything else that rests on it", e.Missing)
		}
		if found = append(found, f); len(found) == maxFindings {
			break
		}
	}
	return found
}

// around returns the trusts that a subject may be meant for: those that match it, and the nearest others.
func (t *Trusts) around(subject, named string) []*Compiled {
	out := t.candidates(subject, named)
	for _, c := range t.likely(subject, named) {
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

const maxCompared = 5000 // trusts that are all looked at; of more, those beside the subject in the order of texts

// likely returns trusts whose pattern a subject misses by little, then those with most in common from the start.
func (t *Trusts) likely(subject, named string) []*Compiled {
	near := t.nearest(subject, named, 2*maxFindings)
	if named != "" || t.Len() > maxCompared {
		return near
	}
	var missed []*Compiled
	for _, c := range t.all() {
		if !c.subject.Match(subject) && len(nearPattern(c.subject, subject)) > 0 {
			missed = append(missed, c)
		}
	}
	return append(missed[:min(len(missed), maxFindings)], near...)
}

func (t *Trusts) all() []*Compiled {
	if t == nil {
		return nil
	}
	return t.byText
}
