package manage

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
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

// Workspace returns a workspace by name. That it exists is public (rule 7).
func (s *Service) Workspace(ctx context.Context, name string) (workspace.Workspace, error) {
	if workspace.CheckName(name) != nil {
		return workspace.Workspace{}, fault.Newf(fault.NotFound, "workspace %q", name)
	}
	return s.c.Workspaces.WorkspaceByName(ctx, name)
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
	if err := workspace.CheckName(name); err != nil {
		return workspace.Workspace{}, invalid("name", err.Error())
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
	event := s.event(caller, audit.WorkspaceCreated, created.ID, address)
	event.Details = map[string]string{"name": name, "owner_issuer": trust.Issuer, "owner_subject": trust.SubjectMatch}
	entries := []audit.Entry{s.c.Entries.Entry(event)}
	event.ID, event.WorkspaceID = id.New(event.Time), created.ID // the new workspace's own record begins with it
	entries = append(entries, s.c.Entries.Entry(event))
	return s.c.Workspaces.CreateWorkspace(ctx, created, ring, nil, []policy.Trust{trust}, entries...)
}

func (s *Service) newWorkspace(name, by string) workspace.Workspace {
	now := s.c.Now()
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
	if err := identity.CheckSource(t.Issuer, t.KeySource, s.c.AllowLoopback || s.ours(t.Issuer)); err != nil {
		return policy.Trust{}, fieldFault(err)
	}
	checked, _, err := policy.Check(t, identity.Tenant{ID: w.ID, Name: w.Name, Issuer: s.c.Issuer(w.Name)})
	if err != nil {
		return policy.Trust{}, fieldFault(err)
	}
	return checked, nil
}

// EnsureSystem creates the reserved workspace at the first start of an installation (rule 8).
func (s *Service) EnsureSystem(ctx context.Context) error {
	_, err := s.c.Workspaces.WorkspaceByName(ctx, workspace.SystemName)
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	w := s.newWorkspace(workspace.SystemName, "")
	ring, err := s.c.Rotator.First(w.ID)
	if err != nil {
		return err
	}
	event := audit.Event{ID: id.New(w.CreatedAt), Time: w.CreatedAt, WorkspaceID: w.ID, Kind: audit.WorkspaceCreated, Object: w.ID, Details: map[string]string{"name": w.Name}}
	_, err = s.c.Workspaces.CreateWorkspace(ctx, w, ring, nil, nil, s.c.Entries.Entry(event))
	if fault.Is(err, fault.Conflict) {
		return nil // another node was first
	}
	return err
}

// Administrator is the first administrator of a workspace.
type Administrator struct {
	Workspace workspace.Workspace
	User      workspace.User
	Grants    []identity.Permission
	Created   bool // by this call
}

// Bootstrap returns the administrator of a workspace, which it creates where it is missing; the administrator is an
// operator, too. It is for whoever owns the data folder: no caller stands behind it (rule 9).
func (s *Service) Bootstrap(ctx context.Context, workspaceName, userName string) (Administrator, error) {
	if err := workspace.CheckName(workspaceName); err != nil {
		return Administrator{}, invalid("workspace", err.Error())
	}
	w, err := s.c.Workspaces.WorkspaceByName(ctx, workspaceName)
	if fault.Is(err, fault.NotFound) {
		return s.bootstrapNew(ctx, workspaceName, userName)
	}
	if err != nil {
		return Administrator{}, err
	}
	users, err := s.c.Workspaces.Users(ctx, w.ID, "", 1)
	if err != nil {
		return Administrator{}, err
	}
	if len(users) > 0 {
		var grants []identity.Permission
		err := json.Unmarshal(users[0].Grants, &grants)
		return Administrator{Workspace: w, User: users[0], Grants: grants}, err
	}
	user, err := s.newUser(w, userName)
	if err != nil {
		return Administrator{}, err
	}
	err = s.c.Workspaces.CreateUser(ctx, user, s.c.Entries.Entry(s.adminEvent(w, user)))
	s.c.Forget(w.ID)
	return Administrator{w, user, everything, true}, err
}

// bootstrapNew creates a workspace with its administrator, and makes him an operator by a trust in the system workspace.
func (s *Service) bootstrapNew(ctx context.Context, workspaceName, userName string) (Administrator, error) {
	system, err := s.c.Workspaces.WorkspaceByName(ctx, workspace.SystemName)
	if err != nil {
		return Administrator{}, err
	}
	w := s.newWorkspace(workspaceName, "")
	user, err := s.newUser(w, userName)
	if err != nil {
		return Administrator{}, err
	}
	operator, err := s.ownerTrust(system, Owner{s.c.Issuer(w.Name), identity.UserSubject(w.ID, user.ID)}, "")
	if err != nil {
		return Administrator{}, err
	}
	operator.Description = "administrator of " + w.Name + ", operator"
	ring, err := s.c.Rotator.First(w.ID)
	if err != nil {
		return Administrator{}, err
	}
	created := audit.Event{ID: id.New(w.CreatedAt), Time: w.CreatedAt, WorkspaceID: system.ID, Kind: audit.WorkspaceCreated, Object: w.ID, Details: map[string]string{"name": w.Name}}
	w, err = s.c.Workspaces.CreateWorkspace(ctx, w, ring, []workspace.User{user}, []policy.Trust{operator},
		s.c.Entries.Entry(created), s.c.Entries.Entry(s.adminEvent(w, user)))
	s.c.Forget(system.ID)
	return Administrator{w, user, everything, true}, err
}

func (s *Service) newUser(w workspace.Workspace, name string) (workspace.User, error) {
	grants, err := json.Marshal(everything)
	if err != nil {
		return workspace.User{}, err
	}
	now := s.c.Now()
	return workspace.User{ID: id.New(now), WorkspaceID: w.ID, Name: name, Grants: grants, CreatedAt: now, Version: 1}, nil
}

func (s *Service) adminEvent(w workspace.Workspace, u workspace.User) audit.Event {
	now := s.c.Now()
	return audit.Event{
		ID: id.New(now), Time: now, WorkspaceID: w.ID, Kind: audit.AdminCreated, Object: u.ID,
		Subject: identity.UserSubject(w.ID, u.ID), Details: map[string]string{"name": u.Name},
	}
}
