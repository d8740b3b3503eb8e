package manage

import (
	"context"
	"encoding/json"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/opaque"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// RevocableStore keeps revocable tokens.
type RevocableStore interface {
	RevocableByID(ctx context.Context, workspaceID, id string) (workspace.Revocable, error)
	Revocables(ctx context.Context, workspaceID, after string, limit int) ([]workspace.Revocable, error)
	CreateRevocable(ctx context.Context, t workspace.Revocable, e audit.Entry) error
	RefreshRevocable(ctx context.Context, t workspace.Revocable, e audit.Entry) error
	DeleteRevocable(ctx context.Context, workspaceID, id string, e audit.Entry) error
}

// Lives of a revocable token.
const (
	DefaultRevocableLife = 90 * 24 * time.Hour
	LongestRevocableLife = 366 * 24 * time.Hour
	maxRevocableName     = 100
)

// NewRevocable asks for a revocable token.
type NewRevocable struct {
	Name   string
	Grants []identity.Permission
	Life   time.Duration // 0 is DefaultRevocableLife
}

// CreateRevocable registers a token for what cannot federate, and returns it with its secret, which nobody can tell again:
// where the call was sent before there is none (rule 31).
func (s *Service) CreateRevocable(ctx context.Context, caller identity.Identity, n NewRevocable, address string) (workspace.Revocable, string, error) {
	if err := allow(caller, tokenNoun, "write"); err != nil {
		return workspace.Revocable{}, "", err
	}
	var secret string
	t, err := once(ctx, s, caller, func() (t workspace.Revocable, err error) {
		t, secret, err = s.createRevocable(ctx, caller, n, address)
		return t, err
	})
	return t, secret, err
}

// check returns how long the token will live.
func (n NewRevocable) check(caller identity.Identity) (time.Duration, error) {
	if n.Name == "" || len(n.Name) > maxRevocableName {
		return 0, invalid("name", "is 1 to 100 bytes that say what the token is for")
	}
	if _, err := policy.CheckPermissions(n.Grants, "grants"); err != nil {
		return 0, fieldFault(err)
	}
	if err := exceeds(caller, n.Grants); err != nil {
		return 0, err
	}
	return revocableLife(n.Life)
}

func (s *Service) createRevocable(ctx context.Context, caller identity.Identity, n NewRevocable, address string) (workspace.Revocable, string, error) {
	life, err := n.check(caller)
	if err != nil {
		return workspace.Revocable{}, "", err
	}
	grants, err := json.Marshal(policy.Union(n.Grants))
	if err != nil {
		return workspace.Revocable{}, "", err
	}
	now := s.c.Now()
	secret, hash := opaque.New(opaque.Revocable)
	t := workspace.Revocable{
		ID: id.New(now), WorkspaceID: caller.Tenant().ID, Workspace: caller.Tenant().Name, Name: n.Name, Grants: grants,
		CreatedBy: caller.Subject(), CreatedAt: now, RefreshedAt: now, ExpiresAt: now.Add(life), Version: 1,
	}
	event := s.event(caller, audit.RevocableCreated, t.ID, address)
	event.Details = map[string]string{"name": t.Name, "grants": string(grants), "expires_at": t.ExpiresAt.UTC().Format(time.RFC3339)}
	entry := s.entry(caller, event)
	if entry.Answer, err = s.answer(caller, t); err != nil { // before it has the hash
		return workspace.Revocable{}, "", err
	}
	t.Hash = hash[:]
	if err := s.c.Revocables.CreateRevocable(ctx, t, entry); err != nil {
		return workspace.Revocable{}, "", err
	}
	return t, secret, nil
}

func revocableLife(wished time.Duration) (time.Duration, error) {
	if wished == 0 {
		return DefaultRevocableLife, nil
	}
	if wished < time.Minute || wished > LongestRevocableLife {
		return 0, invalid("expires_in", "must be from a minute to 366 days")
	}
	return wished, nil
}

// ListRevocables returns revocable tokens in the order of their IDs, those after the given one.
func (s *Service) ListRevocables(ctx context.Context, caller identity.Identity, after string, limit int) ([]workspace.Revocable, error) {
	if err := allow(caller, tokenNoun, "read"); err != nil {
		return nil, err
	}
	return s.c.Revocables.Revocables(ctx, caller.Tenant().ID, after, page(limit))
}

// Revocable returns one revocable token.
func (s *Service) Revocable(ctx context.Context, caller identity.Identity, tokenID string) (workspace.Revocable, error) {
	if err := allow(caller, tokenNoun, "read"); err != nil {
		return workspace.Revocable{}, err
	}
	return s.revocable(ctx, caller, tokenID)
}

// revocable finds a token of the caller's workspace. An ID that is none and one of another workspace are alike (rule 7).
func (s *Service) revocable(ctx context.Context, caller identity.Identity, tokenID string) (workspace.Revocable, error) {
	if !id.Valid(tokenID) {
		return workspace.Revocable{}, fault.Newf(fault.NotFound, "a revocable token of an ID that is none")
	}
	return s.c.Revocables.RevocableByID(ctx, caller.Tenant().ID, tokenID)
}

// owned finds a revocable token that the caller may change: his grants cover it (rule 4). A version other than zero must be
// the present one. It still is when the change is committed: a refresh moves the generation that the transaction compares.
func (s *Service) owned(ctx context.Context, caller identity.Identity, tokenID string, version int64) (workspace.Revocable, error) {
	if err := allow(caller, tokenNoun, "write"); err != nil {
		return workspace.Revocable{}, err
	}
	t, err := s.revocable(ctx, caller, tokenID)
	if err != nil {
		return t, err
	}
	var grants []identity.Permission
	if err := json.Unmarshal(t.Grants, &grants); err != nil {
		return t, err
	}
	if err := exceeds(caller, grants); err != nil {
		return t, err
	}
	if version != 0 && version != t.Version { // what may not be done at all is no question of versions (RFC 9110 §13.2.1)
		return t, fault.Newf(fault.Stale, "version %d, present %d", version, t.Version)
	}
	return t, nil
}

// Refreshed is a token with its new secret, and what of the old one's is not reached: see CutOffResult.
type Refreshed struct {
	workspace.Revocable
	Secret      string
	Unreachable []Unreachable
	Incomplete  bool
}

// RefreshRevocable gives a token a new secret and a new life. The old secret, and what was issued for it, end. A version other
// than zero must be the present one.
func (s *Service) RefreshRevocable(ctx context.Context, caller identity.Identity, tokenID string, version int64, life time.Duration, address string) (Refreshed, error) {
	t, err := s.owned(ctx, caller, tokenID, version)
	if err == nil {
		err = s.checkReached(ctx, t)
	}
	if err != nil {
		return Refreshed{}, err
	}
	if life == 0 {
		life = t.ExpiresAt.Sub(t.RefreshedAt)
	}
	if life, err = revocableLife(life); err != nil {
		return Refreshed{}, err
	}
	secret, hash := opaque.New(opaque.Revocable)
	t.Hash, t.RefreshedAt = hash[:], s.c.Now()
	t.ExpiresAt = t.RefreshedAt.Add(life)
	t.Version++
	event := s.event(caller, audit.RevocableRenewed, t.ID, address)
	event.Details = map[string]string{"expires_at": t.ExpiresAt.UTC().Format(time.RFC3339)}
	if err := s.c.Revocables.RefreshRevocable(ctx, t, s.entry(caller, event)); err != nil {
		return Refreshed{}, err
	}
	s.c.Forget(t.WorkspaceID)
	done := Refreshed{Revocable: t, Secret: secret}
	if err := audit.Lapse(ctx); err != nil {
		return done, err
	}
	done.Unreachable, done.Incomplete = s.unreached(ctx, caller, t.ID)
	return done, nil
}

// checkReached refuses a token that is cut off: what it is refreshed to would be worth nothing, until the cut-off, which lasts as
// long as the token did when it was made, has ended. A cut-off that is made meanwhile moves the generation, and the refresh
// is not made.
func (s *Service) checkReached(ctx context.Context, t workspace.Revocable) error {
	c, err := s.c.CutOffs.CutOffOf(ctx, t.WorkspaceID, workspace.CutToken, t.ID)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil
	case err != nil || !c.ExpiresAt.IsZero() && !s.c.Now().Before(c.ExpiresAt):
		return err
	}
	f := fault.Newf(fault.Conflict, "the token is cut off")
	f.Detail = "the token is cut off (" + c.ID + "); lift the cut-off first, or make another token"
	return f
}

// RevokeRevocable removes a token. What was issued for it ends, and once it has returned nothing more is (rule 22). It
// returns what it did not reach, as a cut-off does. A version other than zero must be the present one.
func (s *Service) RevokeRevocable(ctx context.Context, caller identity.Identity, tokenID string, version int64, address string) ([]Unreachable, bool, error) {
	t, err := s.owned(ctx, caller, tokenID, version)
	if err != nil {
		return nil, false, err
	}
	if err := s.deleteRevocable(ctx, caller, t.ID, address); err != nil {
		return nil, false, err
	}
	found, incomplete := s.unreached(ctx, caller, t.ID)
	return found, incomplete, nil
}

// unreached counts what was issued for a registered token whose end is a fact already: that it cannot be counted is no reason
// to call it failed, and to lose a new secret.
func (s *Service) unreached(ctx context.Context, caller identity.Identity, tokenID string) ([]Unreachable, bool) {
	found, incomplete, err := s.unreachable(ctx, caller, Target{Token: tokenID}, keys.Stored{})
	return found, incomplete || err != nil
}

func (s *Service) deleteRevocable(ctx context.Context, caller identity.Identity, tokenID, address string) error {
	event := s.event(caller, audit.RevocableRevoked, tokenID, address)
	if err := s.c.Revocables.DeleteRevocable(ctx, caller.Tenant().ID, tokenID, s.entry(caller, event)); err != nil {
		return err
	}
	s.c.Forget(caller.Tenant().ID)
	return audit.Lapse(ctx)
}

// revokeRegistered removes the revocable token that its holder revokes, and reports whether it was one.
func (s *Service) revokeRegistered(ctx context.Context, held identity.Identity, address string) (bool, error) {
	if held.Subject() != identity.WorkloadSubject(held.Tenant().ID, held.TokenID()) {
		return false, nil // derived from one, or nothing of the kind
	}
	return true, s.deleteRevocable(ctx, held, held.TokenID(), address)
}
