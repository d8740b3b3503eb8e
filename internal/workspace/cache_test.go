package workspace_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/workspace"
)

func TestAWorkspaceIsReadOnce(t *testing.T) {
	bubble(t, func(t *testing.T, d *database, c *workspace.Cache, _ *told) {
		d.gate = make(chan struct{})
		var callers sync.WaitGroup
		for range 8 {
			callers.Go(func() {
				if s := byName(t, c, "one"); s.ID != one || s.Tenant.ID != one || s.Tenant.Name != "one" || s.Tenant.Issuer != base+"/w/one" {
					t.Errorf("%+v", s.Tenant)
				}
			})
		}
		synctest.Wait()
		close(d.gate)
		callers.Wait()
		first, second := byName(t, c, "one"), byName(t, c, "one")
		if first != second || d.count("workspace") != 1 {
			t.Errorf("%d reads", d.count("workspace"))
		}
	})
}

// Anybody can ask for any name.
func TestANameThatIsNoWorkspacesIsAskedForOnce(t *testing.T) {
	const three = "cccccccccccccccccccccccccc"
	create := func(d *database) {
		d.set(func() { d.workspaces["three"] = workspace.Workspace{ID: three, Name: "three", Generation: 3} })
	}
	for rule, row := range map[string]struct {
		then  func(t *testing.T, d *database, c *workspace.Cache)
		found bool
		reads int
	}{
		"a moment later":                        {func(*testing.T, *database, *workspace.Cache) {}, false, 1},
		"after somebody else moved":             {func(_ *testing.T, _ *database, c *workspace.Cache) { c.Forget(two) }, false, 2},
		"created on this node":                  {func(_ *testing.T, d *database, c *workspace.Cache) { create(d); c.Forget(three) }, true, 2},
		"created on another node, not heard of": {func(_ *testing.T, d *database, _ *workspace.Cache) { create(d) }, false, 1},
		"created on another node, heard of": {func(t *testing.T, d *database, c *workspace.Cache) {
			create(d)
			watch(t, c)
		}, true, 2},
		"after a second without the database's word": {func(_ *testing.T, d *database, _ *workspace.Cache) {
			create(d)
			<-time.After(1001 * time.Millisecond)
		}, true, 2},
		"later": {func(t *testing.T, _ *database, c *workspace.Cache) {
			watch(t, c)
			c.Forget(two)
			if _, err := c.ByName(t.Context(), "three"); !fault.Is(err, fault.NotFound) || !c.Remembers("three") {
				t.Error("not remembered", err)
			}
			<-time.After(5 * time.Second)
			if c.Remembers("three") {
				t.Error("remembered for ever")
			}
		}, false, 3},
	} {
		bubble(t, func(t *testing.T, d *database, c *workspace.Cache, _ *told) {
			if c.Remembers("three") || c.Remembers("one") {
				t.Errorf("%s: remembered before it was asked for", rule)
			}
			if _, err := c.ByName(t.Context(), "three"); !fault.Is(err, fault.NotFound) || !c.Remembers("three") {
				t.Errorf("%s: error %v", rule, err)
			}
			row.then(t, d, c)
			_, err := c.ByName(t.Context(), "three")
			if (err == nil) != row.found || err != nil && !fault.Is(err, fault.NotFound) || d.count("workspace") != row.reads {
				t.Errorf("%s: %v after %d reads", rule, err, d.count("workspace"))
			}
			if !c.Remembers("three") {
				t.Errorf("%s: not remembered", rule)
			}
		})
	}
}

func TestAFailureIsNotRemembered(t *testing.T) {
	bubble(t, func(t *testing.T, d *database, c *workspace.Cache, _ *told) {
		down := errors.New("down")
		d.set(func() { d.err = down })
		if _, err := c.ByName(t.Context(), "one"); !errors.Is(err, down) {
			t.Errorf("error %v", err)
		}
		d.set(func() { d.err = nil })
		byName(t, c, "one")
	})
}

func TestRule08ADeletedWorkspaceIsNotFound(t *testing.T) {
	bubble(t, func(t *testing.T, d *database, c *workspace.Cache, _ *told) {
		_, unknown := c.ByName(t.Context(), "three")
		d.set(func() {
			w := d.workspaces["one"]
			w.DeletedAt = time.Now()
			d.workspaces["one"] = w
		})
		_, deleted := c.ByName(t.Context(), "one")
		if !fault.Is(deleted, fault.NotFound) || fault.From(deleted).Text() != fault.From(unknown).Text() {
			t.Errorf("%v, but %v", deleted, unknown)
		}
	})
}

func TestForgetDropsOneWorkspace(t *testing.T) {
	bubble(t, func(t *testing.T, d *database, c *workspace.Cache, others *told) {
		before, other := byName(t, c, "one"), byName(t, c, "two")
		others.take()
		c.Forget(one)
		if ids := others.take(); !slices.Equal(ids, []string{one}) {
			t.Errorf("told %v", ids)
		}
		if byName(t, c, "one") == before || byName(t, c, "two") != other {
			t.Error("not that one, or another")
		}
		c.Forget("unknown")
		if byName(t, c, "two") != other {
			t.Error("another one went")
		}
	})
}

// What is asked about a workspace after its snapshot was given out is at least as new as the snapshot: the rest of the
// node forgets the workspace after the generation was read and before the snapshot is there.
func TestRule22TheRestOfTheNodeIsNeverOlderThanASnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDatabase()
		var generation int64
		c := workspace.NewCache(d, base, func(id string) {
			if id != one || d.count("workspace") == 0 || d.count("issuers") != 0 {
				t.Errorf("told to forget %s after %d reads of the generation and %d of the rest", id, d.count("workspace"), d.count("issuers"))
			}
			generation = 1
		})
		if s := byName(t, c, "one"); generation != s.Generation {
			t.Error("the rest of the node was not told")
		}
	})
}

// A load that began before a cut-off has what is cut off. It serves those who asked before, nobody else, and is not kept.
func TestRule22NobodyJoinsALoadFromBeforeAForget(t *testing.T) {
	bubble(t, func(t *testing.T, d *database, c *workspace.Cache, _ *told) {
		d.gate = make(chan struct{})
		load := func() chan int64 {
			found := make(chan int64, 1)
			go func() { found <- byName(t, c, "one").Generation }()
			synctest.Wait()
			return found
		}
		before := load()
		d.move("one", 9)
		c.Forget(one)
		after := load()
		d.gate <- struct{}{}
		d.gate <- struct{}{}
		if g := <-before; g != 1 {
			t.Errorf("who asked before got generation %d", g)
		}
		if g := <-after; g != 9 {
			t.Errorf("who asked after the cut-off got generation %d", g)
		}
		close(d.gate)
		if g := <-load(); g != 9 {
			t.Errorf("generation %d was kept", g)
		}
	})
}

func TestRule22AForgetCannotBeOvertaken(t *testing.T) {
	for range 300 {
		d := newDatabase()
		c := workspace.NewCache(d, base)
		var callers sync.WaitGroup
		for range 4 {
			callers.Go(func() { byName(t, c, "one") })
		}
		d.move("one", 9)
		c.Forget(one)
		if g := byName(t, c, "one").Generation; g != 9 {
			t.Fatalf("generation %d after the cut-off", g)
		}
		callers.Wait()
		if g := byName(t, c, "one").Generation; g != 9 {
			t.Fatalf("generation %d came back after the cut-off", g)
		}
	}
}

func TestALoadOutlivesItsCallerButNotForEver(t *testing.T) {
	bubble(t, func(t *testing.T, d *database, c *workspace.Cache, _ *told) {
		d.gate = make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		errs := make(chan error)
		go func() {
			_, err := c.ByName(ctx, "one")
			errs <- err
		}()
		synctest.Wait()
		cancel()
		d.gate <- struct{}{}
		if err := <-errs; err != nil {
			t.Errorf("a load that others may wait for ended with its caller: %v", err)
		}
		began := time.Now()
		if _, err := c.ByName(t.Context(), "two"); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > time.Minute {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}
