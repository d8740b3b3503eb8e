package store_test

import (
	"database/sql"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/evidence"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/store/storetest"
)

// What an earlier release unpacked is in no log. It gets its places in the order of the IDs, before anything newer does.
func TestRule26EventsOfAnEarlierReleaseAreAdopted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		s := d.Open(t)
		w := tenant(t, s)
		var want []string
		record := func(n int) {
			var batch []audit.Entry
			for range n {
				e := audit.Entry{ID: id.New(time.Now()), WorkspaceID: w.ID, Time: time.Now(), Kind: "x", Body: []byte("body")}
				batch = append(batch, e)
				want = append(want, e.ID)
			}
			if _, err := s.Append(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
		sequence := func() {
			for n := 1; n > 0; {
				var err error
				if n, err = s.Sequence(t.Context(), 1); err != nil {
					t.Fatal(err)
				}
			}
		}
		record(300)
		sequence()
		forget(t, d, want[17])
		if pending, err := s.Pending(t.Context()); err != nil || !pending {
			t.Fatalf("pending %v, %v", pending, err)
		}
		damaged := want[17]
		slices.SortFunc(want, compareIDs)
		record(3)
		sequence()
		var got []string
		var frontier evidence.Frontier
		for {
			part, err := s.LogEntries(t.Context(), w.ID, int64(len(got)), 0, 0)
			if err != nil {
				t.Fatal(err)
			}
			if len(part) == 0 {
				break
			}
			for _, e := range part {
				if e.Erased() != (e.ID == damaged) {
					t.Errorf("event %s is erased: %v", e.ID, e.Erased())
				}
				got = append(got, e.ID)
				frontier.Add(e.Leaf, nil)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("the log has %d events in another order, or others than the %d", len(got), len(want))
		}
		head, err := s.LogHead(t.Context(), w.ID)
		if err != nil || head.Root != frontier.Root() {
			t.Errorf("%+v, %v", head, err)
		}
		if pending, err := s.Pending(t.Context()); err != nil || pending {
			t.Errorf("pending %v, %v", pending, err)
		}
	})
}

func TestRule25WhatIsInNoLogIsNotErased(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		s := d.Open(t)
		w := tenant(t, s)
		var batch []audit.Entry
		for range 3 {
			batch = append(batch, audit.Entry{ID: id.New(time.Now()), WorkspaceID: w.ID, Time: time.Now(), Kind: "x", Body: []byte("body")})
		}
		if _, err := s.Append(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Sequence(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		eventID, err := id.Bytes(batch[1].ID)
		if err != nil {
			t.Fatal(err)
		}
		execute(t, d, "UPDATE events SET log_index = -1 WHERE id = $1", eventID[:])
		if n, err := s.EraseEvents(t.Context(), time.Now().Add(time.Hour), 10); n != 2 || err != nil {
			t.Errorf("%d erased, %v", n, err)
		}
	})
}

// forget leaves the database as an earlier release did, with an event that cannot be read.
func forget(t *testing.T, d storetest.Database, damaged string) {
	t.Helper()
	eventID, err := id.Bytes(damaged)
	if err != nil {
		t.Fatal(err)
	}
	execute(t, d, "UPDATE events SET log_index = -1")
	execute(t, d, "DELETE FROM log_heads")
	execute(t, d, "DELETE FROM log_tiles")
	execute(t, d, "UPDATE events SET entry = $1 WHERE id = $2", []byte{7}, eventID[:])
}

// execute runs a command on a database behind the store's back.
func execute(t *testing.T, d storetest.Database, command string, args ...any) {
	t.Helper()
	driver, address := "sqlite", d.Options().SQLiteFile
	if address == "" {
		driver, address = "pgx", d.Options().PostgresURL
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), command, args...); err != nil {
		t.Fatal(err)
	}
}

func compareIDs(a, b string) int {
	x, _ := id.Bytes(a)
	y, _ := id.Bytes(b)
	return strings.Compare(string(x[:]), string(y[:]))
}
