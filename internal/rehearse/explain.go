package rehearse

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/refusal"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// Explained is a refusal with why it was one.
type Explained struct {
	Refusal  refusal.Refusal // what was recorded then; of a token that did not verify, our own words alone
	Decision *Decision       // by the trusts as they are now; nil where the token was refused before any were looked at
	Advice   []string
}

// Decision is an explained decision, with what else its proposals would let in.
type Decision struct {
	policy.Explanation
	Others map[string]int // by trust: how many other refused requests of late its change would admit
}

// Explain says why a refusal of the caller's workspace was one. An unknown ID, one of another workspace and one that is kept
// no longer are alike (rule 7).
func (s *Service) Explain(ctx context.Context, caller identity.Identity, refusalID string) (Explained, error) {
	if err := allow(caller, "trust", "record"); err != nil {
		return Explained{}, err
	}
	kept, err := s.kept(ctx, caller.Tenant().ID, refusalID)
	if err != nil {
		return Explained{}, err
	}
	snapshot, err := s.c.Workspaces.ByName(ctx, caller.Tenant().Name)
	if err != nil {
		return Explained{}, err
	}
	if !kept.Verified {
		return s.unverified(ctx, snapshot, kept)
	}
	return s.verified(ctx, snapshot, kept)
}

// Refusals are kept in the background, soon after their callers were told.
const (
	keptWithin = 2 * time.Second
	lookEvery  = 50 * time.Millisecond
)

// kept returns a refusal. For one that its ID says is of this very moment it waits: whoever was just refused asks at once.
func (s *Service) kept(ctx context.Context, workspaceID, refusalID string) (refusal.Refusal, error) {
	made, err := id.Time(refusalID)
	if err != nil {
		return refusal.Refusal{}, fault.Newf(fault.NotFound, "a refusal of an ID that is none")
	}
	for {
		kept, err := s.c.Store.Refusal(ctx, workspaceID, refusalID)
		if age := s.c.Now().Sub(made); !fault.Is(err, fault.NotFound) || age > keptWithin || age < -keptWithin {
			return kept, err
		}
		select {
		case <-ctx.Done():
			return refusal.Refusal{}, ctx.Err()
		case <-time.After(lookEvery):
		}
	}
}

// verified decides again about a token whose signature verified then.
func (s *Service) verified(ctx context.Context, snapshot *workspace.Snapshot, kept refusal.Refusal) (Explained, error) {
	e := Explained{Refusal: kept}
	if kept.TooLong || kept.Claims == "" {
		e.advise("the token's claims were too long to be kept; show the token itself: nsc auth trust-relationships test --token-file FILE")
		return e, nil
	}
	who, err := identity.Suppose(snapshot.Tenant, []byte(kept.Claims))
	if err != nil {
		return e, err
	}
	now, err := s.decide(ctx, snapshot, who, kept.Asked, kept.Time)
	if err != nil {
		return e, err
	}
	others, err := s.others(ctx, snapshot, who.Issuer(), kept, now)
	e.Decision = &Decision{now, others}
	switch {
	case kept.Code == fault.TokenReplayed:
		e.advise("a trust admits each token once, and this one was used before; have the issuer make a new token for each exchange")
	case kept.Asked.Actor:
		e.advise("somebody asked who acts for the token's subject, whose own token is not kept: whether it was somebody whom the subject's token names is not decided here")
	case now.Reason == policy.Granted:
		e.advise("by the trusts as they are now the same request would be granted")
	}
	return e, err
}

func (e *Explained) advise(text string) { e.Advice = append(e.Advice, text) }

// others counts, by trust, the other refused requests that its proposed change would admit.
func (s *Service) others(ctx context.Context, snapshot *workspace.Snapshot, issuer string, kept refusal.Refusal, e policy.Explanation) (map[string]int, error) {
	counts := map[string]int{}
	if issuer == snapshot.Tenant.Issuer {
		return counts, nil
	}
	trusted, err := snapshot.Trusts(ctx, issuer)
	if err != nil {
		return nil, err
	}
	refused, err := s.c.Store.VerifiedRefusals(ctx, snapshot.ID, kept.Time.Add(-refusal.KeptFor), s.c.Now().Add(refusal.KeptFor))
	if err != nil {
		return nil, err
	}
	for _, f := range e.Trusts {
		if f.Change == nil {
			continue
		}
		changed, err := trusted.Trusts.Changed(*f.Change, snapshot.Tenant)
		if err != nil {
			return nil, err
		}
		for _, other := range refused {
			if other.ID != kept.ID && admits(changed, snapshot.Tenant, issuer, other) {
				counts[f.Trust.ID]++
			}
		}
	}
	return counts, nil
}

// admits reports whether trusts admit what was refused; not where it takes an actor's token, too, which is not kept.
func admits(trusts *policy.Trusts, tenant identity.Tenant, issuer string, r refusal.Refusal) bool {
	if r.Claims == "" || r.Asked.Actor {
		return false
	}
	who, err := identity.Suppose(tenant, []byte(r.Claims))
	return err == nil && who.Issuer() == issuer && policy.Judge(who, trusts, nil, request(r.Asked, r.Time)) == policy.Granted
}

// unverified says what can be said without repeating a stranger (rule 28): how what his token claims stands to what is ours.
func (s *Service) unverified(ctx context.Context, snapshot *workspace.Snapshot, kept refusal.Refusal) (Explained, error) {
	claims := kept.Claims
	kept.Claims, kept.Reason, kept.Asked = "", "", refusal.Asked{TokenType: kept.Asked.TokenType}
	e := Explained{Refusal: kept}
	who, err := identity.Suppose(snapshot.Tenant, []byte(claims))
	if claims == "" || err != nil {
		return e, nil
	}
	if kept.Code == fault.WorkspaceOpen {
		return e, s.nearWorkspace(ctx, &e, who.Audience())
	}
	e.advise(nearIssuer(snapshot, who.Issuer()))
	return e, nil
}

// nearWorkspace finds the workspace whose issuer an audience misses by little.
func (s *Service) nearWorkspace(ctx context.Context, e *Explained, audiences []string) error {
	for _, audience := range audiences {
		for _, meant := range []string{
			strings.TrimRight(audience, "/"), strings.TrimSpace(audience), strings.ToLower(audience),
			strings.Replace(audience, "http://", "https://", 1), strings.Replace(audience, "https://", "http://", 1),
		} {
			name, ours := s.c.Workspaces.NameOf(meant)
			if !ours {
				continue
			}
			w, err := s.c.Workspaces.ByName(ctx, name)
			if fault.Is(err, fault.NotFound) {
				continue
			}
			if err != nil {
				return err
			}
			e.advise("the token's aud is nearly " + w.Tenant.Issuer + policy.By(policy.Near(w.Tenant.Issuer, audience)) + "; ask its issuer for exactly that, or name the workspace")
			return nil
		}
	}
	e.advise("the token's aud is none of this server's workspaces, and its holder named none")
	return nil
}

// nearIssuer says how a token's iss stands to the issuers that are trusted, without repeating it.
func nearIssuer(snapshot *workspace.Snapshot, issuer string) string {
	if issuer == snapshot.Tenant.Issuer {
		return "the token claims to be of this workspace itself"
	}
	trusted := snapshot.Issuers()
	if slices.Contains(trusted, issuer) {
		return "the token claims to be of an issuer that is trusted here: " + issuer
	}
	if meant, near := policy.NearIssuer(trusted, issuer); meant != "" {
		return "the token's iss is nearly that of a trust: " + meant + policy.By(near) + "; an issuer is compared byte for byte"
	}
	return "no trust of this workspace is in the token's issuer"
}
