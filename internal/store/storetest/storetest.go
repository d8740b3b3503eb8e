// Package storetest holds what the store promises, as tests that run on both engines.
//
// Run is the suite. Its tests see nothing but the store's methods; what only one engine can show is tested beside its
// code. Each is also how other packages get a real store for their own tests.
package storetest

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/store/pgtest"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// Database is a new database of one of the engines.
type Database struct{ options store.Options }

// SQLite returns a database in a folder of the test's.
func SQLite(t testing.TB) Database {
	return Database{store.Options{SQLiteFile: filepath.Join(t.TempDir(), "nsc.db")}}
}

// Postgres returns a database on this process's server, or skips the test where there is no PostgreSQL.
func Postgres(t testing.TB) Database {
	return Database{store.Options{PostgresURL: pgtest.Database(t), MaxConns: 8}}
}

// Options returns how the database is opened.
func (d Database) Options() store.Options { return d.options }

// Open opens the database as one more node, until the test ends.
func (d Database) Open(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), d.options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Each runs a test on a new store of each engine.
func Each(t *testing.T, test func(t *testing.T, d Database)) {
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
}

// Run runs the whole suite, each test on a new database.
func Run(t *testing.T, database func(testing.TB) Database) {
	for _, list := range []map[string]func(*lab){
		installations, workspaces, trusts, users, ring, cutOffs, opaques, answers, appends, uses, events, logs,
		leases, moves, restores, erasures, refusals, calls,
	} {
		for name, test := range list {
			t.Run(name, func(t *testing.T) { test(newLab(t, database(t))) })
		}
	}
}

// lab is an installation with two workspaces.
type lab struct {
	*testing.T
	*store.Store
	ctx      context.Context
	database Database
	one, two workspace.Workspace
}

var installation = store.Installation{BaseURL: "https://nsc.example.com", CreatedAt: now, SealCheck: []byte("check"), Epoch: 1}

// now is when things happen in the tests.
var now = time.Date(2026, 3, 4, 5, 6, 7, 891_000, time.UTC)

func newLab(t *testing.T, d Database) *lab {
	t.Helper()
	l := &lab{T: t, Store: d.Open(t), ctx: t.Context(), database: d}
	l.must(l.CreateInstallation(l.ctx, installation))
	l.one, l.two = l.workspace("one"), l.workspace("two")
	return l
}

// node returns one more node of the installation. SQLite has one only: its folder belongs to one process.
func (l *lab) node() *store.Store {
	l.Helper()
	if l.database.options.SQLiteFile != "" {
		return l.Store
	}
	return l.database.Open(l)
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// workspace creates an empty workspace.
func (l *lab) workspace(name string) workspace.Workspace {
	l.Helper()
	w, err := l.CreateWorkspace(l.ctx, workspace.Workspace{ID: id.New(now), Name: name, CreatedAt: now, CreatedBy: "somebody"}, nil, nil, nil)
	l.must(err)
	return w
}

func (l *lab) generation(w workspace.Workspace) int64 {
	l.Helper()
	w, err := l.WorkspaceByID(l.ctx, w.ID)
	l.must(err)
	return w.Generation
}

// event returns an event of a workspace.
func event(workspaceID string, kind audit.Kind) audit.Entry {
	return audit.Entry{ID: id.New(now), WorkspaceID: workspaceID, Time: now, Kind: kind, Salt: [16]byte{1, 2, 3}, Body: []byte("body")}
}

// trust returns a trust with something in every field.
func trust(workspaceID string) policy.Trust {
	return policy.Trust{
		ID: id.New(now), WorkspaceID: workspaceID,
		Issuer: "https://issuer.example.com", SubjectMatch: "repo:acme/*", Audience: "https://aud.example.com",
		Condition: `claims.ref == "main"`,
		Mappings:  map[string]string{"groups": "claims.groups", "attributes.team": "claims.team"},
		Grants:    []identity.Permission{{ResourceType: "http", ResourceID: "api.example.com/*", Actions: []string{"get", "post"}}},

		DefaultDuration: 15 * time.Minute, MaxDuration: time.Hour, MaxLifetime: 24 * time.Hour,
		SingleUse: true, Enabled: true, AllowSharedAudience: true, AcceptDelegation: true, Description: "<main> & \"ünïcode\"", ManagedBy: "federation/" + id.New(now),
		KeySource: identity.KeySource{Kind: identity.Discovery},
		CreatedBy: "somebody", UpdatedBy: "somebody else", CreatedAt: now, UpdatedAt: now.Add(time.Second), Version: 3, Revision: 5,
	}
}

// key returns a key with something in every field.
func key(workspaceID string, alg jwt.Algorithm, activeAt time.Time) keys.Stored {
	return keys.Stored{
		WorkspaceID: workspaceID, ID: id.New(now), Algorithm: alg, Public: []byte(`{"kty":"EC"}`), Sealed: []byte{0, 1, 255},
		CreatedAt: now, ActiveAt: activeAt,
	}
}

func user(workspaceID string) workspace.User {
	return workspace.User{ID: id.New(now), WorkspaceID: workspaceID, Name: "anna", Grants: []byte("[]"), CreatedAt: now, Version: 1}
}

func cutOff(workspaceID string, kind workspace.CutKind, value string) workspace.CutOff {
	return workspace.CutOff{
		ID: id.New(now), WorkspaceID: workspaceID, Kind: kind, Value: value, Reason: "left the company", CreatedBy: "somebody", CreatedAt: now,
	}
}
