package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

const committed = "../../../docs/reference"

func TestTheReferenceIsCommitted(t *testing.T) {
	files, err := files()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(committed, name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("docs/reference/%s is stale: run make generate and commit it (%v)", name, err)
		}
	}
}

func TestTheReferenceIsTheSameEveryTime(t *testing.T) {
	first, err := files()
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		again, err := files()
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range first {
			if !bytes.Equal(again[name], want) {
				t.Errorf("%s differs from one run to the next", name)
			}
		}
	}
}

func TestFilesAreWritten(t *testing.T) {
	folder := t.TempDir()
	if err := write(folder, map[string][]byte{"a.md": []byte("text")}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(folder, "a.md")); err != nil || string(got) != "text" {
		t.Errorf("%q %v", got, err)
	}
	if err := write(filepath.Join(folder, "missing"), map[string][]byte{"a.md": nil}); err == nil {
		t.Error("a folder that does not exist was written to")
	}
}
