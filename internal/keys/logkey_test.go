package keys

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/nsc-federation/nsc/internal/evidence"
	"github.com/nsc-federation/nsc/internal/fault"
)

// logKeyTable is the table of log keys.
type logKeyTable struct {
	rows   map[string]LogKey
	behind func(LogKey) // another node, which makes a key between our look and our write
}

func (l *logKeyTable) LogKey(_ context.Context, workspaceID string) (LogKey, error) {
	k, ok := l.rows[workspaceID]
	if !ok {
		return k, fault.Newf(fault.NotFound, "none")
	}
	return k, nil
}

func (l *logKeyTable) CreateLogKey(_ context.Context, k LogKey) error {
	if l.behind != nil {
		l.behind(k)
	}
	if _, ok := l.rows[k.WorkspaceID]; ok {
		return fault.Newf(fault.Conflict, "there is one")
	}
	l.rows[k.WorkspaceID] = k
	return nil
}

func anyMaster(t *testing.T) Master {
	t.Helper()
	m, err := CreateMaster(t.TempDir() + "/master.key")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var someCheckpoint = evidence.Checkpoint{Origin: "nsc.example.com/w/acme", Size: 7}

func TestANotaryMakesOneKeyForEachLog(t *testing.T) {
	table := &logKeyTable{rows: map[string]LogKey{}}
	n := NewNotary(table, anyMaster(t), time.Now)
	for _, workspace := range []string{"a", "a", "b"} {
		signed, err := n.SignCheckpoint(t.Context(), workspace, someCheckpoint)
		if err != nil {
			t.Fatal(err)
		}
		key, err := n.VerifierKey(t.Context(), workspace, someCheckpoint.Origin)
		if err != nil {
			t.Fatal(err)
		}
		verifier, err := note.NewVerifier(key)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := evidence.OpenCheckpoint(signed, verifier); err != nil || c != someCheckpoint {
			t.Errorf("%+v, %v", c, err)
		}
	}
	if len(table.rows) != 2 || string(table.rows["a"].Public) == string(table.rows["b"].Public) {
		t.Errorf("%d keys", len(table.rows))
	}
}

func TestOfTwoNotariesTheFirstOnesKeyStays(t *testing.T) {
	master := anyMaster(t)
	first := &logKeyTable{rows: map[string]LogKey{}}
	if _, err := NewNotary(first, master, time.Now).SignCheckpoint(t.Context(), "a", someCheckpoint); err != nil {
		t.Fatal(err)
	}
	table := &logKeyTable{rows: map[string]LogKey{}}
	table.behind = func(LogKey) { table.rows["a"] = first.rows["a"] }
	n := NewNotary(table, master, time.Now)
	if _, err := n.SignCheckpoint(t.Context(), "a", someCheckpoint); err != nil {
		t.Fatal(err)
	}
	key, err := n.VerifierKey(t.Context(), "a", someCheckpoint.Origin)
	want, _ := NewNotary(first, master, time.Now).VerifierKey(t.Context(), "a", someCheckpoint.Origin)
	if err != nil || key != want {
		t.Errorf("%s, want %s, %v", key, want, err)
	}
}

func TestRule30ASwappedCheckpointKeyDoesNotOpen(t *testing.T) {
	master := anyMaster(t)
	table := &logKeyTable{rows: map[string]LogKey{}}
	n := NewNotary(table, master, time.Now)
	for _, workspace := range []string{"a", "b"} {
		if _, err := n.SignCheckpoint(t.Context(), workspace, someCheckpoint); err != nil {
			t.Fatal(err)
		}
	}
	a, b := table.rows["a"], table.rows["b"]
	for name, row := range map[string]LogKey{
		"another workspace's row": {WorkspaceID: "a", Public: b.Public, Sealed: b.Sealed},
		"another public half":     {WorkspaceID: "a", Public: b.Public, Sealed: a.Sealed},
		"another private half":    {WorkspaceID: "a", Public: a.Public, Sealed: b.Sealed},
		"a signing key's purpose": {WorkspaceID: "a", Public: a.Public, Sealed: master.Seal(signingKey("a", string(a.Public), "Ed25519"), make([]byte, 32))},
		"no seed":                 {WorkspaceID: "a", Public: a.Public, Sealed: master.Seal(a.binding(), []byte("short"))},
	} {
		table.rows["a"] = row
		if _, err := n.SignCheckpoint(t.Context(), "a", someCheckpoint); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
	table.rows["a"] = a
	other := anyMaster(t)
	sealed, err := a.Reseal(master, other)
	if err != nil {
		t.Fatal(err)
	}
	a.Sealed = sealed
	table.rows["a"] = a
	if _, err := NewNotary(table, other, time.Now).SignCheckpoint(t.Context(), "a", someCheckpoint); err != nil {
		t.Errorf("sealed anew: %v", err)
	}
	if _, err := n.SignCheckpoint(t.Context(), "a", someCheckpoint); !errors.Is(err, ErrSeal) {
		t.Errorf("with the old master key: %v", err)
	}
	if _, err := a.Reseal(master, other); !errors.Is(err, ErrSeal) {
		t.Errorf("sealed anew from another master key: %v", err)
	}
}

func TestACheckpointKeySignsNothingButCheckpoints(t *testing.T) {
	n := NewNotary(&logKeyTable{rows: map[string]LogKey{}}, anyMaster(t), time.Now)
	for _, origin := range []string{"", "with a space", "with+plus", "two\nlines"} {
		c := someCheckpoint
		c.Origin = origin
		if signed, err := n.SignCheckpoint(t.Context(), "a", c); err == nil && !strings.HasPrefix(signed, c.Text()) {
			t.Errorf("%q: signed %q", origin, signed)
		} else if err == nil {
			t.Errorf("%q is no name", origin)
		}
	}
}
