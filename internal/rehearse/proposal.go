package rehearse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
)

// Proposal is a change of trusts that nobody has made, and the period to try it on.
type Proposal struct {
	Since, Until time.Time // a zero Until is now
	Add          []policy.Trust
	Update       []Update
	Remove       []string // IDs
}

// Update changes one trust.
type Update struct {
	ID     string
	Change func(*policy.Trust) error
}

// draft is the trusts of some issuers as they are, and as they would be.
type draft struct {
	before, after map[string][]policy.Trust // by issuer
	replaced      map[string]bool           // IDs of what is changed or removed
}

// rehearsals returns, of each issuer that a proposal is about, its trusts as they are and as they would be.
func (s *Service) rehearsals(ctx context.Context, tenant identity.Tenant, p Proposal) (map[string]*policy.Rehearsal, error) {
	d := draft{map[string][]policy.Trust{}, map[string][]policy.Trust{}, map[string]bool{}}
	for i, t := range p.Add {
		t.ID = fmt.Sprintf("(new %d)", i+1)
		if err := s.put(ctx, &d, tenant, policy.Trust{}, t); err != nil {
			return nil, fault.Below(fmt.Sprintf("add[%d]", i), err)
		}
	}
	for i, u := range p.Update {
		if err := s.update(ctx, &d, tenant, u); err != nil {
			return nil, fault.Below(fmt.Sprintf("update[%d]", i), err)
		}
	}
	for i, trustID := range p.Remove {
		if _, err := s.take(ctx, &d, tenant, trustID, ""); err != nil {
			return nil, fault.Below(fmt.Sprintf("remove[%d]", i), err)
		}
	}
	return d.compile(tenant)
}

func (s *Service) update(ctx context.Context, d *draft, tenant identity.Tenant, u Update) error {
	before, err := s.take(ctx, d, tenant, u.ID, "id")
	if err != nil {
		return err
	}
	after := before
	if err = u.Change(&after); err == nil {
		err = s.put(ctx, d, tenant, before, after)
	}
	return fault.Below("change", err)
}

// take finds a trust that is to be changed or removed, which the field names.
func (s *Service) take(ctx context.Context, d *draft, tenant identity.Tenant, trustID, field string) (policy.Trust, error) {
	if d.replaced[trustID] {
		return policy.Trust{}, fault.Invalid(field, "%s is named twice", trustID)
	}
	d.replaced[trustID] = true
	t, err := s.trust(ctx, tenant, trustID)
	if fault.Is(err, fault.NotFound) {
		f := fault.New(fault.NotFound, err)
		f.Field, f.Detail = field, "there is no such trust in the workspace"
		return t, f
	}
	if err != nil {
		return t, err
	}
	return t, s.load(ctx, d, tenant, t.Issuer)
}

// trust finds a trust. An ID that is none and one of another workspace are alike (rule 7).
func (s *Service) trust(ctx context.Context, tenant identity.Tenant, trustID string) (policy.Trust, error) {
	if !id.Valid(trustID) {
		return policy.Trust{}, fault.Newf(fault.NotFound, "a trust of an ID that is none")
	}
	return s.c.Store.Trust(ctx, tenant.ID, trustID)
}

// put adds a trust as it would be, if it would be accepted.
func (s *Service) put(ctx context.Context, d *draft, tenant identity.Tenant, before, after policy.Trust) error {
	checked, err := s.check(tenant, before, after)
	var wrong *policy.FieldError
	var source *identity.FieldError
	switch {
	case errors.As(err, &wrong):
		return fault.Invalid(wrong.Field, "%s", wrong.Problem)
	case errors.As(err, &source):
		return fault.Invalid(source.Field, "%s", source.Problem)
	case err != nil:
		return err
	}
	if err := s.load(ctx, d, tenant, checked.Issuer); err != nil {
		return err
	}
	d.after[checked.Issuer] = append(d.after[checked.Issuer], checked)
	return nil
}

// check refuses what could not be written. Where the keys of a trust are is looked at where that is new: one whose issuer may be
// called no more can still be changed otherwise.
func (s *Service) check(tenant identity.Tenant, before, after policy.Trust) (policy.Trust, error) {
	if src := after.KeySource; before.Issuer != after.Issuer || !reflect.DeepEqual(before.KeySource, src) {
		src.Kind = cmp.Or(src.Kind, identity.Discovery)
		if err := s.c.Reach.CheckSource(after.Issuer, src); err != nil {
			return after, err
		}
		if err := s.c.Reach.CheckAddress(tenant.Name, after.Issuer, src); err != nil {
			return after, err
		}
	}
	checked, _, err := policy.Check(after, tenant)
	return checked, err
}

func (s *Service) load(ctx context.Context, d *draft, tenant identity.Tenant, issuer string) error {
	if _, ok := d.before[issuer]; ok {
		return nil
	}
	trusts, err := s.c.Store.TrustsByIssuer(ctx, tenant.ID, issuer)
	d.before[issuer] = trusts
	return err
}

func (d *draft) compile(tenant identity.Tenant) (map[string]*policy.Rehearsal, error) {
	rehearsals := map[string]*policy.Rehearsal{}
	for _, issuer := range slices.Collect(maps.Keys(d.before)) {
		after := d.after[issuer]
		for _, t := range d.before[issuer] {
			if !d.replaced[t.ID] {
				after = append(after, t)
			}
		}
		r, err := policy.NewRehearsal(tenant, d.before[issuer], after)
		if err != nil {
			return nil, err
		}
		rehearsals[issuer] = r
	}
	return rehearsals, nil
}
