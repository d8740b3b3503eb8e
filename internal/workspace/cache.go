package workspace

import (
	"context"
	"fmt"
	"log/slog"
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
)

const (
	pollEvery    = 250 * time.Millisecond
	confirmedFor = time.Second // rule 22: how long a node may answer from memory without asking the database
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
	loading   singleflight.Group
	forget    []func(workspaceID string)
	forgets   atomic.Int64
	confirmed atomic.Int64 // nanoseconds since began, of the last answer of the database
	began     time.Time
}

// NewCache returns an empty cache for issuers below the base URL. It calls each forget for a workspace that moved.
func NewCache(reader Reader, baseURL string, forget ...func(workspaceID string)) *Cache {
	snapshots, err := lru.New[string, *Snapshot](heldWorkspaces)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &Cache{reader: reader, baseURL: baseURL, snapshots: snapshots, forget: forget, began: time.Now()}
}

// Issuer returns the issuer of the workspace of a name.
func (c *Cache) Issuer(name string) string { return c.baseURL + "/w/" + name }

// NameOf returns the name of the workspace that an issuer belongs to, if it has the form of one of ours.
func (c *Cache) NameOf(issuer string) (string, bool) {
	prefix := c.baseURL + "/w/"
	if len(issuer) <= len(prefix) || issuer[:len(prefix)] != prefix {
		return "", false
	}
	name := issuer[len(prefix):]
	return name, CheckName(name) == nil
}

// ByName returns the workspace of a name as it is at present, or the reader's error.
func (c *Cache) ByName(ctx context.Context, name string) (*Snapshot, error) {
	if s, ok := c.snapshots.Get(name); ok {
		return s, nil
	}
	loaded, err, _ := c.loading.Do(name, func() (any, error) { return c.load(context.WithoutCancel(ctx), name) })
	if err != nil {
		return nil, err
	}
	return loaded.(*Snapshot), nil
}

func (c *Cache) load(ctx context.Context, name string) (*Snapshot, error) {
	forgets := c.forgets.Load()
	w, err := c.reader.WorkspaceByName(ctx, name)
	if err != nil {
		return nil, err
	}
	if !w.DeletedAt.IsZero() {
		return nil, fault.Newf(fault.NotFound, "workspace %s is deleted", name)
	}
	issuers, err := c.reader.Issuers(ctx, w.ID)
	if err != nil {
		return nil, err
	}
	s := newSnapshot(c.reader, w, identity.Tenant{ID: w.ID, Name: w.Name, Issuer: c.Issuer(w.Name)}, issuers)
	if c.forgets.Load() == forgets {
		c.snapshots.Add(name, s)
	}
	return s, nil
}

// Forget drops what is remembered of a workspace.
func (c *Cache) Forget(workspaceID string) {
	c.forgets.Add(1)
	for _, name := range c.snapshots.Keys() {
		if s, ok := c.snapshots.Peek(name); ok && s.ID == workspaceID {
			c.snapshots.Remove(name)
		}
	}
	for _, f := range c.forget {
		f(workspaceID)
	}
}

// Watch asks the database which workspaces moved, several times a second, until the context ends.
func (c *Cache) Watch(ctx context.Context, log *slog.Logger) {
	var last int64
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	failing := false
	for {
		moved, err := c.poll(ctx, last)
		if err != nil && ctx.Err() == nil && !failing {
			log.Error("the database does not say which workspaces changed; requests are refused until it does", "error", err)
		}
		failing = err != nil
		last = max(last, moved)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (c *Cache) poll(ctx context.Context, last int64) (int64, error) {
	asked := time.Since(c.began)
	moved, err := c.reader.Generations(ctx, last)
	if err != nil {
		return last, err
	}
	for _, g := range moved {
		last = max(last, g.Generation)
		c.forgetOlder(g)
	}
	c.confirmed.Store(int64(asked))
	return last, nil
}

func (c *Cache) forgetOlder(g Generation) {
	for _, s := range c.snapshots.Values() {
		if s.ID == g.WorkspaceID && s.Generation >= g.Generation {
			return
		}
	}
	c.Forget(g.WorkspaceID)
}

// Fresh returns an error where the database has not confirmed for a second that nothing moved: a decision that is not
// compared in the record's transaction must not be made from memory then (rule 22).
func (c *Cache) Fresh() error {
	if age := time.Since(c.began) - time.Duration(c.confirmed.Load()); age > confirmedFor {
		return fmt.Errorf("workspace: the database was last heard %s ago", age.Round(time.Millisecond))
	}
	return nil
}
