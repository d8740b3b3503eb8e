package manage_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/manage"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/workspace"
)

var owner = manage.Owner{Issuer: issuer, Subject: "anna"}

// system makes the reserved workspace.
func (l *lab) system() identity.Tenant {
	l.Helper()
	l.must(l.EnsureSystem(l.Context()))
	w, err := l.db.WorkspaceByName(l.Context(), workspace.SystemName)
	l.must(err)
	return tenantOf(w)
}

func TestRule04OnlyOperatorsCreateWorkspaces(t *testing.T) {
	onEach(t, func(l *lab) {
		system := l.system()
		for _, row := range []struct {
			rule string
			who  identity.Identity
			code fault.Code
		}{
			{"nobody", identity.Identity{}, fault.Unauthenticated},
			{"an administrator of another workspace", admin(l.acme), fault.Forbidden},
			{"somebody of the system workspace without a grant", caller(system), fault.Forbidden},
			{"one who may read there", caller(system, may(policy.Workspace, "*", policy.Read)), fault.Forbidden},
			{"one who may write there", caller(system, may(policy.Workspace, "*", policy.Write)), fault.Forbidden},
			{"one who administers something else there", caller(system, may(policy.Workspace, "trust", policy.Admin)), fault.Forbidden},
			{"an operator", admin(system), ""},
		} {
			l.rule = row.rule
			_, err := l.CreateWorkspace(l.Context(), row.who, "new", owner, address)
			if row.code == "" {
				l.must(err)
				continue
			}
			l.wantFault(err, row.code)
			if _, err := l.db.WorkspaceByName(l.Context(), "new"); !fault.Is(err, fault.NotFound) {
				l.Errorf("it exists: %v", err)
			}
		}
	})
}

func TestANewWorkspaceHasKeysAnOwnerAndARecord(t *testing.T) {
	onEach(t, func(l *lab) {
		system := l.system()
		operator := admin(system)
		<-time.After(time.Millisecond)
		w, err := l.CreateWorkspace(l.Context(), operator, "new", owner, address)
		l.must(err)
		if w.Name != "new" || !id.Valid(w.ID) || w.Generation == 0 || w.CreatedBy != operator.Subject() {
			l.Errorf("%+v", w)
		}
		stored, err := l.ListKeys(l.Context(), admin(tenantOf(w)))
		l.must(err)
		var algs []jwt.Algorithm
		for _, k := range stored {
			algs = append(algs, k.Algorithm)
		}
		slices.Sort(algs)
		if !slices.Equal(algs, []jwt.Algorithm{jwt.ES256, jwt.RS256}) { // rule 29
			l.Errorf("keys %v", algs)
		}
		trusts, err := l.ListTrusts(l.Context(), admin(tenantOf(w)), "", 0)
		l.must(err)
		if len(trusts) != 1 || trusts[0].Issuer != issuer || trusts[0].SubjectMatch != "anna" || !trusts[0].Enabled || trusts[0].Audience != "" ||
			len(policy.Exceeding(trusts[0].Grants, []identity.Permission{may(policy.Workspace, "*", policy.Admin)})) > 0 {
			l.Errorf("%+v", trusts)
		}
		ring, err := l.db.Keys(l.Context(), w.ID)
		l.must(err)
		var ids []string
		for _, key := range ring {
			ids = append(ids, key.ID)
		}
		for workspaceID, want := range map[string][]audit.Kind{
			w.ID:      {audit.TrustCreated, audit.WorkspaceCreated},
			system.ID: {audit.WorkspaceCreated, audit.WorkspaceCreated}, // system itself, too
		} {
			var kinds []audit.Kind
			for _, e := range l.events(workspaceID) {
				kinds = append(kinds, e.Kind)
				switch {
				case e.Object == system.ID:
				case e.Subject != operator.Subject() || e.Address != address:
					l.Errorf("%+v", e)
				case e.Kind == audit.WorkspaceCreated && (e.Object != w.ID || e.Details["name"] != "new" || !sameWords(e.Details["keys"], ids) ||
					e.Details["owner_issuer"] != issuer || e.Details["owner_subject"] != "anna"):
					l.Errorf("%+v", e)
				case e.Kind == audit.TrustCreated && (e.Object != trusts[0].ID || !strings.Contains(e.Details["after"], `"SubjectMatch":"anna"`)):
					l.Errorf("%+v", e)
				}
			}
			slices.Sort(kinds)
			if !slices.Equal(kinds, want) {
				l.Errorf("events %v, want %v", kinds, want)
			}
		}
	})
}

func TestWhatCannotBeAWorkspaceIsRefusedByField(t *testing.T) {
	onEach(t, func(l *lab) {
		system := l.system()
		for _, row := range []struct {
			rule, name string
			owner      manage.Owner
			code       fault.Code
			field      string
		}{
			{"no name", "", owner, fault.InvalidField, "name"},
			{"a name that is none", "Acme Corp", owner, fault.InvalidField, "name"},
			{"a name that is taken", "acme", owner, fault.Conflict, "name"},
			{"the reserved name", "system", owner, fault.Conflict, "name"},
			{"no owner", "new", manage.Owner{}, fault.InvalidField, "owner"},
			{"an owner without a subject", "new", manage.Owner{Issuer: issuer}, fault.InvalidField, "owner"},
			{"an owner who is everybody", "new", manage.Owner{Issuer: issuer, Subject: "*"}, fault.InvalidField, "owner.subject"},
			{"an owner who is many", "new", manage.Owner{Issuer: issuer, Subject: "team:*"}, fault.InvalidField, "owner.subject"},
			{"an issuer over HTTP", "new", manage.Owner{Issuer: "http://issuer.example", Subject: "anna"}, fault.InvalidField, "owner.issuer"},
			{"an issuer that is the workspace's own", "new", manage.Owner{Issuer: base + "/w/new", Subject: "anna"}, fault.InvalidField, "owner.issuer"},
			{"a subject with a control character", "new", manage.Owner{Issuer: issuer, Subject: "an\nna"}, fault.InvalidField, "owner.subject"},
		} {
			l.rule = row.rule
			_, err := l.CreateWorkspace(l.Context(), admin(system), row.name, row.owner, address)
			l.wantFault(err, row.code)
			if f := fault.From(err); f.Field != row.field {
				l.Errorf("field %q: %s", f.Field, f.Detail)
			}
		}
		list, err := l.ListWorkspaces(l.Context(), admin(system), "", 0)
		if l.must(err); len(list) != 3 {
			l.Errorf("%+v", list)
		}
	})
}

func TestRule08TheNameOfADeletedWorkspaceIsReserved(t *testing.T) {
	onEach(t, func(l *lab) {
		system := l.system()
		_, err := l.db.CreateWorkspace(l.Context(), workspace.Workspace{ID: id.New(time.Now()), Name: "old", DeletedAt: time.Now()}, nil, nil, nil)
		l.must(err)
		_, err = l.CreateWorkspace(l.Context(), admin(system), "old", owner, address)
		l.wantFault(err, fault.Conflict)
		_, err = l.Bootstrap(l.Context(), "old", "admin")
		l.wantFault(err, fault.NotFound)
	})
}

func TestRule07WhoSeesWhichWorkspaces(t *testing.T) {
	onEach(t, func(l *lab) {
		system := l.system()
		names := func(who identity.Identity, after string, limit int) []string {
			list, err := l.ListWorkspaces(l.Context(), who, after, limit)
			l.must(err)
			names := []string{}
			for _, w := range list {
				names = append(names, w.Name)
			}
			return names
		}
		reader := may(policy.Workspace, "*", policy.Read)
		for _, row := range []struct {
			rule  string
			who   identity.Identity
			after string
			limit int
			want  []string
		}{
			{"an operator sees all", admin(system), "", 0, []string{"acme", "system", "zoo"}},
			{"by pages", admin(system), "", 2, []string{"acme", "system"}},
			{"and on", admin(system), "system", 2, []string{"zoo"}},
			{"others see their own", caller(l.acme, reader), "", 0, []string{"acme"}},
			{"once", caller(l.acme, reader), "acme", 0, []string{}},
			{"whatever they ask for", caller(l.zoo, reader), "system", 0, []string{"zoo"}},
		} {
			l.rule = row.rule
			if got := names(row.who, row.after, row.limit); !slices.Equal(got, row.want) {
				l.Errorf("%v, want %v", got, row.want)
			}
		}
	})
}

// sameWords reports whether a text is these words, in whatever order.
func sameWords(text string, words []string) bool {
	have := strings.Fields(text)
	slices.Sort(have)
	return len(words) > 0 && slices.Equal(have, slices.Sorted(slices.Values(words)))
}
