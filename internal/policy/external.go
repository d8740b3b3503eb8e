package policy

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
)

// The limits of federation between nsc issuers (rule 5).
const (
	longestChain = 12 * time.Hour
	deepestChain = 4
	leeway       = 60 * time.Second // between the clocks of two issuers
)

var errConflict = errors.New("two trusts map to different values")

// federate finds out what a token of another issuer is good for: all enabled trusts that match contribute (rule 5).
func (d *Decision) federate(caller Claimant, trusts *Trusts, req Request) (standing, bool) {
	s, ok := d.lineage(caller, req.Now)
	if !ok {
		return standing{}, false
	}
	matched, ok := d.match(&s, caller, trusts, req)
	if !ok {
		return standing{}, false
	}
	s.contribute(matched)
	if s.singleUse && caller.TokenID() == "" {
		return standing{}, d.refuse(NoTokenID, "")
	}
	return s, d.believe(&s, caller, matched, req)
}

// match returns the trusts that match, at least one, and merges into the standing what their mappings make.
func (d *Decision) match(s *standing, caller Claimant, trusts *Trusts, req Request) ([]*Compiled, bool) {
	var matched []*Compiled
	v := &evaluation{caller: caller}
	for _, c := range trusts.candidates(caller.ExternalSubject(), req.Trust) {
		outcome, made, err := c.examine(v, req)
		if outcome.Failed == "" && !s.merge(made, &outcome) {
			err = errConflict
		}
		d.note(outcome)
		switch {
		case errors.Is(err, errMapped):
			return nil, d.refuse(MappingRefused, "")
		case errors.Is(err, errConflict):
			return nil, d.refuse(MappingConflict, "")
		case outcome.Failed == ClauseDelegation:
			d.Reason = ActorRefused
		case outcome.Failed == ClauseLifetime && d.Reason == Granted:
			d.Reason = LifetimeRefused
		case outcome.Failed == "":
			matched = append(matched, c)
		}
	}
	if len(matched) == 0 {
		return nil, d.noTrust(caller, trusts, req)
	}
	d.Reason = Granted
	return matched, true
}

// lineage returns a standing with when the chain began and how deep it is.
func (d *Decision) lineage(caller Claimant, now time.Time) (standing, bool) {
	if caller.Issuer() == caller.Tenant().Issuer {
		return standing{}, d.refuse(NoTrust, "")
	}
	if !caller.Federated() {
		return standing{rootIssuedAt: now.Unix()}, true
	}
	first, depth := caller.RootIssuedAt(), caller.Depth()+1
	young := !first.IsZero() && !first.After(now.Add(leeway)) && now.Sub(first) <= longestChain
	if !young || depth < 1 || depth > deepestChain {
		return standing{}, d.refuse(FederationLimit, "the token is too far from the first one of its chain; get a fresh one")
	}
	return standing{rootIssuedAt: first.Unix(), depth: depth}, true
}

// noTrust refuses, and where no subject matched notes for administrators which trusts came nearest.
func (d *Decision) noTrust(caller Claimant, trusts *Trusts, req Request) bool {
	if len(d.Outcomes) == 0 {
		subject := caller.ExternalSubject()
		for _, c := range trusts.nearest(subject, req.Trust, maxOutcomes/2) {
			d.note(Outcome{c.ref, ClauseSubject, c.subject.Text(), subject})
		}
	}
	switch d.Reason {
	case LifetimeRefused:
		return false
	case ActorRefused:
		return d.refuse(ActorRefused, "no trust that admits the token lets its issuer say who may act")
	}
	return d.refuse(NoTrust, "")
}

// examine holds a token whose subject matches against the rest of a trust. The lifetime comes after the condition, so
// that it is named only where all else matches; so does what an actor needs. The error is that of a mapping.
func (c *Compiled) examine(v *evaluation, req Request) (Outcome, mapped, error) {
	caller := v.caller
	failed := func(clause Clause, expected, actual string) Outcome { return Outcome{c.ref, clause, expected, actual} }
	switch {
	case c.foreign(caller):
		return failed(ClauseOwner, c.issuer, caller.Issuer()), mapped{}, nil
	case !c.enabled:
		return failed(ClauseEnabled, "true", "false"), mapped{}, nil
	case !c.expects(caller, req.Assertion):
		return failed(ClauseAudience, c.audience.Text(), strings.Join(caller.Audience(), " ")), mapped{}, nil
	}
	if ok, err := v.holds(c.condition); err != nil {
		return failed(ClauseCondition, c.condition, err.Error()), mapped{}, nil
	} else if !ok {
		return failed(ClauseCondition, c.condition, "false"), mapped{}, nil
	}
	if lifetime := caller.ExpiresAt().Sub(caller.IssuedAt()); lifetime > c.maxLifetime {
		return failed(ClauseLifetime, c.maxLifetime.String(), lifetime.String()), mapped{}, nil
	}
	if !c.lends(req) {
		return failed(ClauseDelegation, "true", "false"), mapped{}, nil
	}
	m, err := v.apply(c)
	if err != nil {
		return failed(ClauseMapping, "groups and attributes", err.Error()), mapped{}, err
	}
	return failed("", "", ""), m, nil
}

// expects reports whether the token is for an audience that the trust expects. Where that is the workspace's issuer, an
// assertion may name the token endpoint instead (RFC 7523 §3, rule 32).
func (c *Compiled) expects(caller Claimant, assertion bool) bool {
	endpoint := caller.Tenant().Issuer + "/token"
	return slices.ContainsFunc(caller.Audience(), func(audience string) bool {
		return c.audience.Match(audience) || assertion && c.ours && audience == endpoint
	})
}

// merge adds what a trust's mappings made. Equal values merge, others conflict (rule 12): then the outcome says which.
func (s *standing) merge(made mapped, outcome *Outcome) bool {
	conflict := func(target, before, now string) bool {
		outcome.Failed, outcome.Expected, outcome.Actual = ClauseMapping, target+": "+before, target+": "+now
		return false
	}
	if made.hasGroups && s.hasGroups && !slices.Equal(s.groups, made.groups) {
		return conflict(groupsTarget, strings.Join(s.groups, " "), strings.Join(made.groups, " "))
	}
	for name, value := range made.attributes {
		if before, ok := s.attributes[name]; ok && before != value {
			return conflict(attributePrefix+name, before, value)
		}
	}
	if made.hasGroups {
		s.hasGroups, s.groups = true, made.groups
	}
	if s.attributes == nil {
		s.attributes = made.attributes
	} else {
		maps.Copy(s.attributes, made.attributes)
	}
	return true
}

// contribute unites the grants and takes the least of the durations.
func (s *standing) contribute(matched []*Compiled) {
	first := matched[0]
	s.permissions, s.duration, s.most = first.grants, first.duration, first.most
	for _, c := range matched {
		s.trusts = append(s.trusts, c.ref)
		s.singleUse = s.singleUse || c.singleUse
		s.duration, s.most = min(s.duration, c.duration), min(s.most, c.most)
	}
	if len(matched) > 1 {
		sets := make([][]identity.Permission, len(matched))
		for i, c := range matched {
			sets[i] = c.grants
		}
		s.permissions = Union(sets...)
	}
}
