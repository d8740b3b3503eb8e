package manage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
)

// ListTrusts returns the caller's workspace's trusts in the order of their IDs, those after the given one.
func (s *Service) ListTrusts(ctx context.Context, caller identity.Identity, after string, limit int) ([]policy.Trust, error) {
	if err := allow(caller, trustNoun, "read"); err != nil {
		return nil, err
	}
	return s.c.Trusts.Trusts(ctx, caller.Tenant().ID, after, page(limit))
}

// Trust returns one trust.
func (s *Service) Trust(ctx context.Context, caller identity.Identity, trustID string) (policy.Trust, error) {
	if err := allow(caller, trustNoun, "read"); err != nil {
		return policy.Trust{}, err
	}
	return s.trust(ctx, caller, trustID)
}

// trust finds a trust of the caller's workspace. An ID that is none and one of another workspace are alike (rule 7).
func (s *Service) trust(ctx context.Context, caller identity.Identity, trustID string) (policy.Trust, error) {
	if !id.Valid(trustID) {
		return policy.Trust{}, fault.Newf(fault.NotFound, "a trust of an ID that is none")
	}
	return s.c.Trusts.Trust(ctx, caller.Tenant().ID, trustID)
}

// AddTrust registers a trust relationship and returns it as it is kept, with what to be warned of.
func (s *Service) AddTrust(ctx context.Context, caller identity.Identity, t policy.Trust, address string) (policy.Trust, []string, error) {
	if err := allow(caller, trustNoun, "write"); err != nil {
		return policy.Trust{}, nil, err
	}
	added, err := once(ctx, s, caller, func() (addedTrust, error) { return s.addTrust(ctx, caller, t, address) })
	return added.Trust, added.Warnings, err
}

// addedTrust is what AddTrust answers.
type addedTrust struct {
	Trust    policy.Trust
	Warnings []string
}

func (s *Service) addTrust(ctx context.Context, caller identity.Identity, t policy.Trust, address string) (addedTrust, error) {
	t, warnings, err := s.check(t, caller)
	if err != nil {
		return addedTrust{}, err
	}
	if err := s.checkKeys(caller.Tenant(), t); err != nil {
		return addedTrust{}, err
	}
	now := s.moment()
	t.ID, t.WorkspaceID = id.New(now), caller.Tenant().ID
	t.CreatedAt, t.UpdatedAt, t.CreatedBy, t.UpdatedBy = now, now, caller.Subject(), caller.Subject()
	t.Version, t.Revision = 1, 1
	event := s.event(caller, audit.TrustCreated, t.ID, address)
	if event.Details, err = details(nil, &t); err != nil {
		return addedTrust{}, err
	}
	added, entry := addedTrust{t, warnings}, s.entry(caller, event)
	if entry.Answer, err = s.answer(caller, added); err != nil {
		return addedTrust{}, err
	}
	if err := s.c.Trusts.CreateTrust(ctx, t, entry); err != nil {
		return addedTrust{}, conflicting(err)
	}
	s.c.Forget(t.WorkspaceID)
	return added, nil
}

// conflicting says what it is that a trust is in conflict with.
func conflicting(err error) error {
	if !fault.Is(err, fault.Conflict) {
		return err
	}
	f := fault.New(fault.Conflict, err)
	switch f.Field = fault.From(err).Field; f.Field {
	case "key_source":
		f.Detail = "the workspace's other trusts in this issuer have another key source, and all share one: give the same"
	case "managed_by":
		f.Detail = "another trust of the workspace is declared by that manifest under that name"
	}
	return f
}

// check refuses what could not be evaluated, could not be fetched, or grants more than the caller has (rule 4).
func (s *Service) check(t policy.Trust, caller identity.Identity) (policy.Trust, []string, error) {
	t = normal(t)
	if err := s.c.Reach.CheckSource(t.Issuer, t.KeySource); err != nil {
		return t, nil, fieldFault(err)
	}
	t, warnings, err := policy.Check(t, caller.Tenant())
	if err != nil {
		return t, nil, fieldFault(err)
	}
	if err := mayTell(caller, t); err != nil {
		return t, nil, err
	}
	return t, warnings, exceeds(caller, t.Grants)
}

// checkKeys refuses keys that cannot be had as they are written, whatever happens: an uploaded set that is believed no more,
// and an address that may not be called (rule 35). The trust would admit nobody, and stand in the way of one with keys that
// can.
func (s *Service) checkKeys(tenant identity.Tenant, t policy.Trust) error {
	if t.KeySource.Kind == identity.JWKS && !t.KeySource.NotAfter.After(s.c.Now()) {
		return invalid("key_source.not_after", "is past: the uploaded keys would not be believed any more; give a time to come")
	}
	return fieldFault(s.c.Reach.CheckAddress(tenant.Name, t.Issuer, t.KeySource))
}

// mayTell refuses mappings, and the issuer's word on who acts, to all but administrators of trusts: other systems grant by
// groups, attributes and actors, so to write them is to give what nobody can tell whether the writer has it (rule 4).
func mayTell(caller identity.Identity, t policy.Trust) error {
	field, why := "", ""
	switch {
	case len(t.Mappings) > 0:
		field, why = "mappings", "writing mappings needs the grant workspace trust admin: other systems grant by groups and attributes"
	case t.AcceptDelegation:
		field, why = "accept_delegation", "accepting delegation needs the grant workspace trust admin: other systems grant by who acts"
	}
	if field == "" || policy.Allows(caller.Permissions(), "workspace", trustNoun, "admin") {
		return nil
	}
	f := fault.Newf(fault.Forbidden, "%s may not write %s", caller.Subject(), field)
	f.Field, f.Detail = field, why
	return f
}

// normal spells out defaults, and gives what means the same one form, as it will be read again.
func normal(t policy.Trust) policy.Trust {
	if t.KeySource.Kind == "" {
		t.KeySource.Kind = identity.Discovery
	}
	t.KeySource.NotAfter = t.KeySource.NotAfter.UTC().Truncate(time.Microsecond)
	if len(t.Mappings) == 0 {
		t.Mappings = nil
	}
	return t
}

func fieldFault(err error) error {
	var p *policy.FieldError
	var i *identity.FieldError
	switch {
	case errors.As(err, &p):
		return invalid(p.Field, p.Problem)
	case errors.As(err, &i):
		return invalid(i.Field, i.Problem)
	}
	return err
}

func exceeds(caller identity.Identity, grants []identity.Permission) error {
	over := policy.Exceeding(caller.Permissions(), grants)
	if len(over) == 0 {
		return nil
	}
	f := fault.Newf(fault.Forbidden, "grants exceed the caller's: %v", over)
	f.Field = "grants"
	f.Detail = fmt.Sprintf("%s %s %v is more than your own grants allow you to give (nsc auth whoami shows them)", over[0].ResourceType, over[0].ResourceID, over[0].Actions)
	return f
}
