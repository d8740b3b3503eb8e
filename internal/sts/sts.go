// Package sts is the one path that every token takes:
//
//	credential ──verify──▶ Identity ──decide──▶ Grant ──record──▶ Receipt ──sign──▶ Token
//
// Each arrow is a package that demands what the one before it made. This package calls the four, in this order, on this
// page, and nothing else in nsc does.
package sts

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/limit"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/refusal"
	"github.com/nsc-federation/nsc/internal/trace"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// Verifier makes identities.
type Verifier interface {
	Resolve(ctx context.Context, raw string) (identity.Unverified, error)
	External(ctx context.Context, tenant identity.Tenant, u identity.Unverified, source identity.KeySource) (identity.Identity, error)
	Own(ctx context.Context, tenant identity.Tenant, u identity.Unverified) (identity.Identity, error)
	Issued(ctx context.Context, tenant identity.Tenant, u identity.Unverified) (identity.Identity, error)
}

// Recorder makes receipts.
type Recorder interface {
	UnderWay() func()
	Intent(ctx context.Context, g policy.Grant, keyID string, from audit.Origin) (audit.Receipt, error)
	Note(ctx context.Context, e audit.Event) error
}

// Signer makes tokens.
type Signer interface {
	Choose(ctx context.Context, g policy.Grant) (keyID string, err error)
	Sign(ctx context.Context, receipt audit.Receipt) (keys.Token, error)
}

// Workspaces says what is so in each workspace.
type Workspaces interface {
	ByName(ctx context.Context, name string) (*workspace.Snapshot, error)
	NameOf(issuer string) (name string, ours bool)
	Forget(workspaceID string)
	Fresh() error
}

// Record finds what was recorded of a token.
type Record interface {
	Search(ctx context.Context, q audit.Query) ([]audit.Entry, error)
}

// Opaques makes tokens that stand for claims kept here.
type Opaques interface {
	Issue(ctx context.Context, receipt audit.Receipt) (keys.Token, error)
}

// Refusals keeps what was refused, for administrators to ask why. It never waits.
type Refusals interface {
	Keep(r refusal.Refusal)
}

// Config is what the service is made of.
type Config struct {
	Workspaces Workspaces
	Verifier   Verifier
	Recorder   Recorder
	Signer     Signer
	Opaques    Opaques
	Record     Record
	Refusals   Refusals
	Now        func() time.Time
	Log        *slog.Logger
}

// Service issues tokens.
type Service struct {
	workspaces Workspaces
	verifier   Verifier
	recorder   Recorder
	signer     Signer
	opaques    Opaques
	record     Record
	limit      atomic.Pointer[limit.Buckets] // tokens by workspace, after the decision (rule 24)
	refusals   *limit.Buckets                // events and log lines of refusals
	kept       Refusals
	now        func() time.Time
	log        *slog.Logger
}

// refusalsPerSecond is how many refusals are recorded per workspace and issuer, and how many of strangers are logged.
const refusalsPerSecond = 10

// New returns the service of the four steps.
func New(c Config) *Service {
	return &Service{
		workspaces: c.Workspaces, verifier: c.Verifier, recorder: c.Recorder, signer: c.Signer, opaques: c.Opaques,
		record: c.Record, kept: c.Refusals, now: c.Now, log: c.Log, refusals: limit.New(refusalsPerSecond),
	}
}

// Limit replaces the limit of tokens per workspace.
func (s *Service) Limit(b *limit.Buckets) { s.limit.Store(b) }

// Request asks for a token in exchange for another (RFC 8693, RFC 7523).
type Request struct {
	Workspace string // name; "" is "infer it from the token" (rule 6)
	Token     string // the subject token or assertion
	Actor     string // the actor token (RFC 8693 §2.1); "" for none
	Assertion bool   // RFC 7523
	Want      Want
	From      audit.Origin

	read  identity.Unverified // the token, once it was read
	actor identity.Identity   // once it was verified
}

// Want is what the caller wants a token for.
type Want struct {
	TokenType  policy.TokenType
	Audience   string // "" is the workspace's issuer
	Algorithm  string // "" is the audience's usual one
	Opaque     bool   // an access token that only this server understands
	Details    []identity.Permission
	HasDetails bool
	Scope      []string
	Trust      string           // ID of the one trust to use; "" is all that match
	Lifetime   time.Duration    // 0 is the default
	MayAct     *identity.MayAct // who may act for the token's subject; nil for nobody
}

// parties are those who ask together: the caller, and who acts for him, mostly nobody.
type parties struct{ caller, actor identity.Identity }

// Answer is a token with what was decided about it.
type Answer struct {
	Token     keys.Token
	Type      policy.TokenType
	Tenant    identity.Tenant
	Grants    []identity.Permission
	ExpiresAt time.Time
}

const decideAtMost = 4 // times, where the workspace moves between decision and record

// Exchange verifies the caller's token and issues what he may have for it. Errors are *fault.Fault, each with the ID
// of the refusal.
func (s *Service) Exchange(ctx context.Context, req Request) (Answer, error) {
	defer s.recorder.UnderWay()()
	snapshot, unverified, err := s.route(ctx, req)
	req.read = unverified
	if err != nil {
		return Answer{}, s.refuse(ctx, snapshot, identity.Identity{}, req, err)
	}
	trace.Workspace(ctx, snapshot.Name)
	if req.Actor == "" {
		return s.decide(ctx, snapshot, req, func(snapshot *workspace.Snapshot) (parties, error) {
			caller, err := s.verify(ctx, snapshot, unverified)
			return parties{caller: caller}, err
		})
	}
	actor, err := s.verifier.Resolve(ctx, req.Actor)
	if err != nil {
		return Answer{}, s.refuse(ctx, snapshot, identity.Identity{}, req, err)
	}
	return s.decide(ctx, snapshot, req, func(snapshot *workspace.Snapshot) (p parties, err error) {
		if p.caller, err = s.verify(ctx, snapshot, unverified); err == nil {
			p.actor, err = s.verify(ctx, snapshot, actor)
		}
		return p, err
	})
}

// SignIn issues an access token for the issuer to the owner of the data folder, acting as a user.
func (s *Service) SignIn(ctx context.Context, name string, user workspace.User, grants []identity.Permission, life time.Duration, from audit.Origin) (Answer, error) {
	defer s.recorder.UnderWay()()
	snapshot, err := s.workspaces.ByName(ctx, name)
	if err != nil {
		return Answer{}, err
	}
	req := Request{Workspace: name, Want: Want{TokenType: policy.AccessToken, Lifetime: life}, From: from}
	return s.decide(ctx, snapshot, req, func(snapshot *workspace.Snapshot) (parties, error) {
		now := s.now()
		return parties{caller: identity.NewLocal(snapshot.Tenant, user.ID, user.Version, grants, now, now.Add(life))}, nil
	})
}

// decide takes the path from a credential to a token, from its beginning again where the workspace moved under it, or the
// record came too late to sign by, or the key that was to sign is gone: what the credential was verified with may be gone, too.
// A single use that was consumed on the way is the request's own, by a retry key that nobody else has (rule 16).
func (s *Service) decide(ctx context.Context, snapshot *workspace.Snapshot, req Request,
	identify func(*workspace.Snapshot) (parties, error)) (Answer, error) {
	if req.From.RetryKey == "" {
		req.From.RetryKey = rand.Text()
	}
	for n := 1; ; n++ {
		p, err := identify(snapshot)
		if err == nil {
			var answer Answer
			if answer, err = s.issue(ctx, snapshot, p, req); err == nil {
				return answer, nil
			}
		}
		if n < attempts(err) {
			var newer *workspace.Snapshot
			if newer, err = s.newer(ctx, snapshot); err == nil {
				snapshot = newer
				continue
			}
		}
		req.actor = p.actor
		return Answer{}, s.refuse(ctx, snapshot, p.caller, req, err)
	}
}

// attempts is how often a request is decided that failed so. Where the record is slow, to record again makes it slower.
func attempts(err error) int {
	switch {
	case errors.Is(err, audit.ErrMoved), errors.Is(err, keys.ErrKeyEnded):
		return decideAtMost
	case errors.Is(err, audit.ErrLate):
		return 2
	}
	return 1
}

// newer returns a workspace as it is after it moved: what another request has read meanwhile, or what is read now.
func (s *Service) newer(ctx context.Context, old *workspace.Snapshot) (*workspace.Snapshot, error) {
	if known, err := s.workspaces.ByName(ctx, old.Name); err == nil && known.Generation > old.Generation {
		return known, nil
	}
	s.workspaces.Forget(old.ID)
	return s.workspaces.ByName(ctx, old.Name)
}

// issue is the path from an identity to a token: decide, record, sign.
func (s *Service) issue(ctx context.Context, snapshot *workspace.Snapshot, p parties, req Request) (Answer, error) {
	grant, keyID, err := s.grant(ctx, snapshot, p, req)
	if err != nil {
		return Answer{}, err
	}
	if p.caller.Kind() != identity.Local {
		if err := s.limit.Load().Take(snapshot.Name); err != nil {
			return Answer{}, err
		}
	}
	receipt, err := s.intent(ctx, grant, keyID, req.From)
	if err != nil {
		return Answer{}, err
	}
	if err := stillAllowed(ctx, snapshot, grant, receipt); err != nil {
		return Answer{}, err
	}
	token, err := s.sign(ctx, receipt, req.Want.Opaque)
	if err != nil {
		return Answer{}, err
	}
	return Answer{token, grant.TokenType(), snapshot.Tenant, grant.Permissions(), token.ExpiresAt()}, nil
}

// stillAllowed refuses to sign anew what was recorded for an earlier use of the same token (rule 16) and cut off since. The
// record's transaction has just compared the generation, so the snapshot knows of every cut-off.
func stillAllowed(ctx context.Context, snapshot *workspace.Snapshot, grant policy.Grant, receipt audit.Receipt) error {
	if receipt.TokenID() == grant.ID() {
		return nil
	}
	cut, err := snapshot.TokenCut(ctx, receipt.TokenID())
	if err == nil && cut {
		err = fault.Newf(fault.TokenRefused, "token %s, which was issued before, is cut off", receipt.TokenID())
	}
	return err
}

// grant decides, and chooses the key that is to sign what it decided; an opaque token has none.
func (s *Service) grant(ctx context.Context, snapshot *workspace.Snapshot, p parties, req Request) (grant policy.Grant, keyID string, err error) {
	ctx, span := trace.Begin(ctx, trace.Decide)
	defer func() { span.End(err) }()
	if grant, err = s.decided(ctx, snapshot, p, req); err == nil && !req.Want.Opaque {
		keyID, err = s.choose(ctx, grant)
	}
	return grant, keyID, err
}

func (s *Service) decided(ctx context.Context, snapshot *workspace.Snapshot, p parties, req Request) (policy.Grant, error) {
	now := s.now()
	caller, err := s.authority(ctx, snapshot, p.caller)
	if err != nil {
		return policy.Grant{}, err
	}
	want := policy.Request{
		ID: id.New(now), Now: now, Generation: snapshot.Generation, Assertion: req.Assertion,
		TokenType: req.Want.TokenType, Audience: req.Want.Audience, Algorithm: req.Want.Algorithm,
		Details: req.Want.Details, HasDetails: req.Want.HasDetails, Scope: req.Want.Scope,
		Trust: req.Want.Trust, Lifetime: req.Want.Lifetime, CutOff: caller.CutOff, ActCutOff: caller.ActCutOff,
		MayAct: req.Want.MayAct,
	}
	if !p.actor.IsZero() {
		actor, err := s.authority(ctx, snapshot, p.actor)
		if err != nil {
			return policy.Grant{}, err
		}
		want.Actor = &actor
	}
	decision := policy.Decide(p.caller, caller.Trusts, caller.Live, want)
	grant, ok := decision.Grant()
	if !ok {
		return policy.Grant{}, refused(decision)
	}
	return grant, nil
}

func (s *Service) intent(ctx context.Context, grant policy.Grant, keyID string, from audit.Origin) (audit.Receipt, error) {
	ctx, span := trace.Begin(ctx, trace.Record)
	receipt, err := s.recorder.Intent(ctx, grant, keyID, from)
	span.End(err)
	return receipt, err
}

func (s *Service) sign(ctx context.Context, receipt audit.Receipt, opaque bool) (token keys.Token, err error) {
	ctx, span := trace.Begin(ctx, trace.Sign)
	if opaque {
		token, err = s.opaques.Issue(ctx, receipt)
	} else {
		token, err = s.signer.Sign(ctx, receipt)
	}
	span.End(err)
	return token, err
}

// choose refuses what no key of the workspace could sign, before it is recorded.
func (s *Service) choose(ctx context.Context, grant policy.Grant) (string, error) {
	keyID, err := s.signer.Choose(ctx, grant)
	if errors.Is(err, keys.ErrNoKey) {
		return "", &fault.Fault{
			Code: fault.InvalidRequest, Field: "id_token_signed_response_alg",
			Detail: "the workspace has no active " + string(grant.Algorithm()) + " key; an administrator adds one with nsc keys rotate --alg " + string(grant.Algorithm()),
		}
	}
	return keyID, err
}

// authority returns what a decision about somebody rests on: the trusts in an external issuer, or the present state of
// what a token of our own names; and what of him is cut off.
func (s *Service) authority(ctx context.Context, snapshot *workspace.Snapshot, caller identity.Identity) (a policy.Actor, err error) {
	a.Caller, a.Trusts = caller, policy.NewTrusts(nil)
	if caller.Kind() == identity.External {
		trusted, err := snapshot.Trusts(ctx, caller.Issuer())
		if err != nil {
			return a, err
		}
		a.Trusts = trusted.Trusts
	} else if a.Live, err = snapshot.Live(ctx, caller.Trusts()); err != nil {
		return a, err
	}
	if act, err := caller.UpstreamAct(); err == nil { // policy refuses what cannot be read, where it counts
		a.ActCutOff = string(snapshot.ActCutOff(act))
	}
	cut, err := snapshot.CutOff(ctx, caller)
	a.CutOff = string(cut)
	return a, err
}
