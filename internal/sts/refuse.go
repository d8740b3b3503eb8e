package sts

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// codes says what a caller is told of each reason. What depends on the workspace's arrangements has one text.
var codes = map[policy.Reason]fault.Code{
	policy.NoTrust:         fault.TokenRefused,
	policy.DeadTrust:       fault.TokenRefused,
	policy.CutOff:          fault.TokenRefused,
	policy.FederationLimit: fault.TokenRefused,
	policy.ChainLimit:      fault.TokenRefused,
	policy.MappingRefused:  fault.TokenRefused,
	policy.MappingConflict: fault.TokenRefused,
	policy.NoTokenID:       fault.TokenRefused,
	policy.NoCaller:        fault.TokenRefused,
	policy.ActorRefused:    fault.TokenRefused,
	policy.ActRefused:      fault.TokenRefused,
	policy.Ended:           fault.TokenExpired,
	policy.LifetimeRefused: fault.TokenLifetime,
	policy.TargetRefused:   fault.InvalidTarget,
	policy.ScopeRefused:    fault.InvalidScope,
	policy.DetailsRefused:  fault.InvalidDetails,
	policy.Oversize:        fault.TokenOversize,
}

// refused maps a decision that grants nothing.
func refused(d policy.Decision) error {
	code, ok := codes[d.Reason]
	if !ok {
		code = fault.InvalidRequest
	}
	f := fault.Newf(code, "%s", explained(d))
	if code == fault.InvalidRequest {
		f.Detail = d.Detail
	}
	return f
}

// explained says, for the log and the record, why a decision grants nothing: what was asked for and what was held instead,
// or the trust that came nearest.
func explained(d policy.Decision) string {
	reason := string(d.Reason)
	switch {
	case d.Detail != "":
		return reason + ": " + d.Detail
	case d.Asked != "" && d.Held == "":
		return reason + ": asked for " + d.Asked + "; nothing of the kind is held"
	case d.Asked != "":
		return reason + ": asked for " + d.Asked + "; held is " + d.Held
	}
	for _, o := range d.Outcomes {
		if o.Failed != "" {
			return reason + ": trust " + o.Trust.ID + " failed at its " + string(o.Failed)
		}
	}
	if d.Reason == policy.NoTrust {
		return reason + ": no trust in the issuer"
	}
	return reason
}

// refuse gives an error its public face and its ID, logs it, and records it where the caller's signature verified
// (rule 24): what anybody can make up must not fill the record.
func (s *Service) refuse(ctx context.Context, snapshot *workspace.Snapshot, caller identity.Identity, req Request, err error) error {
	f := face(err)
	now := s.now()
	f.Refusal = id.New(now)
	log := s.log.With("refusal", f.Refusal, "code", f.Code, "address", req.From.Address, "cause", brief(f.Error()))
	if snapshot != nil {
		log = log.With("workspace", snapshot.Name)
	}
	s.keep(ctx, snapshot, caller, req, f)
	failed := f.Status() >= 500
	if failed && !ofOthers(ctx, f) {
		log.Error("no token could be issued")
		return f
	}
	if failed || caller.IsZero() { // anybody can make these up: a few lines a second are enough to see what goes on
		if s.refusals.Take("unverified") == nil {
			log.Info("a token was refused")
		}
		return f
	}
	log.Info("a token was refused")
	if f.Code == fault.TooMany || s.refusals.Take(snapshot.ID+caller.Issuer()) != nil {
		return f // whoever has a signed token of a shared issuer must not fill the record either
	}
	event := audit.Event{
		ID: f.Refusal, Time: now, WorkspaceID: snapshot.ID, Kind: audit.TokenRefused, Subject: caller.Subject(),
		Address: req.From.Address, Upstream: audit.UpstreamOf(caller), Reason: brief(f.Error()),
		Act:     caller.Act().Names(caller.Tenant()),
		Details: map[string]string{"code": string(f.Code), "audience": brief(req.Want.Audience), "token_type": string(req.Want.TokenType)},
	}
	if !req.actor.IsZero() {
		event.Actor = audit.UpstreamOf(req.actor)
	}
	if err := s.recorder.Note(ctx, event); err != nil {
		log.Error("a refusal could not be recorded", "error", err)
	}
	return f
}

// ofOthers reports whether a failure is none of ours. Whoever shows a key ID that nobody knows brings about that the keys
// cannot be had (rule 15), and of an issuer that cannot be reached the log has a line already; others do not wait for their
// answer.
func ofOthers(ctx context.Context, f *fault.Fault) bool {
	return f.Code == fault.KeysUnavailable || f.Code == fault.Unavailable && errors.Is(ctx.Err(), context.Canceled)
}

// brief bounds what a stranger has a say in.
func brief(text string) string {
	const most = 700
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// face returns the fault that a caller is told.
func face(err error) *fault.Fault {
	var f *fault.Fault
	switch {
	case errors.As(err, &f):
		face := *f
		return &face
	case errors.Is(err, audit.ErrReplayed):
		return fault.New(fault.TokenReplayed, err)
	case errors.Is(err, audit.ErrNoTokenID):
		return fault.Newf(fault.TokenRefused, "the trust demands single use and the token has no jti")
	case errors.Is(err, audit.ErrBusy), errors.Is(err, audit.ErrClosed), errors.Is(err, audit.ErrMoved),
		errors.Is(err, audit.ErrLate), errors.Is(err, keys.ErrKeyEnded), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		unavailable := fault.New(fault.Unavailable, err)
		unavailable.RetryAfter = time.Second
		return unavailable
	}
	return fault.New(fault.Internal, err)
}
