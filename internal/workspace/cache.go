package workspace

import (
	"context"
	"math"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
)

// Limits of what a node remembers.
const (
	heldWorkspaces = 4096
	heldRefs       = 1024 // single trusts or users per workspace
	heldTokens     = 4096 // tokens known to be cut off or not, per workspace that has cut off any
	heldUnknown    = 4096 // names that no workspace has
)

// unknownFor is how long a name is remembered that no workspace has: anybody can ask for any.
const unknownFor = 5 * time.Second

// Every read is bounded: many may wait for one. An issuer may have a hundred thousand trusts.
const (
	readTimeout   = 5 * time.Second
	trustsTimeout = 15 * time.Second
)

// Generation says how far a workspace has moved.
type Generation struct {
	WorkspaceID string
	Generation  int64
}

// Reader is what the cache needs of the store.
type Reader interface {
	WorkspaceByName(ctx context.Context, name string) (Workspace, error)
	// Issuers returns the distinct issuers that the workspace's trusts name.
	Issuers(ctx context.Context, workspaceID string) ([]string, error)
	TrustsByIssuer(ctx context.Context, workspaceID, issuer string) ([]policy.Trust, error)
	Authority(ctx context.Context, workspaceID, id string) (Authority, error)
	Cuts(ctx context.Context, workspaceID string) (Cuts, error)
	TokenCut(ctx context.Context, workspaceID, tokenID string) (bool, error)
	// Generations returns those above the given one, in ascending order.
	Generations(ctx context.Context, after int64) ([]Generation, error)
}

// Authority is the present state of what a token may rest on: a trust or a user.
type Authority struct {
	Version int64
	Enabled bool
}

// Cache is a node's bounded memory of workspaces and their compiled trusts. Every entry carries the generation that was
// read before it, so a decision made from it is at most too old, and the record's transaction finds that out (rule 22).
type Cache struct {
	reader    Reader
	baseURL   string
	snapshots *lru.Cache[string, *Snapshot] // by name
	unknown   *lru.Cache[string, time.Time] // names that no workspace had then
	loading   singleflight.Group
	others    []func(workspaceID string) // what else of this node remembers workspaces
	confirmed atomic.Pointer[time.Time]  // when the database was asked that answered last that it knows of no other move

	mu      sync.Mutex // orders what is kept against what is forgotten; held for looks alone
	forgets int64      // counted, so that a load that began before one leaves nothing behind
}

// NewCache returns an empty cache for issuers below the base URL. It calls each forget for a workspace that moved, and
// before it gives out one that it read anew: whatever else is asked about that workspace is then at least as new.
func NewCache(reader Reader, baseURL string, forget ...func(workspaceID string)) *Cache {
	c := &Cache{
		reader: reader, baseURL: baseURL, snapshots: newLRU[*Snapshot](heldWorkspaces), unknown: newLRU[time.Time](heldUnknown),
		others: forget,
	}
	now := time.Now() // nothing is remembered yet, so nothing is out of date
	c.confirmed.Store(&now)
	return c
}

// Issuer returns the issuer of the workspace of a name.
func (c *Cache) Issuer(name string) string { return c.baseURL + "/w/" + name }

// NameOf returns the name of the workspace that an issuer belongs to, if it has the form of one of ours.
func (c *Cache) NameOf(issuer string) (string, bool) {
	name, ok := strings.CutPrefix(issuer, c.baseURL+"/w/")
	if !ok || CheckName(name) != nil {
		return "", false
	}
	return name, true
}

// ByName returns the workspace of a name as it is at present, or the reader's error.
func (c *Cache) ByName(ctx context.Context, name string) (*Snapshot, error) {
	if s, ok := c.snapshots.Get(name); ok {
		return s, nil
	}
	if c.unknownNow(name) {
		return nil, fault.Newf(fault.NotFound, "workspace %s was not there a moment ago", name)
	}
	forgets := c.count()
	flight := strconv.FormatInt(forgets, 10) + " " + name // nobody joins a load that began before something was forgotten
	loaded, err, _ := c.loading.Do(flight, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
		defer cancel()
		return c.load(ctx, name, forgets)
	})
	if err != nil {
		return nil, err
	}
	return loaded.(*Snapshot), nil
}

// Remembers reports whether ByName would answer from memory.
func (c *Cache) Remembers(name string) bool { return c.snapshots.Contains(name) || c.unknownNow(name) }

// unknownNow reports whether a name is known to be no workspace's: whoever creates one moves a generation, and this node
// hears of that as of any other move.
func (c *Cache) unknownNow(name string) bool {
	at, ok := c.unknown.Get(name)
	return ok && since(at) < unknownFor && c.Fresh() == nil
}

// living reads a workspace, and remembers where there is none.
func (c *Cache) living(ctx context.Context, name string, forgets int64) (Workspace, error) {
	asked := time.Now()
	w, err := c.reader.WorkspaceByName(ctx, name)
	if err == nil && !w.DeletedAt.IsZero() {
		err = fault.Newf(fault.NotFound, "workspace %s is deleted", name)
	}
	if fault.Is(err, fault.NotFound) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.forgets == forgets {
			c.unknown.Add(name, asked)
		}
	}
	return w, err
}

func (c *Cache) load(ctx context.Context, name string, forgets int64) (*Snapshot, error) {
	w, err := c.living(ctx, name, forgets)
	if err != nil {
		return nil, err
	}
	c.tell(w.ID)
	issuers, err := c.reader.Issuers(ctx, w.ID)
	if err != nil {
		return nil, err
	}
	cuts, err := c.reader.Cuts(ctx, w.ID)
	if err != nil {
		return nil, err
	}
	s := newSnapshot(c.reader, w, identity.Tenant{ID: w.ID, Name: w.Name, Issuer: c.Issuer(w.Name)}, issuers, cuts)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.forgets == forgets {
		c.snapshots.Add(name, s)
	}
	return s, nil
}

func (c *Cache) count() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.forgets
}

// tell makes the rest of the node forget a workspace.
func (c *Cache) tell(workspaceID string) {
	for _, forget := range c.others {
		forget(workspaceID)
	}
}

// Forget drops what is remembered of a workspace.
func (c *Cache) Forget(workspaceID string) { c.forget(map[string]int64{workspaceID: math.MaxInt64}) }

// forget drops what is remembered of workspaces, by ID, from before a generation. What else remembers them has no
// generation to go by, and drops them in any case.
func (c *Cache) forget(moved map[string]int64) {
	c.drop(moved)
	for id := range moved {
		c.tell(id)
	}
}

func (c *Cache) drop(moved map[string]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgets++
	c.unknown.Purge() // any of them may be a workspace now
	for _, s := range c.snapshots.Values() {
		if generation, ok := moved[s.ID]; ok && s.Generation < generation {
			c.snapshots.Remove(s.Name)
		}
	}
}
