package server

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/manage"
	"github.com/nsc-federation/nsc/internal/store/storetest"
	"github.com/nsc-federation/nsc/internal/sts"
	"github.com/nsc-federation/nsc/internal/web"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// overtaken recognises callers, and lets something happen right after.
type overtaken struct {
	*sts.Service
	happens atomic.Pointer[func(identity.Identity)]
}

func (o *overtaken) Authenticate(ctx context.Context, name, token string) (identity.Identity, *workspace.Snapshot, error) {
	caller, snapshot, err := o.Service.Authenticate(ctx, name, token)
	if f := o.happens.Load(); err == nil && f != nil {
		(*f)(caller)
	}
	return caller, snapshot, err
}

// slow is a node that a test can overtake: another one, which it hears of a quarter of a second later, writes to the same database.
type slow struct {
	running
	*parts
	callers *overtaken
}

func newSlow(t *testing.T, d storetest.Database) *slow {
	t.Helper()
	c := serverConfig(t)
	c.DatabaseFile, c.Database = "", d.Options().PostgresURL
	ctx, cancel := context.WithCancel(context.Background())
	p, err := openParts(ctx, c, c.BaseURL, time.Now, discard)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	watched := make(chan struct{})
	go func() {
		p.cache.Watch(ctx, discard)
		close(watched)
	}()
	t.Cleanup(func() {
		cancel()
		<-watched
		_ = p.close()
	})
	s := &slow{parts: p, callers: &overtaken{Service: p.tokens}}
	server := httptest.NewServer(web.New(web.Config{
		BaseURL: c.BaseURL, Tokens: s.callers, Keys: p.rings, Workspaces: p.cache, Manage: p.manage, Log: discard,
		Ready: p.ready, Metrics: p.metrics,
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// administrator signs an administrator of a workspace in.
func (s *slow) administrator(t *testing.T, name string) string {
	t.Helper()
	made, err := s.bootstrap(t.Context(), BootstrapRequest{Workspace: name, Name: "admin"})
	if err != nil {
		t.Fatal(err)
	}
	return made.BearerToken
}

// after lets something happen once the n-th time that a caller was recognised.
func (s *slow) after(n int64, f func(identity.Identity)) {
	var seen atomic.Int64
	happens := func(caller identity.Identity) {
		if seen.Add(1) == n {
			f(caller)
		}
	}
	s.callers.happens.Store(&happens)
}

// elsewhere returns the entry of what another node does.
func (s *slow) elsewhere(workspaceID string, kind audit.Kind) audit.Entry {
	now := time.Now()
	return s.recorder.Entry(audit.Event{ID: id.New(now), Time: now, WorkspaceID: workspaceID, Kind: kind})
}

// asks are the calls that carry a body and write nothing.
var asks = []string{"replay-exchanges", "test-trust-relationships"}

// Rules 20 and 22: who was cut off after he was recognised and before what he does is committed, on another node, does
// nothing, by whatever call writes. Whose workspace only moved is recognised again, and does it.
func TestRule22ACallerWhoIsCutOffWhileHeWrites(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		s := newSlow(t, d)
		tokens := map[string]string{"system": s.administrator(t, "system"), "acme": s.administrator(t, "acme")}
		calls := s.writes(t, tokens["acme"])
		state := func() string { return s.stateOf(t, "acme", tokens["acme"]) + s.stateOf(t, "system", tokens["system"]) }
		for _, op := range theDocument().operations() {
			if op.method == http.MethodGet || slices.Contains(asks, op.ID) {
				continue
			}
			call, ok := calls[op.ID]
			if !ok {
				t.Errorf("%s writes, and nobody was cut off before it did", op.ID)
				continue
			}
			recognised := int64(1)
			if call.body != nil {
				recognised = 2 // before the body is read, and before it is acted on
			}
			name := "acme"
			if op.ID == "create-workspace" {
				name = "system"
			}
			before := state()
			var lift func()
			s.after(recognised, func(caller identity.Identity) { lift = s.cutOff(t, caller) })
			got := s.call(t, op.method, call.path, tokens[name], call.body)
			s.callers.happens.Store(nil)
			if lift == nil {
				t.Fatalf("%s: nobody was cut off: %v", op.ID, got)
			}
			lift()
			if got.status != http.StatusUnauthorized {
				t.Errorf("%s, cut off: %v", op.ID, got)
			}
			if after := state(); after != before {
				t.Errorf("%s wrote something:\n%s\n%s", op.ID, before, after)
			}
			s.after(recognised, func(caller identity.Identity) { s.cutOff(t, caller)() })
			if got := s.call(t, op.method, call.path, tokens[name], call.body); got.status >= 300 {
				t.Errorf("%s, moved: %v", op.ID, got)
			}
			s.callers.happens.Store(nil)
		}
	})
}

// writes is one call of each operation that writes, in the order in which they can be made.
func (s *slow) writes(t *testing.T, admin string) map[string]attempt {
	t.Helper()
	base := apiRoot + "/acme/"
	body := map[string]any{"issuer": "https://issuer.example.com", "subject_match": "repo:acme/api", "grants": []any{}}
	other := maps.Clone(body)
	other["subject_match"] = "repo:acme/web"
	made := func(path string, body any) string {
		r := s.call(t, "POST", base+path, admin, body)
		if r.status != http.StatusCreated {
			t.Fatal(r)
		}
		return fmt.Sprint(r.body["id"])
	}
	updated, removed := made("trust-relationships", body), made("trust-relationships", other)
	kept, revoked := made("revocable-tokens", map[string]any{"name": "a", "grants": []any{}}), made("revocable-tokens", map[string]any{"name": "b", "grants": []any{}})
	lifted := made("cut-offs", map[string]any{"token": strings.Repeat("a", 26)})
	return map[string]attempt{
		"create-workspace": {path: apiRoot, body: map[string]any{
			"name": "new", "owner": map[string]any{"issuer": "https://issuer.example.com", "subject": "me"},
		}},
		"add-trust-relationship":    {path: base + "trust-relationships", body: body},
		"update-trust-relationship": {path: base + "trust-relationships/" + updated, body: map[string]any{"enabled": false}},
		"remove-trust-relationship": {path: base + "trust-relationships/" + removed},
		"create-revocable-token":    {path: base + "revocable-tokens", body: map[string]any{"name": "x", "grants": []any{}}},
		"refresh-revocable-token":   {path: base + "revocable-tokens/" + kept + "/refresh", body: map[string]any{}},
		"revoke-revocable-token":    {path: base + "revocable-tokens/" + revoked},
		"rotate-keys":               {path: base + "keys/rotate", body: map[string]any{"algorithm": "RS256", "compromised": true}},
		"cut-off":                   {path: base + "cut-offs", body: map[string]any{"issuer": "https://other.example.com"}},
		"lift-cut-off":              {path: base + "cut-offs/" + lifted},
	}
}

// cutOff cuts a caller off as another node does, and returns how it lifts that again.
func (s *slow) cutOff(t *testing.T, caller identity.Identity) (lift func()) {
	now, tenant := time.Now(), caller.Tenant().ID
	c := workspace.CutOff{ID: id.New(now), WorkspaceID: tenant, Kind: workspace.CutSubject, Value: caller.Subject(), CreatedAt: now}
	if err := s.store.CreateCutOff(context.Background(), c, s.elsewhere(tenant, audit.CutOffCreated)); err != nil {
		t.Error(err)
	}
	return func() {
		if err := s.store.DeleteCutOff(context.Background(), tenant, c.ID, s.elsewhere(tenant, audit.CutOffLifted)); err != nil {
			t.Error(err)
		}
		s.cache.Forget(tenant)
	}
}

// stateOf is what callers could have written in a workspace.
func (s *slow) stateOf(t *testing.T, name, token string) string {
	t.Helper()
	var all []string
	for _, op := range theDocument().operations() {
		if op.method == http.MethodGet && strings.HasPrefix(op.ID, "list-") {
			all = append(all, s.call(t, "GET", strings.ReplaceAll(op.path, "{workspace}", name), token, nil).text)
		}
	}
	return strings.Join(all, "\n")
}

// Many who write to one workspace at the same time get out of each other's way.
func TestRule22ManyWriteAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		s := newSlow(t, d)
		token := s.administrator(t, "acme")
		const writers = 48
		results := make(chan reply, writers)
		for n := range writers {
			go func() {
				results <- s.call(t, "POST", apiRoot+"/acme/revocable-tokens", token, map[string]any{"name": fmt.Sprint(n), "grants": []any{}})
			}()
		}
		for range writers {
			if r := <-results; r.status != http.StatusCreated {
				t.Error(r)
			}
		}
		// A node that is overtaken every time gives up, and says when to come again.
		endless := func(caller identity.Identity) {
			user := workspace.User{ID: id.New(time.Now()), WorkspaceID: caller.Tenant().ID, Grants: []byte("[]")}
			if err := s.store.CreateUser(context.Background(), user, s.elsewhere(user.WorkspaceID, audit.AdminCreated)); err != nil {
				t.Error(err)
			}
		}
		s.callers.happens.Store(&endless)
		r := s.call(t, "POST", apiRoot+"/acme/cut-offs", token, map[string]any{"issuer": "https://other.example.com"})
		if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") != "1" {
			t.Error(r)
		}
		page, err := s.manage.ListCutOffs(context.Background(), s.identity(t, token), "", manage.MaxPage)
		if err != nil || len(page) != 0 {
			t.Error(page, err)
		}
	})
}

func (s *slow) identity(t *testing.T, token string) identity.Identity {
	t.Helper()
	caller, _, err := s.tokens.Authenticate(context.Background(), "acme", token)
	if err != nil {
		t.Fatal(err)
	}
	return caller
}
