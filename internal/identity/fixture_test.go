package identity

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/jwt"
)

var (
	start  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tenant = Tenant{ID: "aaaaaaaaaaaaaaaaaaaaaaaaaa", Name: "acme", Issuer: "https://nsc.example/w/acme"}
	other  = Tenant{ID: "bbbbbbbbbbbbbbbbbbbbbbbbba", Name: "beta", Issuer: "https://nsc.example/w/beta"}
)

const issuer = "https://issuer.example"

var discovery = KeySource{Kind: Discovery}

// clock is a clock that the test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: start} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// signingKey is a key of an issuer, both halves.
type signingKey struct {
	jwt.Key
	private crypto.Signer
	signer  *jwt.Signer
}

func newKey(t testing.TB, kid string, alg jwt.Algorithm) signingKey {
	t.Helper()
	private := generate(t, alg)
	signer, err := jwt.NewSigner(kid, alg, private)
	if err != nil {
		t.Fatal(err)
	}
	return signingKey{jwt.Key{ID: kid, Algorithm: alg, Public: private.Public()}, private, signer}
}

func generate(t testing.TB, alg jwt.Algorithm) crypto.Signer {
	t.Helper()
	var private crypto.Signer
	var err error
	switch alg {
	case jwt.EdDSA:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	case jwt.RS256:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return private
}

// document is the JWKS with the public halves.
func document(t testing.TB, keys ...signingKey) string {
	t.Helper()
	members := []json.RawMessage{}
	for _, k := range keys {
		member, err := k.JWK()
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, member)
	}
	text, err := json.Marshal(map[string]any{"keys": members})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func keySet(t testing.TB, keys ...signingKey) jwt.KeySet {
	t.Helper()
	set, err := jwt.ParseKeySet([]byte(document(t, keys...)))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// named is the same key under another ID; "" leaves the ID out of the header.
func (k signingKey) named(t testing.TB, kid string) signingKey {
	t.Helper()
	signer, err := jwt.NewSigner(kid, k.Algorithm, k.private)
	if err != nil {
		t.Fatal(err)
	}
	return signingKey{jwt.Key{ID: kid, Algorithm: k.Algorithm, Public: k.Public}, k.private, signer}
}

// jsonNull is a claim that is null, where nil would be one that is absent.
var jsonNull = json.RawMessage("null")

// claims are a token's claims; a nil removes one.
type claims map[string]any

func (c claims) with(changes claims) claims {
	all := maps.Clone(c)
	for name, value := range changes {
		if value == nil {
			delete(all, name)
			continue
		}
		all[name] = value
	}
	return all
}

// externalClaims are those of a good token of the issuer.
func externalClaims() claims {
	return claims{
		"iss": issuer, "sub": "repo:acme/api", "aud": tenant.Issuer, "jti": "1",
		"iat": start.Unix(), "exp": start.Add(5 * time.Minute).Unix(),
	}
}

// ownClaims are those of a good access token of the tenant.
func ownClaims() claims {
	return claims{
		"iss": tenant.Issuer, "sub": UserSubject(tenant.ID, "u"), "aud": tenant.Issuer, "jti": "2",
		"iat": start.Unix(), "nbf": start.Unix() - 30, "exp": start.Add(15 * time.Minute).Unix(),
		"workspace_id": tenant.ID, "workspace": tenant.Name, "root_iat": start.Unix(), "depth": 0,
	}
}

func sign(t testing.TB, k signingKey, typ string, c claims) string {
	t.Helper()
	payload, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := k.signer.Sign(typ, payload)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func read(t testing.TB, raw string) Unverified {
	t.Helper()
	u, err := Read(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// ring is a workspace's key ring, in memory.
type ring struct {
	mu   sync.Mutex
	keys map[string]jwt.Key // by workspace ID and key ID
	err  error
}

func newRing(workspaceID string, keys ...signingKey) *ring {
	r := &ring{keys: map[string]jwt.Key{}}
	for _, k := range keys {
		r.set(workspaceID, k)
	}
	return r
}

func (r *ring) set(workspaceID string, k signingKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys[workspaceID+"/"+k.ID] = k.Key
}

func (r *ring) remove(workspaceID, kid string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.keys, workspaceID+"/"+kid)
}

func (r *ring) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

func (r *ring) PublicKey(_ context.Context, workspaceID, kid string) (jwt.Key, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key, ok := r.keys[workspaceID+"/"+kid]
	return key, ok, r.err
}

// world is the issuers of a test: what each answers, and how often it was asked.
type world struct {
	mu    sync.Mutex
	sets  map[string]jwt.KeySet // by issuer
	down  map[string]error
	gate  chan struct{} // where not nil, every fetch waits for one value
	asked map[string]int
}

func newWorld() *world {
	return &world{sets: map[string]jwt.KeySet{}, down: map[string]error{}, asked: map[string]int{}}
}

func (w *world) publish(issuer string, set jwt.KeySet) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sets[issuer] = set
	delete(w.down, issuer)
}

func (w *world) fail(issuer string, c class) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down[issuer] = &failure{c, errors.New("detail for operators")}
}

func (w *world) count(issuer string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked[issuer]
}

func (w *world) fetch(ctx context.Context, _ Tenant, issuer string, _ KeySource) (jwt.KeySet, string, error) {
	w.mu.Lock()
	w.asked[issuer]++
	gate := w.gate
	w.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return jwt.KeySet{}, "", &failure{unreachable, ctx.Err()}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.down[issuer]; err != nil {
		return jwt.KeySet{}, "", err
	}
	return w.sets[issuer], issuer + "/jwks", nil
}

// newVerifier returns a verifier whose outside is the world.
func newVerifier(w *world, own OwnKeys, c *clock) *Verifier {
	v := Open(Options{Own: own, Now: c.now})
	v.sources = newSources(w.fetch, nil, c.now, slog.New(slog.DiscardHandler))
	return v
}

// wantFault demands a fault of the code, or none where the code is "".
func wantFault(t testing.TB, err error, code fault.Code) {
	t.Helper()
	switch {
	case code == "" && err != nil:
		t.Fatalf("refused: %v", err)
	case code != "" && !fault.Is(err, code):
		t.Fatalf("got %v, want %s", err, code)
	}
}

// settled waits until no fetch of the source is under way.
func settled(v *Verifier, issuer string) {
	r, _ := v.sources.remote(tenant, issuer, discovery)
	r.mu.Lock()
	f := r.flight
	r.mu.Unlock()
	if f != nil {
		<-f.done
	}
}

// recorded is a log in memory.
type recorded struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *recorded) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(line)
}

func (r *recorded) logger() *slog.Logger { return slog.New(slog.NewTextHandler(r, nil)) }

func (r *recorded) has(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Contains(r.text.String(), text)
}
