package differential

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// npmJose returns jose's verdicts on all tokens, by one process. Its release is the one that test/interop pins.
func npmJose(t *testing.T, keySet []byte, tokens []string) []verdict {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil && os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing: install Debian's packages nodejs and npm", program)
		} else if err != nil {
			t.Skipf("%s is missing: install Debian's packages nodejs and npm", program)
		}
	}
	folder := t.TempDir()
	script, err := os.ReadFile("verify.mjs")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "verify.mjs"), script, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(packages(t), "node_modules"), filepath.Join(folder, "node_modules")); err != nil {
		t.Fatal(err)
	}
	question := map[string]any{
		"keySet": json.RawMessage(keySet), "issuer": issuer, "audience": audience, "algorithms": accepted, "tokens": []string{},
	}
	var encoded []string // they are bytes, not text
	for _, token := range tokens {
		encoded = append(encoded, base64.StdEncoding.EncodeToString([]byte(token)))
	}
	question["tokens"] = encoded
	input, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join(folder, "verify.mjs"))
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), os.Stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answers []struct {
		Refused string
		Reading reading
	}
	if err := json.Unmarshal(output, &answers); err != nil || len(answers) != len(tokens) {
		t.Fatalf("%d answers, %v", len(answers), err)
	}
	verdicts := make([]verdict, len(answers))
	for i, a := range answers {
		if verdicts[i].reading = a.Reading; a.Refused != "" {
			verdicts[i].refused = errors.New(a.Refused)
		}
	}
	return verdicts
}

// packages installs what test/interop's lock file pins, once for each state of it, in the folder that test/interop uses.
func packages(t *testing.T) string {
	t.Helper()
	const from = "../interop/js"
	lock, err := os.ReadFile(filepath.Join(from, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(lock)
	installed := filepath.Join(cache, "nsc-test", "interop-"+hex.EncodeToString(sum[:8]))
	if _, err := os.Stat(installed); err == nil {
		return installed
	}
	unfinished := t.TempDir()
	if err := os.CopyFS(unfinished, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = unfinished
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, output)
	}
	return unfinished
}
