package server

import (
	"context"
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/store/pgtest"

	_ "modernc.org/sqlite" // to hold a lock that a stranger might hold
)

// What cannot be recorded is not signed: 503, and the next request after the trouble is over succeeds.
func TestRecordBeforeSignWithoutADatabase(t *testing.T) {
	s := start(t, devConfig(t))
	form := exchangeForm(s.bearer(t), "requested_token_type", idTokenType, "audience", "https://api.example.com")
	if status, answer := s.token(t, "/w/dev/token", form); status != http.StatusOK {
		t.Fatalf("%d %v", status, answer)
	}
	release := lockDatabase(t, filepath.Join(s.dir, "nsc.db"))
	r := s.post(t, "POST", "/w/dev/token", form)
	if r.status != http.StatusServiceUnavailable || r.body["code"] != "unavailable" || r.body["access_token"] != nil || r.body["refusal_id"] == nil || r.header.Get("Retry-After") != "1" {
		t.Errorf("locked: %v %v\n%s", r, r.header, s.logs)
	}
	r = s.call(t, "POST", apiRoot+"/dev/revocable-tokens", s.bearer(t), map[string]any{"name": "backup", "grants": []any{}})
	if r.status != http.StatusServiceUnavailable || r.body["code"] != "unavailable" || r.header.Get("Retry-After") != "1" {
		t.Errorf("locked, at the management API: %v %v\n%s", r, r.header, s.logs)
	}
	release()
	if status, answer := s.token(t, "/w/dev/token", form); status != http.StatusOK {
		t.Errorf("released: %d %v\n%s", status, answer, s.logs)
	}
	if n := s.events(t, "token.issued"); n < 3 { // the refused one may be on the record: that is the safe side
		t.Errorf("%d tokens on the record, at least 3 were issued", n)
	}
}

func lockDatabase(t *testing.T, file string) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(context.Background(), "PRAGMA busy_timeout = 5000"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(context.Background(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := conn.ExecContext(context.Background(), "ROLLBACK"); err != nil {
			t.Error(err)
		}
		conn.Close()
		db.Close()
	}
}

// A clock that jumps back neither stops the server nor makes it accept what it refused.
func TestClockThatJumpsBack(t *testing.T) {
	c := serverConfig(t)
	clock := time.Now()
	now := func() time.Time { return clock }
	f, err := openFolder(c.DataDir, purposeServer)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	ctx := t.Context()
	p, err := openParts(ctx, c, c.BaseURL, now, discard)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	go p.cache.Watch(ctx, discard)
	first, err := p.bootstrap(ctx, BootstrapRequest{})
	if err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(-time.Hour)
	if _, _, err := p.tokens.Authenticate(ctx, "system", first.BearerToken); err == nil {
		t.Error("a token from the future was accepted")
	}
	if _, err := p.bootstrap(ctx, BootstrapRequest{}); err != nil {
		t.Errorf("nothing is issued until the clock has caught up: %v", err)
	}
	clock = clock.Add(2 * time.Hour)
	if _, _, err := p.tokens.Authenticate(ctx, "system", first.BearerToken); err != nil {
		t.Errorf("after the clock caught up: %v", err)
	}
	clock = clock.Add(adminSession)
	if _, _, err := p.tokens.Authenticate(ctx, "system", first.BearerToken); err == nil {
		t.Error("an expired token was accepted")
	}
}

func TestDataFolderThatCannotBeWritten(t *testing.T) {
	c := serverConfig(t)
	file := filepath.Join(c.DataDir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c.DataDir = filepath.Join(file, "below")
	says(t, fails(t, c), "data folder", "not a directory")
}

// The database goes away in the middle of everything: 503 until it is back, nothing signed meanwhile, and no restart needed.
func TestDatabaseGoesAway(t *testing.T) {
	server := pgtest.Start(t)
	c := devConfig(t)
	c.Database = server.Database(t)
	s := start(t, c)
	form := exchangeForm(s.bearer(t), "requested_token_type", idTokenType, "audience", "https://api.example.com")
	if status, answer := s.token(t, "/w/dev/token", form); status != http.StatusOK {
		t.Fatalf("%d %v", status, answer)
	}
	server.Stop(t)
	for range 3 {
		status, answer := s.token(t, "/w/dev/token", form)
		if status != http.StatusServiceUnavailable || answer["access_token"] != nil || answer["error"] != "temporarily_unavailable" {
			t.Errorf("gone: %d %v\n%s", status, answer, s.logs)
		}
	}
	if body := get(t, s.url, "/w/dev/jwks"); !strings.Contains(body, "keys") {
		t.Errorf("the key set is served from memory: %s", body)
	}
	s.becomes(t, http.StatusServiceUnavailable)
	server.Resume(t)
	s.becomes(t, http.StatusOK) // before anybody asks for a token
	deadline := time.Now().Add(30 * time.Second)
	for {
		status, answer := s.token(t, "/w/dev/token", form)
		if status == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("back: %d %v\n%s", status, answer, s.logs)
		}
	}
}
