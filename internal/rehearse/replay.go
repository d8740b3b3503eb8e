package rehearse

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/refusal"
	"github.com/nsc-federation/nsc/internal/workspace"
)

const (
	maxReplayed = 20_000 // events of one replay
	replayPage  = 1000
	maxParties  = 500 // that are told apart
)

// Replayed is what a proposal would have made of the exchanges of a period.
type Replayed struct {
	Exchanges  int // of other issuers' tokens
	Derived    int // of tokens of our own, which follow what they rest on
	Unchanged  int
	Parties    []Party // for whom something changes, or nobody can tell; those with most exchanges first
	Incomplete bool    // there were more exchanges, or more parties, than one replay tells
}

// Party is somebody for whom a proposal makes the same difference in some exchanges.
type Party struct {
	Verdict   policy.Verdict
	Issuer    string
	Subject   string // as the issuer names it
	Target    string // audience of what was issued or asked for
	Because   string
	Exchanges int
	Last      time.Time
}

// Replay says whom a proposal would let in, and whom it would shut out, of those who exchanged tokens in a period. What the
// record does not hold is not guessed.
func (s *Service) Replay(ctx context.Context, caller identity.Identity, p Proposal) (Replayed, error) {
	if err := allow(caller, "trust", "record"); err != nil {
		return Replayed{}, err
	}
	tenant := caller.Tenant()
	rehearsals, err := s.rehearsals(ctx, tenant, p)
	if err != nil {
		return Replayed{}, err
	}
	snapshot, err := s.c.Workspaces.ByName(ctx, tenant.Name)
	if err != nil {
		return Replayed{}, err
	}
	kept, err := s.c.Store.VerifiedRefusals(ctx, tenant.ID, p.Since, p.Until)
	if err != nil {
		return Replayed{}, err
	}
	r := &replay{snapshot: snapshot, rehearsals: rehearsals, kept: map[string]bool{}, parties: map[Party]*Party{}}
	for _, k := range kept {
		if err := r.refused(ctx, k); err != nil {
			return Replayed{}, err
		}
	}
	if err := s.events(ctx, r, tenant.ID, p); err != nil {
		return Replayed{}, err
	}
	return r.result(), nil
}

// events replays what is on the record, newest first.
func (s *Service) events(ctx context.Context, r *replay, workspaceID string, p Proposal) error {
	q := audit.Query{
		WorkspaceID: workspaceID, Since: p.Since, Until: p.Until, Kinds: []audit.Kind{audit.TokenIssued, audit.TokenRefused}, Limit: replayPage,
	}
	for n := 0; n < maxReplayed; n += replayPage {
		entries, err := s.c.Store.Search(ctx, q)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			event, err := audit.Decode(entry.Body)
			if err != nil {
				r.out.Incomplete = true // one that cannot be read hides no other
				continue
			}
			r.event(event)
		}
		if len(entries) < replayPage {
			return nil
		}
		q.Before = entries[len(entries)-1].ID
	}
	r.out.Incomplete = true
	return nil
}

// replay is a replay under way.
type replay struct {
	snapshot   *workspace.Snapshot
	rehearsals map[string]*policy.Rehearsal // by issuer
	kept       map[string]bool              // IDs of refusals whose claims were kept
	parties    map[Party]*Party             // by what tells them apart
	out        Replayed
}

// refused replays a refusal whose claims were kept.
func (r *replay) refused(ctx context.Context, k refusal.Refusal) error {
	who, err := identity.Suppose(r.snapshot.Tenant, []byte(k.Claims))
	if k.Claims == "" || err != nil {
		return nil // the event says what there is to say
	}
	if k.Asked.Actor {
		return nil // it says who acted, too
	}
	r.kept[k.ID] = true
	if who.Issuer() == r.snapshot.Tenant.Issuer {
		r.out.Derived++
		return nil
	}
	verdict := policy.Unchanged
	if rehearsal := r.rehearsals[who.Issuer()]; rehearsal != nil && k.Code != fault.TokenReplayed {
		req, err := requestOf(ctx, r.snapshot, who, k.Asked, k.Time)
		if err != nil {
			return err
		}
		verdict = rehearsal.Claimed(who, req)
	}
	r.note(verdict, who.Issuer(), who.ExternalSubject(), k.Asked.Audience, "", k.Time)
	return nil
}

// event replays an event.
func (r *replay) event(e audit.Event) {
	u := e.Upstream
	switch {
	case r.kept[e.ID] || u == nil:
		return
	case !r.external(u.Issuer) && (e.Actor == nil || !r.external(e.Actor.Issuer)):
		r.out.Derived++
		return
	}
	verdict, because, target := policy.Unchanged, "", e.Details["audience"]
	if e.Token != nil {
		target = e.Token.Audience
	}
	if e.Actor != nil {
		verdict, because = r.acting(e)
	} else if rehearsal := r.rehearsals[u.Issuer]; rehearsal != nil {
		if e.Kind == audit.TokenIssued {
			verdict, because = rehearsal.Issued(policy.Past{
				Subject: u.Subject, TokenID: u.TokenID, Target: target, Trusts: e.Trusts, At: e.Time,
			})
		} else {
			verdict, because = rehearsal.Refused(u.Subject)
		}
	}
	r.note(verdict, u.Issuer, u.Subject, target, because, e.Time)
}

// acting replays what somebody asked who acts for the subject. The record does not say which trusts admitted which of them.
func (r *replay) acting(e audit.Event) (policy.Verdict, string) {
	for _, u := range []*audit.Upstream{e.Upstream, e.Actor} {
		if rehearsal := r.rehearsals[u.Issuer]; rehearsal != nil && rehearsal.Touches(u.Subject) {
			return policy.CannotTell, "somebody acted for the subject, and the record does not say which trusts admitted which of the two"
		}
	}
	return policy.Unchanged, ""
}

// external reports whether a token of an issuer is somebody else's: ours, and the word of the data folder's owner, rest on
// what no trust in an issuer changes.
func (r *replay) external(issuer string) bool {
	return issuer != r.snapshot.Tenant.Issuer && issuer != identity.LocalIssuer
}

func (r *replay) note(verdict policy.Verdict, issuer, subject, target, because string, at time.Time) {
	r.out.Exchanges++
	if verdict == policy.Unchanged {
		r.out.Unchanged++
		return
	}
	key := Party{Verdict: verdict, Issuer: issuer, Subject: subject, Target: target, Because: because}
	party := r.parties[key]
	if party == nil {
		if len(r.parties) == maxParties {
			r.out.Incomplete = true
			return
		}
		party = &key
		r.parties[key] = party
	}
	party.Exchanges++
	if at.After(party.Last) {
		party.Last = at
	}
}

func (r *replay) result() Replayed {
	for _, p := range r.parties {
		r.out.Parties = append(r.out.Parties, *p)
	}
	slices.SortFunc(r.out.Parties, func(a, b Party) int {
		return cmp.Or(cmp.Compare(a.Verdict, b.Verdict), cmp.Compare(b.Exchanges, a.Exchanges), cmp.Compare(a.Subject, b.Subject),
			cmp.Compare(a.Target, b.Target), cmp.Compare(a.Because, b.Because))
	})
	return r.out
}
