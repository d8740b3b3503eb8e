package store

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
)

func anyEntry(t *rapid.T) audit.Entry {
	e := audit.Entry{
		ID: id.Text(anyKey(t)), WorkspaceID: id.Text(anyKey(t)),
		Generation: rapid.Int64().Draw(t, "generation"),
		Time:       moment(rapid.Int64Range(-1<<50, 1<<55).Draw(t, "time")),
		Kind:       audit.Kind(rapid.SampledFrom([]string{"", "token.issued", "x"}).Draw(t, "kind")),
		Subject:    rapid.String().Draw(t, "subject"), TokenID: rapid.String().Draw(t, "token"),
		Trusts:  rapid.SliceOf(rapid.SampledFrom([]string{"", "t", "trust"})).Draw(t, "trusts"),
		Parents: rapid.SliceOf(rapid.String()).Draw(t, "parents"),
		Actors:  rapid.SliceOf(rapid.String()).Draw(t, "actors"),
		Salt:    anyKey(t), Body: rapid.SliceOf(rapid.Byte()).Draw(t, "body"),
	}
	if len(e.Trusts) == 0 {
		e.Trusts = nil
	}
	if len(e.Parents) == 0 {
		e.Parents = nil
	}
	if len(e.Actors) == 0 {
		e.Actors = nil
	}
	return e
}

func anyKey(t *rapid.T) key {
	return key(rapid.SliceOfN(rapid.Byte(), id.Size, id.Size).Draw(t, "key"))
}

func encode(entries []audit.Entry) []byte {
	list, err := drafts(entries)
	if err != nil {
		panic(err)
	}
	return appendFrame(nil, list)
}

func decode(frame []byte) ([]audit.Entry, error) {
	parts, err := splitFrame(frame)
	if err != nil {
		return nil, err
	}
	entries := make([]audit.Entry, len(parts))
	for i, part := range parts {
		if entries[i], err = decodeEntry(part); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

func TestFramesComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOf(rapid.Custom(anyEntry)).Draw(t, "entries")
		got, err := decode(encode(want))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func TestDamagedFramesAreRefused(t *testing.T) {
	now := time.Now()
	frame := encode([]audit.Entry{{ID: id.New(now), WorkspaceID: id.New(now), Trusts: []string{"trust"}, Body: []byte("body")}})
	entry := frame[3:]
	for name, c := range map[string]func() error{
		"empty frame":          func() error { _, err := splitFrame(nil); return err },
		"frame of the future":  func() error { _, err := splitFrame(append([]byte{2}, frame[1:]...)); return err },
		"more entries than it": func() error { _, err := splitFrame(append([]byte{1, 2}, frame[2:]...)); return err },
		"count that overflows": func() error { _, err := splitFrame(append([]byte{1}, bytes.Repeat([]byte{0xff}, 11)...)); return err },
		"entry of nothing":     func() error { _, err := splitFrame(append([]byte{1, 1, 0}, make([]byte, 40)...)); return err },
		"trailing bytes":       func() error { _, err := splitFrame(append(frame[:len(frame):len(frame)], 0)); return err },
		"empty entry":          func() error { _, err := decodeEntry(nil); return err },
		"entry of the future":  func() error { _, err := decodeEntry(append([]byte{2}, entry[1:]...)); return err },
	} {
		if err := c(); !errors.Is(err, errDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for n := range frame {
		if _, err := splitFrame(frame[:n]); err == nil {
			t.Errorf("a frame cut to %d bytes was accepted", n)
		}
	}
	for n := range len(entry) - len("body") {
		if _, err := decodeEntry(entry[:n]); err == nil {
			t.Errorf("an entry cut to %d bytes was accepted", n)
		}
	}
}

// FuzzFrame decodes what nobody encoded: it must not panic or allocate beyond the input's size, and what it accepts must
// mean the same when it is encoded again.
func FuzzFrame(f *testing.F) {
	now := time.Now()
	e := audit.Entry{ID: id.New(now), WorkspaceID: id.New(now), Time: now, Kind: "x", Trusts: []string{"a", ""}, Body: []byte("body")}
	f.Add(encode(nil))
	f.Add(encode([]audit.Entry{e}))
	f.Add(encode([]audit.Entry{e, e, e}))
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, frame []byte) {
		entries, err := decode(frame)
		if err != nil {
			return
		}
		for i := range entries {
			if indexable(string(entries[i].Kind)) != nil {
				return // Append accepts no such kind
			}
		}
		again, err := decode(encode(entries))
		if err != nil || !reflect.DeepEqual(again, entries) {
			t.Fatalf("%+v became %+v (%v)", entries, again, err)
		}
	})
}

func BenchmarkFrame(b *testing.B) {
	now := time.Now()
	entries := make([]audit.Entry, 64)
	for i := range entries {
		entries[i] = audit.Entry{ID: id.New(now), WorkspaceID: id.New(now), Time: now, Kind: audit.TokenIssued, Body: make([]byte, 700)}
	}
	var frame []byte
	b.ReportAllocs()
	for b.Loop() {
		list, err := drafts(entries)
		if err != nil {
			b.Fatal(err)
		}
		frame = appendFrame(frame[:0], list)
	}
}
