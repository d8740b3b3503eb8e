package evidence

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// The vector of docs/design/0015-merkle-log.md. It may never change: every log in the world is made of such leaves.
func TestRule25LeafIsTheSaltedHashOfTheEvent(t *testing.T) {
	salt := [SaltSize]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	event := `{"v":1,"id":"agolopkbxawbssvvgrpr6ygwb4","time":1772600767000000,"workspace_id":"agolopjsdawfniaebnoh7uduj4","kind":"trust.created"}`
	leaf := Leaf(salt, []byte(event))
	if got, want := hex.EncodeToString(leaf[:]), "bf53c0a19259ff87cd96bc31052ee84c922e44d478ab22a295cb4b2a26f10bdb"; got != want {
		t.Errorf("leaf %s, want %s", got, want)
	}
	salt[15]++
	if Leaf(salt, []byte(event)) == leaf {
		t.Error("the salt is not in it")
	}
}

func TestFrontierIsTheTreeOfRFC6962(t *testing.T) {
	l := newLog(t, 600)
	var f Frontier
	for size := range 601 {
		want, err := tlog.TreeHash(int64(size), l.reader())
		if err != nil {
			t.Fatal(err)
		}
		hashes, _ := l.reader().ReadHashes(FrontierIndexes(int64(size)))
		read, err := NewFrontier(int64(size), hashes)
		if err != nil || f.Root() != want || read.Root() != want {
			t.Fatalf("size %d: %v", size, err)
		}
		again, err := DecodeFrontier(int64(size), f.Encode())
		if err != nil || again.Root() != want {
			t.Fatalf("size %d, decoded: %v", size, err)
		}
		if size < 600 {
			f.Add(l.lines[size].Leaf, func(level int, number int64, h tlog.Hash) {
				if l.stored[tlog.StoredHashIndex(level, number)] != h {
					t.Fatalf("size %d: another hash at level %d, %d", size, level, number)
				}
			})
		}
	}
	for size, encoded := range map[int64][]byte{1: nil, 0: make([]byte, 32), 2: make([]byte, 31), -1: nil} {
		if _, err := DecodeFrontier(size, encoded); err == nil {
			t.Errorf("a frontier of size %d with %d bytes", size, len(encoded))
		}
	}
}

func TestCheckpointIsAC2SPNote(t *testing.T) {
	l := newLog(t, 3)
	verifier, err := note.NewVerifier(l.key)
	if err != nil {
		t.Fatal(err)
	}
	signed := l.checkpoint(3)
	if !strings.HasPrefix(signed, originName+"\n3\n") {
		t.Errorf("%q", signed)
	}
	c, err := OpenCheckpoint(signed, verifier)
	if err != nil || c.Size != 3 || c.Origin != originName {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := OpenCheckpoint(strings.Replace(signed, "\n3\n", "\n4\n", 1), verifier); err == nil {
		t.Error("a changed checkpoint was opened")
	}
	foreign, err := note.Sign(&note.Note{Text: Checkpoint{"nsc.example.com/w/other", 3, c.Root}.Text()}, l.signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenCheckpoint(string(foreign), verifier); err == nil {
		t.Error("a checkpoint of another log was opened, signed by this one's key")
	}
	for _, text := range []string{"", "a\n", "a\n1\n", "a\n01\n" + c.Root.String() + "\n", "a\n-1\n" + c.Root.String() + "\n", "\n1\n" + c.Root.String() + "\n", "a\n1\nAAAA\n"} {
		if _, err := ParseCheckpoint(text); err == nil {
			t.Errorf("%q is a checkpoint", text)
		}
	}
	if c, err := ParseCheckpoint("a\n1\n" + c.Root.String() + "\nextension\n"); err != nil || c.Size != 1 {
		t.Error("an extension line is refused")
	}
}

func TestNotesOfAFileAreToldApart(t *testing.T) {
	one, two := "a\n1\nx\n\n— a AAAA\n— b BBBB\n", "a\n2\ny\n\n— a CCCC\n"
	for _, text := range []string{one + two, one + "\n" + two, "\n\n" + one + "\n\n\n" + two + "\n"} {
		if got := SplitNotes(text); !slices.Equal(got, []string{one, two}) {
			t.Errorf("%q", got)
		}
	}
	if got := SplitNotes(" \n\n"); len(got) != 0 {
		t.Errorf("%q", got)
	}
}
