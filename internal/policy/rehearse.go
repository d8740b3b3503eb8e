package policy

import (
	"errors"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
)

// Judge returns the reason that Decide would give, and nothing to sign.
func Judge(caller Claimant, trusts *Trusts, live []identity.TrustRef, req Request) Reason {
	var d Decision
	if s, ok := d.presume(caller, trusts, live, req); ok {
		d.entitle(caller.Tenant(), s, req)
	}
	return d.Reason
}

var errNoSuchTrust = errors.New("no such trust")

// Changed returns the one trust that a change is about, as it would be.
func (t *Trusts) Changed(change Change, tenant identity.Tenant) (*Trusts, error) {
	c, ok := t.byID[change.Trust]
	if !ok {
		return nil, errNoSuchTrust
	}
	trust := c.written()
	trust.Grants = Union(trust.Grants, change.Grants)
	for _, e := range change.Edits {
		switch e.Field {
		case "subject_match":
			trust.SubjectMatch = e.To
		case "audience":
			trust.Audience = e.To
		case "condition":
			trust.Condition = e.To
		case "enabled":
			trust.Enabled = true
		case "max_external_lifetime":
			trust.MaxLifetime, _ = time.ParseDuration(e.To) // written by us
		}
	}
	changed, err := Compile(trust, tenant)
	if err != nil {
		return nil, err
	}
	return NewTrusts([]*Compiled{changed}), nil
}
