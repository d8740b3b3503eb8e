package rehearse

import (
	"context"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/refusal"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// Trial is an exchange to be tried: of a token, or of claims that somebody might show.
type Trial struct {
	Token  string
	Claims []byte // JSON; in place of a token
	Asked  refusal.Asked
}

// Tried is what would become of a trial.
type Tried struct {
	Code     fault.Code // of a token that does not verify; "" where it does, or claims were tried
	Gist     string
	Decision *policy.Explanation // nil where the token does not verify
	Claims   string              // that were decided on, JSON
	Advice   []string
}

// Test says what an exchange would answer, without one: nothing is recorded, used up or issued. A token is verified as an
// exchange verifies it; about claims it is only decided.
func (s *Service) Test(ctx context.Context, caller identity.Identity, t Trial) (Tried, error) {
	if err := allow(caller, "trust"); err != nil {
		return Tried{}, err
	}
	snapshot, err := s.c.Workspaces.ByName(ctx, caller.Tenant().Name)
	if err != nil {
		return Tried{}, err
	}
	var who policy.Claimant
	payload := string(t.Claims)
	if t.Token == "" {
		if who, err = identity.Suppose(snapshot.Tenant, t.Claims); err != nil {
			f := fault.Invalid("claims", "are not those of a token: %s", fault.From(err).Unwrap())
			return Tried{}, f
		}
	} else {
		shown, err := s.c.Verifier.Recognise(ctx, snapshot, t.Token)
		if err != nil {
			return unrecognised(snapshot, t.Token, err)
		}
		who, payload = shown, shown.Payload()
	}
	e, err := s.decide(ctx, snapshot, who, t.Asked, s.c.Now())
	tried := Tried{Decision: &e, Claims: payload}
	if e.Reason == policy.NoTrust && len(e.Trusts) == 0 {
		tried.Advice = []string{nearIssuer(snapshot, who.Issuer())}
	}
	return tried, err
}

// unrecognised is the answer about a token that does not verify. That nobody can tell is an error.
func unrecognised(snapshot *workspace.Snapshot, token string, err error) (Tried, error) {
	f := fault.From(err)
	if f.Status() >= 500 && f.Code != fault.KeysUnavailable {
		return Tried{}, err
	}
	tried := Tried{Code: f.Code, Gist: f.Gist()}
	if read, err := identity.Read(token); err == nil {
		tried.Advice = []string{nearIssuer(snapshot, read.Issuer())}
	}
	return tried, nil
}
