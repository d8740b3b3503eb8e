// Package manage is what the management API, the command line's local commands and the console do to workspaces, trust
// relationships, keys and the record. Each method takes the caller's Identity, checks that its grants allow what is
// asked, writes the change and its event in one transaction, and makes this node forget what it remembered.
//
// The invariant is rule 4: nobody writes grants that exceed his own, neither before nor after the change.
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

// WorkspaceStore keeps workspaces and users.
type WorkspaceStore interface {
	// CreateWorkspace writes all of it in one transaction; names are unique for ever (rule 8).
	CreateWorkspace(ctx context.Context, w workspace.Workspace, keys []keys.Stored, users []workspace.User, trusts []policy.Trust, entries ...audit.Entry) (workspace.Workspace, error)
	WorkspaceByName(ctx context.Context, name string) (workspace.Workspace, error)
	Workspaces(ctx context.Context, after string, limit int) ([]workspace.Workspace, error)
	Users(ctx context.Context, workspaceID, after string, limit int) ([]workspace.User, error)
	CreateUser(ctx context.Context, u workspace.User, e audit.Entry) error
}

// TrustStore keeps trust relationships.
type TrustStore interface {
	Trusts(ctx context.Context, workspaceID, after string, limit int) ([]policy.Trust, error)
	Trust(ctx context.Context, workspaceID, id string) (policy.Trust, error)
	TrustsByIssuer(ctx context.Context, workspaceID, issuer string) ([]policy.Trust, error)
	TrustsTouchedBy(ctx context.Context, workspaceID, subject string, limit int) ([]string, error)
	Issuers(ctx context.Context, workspaceID string) ([]string, error)
	LongestDuration(ctx context.Context, workspaceID string) (time.Duration, error)
	CreateTrust(ctx context.Context, t policy.Trust, e audit.Entry) error
	UpdateTrust(ctx context.Context, t policy.Trust, ifRevision int64, e audit.Entry) error
	DeleteTrust(ctx context.Context, workspaceID, id string, ifRevision int64, e audit.Entry) error
}

// RecordStore finds events.
type RecordStore interface {
	Search(ctx context.Context, q audit.Query) ([]audit.Entry, error)
	Count(ctx context.Context, q audit.Query) (int64, error)
	WholeSince(ctx context.Context) (time.Time, error)
}

// Config is what the service is made of.
type Config struct {
	Workspaces WorkspaceStore
	Trusts     TrustStore
	CutOffs    CutOffStore
	Revocables RevocableStore
	Answers    AnswerStore
	Record     RecordStore
	Logs       LogStore
	LogKeys    LogKeys
	Keys       keys.Writer
	Rotator    *keys.Rotator
	Entries    keys.Entries
	Issuer     func(name string) string
	Forget     func(workspaceID string)
	Reach      identity.Reach // where issuers may be (rule 35)
	Now        func() time.Time
}

// Service manages. It is safe for concurrent use.
type Service struct {
	c     Config
	retry Retry
}

// New returns the service.
func New(c Config) *Service { return &Service{c: c} }

// MaxPage is the most that one call lists.
const MaxPage = 200

// The nouns that `workspace` grants speak of.
const (
	trustNoun     = "trust"
	keyNoun       = "key"
	recordNoun    = "record"
	tokenNoun     = "token"
	workspaceNoun = "workspace"
)

// allow refuses a caller whose grants do not include an action on a noun of his workspace.
func allow(caller identity.Identity, noun, action string) error {
	if caller.IsZero() {
		return fault.Newf(fault.Unauthenticated, "no caller")
	}
	if !policy.Allows(caller.Permissions(), "workspace", noun, action) {
		f := fault.Newf(fault.Forbidden, "%s may not %s %s", caller.Subject(), action, noun)
		f.Detail = "this needs a grant of resource type workspace, resource " + noun + " or *, action " + action
		return f
	}
	return nil
}

// event begins an event of the caller in his workspace.
func (s *Service) event(caller identity.Identity, kind audit.Kind, object, address string) audit.Event {
	now := s.c.Now()
	return audit.Event{
		ID: id.New(now), Time: now, WorkspaceID: caller.Tenant().ID, Kind: kind, Subject: caller.Subject(),
		Object: object, Address: address, Trusts: caller.Trusts(), Upstream: audit.UpstreamOf(caller),
		Act: caller.Act().Names(caller.Tenant()),
	}
}

// entry returns an event of the caller for the transaction of what he does. The transaction compares the generation under
// which he was found entitled to it: what was cut off meanwhile writes nothing (rule 22).
func (s *Service) entry(caller identity.Identity, e audit.Event) audit.Entry {
	entry := s.c.Entries.Entry(e)
	entry.Generation = caller.Generation()
	return entry
}

// moment returns the present as it will be read again.
func (s *Service) moment() time.Time { return s.c.Now().UTC().Truncate(time.Microsecond) }

// invalid gives a problem that policy or identity found in a field its public face.
func invalid(field, problem string) error { return fault.Invalid(field, "%s", problem) }

func page(limit int) int {
	if limit <= 0 || limit > MaxPage {
		return MaxPage
	}
	return limit
}
