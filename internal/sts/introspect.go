package sts

import (
	"context"
	"slices"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// Introspect returns the identity behind a token that the workspace issued, and whether it is active, to a caller who
// may introspect tokens for its audience (RFC 7662 §2; rule 33). To all others, and of all other tokens, it says only
// that they are not active. An error means that nothing can be said at present, or that the caller is nobody.
func (s *Service) Introspect(ctx context.Context, name, credential, token string) (identity.Identity, bool, error) {
	caller, snapshot, err := s.Authenticate(ctx, name, credential)
	if err != nil {
		return identity.Identity{}, false, err
	}
	subject, err := s.active(ctx, snapshot, token)
	if err != nil {
		return identity.Identity{}, false, unlessRefused(err)
	}
	for _, audience := range subject.Audience() {
		if !policy.Allows(caller.Permissions(), policy.Audience, audience, policy.Introspect) {
			return identity.Identity{}, false, nil
		}
	}
	return subject, true, nil
}

// active verifies a token of the workspace for any audience, and that all it rests on is as it was.
func (s *Service) active(ctx context.Context, snapshot *workspace.Snapshot, token string) (identity.Identity, error) {
	subject, err := s.held(ctx, snapshot, token)
	if err != nil {
		return identity.Identity{}, err
	}
	rests := workspace.Rests{Trusts: subject.Trusts()}
	if rests.Trusts == nil {
		if rests, err = s.recorded(ctx, snapshot, subject.TokenID()); err != nil {
			return identity.Identity{}, err
		}
	}
	for _, parent := range rests.Parents {
		if cut, err := snapshot.TokenCut(ctx, parent); err != nil || cut {
			return identity.Identity{}, orRefused(err, "a token that it was derived from is cut off")
		}
	}
	return subject, s.standing(ctx, snapshot, subject, rests.Trusts)
}

func orRefused(err error, why string) error {
	if err != nil {
		return err
	}
	return fault.Newf(fault.TokenRefused, "%s", why)
}

// held verifies a token that the workspace issued, for any audience.
func (s *Service) held(ctx context.Context, snapshot *workspace.Snapshot, token string) (identity.Identity, error) {
	unverified, err := s.verifier.Resolve(ctx, token)
	if err != nil {
		return identity.Identity{}, err
	}
	if unverified.Issuer() != snapshot.Tenant.Issuer {
		return identity.Identity{}, fault.Newf(fault.TokenRefused, "a token of %q", unverified.Issuer())
	}
	return s.verifier.Issued(ctx, snapshot.Tenant, unverified)
}

// maxWalk bounds the way back from a token to the first ones of its chain, and those of its actors; policy allows no longer
// chains.
const maxWalk = 40

// recorded returns what a token for a third party rests on, by the record.
func (s *Service) recorded(ctx context.Context, snapshot *workspace.Snapshot, tokenID string) (workspace.Rests, error) {
	return snapshot.RestsOf(ctx, tokenID, func(ctx context.Context) (workspace.Rests, error) {
		event, err := s.issued(ctx, snapshot.ID, tokenID)
		if err != nil {
			return workspace.Rests{}, err
		}
		rests := workspace.Rests{Trusts: event.Trusts}
		behind := s.behind(nil, snapshot, event)
		for n := 0; n < len(behind) && n < maxWalk; n++ {
			rests.Parents = append(rests.Parents, behind[n])
			event, err := s.issued(ctx, snapshot.ID, behind[n])
			if fault.Is(err, fault.TokenRefused) {
				continue // a revocable token: registered, not issued
			}
			if err != nil {
				return workspace.Rests{}, err
			}
			behind = s.behind(behind, snapshot, event)
		}
		return rests, nil
	})
}

// behind adds the tokens of ours that one was issued for: its subject's, and its actor's.
func (s *Service) behind(known []string, snapshot *workspace.Snapshot, event audit.Event) []string {
	for _, u := range []*audit.Upstream{event.Upstream, event.Actor} {
		if u != nil && u.Issuer == snapshot.Tenant.Issuer && !slices.Contains(known, u.TokenID) {
			known = append(known, u.TokenID)
		}
	}
	return known
}

// issued returns the event of a token that the workspace issued.
func (s *Service) issued(ctx context.Context, workspaceID, tokenID string) (audit.Event, error) {
	entries, err := s.record.Search(ctx, audit.Query{
		WorkspaceID: workspaceID, TokenID: tokenID, Kinds: []audit.Kind{audit.TokenIssued}, Limit: 1,
	})
	if err != nil {
		return audit.Event{}, err
	}
	if len(entries) == 0 {
		return audit.Event{}, fault.Newf(fault.TokenRefused, "token %s is not on the record", tokenID)
	}
	return audit.Decode(entries[0].Body)
}

// unlessRefused drops what says that a token is not active, and keeps what says that nobody can tell.
func unlessRefused(err error) error {
	if fault.From(err).Status() < 500 {
		return nil
	}
	return err
}

// Held returns the identity behind a token that the workspace issued, for its holder to revoke it (RFC 7009; rule 33).
// A zero identity is a token that is invalid already (§2.2).
func (s *Service) Held(ctx context.Context, name, token string) (identity.Identity, error) {
	snapshot, err := s.workspaces.ByName(ctx, name)
	if err != nil {
		return identity.Identity{}, err
	}
	subject, err := s.active(ctx, snapshot, token)
	if err != nil {
		return identity.Identity{}, unlessRefused(err)
	}
	return subject, nil
}
