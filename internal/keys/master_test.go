package keys_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/nsc-federation/nsc/internal/keys"
)

var binding = keys.Binding{WorkspaceID: "w", Purpose: "signing key", Algorithm: "ES256", KeyID: "k"}

func TestRule30SealedDataOpensOnlyWhereItBelongs(t *testing.T) {
	m, other := newMaster(t), newMaster(t)
	secret := []byte("a private key")
	sealed := m.Seal(binding, secret)
	if plain, err := m.Open(binding, sealed); err != nil || !bytes.Equal(plain, secret) {
		t.Fatalf("%q %v", plain, err)
	}
	if bytes.Contains(sealed, secret) || bytes.Equal(sealed, m.Seal(binding, secret)) {
		t.Error("sealed twice alike, or not at all")
	}
	for rule, open := range map[string]func() ([]byte, error){
		"another workspace":  func() ([]byte, error) { b := binding; b.WorkspaceID = "x"; return m.Open(b, sealed) },
		"another purpose":    func() ([]byte, error) { b := binding; b.Purpose = "x"; return m.Open(b, sealed) },
		"another algorithm":  func() ([]byte, error) { b := binding; b.Algorithm = "x"; return m.Open(b, sealed) },
		"another key ID":     func() ([]byte, error) { b := binding; b.KeyID = "x"; return m.Open(b, sealed) },
		"no binding":         func() ([]byte, error) { return m.Open(keys.Binding{}, sealed) },
		"another master key": func() ([]byte, error) { return other.Open(binding, sealed) },
		"nothing":            func() ([]byte, error) { return m.Open(binding, nil) },
		"one byte more":      func() ([]byte, error) { return m.Open(binding, append(bytes.Clone(sealed), 0)) },
	} {
		if plain, err := open(); !errors.Is(err, keys.ErrSeal) || plain != nil {
			t.Errorf("%s: %q %v", rule, plain, err)
		}
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := m.Open(binding, changed); !errors.Is(err, keys.ErrSeal) {
			t.Errorf("byte %d changed: %v", i, err)
		}
		if _, err := m.Open(binding, sealed[:i]); !errors.Is(err, keys.ErrSeal) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
}

func TestRule30TheInstallationKnowsItsMasterKey(t *testing.T) {
	m, other := newMaster(t), newMaster(t)
	if !m.Fits(m.Check()) || other.Fits(m.Check()) || m.Fits(nil) || m.Fits(m.Seal(binding, []byte("nsc"))) {
		t.Error("a check that fits the wrong one, or not the right one")
	}
}

func TestTheMasterKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "folder", "master.key")
	m, err := keys.CreateMaster(path)
	if err != nil {
		t.Fatal(err)
	}
	file, folder := mode(t, path), mode(t, filepath.Dir(path))
	if file != 0o600 || folder != 0o700 {
		t.Errorf("file mode %04o, folder mode %04o", file, folder)
	}
	loaded, err := keys.LoadMaster(path)
	if err != nil || !loaded.Fits(m.Check()) {
		t.Errorf("not the same key: %v", err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.CreateMaster(path); !errors.Is(err, os.ErrExist) {
		t.Errorf("created again: %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the file was replaced")
	}
	if _, err := keys.LoadMaster(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

// Seen to fail on a file that was created under its name and then written: a server that is killed in between would
// never start again.
func TestAMasterKeyFileIsThereAsAWhole(t *testing.T) {
	folder := t.TempDir()
	for n := range 200 {
		path := filepath.Join(folder, fmt.Sprint(n))
		var all sync.WaitGroup
		all.Go(func() {
			for {
				_, err := keys.LoadMaster(path)
				if err == nil {
					return
				}
				if !errors.Is(err, os.ErrNotExist) {
					t.Errorf("half a file: %v", err)
					return
				}
			}
		})
		if _, err := keys.CreateMaster(path); err != nil {
			t.Error(err)
		}
		all.Wait()
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 200 {
		t.Errorf("%d files, %v", len(left), err)
	}
}

func TestAMasterKeyFileThatOthersMayReadIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	if _, err := keys.CreateMaster(path); err != nil {
		t.Fatal(err)
	}
	for mode, ok := range map[os.FileMode]bool{
		0o600: true, 0o400: true, 0o700: true,
		0o640: false, 0o604: false, 0o644: false, 0o660: false, 0o620: false, 0o602: false, 0o610: false, 0o777: false,
	} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := keys.LoadMaster(path); ok != (err == nil) {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
}

func TestOnlyMasterKeyFilesAreRead(t *testing.T) {
	key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	for rule, row := range map[string]struct {
		text string
		ok   bool
	}{
		"as it is written":        {"nsc-master-key-v1:" + key + "\n", true},
		"without the end of line": {"nsc-master-key-v1:" + key, true},
		"empty":                   {"", false},
		"no prefix":               {key, false},
		"another version":         {"nsc-master-key-v2:" + key, false},
		"too short":               {"nsc-master-key-v1:" + base64.StdEncoding.EncodeToString(make([]byte, 31)), false},
		"too long":                {"nsc-master-key-v1:" + base64.StdEncoding.EncodeToString(make([]byte, 33)), false},
		"no base64":               {"nsc-master-key-v1:" + strings.Repeat("!", 44), false},
		"two keys":                {"nsc-master-key-v1:" + key + "\nnsc-master-key-v1:" + key, false},
		"endless":                 {"nsc-master-key-v1:" + key + strings.Repeat("\n", 4096), false},
	} {
		t.Run(rule, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "master.key")
			if err := os.WriteFile(path, []byte(row.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := keys.LoadMaster(path)
			if row.ok != (err == nil) {
				t.Errorf("error %v", err)
			}
			if err != nil && strings.Contains(err.Error(), key) {
				t.Errorf("the error has the key in it: %v", err)
			}
		})
	}
}

func TestSecurityAMasterKeyDoesNotPrint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	m, err := keys.CreateMaster(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	encoded := strings.TrimPrefix(strings.TrimSpace(string(text)), "nsc-master-key-v1:")
	secret, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	part := strings.Trim(fmt.Sprint(secret[:8]), "[]")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		for _, value := range []any{m, &m, struct{ M keys.Master }{m}, []keys.Master{m}} {
			if text := fmt.Sprintf(verb, value); strings.Contains(text, part) || strings.Contains(text, encoded) {
				t.Errorf("%s: %s", verb, text)
			}
		}
	}
}
