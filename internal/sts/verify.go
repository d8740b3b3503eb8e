package sts

import (
	"context"
	"net/http"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/trace"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// route reads the token and finds the workspace that is asked.
func (s *Service) route(ctx context.Context, req Request) (*workspace.Snapshot, identity.Unverified, error) {
	unverified, err := s.verifier.Resolve(ctx, req.Token)
	if err != nil {
		return nil, identity.Unverified{}, err
	}
	name := req.Workspace
	if name == "" {
		if name = s.infer(unverified); name == "" {
			return nil, unverified, fault.Newf(fault.WorkspaceOpen, "issuer %q, audience %q", unverified.Issuer(), unverified.Audience())
		}
	}
	snapshot, err := s.workspaces.ByName(ctx, name)
	if err != nil && req.Workspace == "" && fault.Is(err, fault.NotFound) {
		err = fault.New(fault.WorkspaceOpen, err)
	}
	return snapshot, unverified, err
}

// infer returns the workspace that a token names by its audience or, for a token of our own, by its issuer; never by
// trusts, so that no tenant can attract another's exchange (rule 6).
func (s *Service) infer(u identity.Unverified) string {
	named := ""
	for _, audience := range u.Audience() {
		name, ours := s.workspaces.NameOf(audience)
		if !ours || name == named {
			continue
		}
		if named != "" {
			return "" // two of our issuers
		}
		named = name
	}
	if named == "" {
		named, _ = s.workspaces.NameOf(u.Issuer())
	}
	return named
}

func (s *Service) verify(ctx context.Context, snapshot *workspace.Snapshot, u identity.Unverified) (identity.Identity, error) {
	ctx, span := trace.Begin(ctx, trace.Verify)
	caller, err := s.verified(ctx, snapshot, u)
	span.End(err)
	return caller, err
}

// Recognise verifies a token as Exchange does, in the workspace of the snapshot, and changes nothing: nothing is used up,
// recorded or issued. It is for rehearsing an exchange.
func (s *Service) Recognise(ctx context.Context, snapshot *workspace.Snapshot, token string) (identity.Identity, error) {
	unverified, err := s.verifier.Resolve(ctx, token)
	if err != nil {
		return identity.Identity{}, err
	}
	return s.verified(ctx, snapshot, unverified)
}

func (s *Service) verified(ctx context.Context, snapshot *workspace.Snapshot, u identity.Unverified) (identity.Identity, error) {
	if u.Issuer() == snapshot.Tenant.Issuer {
		return s.own(ctx, snapshot.Tenant, u)
	}
	if _, ours := s.workspaces.NameOf(u.Issuer()); ours {
		// Its keys come from memory, and it is not its generation that the record's transaction compares (rule 22).
		if err := s.workspaces.Fresh(); err != nil {
			return identity.Identity{}, fault.New(fault.Unavailable, err)
		}
	}
	trusted, err := snapshot.Trusts(ctx, u.Issuer())
	if err != nil {
		return identity.Identity{}, err
	}
	// Without a trust there is no key source, and the verifier refuses as it refuses a bad signature: a caller does not
	// learn which issuers a workspace trusts (rule 7).
	return s.verifier.External(ctx, snapshot.Tenant, u, trusted.Source)
}

// own verifies a token of ours as a credential. An ID token for the issuer itself names nothing that it rests on (rule 11):
// no cut-off would reach it, nor what is derived from it (rules 20 and 22), so it is none.
func (s *Service) own(ctx context.Context, tenant identity.Tenant, u identity.Unverified) (identity.Identity, error) {
	caller, err := s.verifier.Own(ctx, tenant, u)
	if err == nil && len(caller.Trusts()) == 0 {
		return identity.Identity{}, fault.Newf(fault.TokenRefused, "token %s rests on nothing that could be cut off", caller.TokenID())
	}
	return caller, err
}

// Authenticate returns the caller behind an access token of the named workspace, for the management API: the audience
// is exactly the workspace's issuer (rule 1), and everything that the token rests on is as it was (rule 20). He knows under
// which generation that was so: what he then writes is compared with it (rule 22).
func (s *Service) Authenticate(ctx context.Context, name, token string) (identity.Identity, *workspace.Snapshot, error) {
	caller, snapshot, err := s.authenticate(ctx, name, token)
	if err != nil {
		return identity.Identity{}, nil, face(err)
	}
	return caller, snapshot, nil
}

func (s *Service) authenticate(ctx context.Context, name, token string) (identity.Identity, *workspace.Snapshot, error) {
	snapshot, err := s.workspaces.ByName(ctx, name)
	if err != nil {
		return identity.Identity{}, nil, err
	}
	if err := s.workspaces.Fresh(); err != nil {
		return identity.Identity{}, nil, fault.New(fault.Unavailable, err)
	}
	unverified, err := s.verifier.Resolve(ctx, token)
	if err != nil {
		return identity.Identity{}, nil, unauthenticated(err)
	}
	return s.recognise(ctx, snapshot, unverified)
}

// Caller is Authenticate for a call that names no workspace: the token's issuer does.
func (s *Service) Caller(ctx context.Context, token string) (identity.Identity, error) {
	caller, err := s.caller(ctx, token)
	if err != nil {
		return identity.Identity{}, face(err)
	}
	return caller, nil
}

func (s *Service) caller(ctx context.Context, token string) (identity.Identity, error) {
	if err := s.workspaces.Fresh(); err != nil {
		return identity.Identity{}, fault.New(fault.Unavailable, err)
	}
	unverified, err := s.verifier.Resolve(ctx, token)
	if err != nil {
		return identity.Identity{}, unauthenticated(err)
	}
	name, ours := s.workspaces.NameOf(unverified.Issuer())
	if !ours {
		return identity.Identity{}, fault.Newf(fault.Unauthenticated, "issuer %q is not ours", unverified.Issuer())
	}
	snapshot, err := s.workspaces.ByName(ctx, name)
	if err != nil {
		return identity.Identity{}, unauthenticated(err)
	}
	caller, _, err := s.recognise(ctx, snapshot, unverified)
	return caller, err
}

// recognise returns the caller behind an access token of a workspace, with what it rests on as it is.
func (s *Service) recognise(ctx context.Context, snapshot *workspace.Snapshot, unverified identity.Unverified) (identity.Identity, *workspace.Snapshot, error) {
	if unverified.Issuer() != snapshot.Tenant.Issuer {
		return identity.Identity{}, nil, fault.Newf(fault.Unauthenticated, "issuer %q is not %q", unverified.Issuer(), snapshot.Tenant.Issuer)
	}
	caller, err := s.own(ctx, snapshot.Tenant, unverified)
	if err != nil {
		return identity.Identity{}, nil, unauthenticated(err)
	}
	if err := s.standing(ctx, snapshot, caller, caller.Trusts()); err != nil {
		return identity.Identity{}, nil, err
	}
	return caller.Under(snapshot.Generation), snapshot, nil
}

// unauthenticated is what a caller learns whose token is refused. Where nobody could tell, because the database or the
// caller himself is gone, it is no word about the token: whoever heard it would throw a good one away.
func unauthenticated(err error) error {
	if face(err).Status() >= http.StatusInternalServerError {
		return err
	}
	return fault.New(fault.Unauthenticated, err)
}

// standing refuses a token of ours that is cut off, or that rests on what is not as it was (rules 20 and 21).
func (s *Service) standing(ctx context.Context, snapshot *workspace.Snapshot, caller identity.Identity, rests []identity.TrustRef) error {
	cut, err := snapshot.CutOff(ctx, caller)
	if err != nil {
		return err
	}
	if cut != "" {
		return fault.Newf(fault.Unauthenticated, "the caller's %s is cut off", cut)
	}
	live, err := snapshot.Live(ctx, rests)
	if err != nil {
		return err
	}
	if !policy.Alive(rests, live) {
		return fault.Newf(fault.Unauthenticated, "a trust that the token rests on has changed")
	}
	return nil
}
