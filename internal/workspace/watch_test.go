package workspace_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/store/storetest"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// watch runs a cache's watch until the test ends, and returns its log.
func watch(t *testing.T, c *workspace.Cache) *bytes.Buffer {
	var text bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		c.Watch(ctx, slog.New(slog.NewTextHandler(&text, nil)))
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	synctest.Wait()
	return &text
}

const (
	poll   = 250 * time.Millisecond
	second = time.Second
)

func TestRule22WhatMovedElsewhereIsForgottenWithinASecond(t *testing.T) {
	bubble(t, func(t *testing.T, d *database, c *workspace.Cache, others *told) {
		watch(t, c)
		before, other := byName(t, c, "one"), byName(t, c, "two")
		others.take()
		d.move("one", 9)
		<-time.After(poll)
		synctest.Wait()
		if ids := others.take(); !slices.Equal(ids, []string{one}) {
			t.Errorf("told %v", ids)
		}
		if s := byName(t, c, "one"); s == before || s.Generation != 9 || byName(t, c, "two") != other {
			t.Errorf("generation %d", s.Generation)
		}
		others.take()
		<-time.After(10 * poll)
		synctest.Wait()
		if ids := others.take(); len(ids) != 0 {
			t.Errorf("nothing moved, and %v was forgotten", ids)
		}
	})
}

// A snapshot that was read after the move is kept. What else remembers the workspace may be older than it, and is told.
func TestRule22ANewSnapshotStaysAndTheRestIsTold(t *testing.T) {
	bubble(t, func(t *testing.T, d *database, c *workspace.Cache, others *told) {
		watch(t, c)
		d.move("one", 9)
		fresh := byName(t, c, "one")
		others.take()
		<-time.After(poll)
		synctest.Wait()
		if byName(t, c, "one") != fresh {
			t.Error("read again although it was new enough")
		}
		if ids := others.take(); !slices.Equal(ids, []string{one}) {
			t.Errorf("told %v", ids)
		}
	})
}

func TestRule22ANodeThatCannotConfirmForASecondIsNotFresh(t *testing.T) {
	for rule, fail := range map[string]func(*database){
		"the database fails":         func(d *database) { d.err = errors.New("down") },
		"the database hangs":         func(d *database) { d.hang = true },
		"the database goes silently": func(d *database) { d.hang, d.err = true, errors.New("down") },
	} {
		t.Run(rule, func(t *testing.T) {
			bubble(t, func(t *testing.T, d *database, c *workspace.Cache, _ *told) {
				text := watch(t, c)
				<-time.After(poll / 2)
				last := time.Now().Add(-poll / 2)
				d.set(func() { fail(d) })
				<-time.After(time.Until(last.Add(second)))
				synctest.Wait()
				if err := c.Fresh(); err != nil || !c.Confirmed().Equal(last) {
					t.Errorf("a second after the last answer: %v, confirmed %s, last %s", err, c.Confirmed(), last)
				}
				<-time.After(time.Nanosecond)
				if c.Fresh() == nil {
					t.Error("fresh although the database has not been heard for more than a second")
				}
				<-time.After(time.Minute)
				d.set(func() { d.hang, d.err = false, nil })
				<-time.After(second + poll) // a question that hangs is given up, and asked again
				synctest.Wait()
				if err := c.Fresh(); err != nil {
					t.Errorf("not recovered: %v", err)
				}
				if lines := strings.Count(text.String(), "\n"); lines != 2 {
					t.Errorf("%d lines: %s", lines, text.String())
				}
			})
		})
	}
}

// What a slow answer says was so when the question was asked, at the latest.
func TestRule22ASlowAnswerIsAsOldAsItsQuestion(t *testing.T) {
	bubble(t, func(t *testing.T, d *database, c *workspace.Cache, _ *told) {
		d.slow = 900 * time.Millisecond
		began := time.Now()
		watch(t, c)
		<-time.After(950 * time.Millisecond)
		synctest.Wait()
		if confirmed := c.Confirmed(); !confirmed.Equal(began) {
			t.Errorf("confirmed %s after the question", confirmed.Sub(began))
		}
	})
}

func TestANodeIsFreshWhenItBegins(t *testing.T) {
	bubble(t, func(t *testing.T, d *database, c *workspace.Cache, _ *told) {
		<-time.After(second)
		if err := c.Fresh(); err != nil {
			t.Error(err)
		}
		<-time.After(time.Nanosecond)
		if c.Fresh() == nil {
			t.Error("fresh although it has never asked")
		}
	})
}

// Two nodes over one real database: what one writes, the other knows within a second, in every part of a snapshot.
func TestRule22TwoNodes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		synctest.Test(t, func(t *testing.T) {
			db := d.Open(t)
			must(t, db.CreateInstallation(t.Context(), store.Installation{BaseURL: base, SealCheck: []byte("x")}))
			w, err := db.CreateWorkspace(t.Context(), workspace.Workspace{ID: id.New(time.Now()), Name: "one"}, nil, nil, nil)
			must(t, err)
			a, b := workspace.NewCache(db, base), workspace.NewCache(db, base)
			watch(t, b)
			look := func(c *workspace.Cache) (int64, int, []identity.TrustRef) {
				s := byName(t, c, "one")
				trusted, err := s.Trusts(t.Context(), issuer)
				must(t, err)
				live, err := s.Live(t.Context(), []identity.TrustRef{{ID: "ttttttttttttttttttttttttta", Version: 1}})
				must(t, err)
				return s.Generation, trusted.Trusts.Len(), live
			}
			entry := func() audit.Entry {
				return audit.Entry{ID: id.New(time.Now()), WorkspaceID: w.ID, Kind: audit.TrustCreated, Body: []byte("x")}
			}
			step := func(trusts, live int) {
				t.Helper()
				a.Forget(w.ID) // the node that wrote
				<-time.After(second)
				synctest.Wait()
				genA, trustsA, liveA := look(a)
				genB, trustsB, liveB := look(b)
				if genA != genB || trustsA != trusts || trustsB != trusts || len(liveA) != live || len(liveB) != live {
					t.Errorf("generations %d %d, trusts %d %d, live %v %v; want %d, %d", genA, genB, trustsA, trustsB, liveA, liveB, trusts, live)
				}
			}
			step(0, 0)
			tr := trust(w.ID, "ttttttttttttttttttttttttta")
			tr.Revision = 1
			must(t, db.CreateTrust(t.Context(), tr, entry()))
			step(1, 1)
			tr.Enabled, tr.Version = false, 2
			must(t, db.UpdateTrust(t.Context(), tr, 1, entry()))
			step(1, 0)
			must(t, db.DeleteTrust(t.Context(), w.ID, tr.ID, 0, entry()))
			step(0, 0)
		})
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
