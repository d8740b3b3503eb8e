package manage

import (
	"context"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// CutOffStore keeps lasting cut-offs.
type CutOffStore interface {
	CutOffs(ctx context.Context, workspaceID, after string, now time.Time, limit int) ([]workspace.CutOff, error)
	CutOff(ctx context.Context, workspaceID, id string) (workspace.CutOff, error)
	CutOffOf(ctx context.Context, workspaceID string, kind workspace.CutKind, value string) (workspace.CutOff, error)
	CreateCutOff(ctx context.Context, c workspace.CutOff, e audit.Entry) error
	DeleteCutOff(ctx context.Context, workspaceID, id string, e audit.Entry) error
}

// Target is what is to be cut off (rule 21): one of a trust, a token, a key, an issuer, or an issuer with a subject, or
// a subject as nsc names it.
type Target struct {
	Trust   string // ID
	Token   string // jti
	Key     string // key ID
	Issuer  string // with Subject: as the external issuer names both
	Subject string // alone: as nsc names it (rule 10)
	Reason  string // for people
}

// CutOffResult says what a cut-off did.
type CutOffResult struct {
	ID          string    // of the lasting cut-off; "" for a trust or a key, which know it themselves
	Since       time.Time // when it was made, where that was before this call; else zero
	Unreachable []Unreachable
	Incomplete  bool     // there were more tokens than were counted, or events of some that cannot be read
	Trusts      []string // IDs of trusts that whom it cut off created or changed last
	MoreTrusts  bool     // there are more of them
	Warnings    []string // what the caller should think about
}

const (
	maxReason  = 500
	maxSubject = 2048
)

// CutOff forbids what the target names. Once it has returned, no node signs what it forbids (rule 22): the generation
// moved in its transaction, and receipts that were given out before have lapsed. What is cut off already stays so, and the call
// is as good as the first: it promises the same, and says again what is not reached (rule 23).
func (s *Service) CutOff(ctx context.Context, caller identity.Identity, t Target, address string) (CutOffResult, error) {
	if len(t.Reason) > maxReason {
		return CutOffResult{}, invalid("reason", "is longer than 500 bytes")
	}
	if err := t.single(); err != nil {
		return CutOffResult{}, err
	}
	if err := allow(caller, cutNouns[t.named()], "write"); err != nil {
		return CutOffResult{}, err
	}
	signed, err := s.keyNamed(ctx, caller, t.Key)
	if err != nil {
		return CutOffResult{}, err
	}
	result, err := s.cutOnce(ctx, caller, t, address)
	if err != nil {
		return CutOffResult{}, err
	}
	if err := audit.Lapse(ctx); err != nil {
		return CutOffResult{}, err
	}
	if result.Trusts, result.MoreTrusts, err = s.touched(ctx, caller, t); err != nil {
		return CutOffResult{}, err
	}
	if result.Warnings, err = s.strangers(ctx, caller, t); err != nil {
		return CutOffResult{}, err
	}
	result.Unreachable, result.Incomplete, err = s.unreachable(ctx, caller, t, signed)
	return result, err
}

// cutNouns are what the caller's grants must be about for each target.
var cutNouns = map[string]string{
	"trust": trustNoun, "key": keyNoun, "token": tokenNoun, "subject": tokenNoun, "issuer": tokenNoun,
}

// cutOnce makes the cut-off, or finds the one that was made before. That one may be of a moment ago and by another node.
func (s *Service) cutOnce(ctx context.Context, caller identity.Identity, t Target, address string) (CutOffResult, error) {
	for n := 1; ; n++ {
		made, err := once(ctx, s, caller, func() (string, error) { return s.cut(ctx, caller, t, address) })
		if !fault.Is(err, fault.Conflict) {
			return CutOffResult{ID: made}, err
		}
		before, found := s.standing(ctx, caller, t)
		switch {
		case found:
			s.c.Forget(before.WorkspaceID)
			return CutOffResult{ID: before.ID, Since: before.CreatedAt}, nil
		case n == attempts:
			return CutOffResult{}, err
		} // it was lifted in between
	}
}

// standing returns the cut-off that there is of what a target names.
func (s *Service) standing(ctx context.Context, caller identity.Identity, t Target) (workspace.CutOff, bool) {
	c, err := t.lasting(caller.Tenant())
	if err != nil {
		return c, false
	}
	c, err = s.c.CutOffs.CutOffOf(ctx, c.WorkspaceID, c.Kind, c.Value)
	return c, err == nil
}

// cut returns the ID of the lasting cut-off; "" for a trust or a key, which know it themselves.
func (s *Service) cut(ctx context.Context, caller identity.Identity, t Target, address string) (string, error) {
	switch t.named() {
	case "trust":
		return "", s.cutTrust(ctx, caller, t, address)
	case "key":
		return "", s.cutKey(ctx, caller, t, address)
	}
	return s.cutLasting(ctx, caller, t, address)
}

// names returns what a target names: an issuer with its subject is that subject.
func (t Target) names() (names []string) {
	for _, n := range []struct {
		name  string
		given bool
	}{
		{"trust", t.Trust != ""}, {"token", t.Token != ""}, {"key", t.Key != ""},
		{"issuer", t.Issuer != "" && t.Subject == ""}, {"subject", t.Subject != ""},
	} {
		if n.given {
			names = append(names, n.name)
		}
	}
	return names
}

// named returns the single thing that a target names.
func (t Target) named() string { return t.names()[0] }

// single refuses a target that names nothing, or more than one thing.
func (t Target) single() error {
	const choice = "name one of: a trust; a token; a key; an issuer, alone or with its subject; a subject as nsc names it"
	switch names := t.names(); len(names) {
	case 0:
		return invalid("token", "is missing, and nothing else is named; "+choice)
	case 1:
		return nil
	default:
		return invalid(names[1], "is one thing more than the "+names[0]+"; "+choice)
	}
}

// lasting returns the cut-off of a token, a subject or an issuer.
func (t Target) lasting(tenant identity.Tenant) (workspace.CutOff, error) {
	c := workspace.CutOff{WorkspaceID: tenant.ID, Reason: t.Reason}
	if len(t.Subject) > maxSubject {
		return c, invalid("subject", "is longer than 2048 bytes")
	}
	switch {
	case t.Token != "":
		if !id.Valid(t.Token) {
			return c, invalid("token", "is not the jti of a token of this workspace (26 characters of lower-case base32)")
		}
		c.Kind, c.Value = workspace.CutToken, t.Token
	case t.Issuer != "" && t.Subject != "":
		c.Kind, c.Value = workspace.CutSubject, identity.ExternalSubject(tenant.ID, t.Issuer, t.Subject)
	case t.Subject != "":
		if !identity.Belongs(t.Subject, tenant.ID) {
			return c, invalid("subject", "without an issuer it is a subject as nsc names it, workspace/"+tenant.ID+"/…")
		}
		c.Kind, c.Value = workspace.CutSubject, t.Subject
	default:
		c.Kind, c.Value = workspace.CutIssuer, identity.IssuerHash(t.Issuer)
	}
	return c, nil
}

func (s *Service) cutLasting(ctx context.Context, caller identity.Identity, t Target, address string) (string, error) {
	if err := s.checkIssuer(t.Issuer); err != nil {
		return "", err
	}
	c, err := t.lasting(caller.Tenant())
	if err != nil {
		return "", err
	}
	now := s.c.Now()
	c.ID, c.CreatedAt, c.CreatedBy = id.New(now), now, caller.Subject()
	if c.Kind == workspace.CutToken {
		if c.ExpiresAt, err = s.endOf(ctx, caller.Tenant().ID, c.Value, now); err != nil {
			return "", err
		}
	}
	err = s.writeCutOff(ctx, caller, c, t, address)
	if fault.Is(err, fault.Conflict) {
		f := fault.New(fault.Conflict, err)
		f.Field, f.Detail = t.named(), "is cut off already; the list of cut-offs has it"
		err = f
	}
	return c.ID, err
}

// checkIssuer refuses what no trust could name: it would cut off nobody.
func (s *Service) checkIssuer(issuer string) error {
	if issuer == "" {
		return nil
	}
	return fieldFault(s.c.Reach.CheckSource(issuer, identity.KeySource{Kind: identity.Discovery}))
}

// endOf returns until when a token must stay cut off: a registered one as long as it lasts, any other as long as any trust may
// let one live. What the trusts of its workspace say is not asked: there may be very many, and the call is urgent.
func (s *Service) endOf(ctx context.Context, workspaceID, tokenID string, now time.Time) (time.Time, error) {
	registered, err := s.c.Revocables.RevocableByID(ctx, workspaceID, tokenID)
	switch {
	case fault.Is(err, fault.NotFound):
		return now.Add(policy.LongestDuration), nil
	case err != nil:
		return time.Time{}, err
	}
	return registered.ExpiresAt.Add(policy.UsualDuration), nil
}

func (s *Service) writeCutOff(ctx context.Context, caller identity.Identity, c workspace.CutOff, t Target, address string) error {
	event := s.event(caller, audit.CutOffCreated, c.ID, address)
	event.Reason = c.Reason
	event.Details = map[string]string{"kind": string(c.Kind), "value": c.Value}
	for name, value := range map[string]string{"issuer": t.Issuer, "subject": t.Subject} {
		if value != "" {
			event.Details[name] = value
		}
	}
	entry := s.entry(caller, event)
	var err error
	if entry.Answer, err = s.answer(caller, c.ID); err != nil {
		return err
	}
	err = s.c.CutOffs.CreateCutOff(ctx, c, entry)
	if err == nil {
		s.c.Forget(c.WorkspaceID)
	}
	return err
}

// cutTrust ends the tokens that rest on a trust, and leaves the trust as it is: it makes a new version of it (rule 20).
func (s *Service) cutTrust(ctx context.Context, caller identity.Identity, t Target, address string) error {
	for n := 1; ; n++ {
		before, err := s.writable(ctx, caller, t.Trust, 0)
		if err != nil {
			return err
		}
		after := before
		after.Version++
		after.UpdatedAt, after.UpdatedBy = s.moment(), caller.Subject()
		event := s.event(caller, audit.CutOffCreated, t.Trust, address)
		event.Reason, event.Details = t.Reason, map[string]string{"kind": "trust", "value": t.Trust}
		entry := s.entry(caller, event)
		if entry.Answer, err = s.answer(caller, ""); err != nil {
			return err
		}
		err = s.c.Trusts.UpdateTrust(ctx, after, before.Revision, entry)
		s.c.Forget(caller.Tenant().ID)
		if !fault.Is(err, fault.Stale) || n == attempts {
			return err
		}
	}
}

// keyNamed returns what is known of a key, which is no more than its ID where it is gone already.
func (s *Service) keyNamed(ctx context.Context, caller identity.Identity, keyID string) (keys.Stored, error) {
	if keyID == "" {
		return keys.Stored{}, nil
	}
	if !id.Valid(keyID) {
		return keys.Stored{}, fault.New(fault.NotFound, keys.ErrNoSuchKey)
	}
	stored, err := s.c.Keys.Keys(ctx, caller.Tenant().ID)
	for _, k := range stored {
		if k.ID == keyID {
			return shown(k), err
		}
	}
	return keys.Stored{ID: keyID}, err
}

// cutKey removes a signing key at once, and with it the validity of what it signed.
func (s *Service) cutKey(ctx context.Context, caller identity.Identity, t Target, address string) error {
	stored, err := s.ListKeys(ctx, caller)
	if err != nil {
		return err
	}
	for _, k := range stored {
		if k.ID != t.Key {
			continue
		}
		_, err := s.rotate(ctx, caller, Rotation{Algorithm: k.Algorithm, Compromised: true, KeyID: k.ID}, address,
			func(Rotated) (*audit.Answer, error) { return s.answer(caller, "") })
		return err
	}
	return fault.New(fault.NotFound, keys.ErrNoSuchKey)
}

// Revoke cuts off a token for its holder, until it has expired by itself (RFC 7009). Holding it is all the right that is needed.
func (s *Service) Revoke(ctx context.Context, held identity.Identity, address string) error {
	if held.IsZero() {
		return nil
	}
	if done, err := s.revokeRegistered(ctx, held, address); done || err != nil {
		return err
	}
	now := s.c.Now()
	c := workspace.CutOff{
		ID: id.New(now), WorkspaceID: held.Tenant().ID, Kind: workspace.CutToken, Value: held.TokenID(), Reason: "revoked by its holder",
		CreatedBy: held.Subject(), CreatedAt: now, ExpiresAt: held.ExpiresAt(),
	}
	err := s.writeCutOff(ctx, held, c, Target{}, address)
	if fault.Is(err, fault.Conflict) {
		err = nil // revoked before
	}
	if err != nil {
		return err
	}
	return audit.Lapse(ctx)
}

// LiftCutOff ends a lasting cut-off. Tokens that it forbade, and that have not expired, are valid again: to cut somebody off
// in a hurry takes less than to let him in again.
func (s *Service) LiftCutOff(ctx context.Context, caller identity.Identity, cutOffID, address string) error {
	if err := allow(caller, tokenNoun, "admin"); err != nil {
		return err
	}
	if !id.Valid(cutOffID) {
		return fault.Newf(fault.NotFound, "a cut-off of an ID that is none")
	}
	event := s.event(caller, audit.CutOffLifted, cutOffID, address)
	err := s.c.CutOffs.DeleteCutOff(ctx, caller.Tenant().ID, cutOffID, s.entry(caller, event))
	if err == nil {
		s.c.Forget(caller.Tenant().ID)
	}
	return err
}
