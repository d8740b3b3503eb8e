package sts_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/manage"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/refusal"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/store/storetest"
	"github.com/nsc-federation/nsc/internal/sts"
	"github.com/nsc-federation/nsc/internal/workspace"
)

const (
	base    = "https://nsc.example"
	issuer  = "https://issuer.example"
	subject = "repo:acme/api"
	third   = "https://api.example"
)

// pool is shared, and older than every test's time.
var pool = keys.NewPool(context.Background())

// node is one server of an installation. It learns of the others' changes only where the test lets it watch.
type node struct {
	*sts.Service
	cache    *workspace.Cache
	rings    *keys.Rings
	recorder *audit.Recorder
	manage   *manage.Service
	config   sts.Config
	log      *bytes.Buffer
}

// with returns the node's service with other parts.
func (n *node) with(change func(*sts.Config)) *sts.Service {
	c := n.config
	change(&c)
	return sts.New(c)
}

// lab is an installation of two nodes over one real database, in a bubble of time.
type lab struct {
	*testing.T
	db     *store.Store
	master keys.Master
	a, b   *node
	tenant identity.Tenant
	issuer *jwt.Signer // of the other issuer
	source identity.KeySource
	rule   string

	mu sync.Mutex
	n  int // tokens of the other issuer
}

func onEach(t *testing.T, test func(*lab)) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		master, err := keys.CreateMaster(filepath.Join(t.TempDir(), "master.key"))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			l := &lab{T: t, db: d.Open(t), master: master}
			l.must(l.db.CreateInstallation(t.Context(), store.Installation{BaseURL: base, SealCheck: master.Check()}))
			l.a, l.b = l.node(), l.node()
			l.newIssuer()
			l.tenant = l.workspace("acme")
			test(l)
		})
	})
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

func (l *lab) node() *node {
	n := &node{log: &bytes.Buffer{}}
	n.recorder = audit.NewRecorder(l.db, time.Now)
	l.Cleanup(n.recorder.Close)
	n.rings = keys.Open(l.db, l.master, time.Now)
	n.cache = workspace.NewCache(l.db, base, n.rings.Forget)
	local := func(issuer string) (func(context.Context) (jwt.KeySet, error), bool) {
		name, ours := n.cache.NameOf(issuer)
		return func(ctx context.Context) (jwt.KeySet, error) {
			s, err := n.cache.ByName(ctx, name)
			if err != nil {
				return jwt.KeySet{}, err
			}
			return n.rings.KeySet(ctx, s.ID)
		}, ours
	}
	verifier := identity.Open(identity.Options{Own: n.rings, Local: local, Issuer: n.cache.Issuer, Now: time.Now})
	n.config = sts.Config{
		Workspaces: n.cache, Verifier: verifier, Recorder: n.recorder, Signer: n.rings, Opaques: keys.NewOpaques(l.db),
		Record: l.db, Refusals: refusal.NewRing(l.db, func(int) {}), Now: time.Now, Log: slog.New(slog.NewTextHandler(n.log, nil)),
	}
	n.Service = sts.New(n.config)
	n.manage = manage.New(manage.Config{
		Workspaces: l.db, Trusts: l.db, CutOffs: l.db, Revocables: l.db, Answers: l.db, Record: l.db, Keys: l.db, Entries: n.recorder,
		Rotator: keys.NewRotator(l.db, n.recorder, pool, l.master, keys.DefaultSchedule, time.Now, n.cache.Forget),
		Issuer:  n.cache.Issuer, Forget: n.cache.Forget, Now: time.Now,
	})
	return n
}

// watch lets a node learn of the other's changes.
func (l *lab) watch(n *node) {
	ctx, cancel := context.WithCancel(l.Context())
	ended := make(chan struct{})
	go func() {
		n.cache.Watch(ctx, slog.New(slog.DiscardHandler))
		close(ended)
	}()
	l.Cleanup(func() {
		cancel()
		<-ended
	})
	synctest.Wait()
}

// workspace makes one with a key of ES256.
func (l *lab) workspace(name string) identity.Tenant {
	l.Helper()
	now := time.Now()
	w := workspace.Workspace{ID: id.New(now), Name: name}
	k, err := pool.New(l.master, w.ID, id.New(now), jwt.ES256, now, now)
	l.must(err)
	_, err = l.db.CreateWorkspace(l.Context(), w, []keys.Stored{k}, nil, nil)
	l.must(err)
	return identity.Tenant{ID: w.ID, Name: name, Issuer: base + "/w/" + name}
}

func (l *lab) newIssuer() {
	l.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	l.must(err)
	l.issuer, err = jwt.NewSigner("k", jwt.ES256, private)
	l.must(err)
	jwk, err := jwt.Key{ID: "k", Algorithm: jwt.ES256, Public: private.Public()}.JWK()
	l.must(err)
	l.source = identity.KeySource{Kind: identity.JWKS, JWKS: fmt.Sprintf(`{"keys":[%s]}`, jwk), NotAfter: time.Now().Add(24 * time.Hour)}
}

// admin administers a workspace.
func admin(t identity.Tenant) identity.Identity {
	all := []identity.Permission{{ResourceType: policy.Workspace, ResourceID: "*", Actions: []string{policy.Admin}}}
	return identity.NewLocal(t, "uuuuuuuuuuuuuuuuuuuuuuuuua", 1, all, time.Now(), time.Now().Add(time.Hour))
}

// trust registers the other issuer at node a.
func (l *lab) trust(changes ...func(*policy.Trust)) policy.Trust {
	l.Helper()
	t := policy.Trust{
		Issuer: issuer, SubjectMatch: subject, Enabled: true, KeySource: l.source,
		Grants: []identity.Permission{{ResourceType: policy.Workspace, ResourceID: "*", Actions: []string{policy.Admin}}},
	}
	for _, change := range changes {
		change(&t)
	}
	t, _, err := l.a.manage.AddTrust(l.Context(), admin(l.tenant), t, "")
	l.must(err)
	return t
}

type claims map[string]any

// external returns a token of the other issuer; nil takes a claim away.
func (l *lab) external(changes claims) string {
	l.Helper()
	l.mu.Lock()
	l.n++
	c := claims{
		"iss": issuer, "sub": subject, "aud": l.tenant.Issuer, "jti": fmt.Sprint(l.n),
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
	l.mu.Unlock()
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	payload, err := json.Marshal(c)
	l.must(err)
	raw, err := l.issuer.Sign("JWT", payload)
	l.must(err)
	return raw
}

// request asks for an access token for the issuer.
func request(token string, changes ...func(*sts.Request)) sts.Request {
	r := sts.Request{Workspace: "acme", Token: token, Want: sts.Want{TokenType: policy.AccessToken}, From: audit.Origin{Address: "192.0.2.9"}}
	for _, change := range changes {
		change(&r)
	}
	return r
}

func (l *lab) exchange(n *node, token string, changes ...func(*sts.Request)) (string, error) {
	answer, err := n.Exchange(l.Context(), request(token, changes...))
	return answer.Token.Compact(), err
}

func (l *lab) mustExchange(n *node, token string, changes ...func(*sts.Request)) string {
	l.Helper()
	raw, err := l.exchange(n, token, changes...)
	l.must(err)
	return raw
}

func (l *lab) wantFault(err error, code fault.Code) {
	l.Helper()
	f := fault.From(err)
	if err == nil || f.Code != code {
		l.Errorf("%v, want %s", err, code)
	}
}

// events returns what is on the record, oldest first.
func (l *lab) events(kinds ...audit.Kind) []audit.Event {
	l.Helper()
	entries, err := l.db.Search(l.Context(), audit.Query{WorkspaceID: l.tenant.ID, Kinds: kinds})
	l.must(err)
	events := make([]audit.Event, len(entries))
	for i, entry := range entries {
		events[i], err = audit.Decode(entry.Body)
		l.must(err)
	}
	slices.Reverse(events)
	return events
}

func parse(l *lab, raw string) *jwt.Token {
	l.Helper()
	token, err := jwt.Parse(raw)
	l.must(err)
	return token
}
