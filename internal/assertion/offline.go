package assertion

import (
	"fmt"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
)

// Offline decides cases by the trusts of their file, by the code that a server decides with.
type Offline struct {
	tenant   identity.Tenant
	byIssuer map[string]*policy.Trusts
}

// NewOffline compiles the trusts of a file. What a server would not accept is an error.
func NewOffline(f File) (*Offline, error) {
	name := f.Workspace[strings.LastIndex(f.Workspace, "/")+1:]
	o := &Offline{identity.Tenant{ID: "offline", Name: name, Issuer: f.Workspace}, map[string]*policy.Trusts{}}
	compiled := map[string][]*policy.Compiled{}
	seen := map[string]bool{}
	for i, t := range f.Trusts {
		trust := t.written(fmt.Sprintf("trusts[%d]", i), o.tenant)
		if seen[trust.ID] {
			return nil, fmt.Errorf("trusts[%d]: %s is there twice", i, trust.ID)
		}
		seen[trust.ID] = true
		checked, _, err := policy.Check(trust, o.tenant)
		if err != nil {
			return nil, fmt.Errorf("trusts[%d] (%s): %w", i, trust.ID, err)
		}
		c, err := policy.Compile(checked, o.tenant)
		if err != nil {
			return nil, fmt.Errorf("trusts[%d] (%s): %w", i, trust.ID, err)
		}
		compiled[t.Issuer] = append(compiled[t.Issuer], c)
	}
	for issuer, list := range compiled {
		o.byIssuer[issuer] = policy.NewTrusts(list)
	}
	return o, nil
}

func (t Trust) written(place string, tenant identity.Tenant) policy.Trust {
	name := place
	for _, given := range []string{t.ID, t.Name} {
		if given != "" {
			name = given
		}
	}
	return policy.Trust{
		ID: name, WorkspaceID: tenant.ID, Issuer: t.Issuer, SubjectMatch: t.SubjectMatch, Audience: t.Audience, Condition: t.Condition,
		Mappings: t.Mappings, Grants: permissions(t.Grants), DefaultDuration: t.DefaultDuration, MaxDuration: t.MaxDuration,
		MaxLifetime: t.MaxLifetime, SingleUse: t.SingleUse, Enabled: t.Enabled == nil || *t.Enabled,
		AllowSharedAudience: t.AllowSharedAudience, AcceptDelegation: t.AcceptDelegation, Version: 1,
	}
}

// Decide decides a case.
func (o *Offline) Decide(c Case, now time.Time) (Outcome, error) {
	document, err := c.Document(o.tenant.Issuer)
	if err != nil {
		return Outcome{}, err
	}
	who, err := identity.Suppose(o.tenant, document)
	if err != nil {
		return Outcome{}, fmt.Errorf("the claims are not those of a token: %w", err)
	}
	e := policy.Explain(who, o.byIssuer[who.Issuer()], nil, policy.Request{
		ID: id.New(now), Now: now, TokenType: policy.TokenType(c.Type()), Audience: c.Audience, Scope: c.Scope,
	})
	out := Outcome{Granted: e.Reason == policy.Granted, Reason: string(e.Reason), Grants: e.Grants, Groups: e.Groups}
	for i, f := range e.Trusts {
		if len(f.Failures) == 0 {
			out.Trusts = append(out.Trusts, f.Trust.ID)
		}
		for _, failure := range f.Failures {
			if i == 0 {
				out.Nearest = append(out.Nearest, Nearest(f.Trust.ID, string(failure.Clause), failure.Expected, failure.Actual))
			}
		}
	}
	return out, nil
}

// Nearest says what fails of the nearest trust.
func Nearest(trust, clause, expected, actual string) string {
	return fmt.Sprintf("     trust %s, %s: expected %s, actual %s", trust, clause, expected, actual)
}
