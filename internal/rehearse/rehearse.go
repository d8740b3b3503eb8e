// Package rehearse says what the token endpoint would decide, without its deciding anything: why a request was refused, what
// would become of a token, and whom a change would let in or shut out.
//
// It verifies as an exchange does and runs the code that decides, but it has no way to a Grant: nothing is recorded, used
// up or signed. What it says is for administrators alone; of a token that nobody vouches for it repeats nothing (rule 28).
package rehearse

import (
	"context"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/refusal"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// Workspaces says what is so in each workspace.
type Workspaces interface {
	ByName(ctx context.Context, name string) (*workspace.Snapshot, error)
	NameOf(issuer string) (name string, ours bool)
}

// Verifier verifies tokens as an exchange does.
type Verifier interface {
	Recognise(ctx context.Context, snapshot *workspace.Snapshot, token string) (identity.Identity, error)
}

// Store has what was refused, what was issued, and the trusts.
type Store interface {
	Trust(ctx context.Context, workspaceID, id string) (policy.Trust, error)
	TrustsByIssuer(ctx context.Context, workspaceID, issuer string) ([]policy.Trust, error)
	Refusal(ctx context.Context, workspaceID, id string) (refusal.Refusal, error)
	VerifiedRefusals(ctx context.Context, workspaceID string, since, until time.Time) ([]refusal.Refusal, error)
	Search(ctx context.Context, q audit.Query) ([]audit.Entry, error)
}

// Config is what the service is made of.
type Config struct {
	Workspaces Workspaces
	Verifier   Verifier
	Store      Store
	Reach      identity.Reach // where issuers may be (rule 35)
	Now        func() time.Time
}

// Service rehearses.
type Service struct{ c Config }

// New returns the service.
func New(c Config) *Service { return &Service{c} }

// allow refuses a caller whose grants do not include reading a noun of his workspace.
func allow(caller identity.Identity, nouns ...string) error {
	for _, noun := range nouns {
		if !policy.Allows(caller.Permissions(), policy.Workspace, noun, policy.Read) {
			f := fault.Newf(fault.Forbidden, "%s may not read %s", caller.Subject(), noun)
			f.Detail = "this needs a grant of resource type workspace, resource " + noun + " or *, action read"
			return f
		}
	}
	return nil
}

// decide explains the decision about a caller, by the trusts as they are.
func (s *Service) decide(ctx context.Context, snapshot *workspace.Snapshot, caller policy.Claimant, asked refusal.Asked, at time.Time) (
	policy.Explanation, error,
) {
	trusts, live, err := authority(ctx, snapshot, caller)
	if err != nil {
		return policy.Explanation{}, err
	}
	req, err := requestOf(ctx, snapshot, caller, asked, at)
	if err != nil {
		return policy.Explanation{}, err
	}
	return policy.Explain(caller, trusts, live, req), nil
}

// authority returns what a decision about a caller rests on.
func authority(ctx context.Context, snapshot *workspace.Snapshot, caller policy.Claimant) (*policy.Trusts, []identity.TrustRef, error) {
	if caller.Issuer() != snapshot.Tenant.Issuer {
		trusted, err := snapshot.Trusts(ctx, caller.Issuer())
		return trusted.Trusts, nil, err
	}
	live, err := snapshot.Live(ctx, caller.Trusts())
	return policy.NewTrusts(nil), live, err
}

// requestOf returns what a caller asked for as policy takes it, with what of him is cut off.
func requestOf(ctx context.Context, snapshot *workspace.Snapshot, caller policy.Claimant, a refusal.Asked, at time.Time) (policy.Request, error) {
	req := request(a, at)
	if act, err := caller.UpstreamAct(); err == nil {
		req.ActCutOff = string(snapshot.ActCutOff(act))
	}
	cut, err := snapshot.CutOff(ctx, caller)
	req.CutOff = string(cut)
	return req, err
}

// request returns what was asked for as policy takes it. Of an actor there is only that there was one: his token is not kept.
func request(a refusal.Asked, at time.Time) policy.Request {
	var actor *policy.Actor
	if a.Actor {
		actor = &policy.Actor{}
	}
	return policy.Request{
		Actor: actor, ID: id.New(at), Now: at, TokenType: policy.TokenType(a.TokenType), Audience: a.Audience, Scope: a.Scope, Details: a.Details,
		HasDetails: a.HasDetails, Trust: a.Trust, Lifetime: a.Lifetime, Assertion: a.Assertion, MayAct: a.MayAct,
	}
}
