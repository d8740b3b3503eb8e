package sts

import (
	"context"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/refusal"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// keep keeps a refusal for whoever may ask why. Failures of ours are for the log, but for keys that cannot be had: those
// are the workspace's arrangements.
func (s *Service) keep(ctx context.Context, snapshot *workspace.Snapshot, caller identity.Identity, req Request, f *fault.Fault) {
	if f.Code == fault.TooMany || f.Status() >= 500 && f.Code != fault.KeysUnavailable {
		return
	}
	owner := s.owner(ctx, snapshot, req)
	if owner == "" {
		return
	}
	vouched := !caller.IsZero() && (req.Actor == "" || !req.actor.IsZero())
	r := refusal.Refusal{
		ID: f.Refusal, WorkspaceID: owner, Time: s.now(), Verified: vouched, Code: f.Code,
		Reason: brief(f.Error()), Gist: brief(f.Gist()), Address: req.From.Address, Claims: req.read.Payload(), Asked: asked(req),
	}
	if !caller.IsZero() {
		r.Claims = caller.Payload()
	}
	if len(r.Claims) > refusal.MaxClaims {
		r.Claims, r.TooLong = "", true
	}
	s.kept.Keep(r)
}

// owner returns the workspace that a refusal belongs to: the one that the request or its token named, else the operator's
// (rule 28).
func (s *Service) owner(ctx context.Context, snapshot *workspace.Snapshot, req Request) string {
	if snapshot != nil {
		return snapshot.ID
	}
	for _, name := range []string{req.Workspace, workspace.SystemName} {
		if name == "" {
			continue
		}
		if named, err := s.workspaces.ByName(ctx, name); err == nil {
			return named.ID
		}
	}
	return ""
}

func asked(req Request) refusal.Asked {
	w := req.Want
	return refusal.Asked{
		TokenType: string(w.TokenType), Audience: w.Audience, Scope: w.Scope, Details: w.Details, HasDetails: w.HasDetails,
		Trust: w.Trust, Lifetime: w.Lifetime, Assertion: req.Assertion,
		MayAct: w.MayAct, Actor: req.Actor != "",
	}
}
