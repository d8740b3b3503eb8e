package manage

import (
	"context"
	"encoding/json"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/workspace"
)

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
	_, err = s.c.Workspaces.CreateWorkspace(ctx, w, ring, nil, nil, s.local(w.ID, audit.WorkspaceCreated, w.ID, beginning(w, ring)))
	if err == nil || fault.Is(err, fault.Conflict) { // another node was first
		s.c.Forget(w.ID)
		return nil
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

// Bootstrap returns the administrator of a workspace: its first user. It creates what is missing, the workspace too, and
// makes whom it creates an operator. It is for whoever owns the data folder: no caller stands behind it (rule 9).
func (s *Service) Bootstrap(ctx context.Context, workspaceName, userName string) (Administrator, error) {
	if err := workspace.CheckName(workspaceName); err != nil {
		return Administrator{}, invalid("workspace", err.Error())
	}
	w, err := s.living(ctx, workspaceName)
	if fault.Is(err, fault.NotFound) {
		created, createErr := s.bootstrapNew(ctx, workspaceName, userName)
		if !fault.Is(createErr, fault.Conflict) {
			return created, createErr
		}
		w, err = s.living(ctx, workspaceName) // another node was first, or it is deleted
	}
	if err != nil {
		return Administrator{}, err
	}
	return s.bootstrapOld(ctx, w, userName)
}

// bootstrapNew creates a workspace with its administrator.
func (s *Service) bootstrapNew(ctx context.Context, workspaceName, userName string) (Administrator, error) {
	w := s.newWorkspace(workspaceName, "")
	system, user, operator, err := s.administrator(ctx, w, userName)
	if err != nil {
		return Administrator{}, err
	}
	ring, err := s.c.Rotator.First(w.ID)
	if err != nil {
		return Administrator{}, err
	}
	granted, err := details(nil, &operator)
	if err != nil {
		return Administrator{}, err
	}
	w, err = s.c.Workspaces.CreateWorkspace(ctx, w, ring, []workspace.User{user}, []policy.Trust{operator},
		s.local(system.ID, audit.WorkspaceCreated, w.ID, beginning(w, ring)),
		s.local(w.ID, audit.WorkspaceCreated, w.ID, beginning(w, ring)),
		s.local(w.ID, audit.AdminCreated, user.ID, described(user)),
		s.local(system.ID, audit.TrustCreated, operator.ID, granted))
	if err != nil {
		return Administrator{}, err
	}
	s.c.Forget(system.ID)
	s.c.Forget(w.ID)
	return Administrator{w, user, everything, true}, nil
}

// bootstrapOld returns the first user of a workspace that exists, or makes one. The trust comes first: alone it admits
// nobody, and who tries again after a failure makes another.
func (s *Service) bootstrapOld(ctx context.Context, w workspace.Workspace, userName string) (Administrator, error) {
	users, err := s.c.Workspaces.Users(ctx, w.ID, "", 1)
	if err != nil {
		return Administrator{}, err
	}
	if len(users) > 0 {
		admin := Administrator{Workspace: w, User: users[0]}
		err := json.Unmarshal(users[0].Grants, &admin.Grants)
		return admin, err
	}
	system, user, operator, err := s.administrator(ctx, w, userName)
	if err != nil {
		return Administrator{}, err
	}
	if system.ID != w.ID {
		granted, err := details(nil, &operator)
		if err != nil {
			return Administrator{}, err
		}
		if err := s.c.Trusts.CreateTrust(ctx, operator, s.local(system.ID, audit.TrustCreated, operator.ID, granted)); err != nil {
			return Administrator{}, err
		}
		s.c.Forget(system.ID)
	}
	if err := s.c.Workspaces.CreateUser(ctx, user, s.local(w.ID, audit.AdminCreated, user.ID, described(user))); err != nil {
		return Administrator{}, err
	}
	s.c.Forget(w.ID)
	return Administrator{w, user, everything, true}, nil
}

// administrator returns a user who administers a workspace, and the trust by which the system workspace makes him an
// operator; in the system workspace itself he is one without.
func (s *Service) administrator(ctx context.Context, w workspace.Workspace, name string) (
	system workspace.Workspace, u workspace.User, operator policy.Trust, err error,
) {
	grants, err := json.Marshal(everything)
	if err != nil {
		return system, u, operator, err
	}
	now := s.moment()
	u = workspace.User{ID: id.New(now), WorkspaceID: w.ID, Name: name, Grants: grants, CreatedAt: now, Version: 1}
	if system, err = s.living(ctx, workspace.SystemName); err != nil || system.ID == w.ID {
		return system, u, operator, err
	}
	operator, err = s.ownerTrust(system, Owner{s.c.Issuer(w.Name), identity.UserSubject(w.ID, u.ID)}, "")
	operator.Description = "administrator of " + w.Name + ", operator"
	operator.CreatedAt, operator.UpdatedAt = now, now
	return system, u, operator, err
}

// local returns the event of whoever owns the data folder.
func (s *Service) local(workspaceID string, kind audit.Kind, object string, details map[string]string) audit.Entry {
	now := s.c.Now()
	return s.c.Entries.Entry(audit.Event{
		ID: id.New(now), Time: now, WorkspaceID: workspaceID, Kind: kind, Object: object, Details: details,
	})
}

func described(u workspace.User) map[string]string {
	return map[string]string{"name": u.Name, "subject": identity.UserSubject(u.WorkspaceID, u.ID)}
}
