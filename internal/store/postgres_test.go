package store_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/store/pgtest"
	"github.com/nsc-federation/nsc/internal/store/storetest"
	"github.com/nsc-federation/nsc/internal/workspace"
)

func open(t *testing.T, address string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{PostgresURL: address})
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

// direct is a connection past the store.
func direct(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func run(t *testing.T, conn *pgx.Conn, command string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), command, args...); err != nil {
		t.Fatal(err)
	}
}

func with(t *testing.T, address string, parameters ...string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	values := u.Query()
	for i := 0; i < len(parameters); i += 2 {
		values.Set(parameters[i], parameters[i+1])
	}
	u.RawQuery = values.Encode()
	return u.String()
}

func tenant(t *testing.T, s *store.Store) workspace.Workspace {
	t.Helper()
	if err := s.CreateInstallation(t.Context(), store.Installation{}); err != nil {
		t.Fatal(err)
	}
	w, err := s.CreateWorkspace(t.Context(), workspace.Workspace{ID: id.New(time.Now()), Name: "one"}, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func issued(w workspace.Workspace) audit.Entry {
	now := time.Now()
	return audit.Entry{ID: id.New(now), WorkspaceID: w.ID, Generation: w.Generation, Time: now, Kind: audit.TokenIssued}
}

// A server whose default is stricter would fail a statement that waited for a lock, instead of letting it read again.
func TestAStatementByItselfHasTheIsolationOfATransaction(t *testing.T) {
	address := pgtest.Database(t)
	conn := direct(t, address)
	run(t, conn, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', current_database()); END $$`)
	s := open(t, address)
	w := tenant(t, s)
	blocker, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := blocker.Exec(t.Context(), `UPDATE workspaces SET generation = generation + 1`); err != nil {
		t.Fatal(err)
	}
	verdict := make(chan error, 1)
	go func() {
		outcomes, err := s.Append(t.Context(), []audit.Entry{issued(w)})
		if err == nil && outcomes[0].Verdict != audit.Moved {
			err = fmt.Errorf("verdict %d", outcomes[0].Verdict)
		}
		verdict <- err
	}()
	if !waits(t, address, verdict) {
		t.Fatal("the statement did not wait for the workspace's row")
	}
	if err := blocker.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-verdict; err != nil {
		t.Fatal(err)
	}
}

// waits reports whether somebody came to wait for a lock before there was a verdict.
func waits(t *testing.T, address string, verdict <-chan error) (waiting bool) {
	t.Helper()
	conn := direct(t, address)
	for !waiting && len(verdict) == 0 {
		err := conn.QueryRow(t.Context(), `SELECT EXISTS (SELECT 1 FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
	}
	return waiting
}

func count(t *testing.T, s *store.Store, w workspace.Workspace) int64 {
	t.Helper()
	n, err := s.Count(t.Context(), audit.Query{WorkspaceID: w.ID})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNodesThatStartTogetherMigrateOnce(t *testing.T) {
	address := pgtest.Database(t)
	var nodes sync.WaitGroup
	for range 3 {
		nodes.Go(func() {
			s, err := store.Open(t.Context(), store.Options{PostgresURL: address})
			if err == nil {
				err = s.Close()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	nodes.Wait()
	var versions, distinct int64
	err := direct(t, address).QueryRow(t.Context(), "SELECT count(*), count(DISTINCT version_id) FROM goose_db_version").
		Scan(&versions, &distinct)
	if err != nil || versions != distinct || versions < 2 {
		t.Fatal(versions, distinct, err)
	}
}

func TestPostgresUnavailableWhileTheServerIsGone(t *testing.T) {
	server := pgtest.Start(t)
	s := open(t, server.Database(t))
	w := tenant(t, s)
	server.Stop(t)
	storetest.Unavailable(t, s)
	server.Resume(t)
	if _, err := s.Append(t.Context(), []audit.Entry{issued(w)}); err != nil {
		t.Fatal(err)
	}
}

func TestPostgresUnavailableWhereARowStaysLocked(t *testing.T) {
	address := pgtest.Database(t)
	s := open(t, with(t, address, "lock_timeout", "10ms"))
	w := tenant(t, s)
	other, err := direct(t, address).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(t.Context(), "SELECT id FROM workspaces FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), []audit.Entry{issued(w)}); !errors.Is(err, store.ErrUnavailable) {
		t.Fatal(err)
	}
	if err := other.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), []audit.Entry{issued(w)}); err != nil {
		t.Fatal(err)
	}
}

func TestPostgresUnavailableWhileReadOnly(t *testing.T) {
	address := pgtest.Database(t)
	w := tenant(t, open(t, address))
	conn := direct(t, address)
	run(t, conn, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$")
	s := open(t, address) // nothing to migrate, so nothing to write
	if _, err := s.Append(t.Context(), []audit.Entry{issued(w)}); !errors.Is(err, store.ErrUnavailable) {
		t.Fatal(err)
	}
	if count(t, s, w) != 0 {
		t.Fatal("recorded")
	}
}

func TestPostgresUnavailableWhileFull(t *testing.T) {
	address := pgtest.Database(t)
	s := open(t, address)
	w := tenant(t, s)
	conn := direct(t, address)
	// A disk cannot be filled here; what PostgreSQL says then can be said.
	run(t, conn, `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE SQLSTATE '53100'; END $$`)
	run(t, conn, `CREATE TRIGGER full_disk BEFORE INSERT ON queue EXECUTE FUNCTION full_disk()`)
	if _, err := s.Append(t.Context(), []audit.Entry{issued(w)}); !errors.Is(err, store.ErrUnavailable) {
		t.Fatal(err)
	}
}

func TestPostgresOfTheWrongKindIsRefused(t *testing.T) {
	address := pgtest.Database(t)
	run(t, direct(t, address), "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'")
	t.Cleanup(func() { run2(t, address, "DROP DATABASE latin") })
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/latin"
	if _, err := store.Open(t.Context(), store.Options{PostgresURL: u.String()}); err == nil || !strings.Contains(err.Error(), "UTF8") {
		t.Fatal(err)
	}
}

// run2 is run after the test's context has ended.
func run2(t *testing.T, address, command string) {
	conn, err := pgx.Connect(context.Background(), address)
	if err == nil {
		defer conn.Close(context.Background())
		_, err = conn.Exec(context.Background(), command)
	}
	if err != nil {
		t.Error(err)
	}
}

func TestSecurityPasswordsAreNotInErrors(t *testing.T) {
	for _, address := range []string{
		"postgres://nsc:hunter2@127.0.0.1:1/nsc?connect_timeout=1",
		"postgres://nsc:hunter2@127.0.0.1:port/nsc",
		"host=127.0.0.1 port=1 password=hunter2 sslmode=wrong",
	} {
		_, err := store.Open(t.Context(), store.Options{PostgresURL: address})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
	}
}

func TestPostgresIsDurableWhateverItsDefault(t *testing.T) {
	address := pgtest.Database(t)
	for value, want := range map[string]string{"off": "on", "local": "local", "remote_apply": "remote_apply"} {
		s := open(t, with(t, address, "synchronous_commit", value))
		if got := store.Setting(t, s, "synchronous_commit"); got != want {
			t.Errorf("%s became %s", value, got)
		}
		if got := store.Setting(t, s, "lock_timeout"); got != "5s" {
			t.Errorf("locks are waited for %s", got)
		}
	}
}

// A row takes its number when it is inserted, and appears when its transaction commits. A sequencer that asked for
// numbers above the last would never see this one (rule 26).
func TestRule26LateCommitsAreSequenced(t *testing.T) {
	address := pgtest.Database(t)
	s := open(t, address)
	w := tenant(t, s)
	late, early := issued(w), issued(w)
	if _, err := s.Append(t.Context(), []audit.Entry{late}); err != nil {
		t.Fatal(err)
	}
	conn := direct(t, address)
	var frame []byte
	if err := conn.QueryRow(t.Context(), "DELETE FROM queue RETURNING frame").Scan(&frame); err != nil {
		t.Fatal(err)
	}
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "INSERT INTO queue (frame) VALUES ($1)", frame); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), []audit.Entry{early}); err != nil {
		t.Fatal(err)
	}
	for step, commit := range []func() error{func() error { return nil }, func() error { return tx.Commit(t.Context()) }} {
		if err := commit(); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Sequence(t.Context(), 10); err != nil || n != 1 {
			t.Fatalf("step %d: %d events, %v", step, n, err)
		}
	}
	if count(t, s, w) != 2 {
		t.Fatal("an event is missing")
	}
}
