package policy

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
)

// Change is a proposal for one trust. It never widens to a star, and never drops or moves what says whose the tokens are
// (rule 28): where nothing less would do, there is no proposal.
type Change struct {
	Trust  string
	Edits  []Edit
	Grants []identity.Permission // to be added to the trust's
	Admits []string              // what else it would admit, or admit no more
}

// Edit is a new value of a field, by its name in the API.
type Edit struct{ Field, From, To string }

// advise proposes the change by which a trust would admit a token, or says why there is none.
func (c *Compiled) advise(f *Finding, caller Claimant, req Request, e Explanation) {
	if len(f.Failures) == 0 {
		f.Change = grantMissing(c.ref.ID, "every token that it admits ("+c.subject.Text()+")", e.Missing)
		return
	}
	p := proposal{c: c, caller: caller, trust: c.written(), change: Change{Trust: c.ref.ID}}
	ok := true
	for _, failure := range f.Failures {
		if failure.Clause != ClauseCondition {
			ok = p.mend(failure) && ok
		}
	}
	ok = p.mendCondition(f.Failures) && ok
	if ok && p.holds(req) {
		f.Change = &p.change
	}
	f.Advice = p.advice
}

// grantMissing proposes grants for what is asked for and not held.
func grantMissing(trust, whose string, missing []identity.Permission) *Change {
	wide := func(p identity.Permission) bool {
		return strings.Contains(p.ResourceID, "*") || slices.Contains(p.Actions, everything) || slices.Contains(p.Actions, Admin)
	}
	if len(missing) == 0 || slices.ContainsFunc(missing, wide) {
		return nil
	}
	if _, err := CheckPermissions(missing, "grants"); err != nil {
		return nil
	}
	return &Change{Trust: trust, Grants: missing, Admits: []string{"the grants go to " + whose + ", not to this token alone"}}
}

// written returns what a decision needs of the trust.
func (c *Compiled) written() Trust {
	t := Trust{
		ID: c.ref.ID, WorkspaceID: c.workspaceID, Issuer: c.issuer, SubjectMatch: c.subject.Text(), Audience: c.audience.Text(),
		Condition: c.condition, Mappings: map[string]string{}, Grants: c.grants, DefaultDuration: c.duration, MaxDuration: c.most,
		MaxLifetime: c.maxLifetime, SingleUse: c.singleUse, Enabled: c.enabled,
		AcceptDelegation: c.believed, Version: c.ref.Version,
	}
	for _, m := range c.mappings {
		t.Mappings[m.target] = m.expression
	}
	return t
}

// proposal is a change in the making.
type proposal struct {
	c      *Compiled
	caller Claimant
	trust  Trust // as it would be
	change Change
	advice []string
}

// holds reports whether the change does what it is for, and would be accepted.
func (p *proposal) holds(req Request) bool {
	tenant := p.caller.Tenant()
	pinned, err := checkCondition(p.trust.Condition)
	if err != nil {
		return false
	}
	if _, err := checkSubject(p.trust, pinned); err != nil {
		return false
	}
	if p.edits("audience") && checkAudience(p.trust, tenant, pinned) != nil {
		return false
	}
	changed, err := Compile(p.trust, tenant)
	return err == nil && len(changed.find(p.caller, req).Failures) == 0 && p.believes(changed, req) && p.entitles(req)
}

// believes reports whether what the issuer says of who acts and who may leaves anything to be admitted (rule 34).
func (p *proposal) believes(changed *Compiled, req Request) bool {
	var d Decision
	var s standing
	switch {
	case !d.believe(&s, p.caller, []*Compiled{changed}, req):
		return p.hint("the exchange would be refused for what the token says of who acts or may act: " + d.Detail)
	case req.Actor != nil && s.mayAct == nil:
		return p.hint("the token lets nobody act for its subject; have the issuer write a may_act")
	}
	return true
}

// entitles adds to the change the grants that the trust lacks for what is asked.
func (p *proposal) entitles(req Request) bool {
	var d Decision
	s, tenant := standing{permissions: p.trust.Grants}, p.caller.Tenant()
	if _, ok := d.entitle(tenant, s, req); ok {
		return true
	}
	more := grantMissing(p.trust.ID, "every token that it admits ("+p.trust.SubjectMatch+")", missing(s, tenant, req, d.Reason))
	if more == nil {
		return p.hint("the trust does not grant what is asked for: " + d.Asked)
	}
	p.change.Grants, p.change.Admits = more.Grants, append(p.change.Admits, more.Admits...)
	return true
}

func (p *proposal) edits(field string) bool {
	return slices.ContainsFunc(p.change.Edits, func(e Edit) bool { return e.Field == field })
}

func (p *proposal) edit(field, from, to, admits string) bool {
	p.change.Edits = append(p.change.Edits, Edit{field, from, to})
	p.change.Admits = append(p.change.Admits, admits)
	return true
}

func (p *proposal) hint(text string) bool {
	p.advice = append(p.advice, text)
	return false
}

// mend changes one clause so that it admits the token.
func (p *proposal) mend(f Failure) bool {
	switch f.Clause {
	case ClauseSubject:
		return p.mendSubject(f)
	case ClauseEnabled:
		p.trust.Enabled = true
		return p.edit("enabled", "false", "true", "everything that the trust admits: "+p.c.subject.Text())
	case ClauseAudience:
		return p.mendAudience(f)
	case ClauseLifetime:
		return p.mendLifetime()
	case ClauseSingleUse:
		return p.hint("the trust admits each token once and the token has no jti to tell it by; have the issuer write one")
	case ClauseDelegation:
		return p.hint("whether what the issuer says of who acts and who may is to count is not for a token to suggest; accept_delegation says so")
	case ClauseOwner:
		return p.hint("the trust is in another issuer")
	}
	return false
}

// mendSubject puts the token's segments in place of those that differ, where that leaves it the same customer's.
func (p *proposal) mendSubject(f Failure) bool {
	subject := p.caller.ExternalSubject()
	to, differing, ok := respelt(p.c.subject, subject)
	switch {
	case !ok || strings.Contains(subject, "*"): // a pattern has no escapes
		return p.hint("the subject is unlike the one that the trust admits; if the token is to be admitted it needs a trust of its own")
	case len(differing) > 1 && len(f.Near) == 0:
		return p.hint("the subject differs in several places; if the token is to be admitted it needs a trust of its own")
	case slices.ContainsFunc(differing, func(i int) bool { return p.pins(i, to) }):
		return p.hint("the subject says that the token is somebody else's; if he is to be admitted he needs a trust of his own")
	}
	from := p.trust.SubjectMatch
	p.trust.SubjectMatch = joined(to)
	admits := "every token of the subject " + p.trust.SubjectMatch
	if strings.Contains(p.trust.SubjectMatch, "*") {
		admits = "every token of a subject that matches " + p.trust.SubjectMatch
	}
	return p.edit("subject_match", from, p.trust.SubjectMatch, admits+"; and none of "+from+" any more")
}

// respelt returns a pattern as the token spells it. A trailing slash too much or too few is a difference of its own.
func respelt(p Pattern, subject string) ([]part, []int, bool) {
	if to, differing, ok := align(p, subject); ok {
		return to, differing, true
	}
	if !p.Literal() {
		return nil, nil, false
	}
	near := Near(p.Text(), subject)
	if len(near) == 0 {
		return nil, nil, false
	}
	return partsOf(subject), nil, true
}

// pins reports whether a segment of the subject says whose the token is: of a shared issuer that which names the customer,
// elsewhere an ID. Another case of a name is the same name.
func (p *proposal) pins(i int, to []part) bool {
	before, after := partsOf(p.c.subject.Text())[i].text, to[i].text
	if service, shared := sharedIssuerOf(p.c.issuer); shared && i <= service.owner {
		return !strings.EqualFold(strings.TrimSpace(before), strings.TrimSpace(after))
	}
	return hasID(before)
}

// hasID reports whether a segment is an ID or ends in one: such are never given to another, and a pin.
func hasID(segment string) bool {
	_, number, _ := strings.Cut(segment, "@")
	return digits(segment) || digits(number)
}

func (p *proposal) mendAudience(f Failure) bool {
	issuer := p.caller.Tenant().Issuer
	p.hint("ask the issuer for a token with the audience " + p.c.audience.Text())
	to := ""
	for _, audience := range p.caller.Audience() {
		if audience == issuer || to == "" && slices.ContainsFunc(Near(p.c.audience.Text(), audience), typed) {
			to = audience
		}
	}
	if to == "" || strings.Contains(to, "*") {
		return false
	}
	from := p.trust.Audience
	p.trust.Audience = to
	return p.edit("audience", from, to, "every token of its subjects for "+to+"; and none for "+from+" any more")
}

// typed reports whether a near miss is one of spelling.
func typed(n NearMiss) bool { return n != NearSegment }

func (p *proposal) mendLifetime() bool {
	lifetime := p.caller.ExpiresAt().Sub(p.caller.IssuedAt())
	if lifetime > LongestMaxLifetime {
		return p.hint("no trust admits tokens that live so long; ask the issuer for shorter ones")
	}
	from := p.trust.MaxLifetime
	p.trust.MaxLifetime = lifetime.Truncate(time.Second)
	p.hint("ask the issuer for a token that lives " + from.String() + " at most")
	return p.edit("max_external_lifetime", from.String(), p.trust.MaxLifetime.String(),
		"every token of its subjects that lives up to "+p.trust.MaxLifetime.String()+": what is stolen can be shown for as long")
}

// mendCondition puts the token's values in place of those that its condition compares claims with, where they differ by
// their spelling and do not say whose the token is. Nothing is left out of a condition.
func (p *proposal) mendCondition(failures []Failure) bool {
	if !slices.ContainsFunc(failures, func(f Failure) bool { return f.Clause == ClauseCondition }) {
		return true
	}
	parts, err := conjunctsOf(p.c.condition)
	if err != nil {
		return false
	}
	v := &evaluation{caller: p.caller}
	ok := true
	for i, part := range parts {
		f, fails := v.held(part)
		if !fails {
			continue
		}
		to, mended := p.mendPart(v, part, f)
		if ok = mended && ok; mended {
			parts[i].text = to
		}
	}
	if !ok {
		return false
	}
	from := p.trust.Condition
	p.trust.Condition = together(parts)
	return p.edit("condition", from, p.trust.Condition, "every token of its subjects of which the new condition is true; and none of which only the old one is")
}

func (p *proposal) mendPart(v *evaluation, part conjunct, f Failure) (string, bool) {
	if part.claim == "" {
		return "", p.hint(part.text + " is not true of the token; nothing is left out of a condition")
	}
	value, err := v.run("string(" + claimText(part) + ")")
	if err != nil {
		return "", p.hint("the token lacks the claim " + part.claim + "; have the issuer write it")
	}
	text, _ := value.Value().(string)
	switch {
	case whose(part.claim, p.c.issuer):
		return "", p.hint("the claim " + part.claim + " says that the token is somebody else's; if he is to be admitted he needs a trust of his own")
	case !slices.ContainsFunc(f.Near, typed) || slices.Contains(f.Near, NearName):
		return "", p.hint("the claim " + part.claim + " has another value; if the token is to be admitted it needs a trust of its own")
	}
	return claimText(part) + " == " + strconv.Quote(text), true
}

// owners are claims that say whose a token is, beside those that end in id.
var owners = []string{
	"sub", "iss", "aud", "hd", "email", "actor", "repository_owner", "repository", "namespace_path", "project_path",
	"organization_slug", "enterprise", "terraform_organization_name",
}

func whose(claim, issuer string) bool {
	service, shared := sharedIssuerOf(issuer)
	last := claim[strings.LastIndex(claim, ".")+1:]
	return slices.Contains(owners, last) || strings.HasSuffix(strings.ToLower(last), "id") ||
		shared && slices.Contains(service.claims, claim)
}
