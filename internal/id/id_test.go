package id_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/id"
)

func TestIdentifiersAreDistinctAndTellTheirTime(t *testing.T) {
	seen := map[string]bool{}
	var before [id.Size]byte
	for i := range 1000 {
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Millisecond)
		text := id.New(at)
		if seen[text] || !id.Valid(text) || len(text) != id.Length {
			t.Fatalf("%q", text)
		}
		seen[text] = true
		b, err := id.Bytes(text)
		if err != nil || id.Text(b) != text {
			t.Fatalf("%q: %v", text, err)
		}
		if bytes.Compare(before[:], b[:]) >= 0 {
			t.Fatalf("%x comes after %x", before, b)
		}
		before = b
		ms := int64(0)
		for _, c := range b[:6] {
			ms = ms<<8 | int64(c)
		}
		if ms != at.UnixMilli() {
			t.Fatalf("made at %d, says %d", at.UnixMilli(), ms)
		}
	}
}

func TestOneTextPerIdentifier(t *testing.T) {
	good := id.New(time.Now())
	for rule, text := range map[string]string{
		"empty": "", "one short": good[:25], "one long": good + "a", "padded": good[:24] + "==", "upper case": strings.ToUpper(good),
		"a digit that base32 has not": "1" + good[1:], "a line end": good[:25] + "\n", "line ends": strings.Repeat("\r", 26),
		"NUL": good[:25] + "\x00", "spare bits set": strings.Repeat("a", 25) + "b", "not ASCII": good[:24] + "é",
	} {
		if b, err := id.Bytes(text); err == nil || id.Valid(text) {
			t.Errorf("%s: %q is %x", rule, text, b)
		}
	}
}

func FuzzBytes(f *testing.F) {
	f.Add("")
	f.Add(id.New(time.Now()))
	f.Add(strings.Repeat("7", 26))
	f.Fuzz(func(t *testing.T, text string) {
		if b, err := id.Bytes(text); err == nil && id.Text(b) != text {
			t.Errorf("%q is %x, which is %q", text, b, id.Text(b))
		}
	})
}

func TestTheTimeOfAnIdentifier(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 891_234_567, time.UTC)
	if at, err := id.Time(id.New(now)); err != nil || !at.Equal(now.Truncate(time.Millisecond)) {
		t.Errorf("%s, %v", at, err)
	}
	if _, err := id.Time("no identifier"); err == nil {
		t.Error("a time of nothing")
	}
}
