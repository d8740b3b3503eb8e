package keys_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/store/storetest"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// pool is shared, and older than every test's time.
var pool = keys.NewPool(context.Background())

func newMaster(t testing.TB) keys.Master {
	t.Helper()
	m, err := keys.CreateMaster(filepath.Join(t.TempDir(), "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// grant returns leave to issue a token of a day to a user of a workspace.
func grant(t testing.TB, tenant identity.Tenant, generation int64, alg jwt.Algorithm) policy.Grant {
	t.Helper()
	now := time.Now()
	all := []identity.Permission{{ResourceType: policy.Workspace, ResourceID: "*", Actions: []string{policy.Admin}}}
	user := identity.TrustRef{ID: "uuuuuuuuuuuuuuuuuuuuuuuuua", Version: 1}
	caller := identity.NewLocal(tenant, user.ID, user.Version, all, now, now.Add(policy.LongestDuration))
	d := policy.Decide(caller, nil, []identity.TrustRef{user}, policy.Request{
		ID: id.New(now), Now: now, Generation: generation, TokenType: policy.AccessToken, Algorithm: string(alg), Lifetime: policy.LongestDuration,
	})
	g, ok := d.Grant()
	if !ok {
		t.Fatalf("refused: %s %s", d.Reason, d.Detail)
	}
	return g
}

// lab is a workspace in a real store, with what signs for it. Its clock is that of the bubble it lives in.
type lab struct {
	*testing.T
	*store.Store
	master   keys.Master
	rings    *keys.Rings
	rotator  *keys.Rotator
	recorder *audit.Recorder
	tenant   identity.Tenant
}

// onEach runs a test in a bubble of time on each engine, in a workspace without keys.
func onEach(t *testing.T, schedule keys.Schedule, test func(*lab)) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		master := newMaster(t)
		synctest.Test(t, func(t *testing.T) {
			l := &lab{T: t, Store: d.Open(t), master: master}
			l.tenant = identity.Tenant{ID: id.New(time.Now()), Name: "acme", Issuer: "https://nsc.example/w/acme"}
			l.must(l.CreateInstallation(t.Context(), store.Installation{BaseURL: "https://nsc.example", SealCheck: master.Check()}))
			_, err := l.CreateWorkspace(t.Context(), workspace.Workspace{ID: l.tenant.ID, Name: l.tenant.Name}, nil, nil, nil)
			l.must(err)
			l.recorder = audit.NewRecorder(l.Store, time.Now)
			t.Cleanup(l.recorder.Close)
			l.rings = keys.Open(l.Store, master, time.Now)
			l.rotator = l.newRotator(l.Store, schedule, l.rings.Forget)
			test(l)
		})
	})
}

func (l *lab) newRotator(w keys.Writer, schedule keys.Schedule, forget func(string)) *keys.Rotator {
	return keys.NewRotator(w, l.recorder, pool, l.master, schedule, time.Now, forget)
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// rotate publishes a key, in a millisecond of its own: events are in the order of theirs.
func (l *lab) rotate(alg jwt.Algorithm) keys.Stored {
	l.Helper()
	<-time.After(time.Millisecond)
	k, err := l.rotator.Rotate(l.Context(), l.tenant.ID, alg, audit.Event{Subject: "somebody"})
	l.must(err)
	return l.read(k)
}

// read returns a key as it is kept now.
func (l *lab) read(k keys.Stored) keys.Stored {
	l.Helper()
	all, err := l.Keys(l.Context(), l.tenant.ID)
	l.must(err)
	i := slices.IndexFunc(all, func(x keys.Stored) bool { return x.ID == k.ID })
	if i < 0 {
		return keys.Stored{}
	}
	return all[i]
}

// states returns the states of a ring's keys in the order in which they begin.
func (l *lab) states(alg jwt.Algorithm) []keys.State {
	l.Helper()
	all, err := l.Keys(l.Context(), l.tenant.ID)
	l.must(err)
	all = slices.DeleteFunc(all, func(k keys.Stored) bool { return k.Algorithm != alg })
	slices.SortFunc(all, func(a, b keys.Stored) int { return a.ActiveAt.Compare(b.ActiveAt) })
	states := []keys.State{}
	for _, k := range all {
		states = append(states, k.State(time.Now()))
	}
	return states
}

func (l *lab) wantStates(alg jwt.Algorithm, want ...keys.State) {
	l.Helper()
	if got := l.states(alg); !slices.Equal(got, want) {
		l.Errorf("states %v, want %v", got, want)
	}
}

func (l *lab) generation() int64 {
	l.Helper()
	w, err := l.WorkspaceByID(l.Context(), l.tenant.ID)
	l.must(err)
	return w.Generation
}

// intend records a token and returns its receipt.
func (l *lab) intend(alg jwt.Algorithm) audit.Receipt {
	l.Helper()
	g := grant(l, l.tenant, l.generation(), alg)
	keyID, err := l.rings.Choose(l.Context(), g)
	l.must(err)
	receipt, err := l.recorder.Intent(l.Context(), g, keyID, audit.Origin{})
	l.must(err)
	return receipt
}

// sign issues a token, and returns it with the ID of the key.
func (l *lab) sign(alg jwt.Algorithm) (*jwt.Token, string) {
	l.Helper()
	signed, err := l.rings.Sign(l.Context(), l.intend(alg))
	l.must(err)
	token, err := jwt.Parse(signed.Compact())
	l.must(err)
	return token, token.Header.KeyID
}

// jwks fetches the key set as a relying party does.
func (l *lab) jwks() jwt.KeySet {
	l.Helper()
	document, err := l.rings.JWKS(l.Context(), l.tenant.ID)
	l.must(err)
	set, err := jwt.ParseKeySet(document.JSON)
	l.must(err)
	return set
}

func verify(set jwt.KeySet, token *jwt.Token) error {
	err := errors.New("no such key in the set")
	for _, key := range set.Candidates(token.Header) {
		if err = token.Verify(key); err == nil {
			return nil
		}
	}
	return err
}

// events returns the events of a kind, oldest first.
func (l *lab) events(kind audit.Kind) []audit.Event {
	l.Helper()
	entries, err := l.Search(l.Context(), audit.Query{WorkspaceID: l.tenant.ID, Kinds: []audit.Kind{kind}})
	l.must(err)
	var events []audit.Event
	for _, entry := range entries {
		e, err := audit.Decode(entry.Body)
		l.must(err)
		events = append(events, e)
	}
	slices.Reverse(events)
	return events
}

// rows are stored keys without a database.
type rows struct {
	mu    sync.Mutex
	list  []keys.Stored
	err   error
	reads int
	enter chan struct{} // takes one as a read begins, where it is not nil
	leave chan struct{} // lets one read go on, where it is not nil
}

func (r *rows) Keys(ctx context.Context, workspaceID string) ([]keys.Stored, error) {
	r.mu.Lock()
	r.reads++
	found := slices.DeleteFunc(slices.Clone(r.list), func(k keys.Stored) bool { return k.WorkspaceID != workspaceID })
	err, enter, leave := r.err, r.enter, r.leave
	r.mu.Unlock()
	if enter != nil {
		enter <- struct{}{}
	}
	if leave != nil {
		select {
		case <-leave:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return found, err
}

func (r *rows) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

func (r *rows) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reads
}

// newKey returns a fresh key of a workspace, active at once.
func newKey(t testing.TB, m keys.Master, workspaceID string, alg jwt.Algorithm) keys.Stored {
	t.Helper()
	now := time.Now()
	k, err := pool.New(m, workspaceID, id.New(now), alg, now, now)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
