package manage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
)

// attempts is how often a change that insists on no revision is made again where another one came first.
const attempts = 5

// UpdateTrust applies a change to a trust, which may be called several times. A revision other than zero must be the
// present one. Every change but that of the description makes a new version, which ends the tokens that rest on the one
// before (rule 20): then UpdateTrust returns once nothing that was decided before can be signed any more (rule 22).
func (s *Service) UpdateTrust(ctx context.Context, caller identity.Identity, trustID string, revision int64,
	change func(*policy.Trust) error, address string) (policy.Trust, []string, error) {
	if err := allow(caller, trustNoun, "write"); err != nil {
		return policy.Trust{}, nil, err
	}
	for n := 1; ; n++ {
		before, err := s.writable(ctx, caller, trustID, revision)
		if err != nil {
			return policy.Trust{}, nil, err
		}
		after, warnings, err := s.update(ctx, caller, before, change, address)
		switch {
		case fault.Is(err, fault.Stale) && n < attempts: // an insisted revision is compared again
			continue
		case err != nil:
			return policy.Trust{}, nil, err
		case after.Version != before.Version:
			err = audit.Lapse(ctx)
		}
		return after, warnings, err
	}
}

// writable returns a trust as it is, for a caller who has all that it grants (rule 4).
func (s *Service) writable(ctx context.Context, caller identity.Identity, trustID string, revision int64) (policy.Trust, error) {
	t, err := s.trust(ctx, caller, trustID)
	if err != nil {
		return policy.Trust{}, err
	}
	if err := mayTell(caller, t); err != nil {
		return t, err
	}
	if err := exceeds(caller, t.Grants); err != nil {
		return t, err
	}
	if revision != 0 && revision != t.Revision { // what may not be done at all is no question of revisions (RFC 9110 §13.2.1)
		return t, fault.Newf(fault.Stale, "revision %d, present %d", revision, t.Revision)
	}
	return t, nil
}

func (s *Service) update(ctx context.Context, caller identity.Identity, before policy.Trust,
	change func(*policy.Trust) error, address string) (policy.Trust, []string, error) {
	after, err := changed(before, change)
	if err != nil {
		return policy.Trust{}, nil, err
	}
	after, warnings, err := s.check(after, caller)
	if err != nil {
		return policy.Trust{}, nil, err
	}
	if reflect.DeepEqual(before, after) {
		return before, warnings, nil
	}
	if before.Issuer != after.Issuer || !reflect.DeepEqual(before.KeySource, after.KeySource) { // whose keys cannot be had may still be disabled, or described
		if err := s.checkKeys(caller.Tenant(), after); err != nil {
			return policy.Trust{}, nil, err
		}
	}
	event := s.event(caller, audit.TrustUpdated, after.ID, address)
	along, err := s.moveAlong(ctx, caller, before, after)
	if err != nil {
		return policy.Trust{}, nil, err
	}
	if !sameMeaning(before, after) {
		after.Version++
	}
	after.Revision++
	after.UpdatedAt, after.UpdatedBy = s.moment(), caller.Subject()
	if event.Details, err = details(&before, &after); err != nil {
		return policy.Trust{}, nil, err
	}
	if len(along) > 0 {
		event.Details["key_source_of"] = strings.Join(along, " ")
	}
	if err := s.c.Trusts.UpdateTrust(ctx, after, before.Revision, s.entry(caller, event)); err != nil {
		return policy.Trust{}, nil, conflicting(err)
	}
	s.c.Forget(after.WorkspaceID)
	return after, warnings, nil
}

// changed returns a trust with a change, which can touch neither the original nor what makes it this trust.
func changed(before policy.Trust, change func(*policy.Trust) error) (policy.Trust, error) {
	after := before
	after.Mappings, after.Grants = maps.Clone(before.Mappings), slices.Clone(before.Grants)
	for i, g := range after.Grants {
		after.Grants[i].Actions = slices.Clone(g.Actions)
	}
	err := change(&after)
	after.ID, after.WorkspaceID, after.Version, after.Revision = before.ID, before.WorkspaceID, before.Version, before.Revision
	after.CreatedBy, after.CreatedAt = before.CreatedBy, before.CreatedAt
	after.UpdatedBy, after.UpdatedAt = before.UpdatedBy, before.UpdatedAt
	return after, err
}

// moveAlong returns the IDs of the other trusts that get another key source with this one, since all in one issuer share
// theirs. Whoever says where an issuer's keys come from can be each of its subjects, so rule 4 is about these trusts too,
// and about one that is added this very moment: it takes an administrator of the whole workspace.
func (s *Service) moveAlong(ctx context.Context, caller identity.Identity, before, after policy.Trust) ([]string, error) {
	if after.Issuer == before.Issuer && reflect.DeepEqual(after.KeySource, before.KeySource) {
		return nil, nil
	}
	if len(policy.Exceeding(caller.Permissions(), everything)) > 0 {
		f := fault.Newf(fault.Forbidden, "%s may not move the keys of %s", caller.Subject(), after.Issuer)
		f.Field = "key_source"
		f.Detail = "another issuer or key source for a trust that exists needs the grant workspace * admin; remove it and add one instead"
		return nil, f
	}
	trusts, err := s.c.Trusts.TrustsByIssuer(ctx, after.WorkspaceID, after.Issuer)
	if err != nil {
		return nil, err
	}
	var along []string
	for _, t := range trusts {
		if t.ID == after.ID || reflect.DeepEqual(t.KeySource, after.KeySource) {
			continue
		}
		if err := exceeds(caller, t.Grants); err != nil {
			return nil, err
		}
		along = append(along, t.ID)
	}
	return along, nil
}

// RemoveTrust removes a trust and ends the tokens that rest on it: it returns once nothing that was decided before can be
// signed any more (rule 22). A revision other than zero must be the present one.
func (s *Service) RemoveTrust(ctx context.Context, caller identity.Identity, trustID string, revision int64, address string) error {
	if err := allow(caller, trustNoun, "write"); err != nil {
		return err
	}
	for n := 1; ; n++ {
		before, err := s.writable(ctx, caller, trustID, revision)
		if err != nil {
			return err
		}
		switch err := s.remove(ctx, caller, before, address); {
		case err == nil:
			return audit.Lapse(ctx)
		case !fault.Is(err, fault.Stale), n == attempts:
			return err
		}
	}
}

// remove removes exactly what the caller was found to have the grants of, and what the event shows.
func (s *Service) remove(ctx context.Context, caller identity.Identity, t policy.Trust, address string) (err error) {
	event := s.event(caller, audit.TrustRemoved, t.ID, address)
	if event.Details, err = details(&t, nil); err != nil {
		return err
	}
	if err := s.c.Trusts.DeleteTrust(ctx, t.WorkspaceID, t.ID, t.Revision, s.entry(caller, event)); err != nil {
		return err
	}
	s.c.Forget(t.WorkspaceID)
	return nil
}

// sameMeaning reports whether two trusts differ in their description at most. Which file declares a trust is for people,
// too: it bears on no token.
func sameMeaning(a, b policy.Trust) bool {
	a.Description, b.Description = "", ""
	a.ManagedBy, b.ManagedBy = "", ""
	return reflect.DeepEqual(a, b)
}

// longDocument is the largest key set that goes on the record whole: an event is read with a thousand others.
const longDocument = 16 << 10

// details puts what was written on the record, before and after.
func details(before, after *policy.Trust) (map[string]string, error) {
	d := map[string]string{}
	for name, t := range map[string]*policy.Trust{"before": before, "after": after} {
		if t == nil {
			continue
		}
		shown := *t
		if document := shown.KeySource.JWKS; len(document) > longDocument {
			sum := sha256.Sum256([]byte(document))
			shown.KeySource.JWKS = "sha256:" + hex.EncodeToString(sum[:])
		}
		text, err := json.Marshal(shown)
		if err != nil {
			return nil, err
		}
		d[name] = string(text)
	}
	return d, nil
}
