package script

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// ours are the pages that this package looks after.
var ours = []string{
	"README.md", "CONTRIBUTING.md", "docs/guide/kubernetes.md", "docs/guide/trust-relationships.md", "docs/guide/tokens.md",
	"docs/guide/operations.md", "docs/guide/audit.md", "docs/guide/http-service.md", "docs/guide/github-actions.md",
	"docs/guide/gitlab.md", "docs/guide/circleci.md", "docs/guide/buildkite.md", "docs/guide/terraform-cloud.md",
	"docs/guide/google-service-account.md", "docs/guide/aws-workloads.md", "docs/guide/azure-managed-identity.md",
	"docs/guide/fly.md", "docs/guide/spiffe.md", "docs/guide/files.md",
}

func readWords(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const widest = 120 // characters of a line that is no table

func TestLinesAreShort(t *testing.T) {
	for _, name := range ours {
		for i, line := range strings.Split(readWords(t, name), "\n") {
			if n := len([]rune(line)); n > widest && !strings.HasPrefix(line, "|") {
				t.Errorf("%s:%d has %d characters", name, i+1, n)
			}
		}
	}
}

var (
	link   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	marker = regexp.MustCompile("[^a-z0-9 -]")
)

// Links within the repository lead somewhere, to a heading where they name one.
func TestLinksLeadSomewhere(t *testing.T) {
	for _, name := range ours {
		for _, found := range link.FindAllStringSubmatch(readWords(t, name), -1) {
			file, heading, _ := strings.Cut(found[1], "#")
			if strings.Contains(file, "://") {
				continue
			}
			target := name
			if file != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(filepath.FromSlash(name)), filepath.FromSlash(file)))
			}
			if _, err := os.Stat(filepath.Join(repository, filepath.FromSlash(target))); err != nil {
				t.Errorf("%s links to %s: %v", name, found[1], err)
			} else if heading != "" && !headings(readWords(t, target))[heading] {
				t.Errorf("%s links to %s, and %s has no such heading", name, found[1], target)
			}
		}
	}
}

// headings returns the anchors that GitHub makes of a text's headings.
func headings(text string) map[string]bool {
	found := map[string]bool{}
	for line := range strings.Lines(text) {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			found[strings.ReplaceAll(marker.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), ""), " ", "-")] = true
		}
	}
	return found
}

var (
	step  = regexp.MustCompile("(?m)^\\| `([a-z/_]+\\.go)` \\| (`[A-Za-z]+`(?:, `[A-Za-z]+`)*) \\|")
	place = regexp.MustCompile("`((?:cmd|docs|internal|test|testdata)/[A-Za-z0-9/_.-]+)`")
)

// CONTRIBUTING.md follows a request through files and functions that exist.
func TestTheWayThroughTheCode(t *testing.T) {
	text := readWords(t, "CONTRIBUTING.md")
	for _, found := range place.FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join(repository, filepath.FromSlash(found[1]))); err != nil {
			t.Errorf("CONTRIBUTING.md names %s: %v", found[1], err)
		}
	}
	steps := step.FindAllStringSubmatch(text, -1)
	if len(steps) < 15 {
		t.Errorf("only %d steps were found", len(steps))
	}
	for _, found := range steps {
		source := readWords(t, found[1])
		for _, function := range strings.Split(found[2], ", ") {
			declared := regexp.MustCompile(`(?m)^func (\([^)]+\) )?` + strings.Trim(function, "`") + `\b`)
			if !declared.MatchString(source) {
				t.Errorf("CONTRIBUTING.md: %s has no function %s", found[1], function)
			}
		}
	}
}
