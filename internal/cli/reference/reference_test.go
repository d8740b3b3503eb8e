package reference

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nsc-federation/nsc/internal/cli"
)

const folder = "../../../docs/reference"

// TestReferenceIsFresh fails where a command changed and its pages did not: run go generate ./internal/cli.
func TestReferenceIsFresh(t *testing.T) {
	want := Files(Pages(cli.Commands()))
	for path, content := range want {
		got, err := os.ReadFile(filepath.Join(folder, path))
		if err != nil || string(got) != content {
			t.Errorf("%s is stale (%v): go generate ./internal/cli", path, err)
		}
	}
	for _, pattern := range []string{"cli/*", "man/*"} {
		found, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			if name, _ := filepath.Rel(folder, path); want[name] == "" {
				t.Errorf("%s is of no command", name)
			}
		}
	}
}

func TestReferenceIsTheSameEachTime(t *testing.T) {
	if !maps.Equal(Files(Pages(cli.Commands())), Files(Pages(cli.Commands()))) {
		t.Error("two runs differ")
	}
}

func TestPagesSayWhatHelpSays(t *testing.T) {
	files := Files(Pages(cli.Commands()))
	page := files[filepath.Join("cli", "nsc-auth-issue-id-token.md")]
	for _, want := range []string{"# nsc auth issue-id-token\n", "```sh\nexport ID_TOKEN=$(nsc auth issue-id-token", "| `--audience audience` |", "| `--url URL` |", "(nsc-auth.md)"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	if page := files[filepath.Join("cli", "nsc-dev.md")]; strings.Contains(page, "--keychain") {
		t.Errorf("nsc dev has no use for a keychain:\n%s", page)
	}
	man := files[filepath.Join("man", "nsc-auth-issue-id-token.1")]
	for _, want := range []string{".TH \"NSC-AUTH-ISSUE-ID-TOKEN\" 1", `.B \-\-audience audience`, ".SH EXIT STATUS", `nsc\-auth(1)`} {
		if !strings.Contains(man, want) {
			t.Errorf("no %q in\n%s", want, man)
		}
	}
}

func TestRoff(t *testing.T) {
	for text, want := range map[string]string{
		".dot at the start": `\&.dot at the start`, "'quote": `\&'quote`, `back\slash`: `back\eslash`, "a-b": `a\-b`, "one\n.two": "one\n\\&.two",
	} {
		if got := roff(text); got != want {
			t.Errorf("roff(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestWriteReplacesAll(t *testing.T) {
	dir := t.TempDir()
	stale := filepath.Join(dir, "cli", "nsc-gone.md")
	if err := os.MkdirAll(filepath.Dir(stale), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(stale, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	pages := Pages(cli.Commands())
	if err := Write(dir, pages); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(names) != 2*len(pages) || slices.Contains(names, stale) {
		t.Errorf("%d files for %d commands, %v", len(names), len(pages), err)
	}
}
