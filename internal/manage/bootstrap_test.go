package manage_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/manage"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/workspace"
)

func TestRule08TheSystemWorkspaceIsMadeOnce(t *testing.T) {
	onEach(t, func(l *lab) {
		var nodes sync.WaitGroup
		for range 4 {
			nodes.Go(func() {
				if err := l.EnsureSystem(l.Context()); err != nil {
					l.Error(err)
				}
			})
		}
		nodes.Wait()
		system := l.system()
		if kinds := l.events(system.ID); len(kinds) != 1 || kinds[0].Kind != audit.WorkspaceCreated || kinds[0].Object != system.ID {
			l.Errorf("%+v", kinds)
		}
		if stored, err := l.ListKeys(l.Context(), admin(system)); err != nil || len(stored) != 2 {
			l.Errorf("%d keys: %v", len(stored), err)
		}
	})
}

// operators returns the trusts of the system workspace that make somebody an operator.
func (l *lab) operators(system identity.Tenant) []policy.Trust {
	l.Helper()
	trusts, err := l.ListTrusts(l.Context(), admin(system), "", 0)
	l.must(err)
	return trusts
}

func TestRule09Bootstrap(t *testing.T) {
	onEach(t, func(l *lab) {
		system := l.system()
		for _, row := range []struct {
			rule, name string
			operators  int // trusts of the system workspace, afterwards
			record     []audit.Kind
		}{
			{"the system workspace", "system", 0, []audit.Kind{audit.AdminCreated, audit.WorkspaceCreated}},
			{"a workspace that is there", "acme", 1, []audit.Kind{audit.AdminCreated}},
			{"a new workspace", "new", 2, []audit.Kind{audit.AdminCreated, audit.WorkspaceCreated}},
		} {
			l.rule = row.rule
			first, err := l.Bootstrap(l.Context(), row.name, "anna")
			l.must(err)
			<-time.After(time.Second)
			second, err := l.Bootstrap(l.Context(), row.name, "bob")
			l.must(err)
			if !first.Created || second.Created || second.User.ID != first.User.ID || second.User.Name != "anna" ||
				second.Workspace.ID != first.Workspace.ID {
				l.Errorf("%+v\n%+v", first, second)
			}
			all := []identity.Permission{may(policy.Workspace, "*", policy.Admin)}
			for _, a := range []manage.Administrator{first, second} {
				if len(policy.Exceeding(a.Grants, all)) > 0 || a.User.Version != 1 || a.Workspace.Name != row.name {
					l.Errorf("%+v", a)
				}
			}
			subject := identity.UserSubject(first.Workspace.ID, first.User.ID)
			operators := l.operators(system)
			if len(operators) != row.operators {
				l.Errorf("%d operators", len(operators))
			}
			if row.name != "system" && !slices.ContainsFunc(operators, func(t policy.Trust) bool {
				return t.Issuer == base+"/w/"+row.name && t.SubjectMatch == subject && len(policy.Exceeding(t.Grants, all)) == 0
			}) {
				l.Errorf("%s is no operator: %+v", subject, operators)
			}
			var kinds []audit.Kind
			for _, e := range l.events(first.Workspace.ID, audit.AdminCreated, audit.WorkspaceCreated) {
				if e.Object == first.Workspace.ID || e.Kind == audit.AdminCreated {
					kinds = append(kinds, e.Kind)
				}
				if e.Kind == audit.AdminCreated && (e.Object != first.User.ID || e.Details["subject"] != subject || e.Details["name"] != "anna") {
					l.Errorf("%+v", e)
				}
			}
			slices.Sort(kinds)
			if !slices.Equal(kinds, row.record) {
				l.Errorf("record %v", kinds)
			}
		}
		if created := l.events(system.ID, audit.TrustCreated); len(created) != 2 {
			l.Errorf("%d trusts of operators on the record", len(created))
		}
		if _, err := l.Bootstrap(l.Context(), "No Name", "anna"); !fault.Is(err, fault.InvalidField) {
			l.Errorf("%v", err)
		}
	})
}

func TestRule09ANodeForgetsWhatBootstrapChanged(t *testing.T) {
	onEach(t, func(l *lab) {
		system := l.system()
		l.forgotten()
		_, err := l.Bootstrap(l.Context(), "acme", "anna")
		l.must(err)
		if ids := l.forgotten(); !slices.Contains(ids, l.acme.ID) || !slices.Contains(ids, system.ID) {
			l.Errorf("forgot %v", ids)
		}
		_, err = l.Bootstrap(l.Context(), "new", "anna")
		l.must(err)
		if ids := l.forgotten(); !slices.Contains(ids, system.ID) {
			l.Errorf("forgot %v", ids)
		}
	})
}

func TestRule09BootstrapOnSeveralNodesMakesOneAdministrator(t *testing.T) {
	onEach(t, func(l *lab) {
		system := l.system()
		var mu sync.Mutex
		users, created := map[string]bool{}, 0
		var nodes sync.WaitGroup
		for range 4 {
			nodes.Go(func() {
				a, err := l.Bootstrap(l.Context(), "new", "anna")
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					l.Error(err)
				}
				users[a.User.ID] = true
				if a.Created {
					created++
				}
			})
		}
		nodes.Wait()
		if len(users) != 1 || created != 1 || len(l.operators(system)) != 1 {
			l.Errorf("users %v, %d created, %d operators", users, created, len(l.operators(system)))
		}
	})
}

// noUsers is a database that fails before it has written a user.
type noUsers struct{ manage.WorkspaceStore }

var errDown = errors.New("down")

func (noUsers) CreateUser(context.Context, workspace.User, audit.Entry) error { return errDown }

func TestRule09ABootstrapThatBrokeOffCanBeRepeated(t *testing.T) {
	onEach(t, func(l *lab) {
		system := l.system()
		c := l.config
		c.Workspaces = noUsers{l.db}
		if a, err := manage.New(c).Bootstrap(l.Context(), "acme", "anna"); !errors.Is(err, errDown) || a.User.ID != "" {
			l.Errorf("%+v %v", a, err)
		}
		a, err := l.Bootstrap(l.Context(), "acme", "anna")
		l.must(err)
		if !a.Created || !slices.ContainsFunc(l.operators(system), func(t policy.Trust) bool {
			return t.SubjectMatch == identity.UserSubject(l.acme.ID, a.User.ID)
		}) {
			l.Errorf("%+v", a)
		}
	})
}
