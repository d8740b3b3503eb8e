package evidence

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	issuerURL  = "https://nsc.example.com/w/acme"
	originName = "nsc.example.com/w/acme"
)

// testLog is a log as a server keeps it.
type testLog struct {
	signer note.Signer
	key    string
	lines  []Line
	stored []tlog.Hash // as tlog.StoredHashes has them
}

// failing is what testing and rapid have in common.
type failing interface {
	Helper()
	Fatal(...any)
}

func newLog(t failing, events int) *testLog {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, originName)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	l := &testLog{signer: signer, key: public}
	l.grow(events)
	return l
}

func (l *testLog) grow(events int) {
	for range events {
		l.add(testLine(len(l.lines), len(l.lines)))
	}
}

// testLine returns an event at an index. Its name makes it another than others.
func testLine(index, name int) Line {
	event := fmt.Sprintf(`{"v":1,"id":"event-%d","workspace_id":"acme-id","kind":"x <&>"}`, name)
	var salt [SaltSize]byte
	binary.BigEndian.PutUint64(salt[:], uint64(name))
	return Line{Index: int64(index), ID: fmt.Sprint("event-", name), Leaf: Leaf(salt, []byte(event)), Salt: salt[:], Event: event}
}

func (l *testLog) add(line Line) {
	hashes, err := tlog.StoredHashesForRecordHash(int64(len(l.lines)), line.Leaf, l.reader())
	if err != nil {
		panic(err)
	}
	l.lines, l.stored = append(l.lines, line), append(l.stored, hashes...)
}

func (l *testLog) reader() tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		list := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			list[i] = l.stored[index]
		}
		return list, nil
	})
}

// checkpoint returns the signed checkpoint of the first events. The root is made by tlog, not by what is tested.
func (l *testLog) checkpoint(size int) string {
	root, err := tlog.TreeHash(int64(size), l.reader())
	if err != nil {
		panic(err)
	}
	signed, err := note.Sign(&note.Note{Text: Checkpoint{originName, int64(size), root}.Text()}, l.signer)
	if err != nil {
		panic(err)
	}
	return string(signed)
}

// export is an export that tests spoil before they write it.
type export struct {
	Header
	lines []Line
}

func (l *testLog) export(from, to int) *export {
	before, err := l.reader().ReadHashes(FrontierIndexes(int64(from)))
	if err != nil {
		panic(err)
	}
	return &export{Header{
		Format: Format, Version: Version, Workspace: "acme", WorkspaceID: "acme-id", Issuer: issuerURL, VerifierKey: l.key,
		From: int64(from), To: int64(to), Before: before, Checkpoint: l.checkpoint(to),
	}, append([]Line(nil), l.lines[from:to]...)}
}

func (e *export) text() string {
	var b bytes.Buffer
	if err := Write(&b, e.Header); err != nil {
		panic(err)
	}
	for _, line := range e.lines {
		if err := Write(&b, line); err != nil {
			panic(err)
		}
	}
	return b.String()
}

// number gives the lines the indexes that hide what was done to them.
func (e *export) number() {
	for i := range e.lines {
		e.lines[i].Index = e.From + int64(i)
	}
}

func verify(t failing, in Input) *Report {
	t.Helper()
	r, err := Verify(in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *Report) says(t testing.TB, list []string, word string) {
	t.Helper()
	if !strings.Contains(strings.Join(list, "\n"), word) {
		t.Errorf("nothing says %q; proved %q, unproved %q, findings %v", word, r.Proved, r.Unproved, r.Findings)
	}
}

// names reports whether an event is named as wrong, with a word about what is.
func (r *Report) names(id, word string) bool {
	for _, f := range r.Findings {
		if f.ID == id && strings.Contains(f.What, word) {
			return true
		}
	}
	return false
}
