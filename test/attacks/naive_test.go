//go:build naive

package attacks

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Every row's test fails on naive code. It takes minutes, for each row is another program, so it is built by make attacks alone.
func TestEveryTestFailsOnNaiveCode(t *testing.T) {
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			pkg, name, _ := strings.Cut(a.test, " ")
			nothingLeft(t, filepath.Join(repository, pkg, "testdata"))
			cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-overlay", a.overlay(t), "-run", "^"+name+"$", "./"+pkg)
			cmd.Dir = repository
			output, err := cmd.CombinedOutput()
			switch text := string(output); {
			case strings.Contains(text, "[build failed]") || strings.Contains(text, "[setup failed]"):
				t.Errorf("the naive code does not build:\n%s", text)
			case err == nil:
				t.Errorf("%s passes on %q", name, a.naive)
			case !strings.Contains(text, "--- FAIL: "+name):
				t.Errorf("%s did not run:\n%s", name, text)
			}
		})
	}
}

// nothingLeft removes a folder where it is not there yet: rapid keeps there what made a test fail.
func nothingLeft(t *testing.T, folder string) {
	t.Helper()
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		return
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
}

// overlay returns a file that has the go command read the row's file as it would be with the naive code.
func (a attack) overlay(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	original, err := filepath.Abs(filepath.Join(repository, a.file))
	if err != nil {
		t.Fatal(err)
	}
	changed, list := filepath.Join(folder, "naive.go"), filepath.Join(folder, "overlay.json")
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{original: changed}})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{changed: strings.Replace(read(t, a.file), a.ours, a.naive, 1), list: string(text)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return list
}
