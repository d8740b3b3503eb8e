package interop

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// oldestNode is the first release in which the libraries find Web Crypto where they look for it.
const oldestNode = 20

// requireNode says what is missing. Only where everything is promised to be there is that a failure.
func requireNode(t *testing.T) {
	t.Helper()
	missing := missingNode()
	switch {
	case missing == "":
	case os.Getenv("CI") == "true":
		t.Fatal(missing)
	default:
		t.Skip(missing)
	}
}

func missingNode() string {
	version, err := exec.Command("node", "--version").Output()
	if err != nil {
		return "node is missing: install Debian's package nodejs"
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return "npm is missing: install Debian's package npm"
	}
	major, _, _ := strings.Cut(strings.TrimPrefix(string(version), "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < oldestNode {
		return fmt.Sprintf("node is %s: install %d or later, which is Debian 13's package nodejs",
			strings.TrimSpace(string(version)), oldestNode)
	}
	return ""
}

// installPackages installs what the lock file pins, once for each state of that file, in the user's cache folder. It
// returns the folder.
func installPackages(ctx context.Context) (string, error) {
	lock, err := os.ReadFile("js/package-lock.json")
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(lock)
	installed := filepath.Join(cache, "nsc-test", "interop-"+hex.EncodeToString(sum[:8]))
	if _, err := os.Stat(installed); err == nil {
		return installed, nil
	}
	if err := os.MkdirAll(filepath.Dir(installed), 0o755); err != nil {
		return "", err
	}
	unfinished, err := os.MkdirTemp(filepath.Dir(installed), "interop-unfinished-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(unfinished)
	if err := npmInstall(ctx, unfinished); err != nil {
		return "", err
	}
	if err := os.Rename(unfinished, installed); err != nil && !errors.Is(err, os.ErrExist) { // another run was first
		return "", err
	}
	return installed, nil
}

func npmInstall(ctx context.Context, dir string) error {
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join("js", name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w\n%s", err, output)
	}
	return nil
}

// layOut puts our own modules beside the installed packages, where Node looks for those.
func layOut(dir, packages string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	modules, err := filepath.Glob("js/*.mjs")
	if err != nil {
		return err
	}
	for _, module := range modules {
		text, err := os.ReadFile(module)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(module)), text, 0o644); err != nil {
			return err
		}
	}
	return os.Symlink(filepath.Join(packages, "node_modules"), filepath.Join(dir, "node_modules"))
}
