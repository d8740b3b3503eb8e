package manage

import (
	"context"
	"fmt"
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

// everything is what an administrator of a workspace has: all of it.
var everything = []identity.Permission{{ResourceType: "workspace", ResourceID: "*", Actions: []string{"admin"}}}

const ownerDuration = time.Hour // of a token by an owner trust, unless more is asked for
const ownerMaximum = 12 * time.Hour

// Owner is who administers a new workspace: a subject of any issuer that this server can fetch the keys of.
type Owner struct{ Issuer, Subject string }

// ListWorkspaces returns all workspaces to a caller of the system workspace, and his own to any other.
func (s *Service) ListWorkspaces(ctx context.Context, caller identity.Identity, after string, limit int) ([]workspace.Workspace, error) {
	if err := allow(caller, workspaceNoun, "read"); err != nil {
		return nil, err
	}
	if caller.Tenant().Name == workspace.SystemName {
		return s.c.Workspaces.Workspaces(ctx, after, page(limit))
	}
	if after >= caller.Tenant().Name {
		return nil, nil
	}
	own, err := s.c.Workspaces.WorkspaceByName(ctx, caller.Tenant().Name)
	return []workspace.Workspace{own}, err
}

// living finds a workspace that is not deleted. The name of one that is stays taken for ever (rule 8).
func (s *Service) living(ctx context.Context, name string) (workspace.Workspace, error) {
	w, err := s.c.Workspaces.WorkspaceByName(ctx, name)
	if err == nil && !w.DeletedAt.IsZero() {
		return workspace.Workspace{}, fault.Newf(fault.NotFound, "workspace %q is deleted", name)
	}
	return w, err
}

// CreateWorkspace creates a workspace with both key rings and a trust in its owner. The caller is an operator: an
// administrator of the system workspace.
func (s *Service) CreateWorkspace(ctx context.Context, caller identity.Identity, name string, owner Owner, address string) (workspace.Workspace, error) {
	if err := allow(caller, workspaceNoun, "admin"); err != nil {
		return workspace.Workspace{}, err
	}
	if caller.Tenant().Name != workspace.SystemName {
		return workspace.Workspace{}, fault.Newf(fault.Forbidden, "not an operator")
	}
	return once(ctx, s, caller, func() (workspace.Workspace, error) { return s.createWorkspace(ctx, caller, name, owner, address) })
}

func (s *Service) createWorkspace(ctx context.Context, caller identity.Identity, name string, owner Owner, address string) (workspace.Workspace, error) {
	if err := s.free(ctx, name); err != nil {
		return workspace.Workspace{}, err
	}
	created := s.newWorkspace(name, caller.Subject())
	trust, err := s.ownerTrust(created, owner, caller.Subject())
	if err != nil {
		return workspace.Workspace{}, err
	}
	ring, err := s.c.Rotator.First(created.ID)
	if err != nil {
		return workspace.Workspace{}, err
	}
	entries, err := s.creation(caller, created, ring, trust, address)
	if err != nil {
		return workspace.Workspace{}, err
	}
	created, err = s.c.Workspaces.CreateWorkspace(ctx, created, ring, nil, []policy.Trust{trust}, entries...)
	switch {
	case err == nil:
		s.c.Forget(created.ID) // and that there was none of its name
	case fault.Is(err, fault.Conflict):
		err = taken(err)
	}
	return created, err
}

// free refuses a name that is none, or that was ever used (rule 8).
func (s *Service) free(ctx context.Context, name string) error {
	if err := workspace.CheckName(name); err != nil {
		return invalid("name", err.Error())
	}
	w, err := s.c.Workspaces.WorkspaceByName(ctx, name)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil
	case err != nil:
		return err
	}
	return taken(fmt.Errorf("by workspace %s", w.ID))
}

func taken(cause error) error {
	f := fault.New(fault.Conflict, cause)
	f.Field = "name"
	f.Detail = "there is, or was, a workspace of this name; names are never used again"
	return f
}

// creation returns the events of a new workspace: one for the system workspace's record, and two that its own begins with.
func (s *Service) creation(caller identity.Identity, created workspace.Workspace, ring []keys.Stored, trust policy.Trust, address string) ([]audit.Entry, error) {
	event := s.event(caller, audit.WorkspaceCreated, created.ID, address)
	event.Details = beginning(created, ring)
	event.Details["owner_issuer"], event.Details["owner_subject"] = trust.Issuer, trust.SubjectMatch
	first := s.entry(caller, event)
	var err error
	if first.Answer, err = s.answer(caller, created); err != nil {
		return nil, err
	}
	event.ID, event.WorkspaceID = id.New(event.Time), created.ID
	entries := []audit.Entry{first, s.c.Entries.Entry(event)}
	event.ID, event.Kind, event.Object = id.New(event.Time), audit.TrustCreated, trust.ID
	if event.Details, err = details(nil, &trust); err != nil {
		return nil, err
	}
	return append(entries, s.c.Entries.Entry(event)), nil
}

// beginning is what the record says of a new workspace: its name, and the IDs of the keys that sign from the first moment on.
func beginning(w workspace.Workspace, ring []keys.Stored) map[string]string {
	ids := make([]string, len(ring))
	for i, key := range ring {
		ids[i] = key.ID
	}
	return map[string]string{"name": w.Name, "keys": strings.Join(ids, " ")}
}

func (s *Service) newWorkspace(name, by string) workspace.Workspace {
	now := s.moment()
	return workspace.Workspace{ID: id.New(now), Name: name, CreatedAt: now, CreatedBy: by}
}

// ownerTrust returns the trust by which a subject of another issuer administers a workspace.
func (s *Service) ownerTrust(w workspace.Workspace, owner Owner, by string) (policy.Trust, error) {
	if owner.Issuer == "" || owner.Subject == "" {
		return policy.Trust{}, invalid("owner", "name the issuer and the subject that will administer the workspace")
	}
	if strings.Contains(owner.Subject, "*") {
		return policy.Trust{}, invalid("owner.subject", "an owner is one subject, not a pattern")
	}
	t := policy.Trust{
		ID: id.New(s.c.Now()), WorkspaceID: w.ID, Issuer: owner.Issuer, SubjectMatch: owner.Subject, Grants: everything,
		DefaultDuration: ownerDuration, MaxDuration: ownerMaximum, MaxLifetime: policy.DefaultMaxLifetime, Enabled: true,
		Description: "owner", KeySource: identity.KeySource{Kind: identity.Discovery}, CreatedBy: by, UpdatedBy: by,
		CreatedAt: w.CreatedAt, UpdatedAt: w.CreatedAt, Version: 1, Revision: 1,
	}
	if err := s.c.Reach.CheckSource(t.Issuer, t.KeySource); err != nil {
		return policy.Trust{}, ownerFault(err)
	}
	tenant := identity.Tenant{ID: w.ID, Name: w.Name, Issuer: s.c.Issuer(w.Name)}
	if err := s.checkKeys(tenant, t); err != nil {
		return policy.Trust{}, ownerFault(err)
	}
	checked, _, err := policy.Check(t, tenant)
	if err != nil {
		return policy.Trust{}, ownerFault(err)
	}
	return checked, nil
}

// ownerFault names the fields as the caller does, who wrote an owner and not a trust.
func ownerFault(err error) error {
	f := fault.From(fieldFault(err))
	switch f.Field {
	case "issuer":
		f.Field = "owner.issuer"
	case "subject_match":
		f.Field = "owner.subject"
	}
	return f
}
