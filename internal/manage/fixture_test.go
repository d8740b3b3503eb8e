package manage_test

import (
	"context"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/manage"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/store/storetest"
	"github.com/nsc-federation/nsc/internal/workspace"
)

const (
	base    = "https://nsc.example"
	issuer  = "https://issuer.example"
	address = "192.0.2.7"
)

// pool is shared, and older than every test's time.
var pool = keys.NewPool(context.Background())

// lab is an installation with two workspaces, in a real store and a bubble of time.
type lab struct {
	*testing.T
	db *store.Store
	*manage.Service
	config    manage.Config
	recorder  *audit.Recorder
	acme, zoo identity.Tenant
	rule      string // the row of the test's table

	mu      sync.Mutex
	forgets []string
}

// onEach runs a test on each engine.
func onEach(t *testing.T, test func(*lab)) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		master, err := keys.CreateMaster(filepath.Join(t.TempDir(), "master.key"))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) { test(newLab(t, d.Open(t), master)) })
	})
}

func newLab(t *testing.T, db *store.Store, master keys.Master) *lab {
	t.Helper()
	l := &lab{T: t, db: db}
	l.must(db.CreateInstallation(t.Context(), store.Installation{BaseURL: base, SealCheck: master.Check()}))
	l.recorder = audit.NewRecorder(db, time.Now)
	t.Cleanup(l.recorder.Close)
	cache := workspace.NewCache(db, base)
	l.config = manage.Config{
		Workspaces: db, Trusts: db, CutOffs: db, Revocables: db, Answers: db, Record: db, Keys: db, Entries: l.recorder,
		Rotator: keys.NewRotator(db, l.recorder, pool, master, keys.DefaultSchedule, time.Now, l.forget),
		Issuer:  cache.Issuer, Forget: l.forget, Now: time.Now,
	}
	l.Service = manage.New(l.config)
	l.acme, l.zoo = l.tenant("acme"), l.tenant("zoo")
	return l
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatalf("%s: %v", l.rule, err)
	}
}

// Errorf says which row failed: a bubble has no tests within it.
func (l *lab) Errorf(format string, args ...any) {
	l.Helper()
	l.T.Errorf(l.rule+": "+format, args...)
}

// tenant creates a workspace without anything in it.
func (l *lab) tenant(name string) identity.Tenant {
	l.Helper()
	w, err := l.db.CreateWorkspace(l.Context(), workspace.Workspace{ID: id.New(time.Now()), Name: name}, nil, nil, nil)
	l.must(err)
	return tenantOf(w)
}

func tenantOf(w workspace.Workspace) identity.Tenant {
	return identity.Tenant{ID: w.ID, Name: w.Name, Issuer: base + "/w/" + w.Name}
}

func (l *lab) forget(workspaceID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forgets = append(l.forgets, workspaceID)
}

// forgotten returns the workspaces that were forgotten since the last call.
func (l *lab) forgotten() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	ids := l.forgets
	l.forgets = nil
	return ids
}

func may(resourceType, id string, actions ...string) identity.Permission {
	return identity.Permission{ResourceType: resourceType, ResourceID: id, Actions: actions}
}

// caller is somebody with these permissions in a workspace.
func caller(t identity.Tenant, permissions ...identity.Permission) identity.Identity {
	return identity.NewLocal(t, "uuuuuuuuuuuuuuuuuuuuuuuuua", 3, permissions, time.Now(), time.Now().Add(time.Hour))
}

// admin is an administrator of a workspace.
func admin(t identity.Tenant) identity.Identity {
	return caller(t, may(policy.Workspace, "*", policy.Admin))
}

// writer may write trusts that give GET on one host.
func writer(t identity.Tenant) identity.Identity {
	return caller(t, may(policy.Workspace, "trust", policy.Write), may(policy.HTTP, "api.example/*", "get"))
}

// trust gives GET on one host to one subject of the issuer.
func trust(changes ...func(*policy.Trust)) policy.Trust {
	t := policy.Trust{
		Issuer: issuer, SubjectMatch: "repo:acme/api", Enabled: true,
		Grants: []identity.Permission{may(policy.HTTP, "api.example/v1/*", "get")},
	}
	for _, change := range changes {
		change(&t)
	}
	return t
}

// add adds a trust to a workspace as its administrator.
func (l *lab) add(tenant identity.Tenant, changes ...func(*policy.Trust)) policy.Trust {
	l.Helper()
	<-time.After(time.Millisecond) // of its own: events are in the order of theirs
	t, _, err := l.AddTrust(l.Context(), admin(tenant), trust(changes...), address)
	l.must(err)
	return t
}

// stored returns a trust as it is now.
func (l *lab) stored(t policy.Trust) policy.Trust {
	l.Helper()
	now, err := l.db.Trust(l.Context(), t.WorkspaceID, t.ID)
	l.must(err)
	return now
}

// events returns what is on a workspace's record, oldest first.
func (l *lab) events(workspaceID string, kinds ...audit.Kind) []audit.Event {
	l.Helper()
	entries, err := l.db.Search(l.Context(), audit.Query{WorkspaceID: workspaceID, Kinds: kinds})
	l.must(err)
	events := make([]audit.Event, len(entries))
	for i, entry := range entries {
		events[i], err = audit.Decode(entry.Body)
		l.must(err)
	}
	slices.Reverse(events)
	return events
}

// everything is all that a workspace's trusts and record are, to hold that nothing changed.
type everything struct {
	trusts []policy.Trust
	events int
}

func (l *lab) everything(t identity.Tenant) everything {
	l.Helper()
	trusts, err := l.db.Trusts(l.Context(), t.ID, "", 0)
	l.must(err)
	return everything{trusts, len(l.events(t.ID))}
}

func (l *lab) unchanged(t identity.Tenant, before everything) {
	l.Helper()
	if now := l.everything(t); !reflect.DeepEqual(now, before) {
		l.Errorf("it changed:\n%+v\n%+v", before, now)
	}
}

func (l *lab) wantFault(err error, code fault.Code) {
	l.Helper()
	if !fault.Is(err, code) {
		l.Errorf("%v, want %s", err, code)
	}
}

// took returns how long a call took.
func took(call func()) time.Duration {
	began := time.Now()
	call()
	return time.Since(began)
}
