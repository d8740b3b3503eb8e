package workspace_test

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/workspace"
)

const (
	base   = "https://nsc.example"
	one    = "aaaaaaaaaaaaaaaaaaaaaaaaaa"
	two    = "bbbbbbbbbbbbbbbbbbbbbbbbba"
	issuer = "https://issuer.example"
)

// database is what a cache reads, in memory. Reads can be counted, held up and failed.
type database struct {
	mu          sync.Mutex
	workspaces  map[string]workspace.Workspace // by name
	trusts      []policy.Trust
	authorities map[string]workspace.Authority
	cuts        workspace.Cuts
	tokenCuts   map[string]bool
	err         error
	reads       map[string]int
	gate        chan struct{} // lets one reading of a workspace go on, where it is not nil
	hang        bool          // the question for generations is never answered
	slow        time.Duration // or late
}

func newDatabase() *database {
	return &database{
		workspaces: map[string]workspace.Workspace{
			"one": {ID: one, Name: "one", Generation: 1}, "two": {ID: two, Name: "two", Generation: 2},
		},
		authorities: map[string]workspace.Authority{}, tokenCuts: map[string]bool{}, reads: map[string]int{},
	}
}

func (d *database) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

// move changes a workspace as another node does.
func (d *database) move(name string, generation int64) {
	d.set(func() {
		w := d.workspaces[name]
		w.Generation = generation
		d.workspaces[name] = w
	})
}

func (d *database) count(what string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.reads[what]
}

func (d *database) read(what string) error {
	d.reads[what]++
	return d.err
}

func (d *database) WorkspaceByName(ctx context.Context, name string) (workspace.Workspace, error) {
	d.mu.Lock()
	w, ok := d.workspaces[name]
	err, gate := d.read("workspace"), d.gate
	d.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return workspace.Workspace{}, ctx.Err()
		}
	}
	if err == nil && !ok {
		err = fault.Newf(fault.NotFound, "workspace %q", name)
	}
	return w, err
}

func (d *database) Issuers(_ context.Context, workspaceID string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var issuers []string
	for _, t := range d.trusts {
		if t.WorkspaceID == workspaceID && !slices.Contains(issuers, t.Issuer) {
			issuers = append(issuers, t.Issuer)
		}
	}
	return issuers, d.read("issuers")
}

func (d *database) TrustsByIssuer(_ context.Context, workspaceID, issuer string) ([]policy.Trust, error) {
	for range 100 {
		runtime.Gosched() // let others ask meanwhile
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(d.trusts), func(t policy.Trust) bool {
		return t.WorkspaceID != workspaceID || t.Issuer != issuer
	}), d.read("trusts")
}

func (d *database) Authority(_ context.Context, workspaceID, id string) (workspace.Authority, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.authorities[workspaceID+id], d.read("authority")
}

func (d *database) Cuts(context.Context, string) (workspace.Cuts, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cuts, d.read("cuts")
}

func (d *database) TokenCut(_ context.Context, _, tokenID string) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tokenCuts[tokenID], d.read("token cut")
}

func (d *database) Generations(ctx context.Context, after int64) ([]workspace.Generation, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hang {
		d.mu.Unlock()
		<-ctx.Done()
		d.mu.Lock()
		return nil, ctx.Err()
	}
	if d.slow > 0 {
		slow := d.slow
		d.mu.Unlock()
		<-time.After(slow)
		d.mu.Lock()
	}
	var moved []workspace.Generation
	for _, w := range d.workspaces {
		if w.Generation > after {
			moved = append(moved, workspace.Generation{WorkspaceID: w.ID, Generation: w.Generation})
		}
	}
	slices.SortFunc(moved, func(a, b workspace.Generation) int { return int(a.Generation - b.Generation) })
	return moved, d.read("generations")
}

// told are the workspaces that the rest of a node was told to forget.
type told struct {
	mu  sync.Mutex
	ids []string
}

func (o *told) forget(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ids = append(o.ids, id)
}

// take returns what was told since the last call.
func (o *told) take() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	ids := o.ids
	o.ids = nil
	return ids
}

// bubble runs a test in a bubble of time, with a cache over a database in memory.
func bubble(t *testing.T, test func(t *testing.T, d *database, c *workspace.Cache, others *told)) {
	synctest.Test(t, func(t *testing.T) {
		d, others := newDatabase(), &told{}
		test(t, d, workspace.NewCache(d, base, others.forget), others)
	})
}

func byName(t *testing.T, c *workspace.Cache, name string) *workspace.Snapshot {
	t.Helper()
	s, err := c.ByName(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func trust(workspaceID, id string) policy.Trust {
	return policy.Trust{
		ID: id, WorkspaceID: workspaceID, Issuer: issuer, SubjectMatch: "repo:acme/api", Enabled: true, Version: 1,
		DefaultDuration: time.Minute, MaxDuration: time.Minute, MaxLifetime: time.Hour, KeySource: identity.KeySource{Kind: identity.Discovery},
	}
}
