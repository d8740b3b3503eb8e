package credentials

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/failure"
)

func TestLoadRefusesWhatIsNoTokenFile(t *testing.T) {
	good := fmt.Sprintf(`{"bearer_token":%q,"session_token":""}`, token(t, "prod", time.Hour))
	for name, c := range map[string]struct {
		source  Source
		mode    os.FileMode
		content string
		what    string
	}{
		"private":                     {User, 0o600, good, ""},
		"read-only":                   {User, 0o400, good, ""},
		"readable to the group":       {User, 0o640, good, "is open to other users (mode 0640)"},
		"readable to all":             {Variable, 0o644, good, "is open to other users (mode 0644)"},
		"keychain readable to all":    {Keychain, 0o604, good, "is open to other users (mode 0604)"},
		"workload's, readable to all": {Workload, 0o644, good, ""},
		"workload's, writable to all": {Workload, 0o666, good, "is open to other users (mode 0666)"},
		"half written":                {User, 0o600, good[:40], "is not whole JSON"},
		"empty":                       {User, 0o600, "", "is empty"},
		"larger than any":             {User, 0o600, good + strings.Repeat(" ", MaxFile), "is larger than 64 KiB"},
		"somebody else's token":       {User, 0o600, `{"bearer_token":"abc"}`, "holds a token that no nsc server made"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "token.json")
			write(t, path, c.mode, c.content)
			loaded, err := Load(path, c.source)
			if c.what == "" {
				if err != nil || loaded.Workspace != "prod" || loaded.Path != path || loaded.Source != c.source {
					t.Errorf("%+v, %v", loaded, err)
				}
				return
			}
			wantFailure(t, err, path+" "+c.what)
		})
	}
}

// Rule 38: nobody is told to sign in where that does not write the file.
func TestRule38WhatHelpsAgainstABadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token.json")
	write(t, path, 0o600, "[]")
	for source, want := range map[Source]string{
		Keychain: "sign in again (nsc auth exchange-oidc-token --keychain NAME)", User: "sign in again",
		Variable: "have NSC_TOKEN_FILE name", Workload: "correct what writes it",
	} {
		if _, err := Load(path, source); !strings.HasPrefix(failure.From(err).Todo, want) {
			t.Errorf("%s: %+v", source, err)
		}
	}
}

func wantFailure(t *testing.T, err error, what string) {
	t.Helper()
	var f *failure.Failure
	if !errors.As(err, &f) || f.Status != failure.Refused || !strings.Contains(f.What, what) || f.Todo == "" || strings.Contains(f.What+f.Todo, "\n") {
		t.Errorf("%#v, want status 3, %q and what to do", err, what)
	}
}

func TestLoadUnreadable(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(filepath.Join(dir, "none.json"), User); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	_, err := Load(dir, Variable)
	wantFailure(t, err, "is a folder")
	file := filepath.Join(dir, "file")
	write(t, file, 0o600, "x")
	_, err = Load(filepath.Join(file, "token.json"), Variable)
	wantFailure(t, err, "cannot be read")
}

func TestSaveIsPrivate(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a", "ns")
	path := filepath.Join(folder, "token.json")
	put(t, path, Stored{BearerToken: token(t, "one", time.Hour)})
	last := Stored{BearerToken: token(t, "two", time.Hour), SessionToken: "s"}
	put(t, path, last)
	for name, mode := range map[string]os.FileMode{path: 0o600, folder: 0o700 | os.ModeDir} {
		state, err := os.Stat(name)
		if err != nil || state.Mode() != mode {
			t.Errorf("%s has mode %v, %v; want %v", name, state.Mode(), err, mode)
		}
	}
	if c, err := Load(path, User); err != nil || c.Stored != last {
		t.Errorf("%+v, %v", c.Stored, err)
	}
	if entries, _ := os.ReadDir(folder); len(entries) != 2 || entries[1].Name() != "token.json.lock" {
		t.Errorf("left behind beside the lock: %v", entries)
	}
}

func TestSaveReplacesALinkNotItsTarget(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "token.json")
	write(t, target, 0o600, "precious")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	put(t, link, Stored{BearerToken: token(t, "one", time.Hour)})
	if text, err := os.ReadFile(target); err != nil || string(text) != "precious" {
		t.Errorf("the link's target holds %q, %v", text, err)
	}
}

func TestReadersSeeWholeFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token.json")
	versions := []Stored{{BearerToken: token(t, "one", time.Hour)}, {BearerToken: token(t, "two", 2*time.Hour), SessionToken: strings.Repeat("s", 9000)}}
	put(t, path, versions[0])
	var writers sync.WaitGroup
	for _, v := range versions {
		writers.Go(func() {
			for range 20 {
				if err := Save(path, v); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 200 {
		c, err := Load(path, User)
		if err != nil || c.Stored != versions[0] && c.Stored != versions[1] {
			t.Fatalf("read %+v, %v", c.Stored, err)
		}
	}
	writers.Wait()
}

func TestSaveWhereItCannot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, 0o600, "x")
	err := Save(filepath.Join(file, "token.json"), Stored{BearerToken: "t"})
	if f := failure.From(err); f.Status != failure.Failed || !strings.Contains(f.What, "cannot be kept") {
		t.Errorf("%v", err)
	}
}
