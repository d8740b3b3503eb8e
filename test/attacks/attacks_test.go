package attacks

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const repository = "../.."

// read returns a file of the repository.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every row's test exists, and so does the piece of code that the test guards.
func TestEveryAttackHasItsTest(t *testing.T) {
	for _, a := range attacks {
		pkg, name, _ := strings.Cut(a.test, " ")
		if !declares(t, pkg, name) {
			t.Errorf("%s: there is no test %s in %s", a.name, name, pkg)
		}
		if n := strings.Count(read(t, a.file), a.ours); a.ours == "" || n != 1 {
			t.Errorf("%s: %s has %d times %q", a.name, a.file, n, a.ours)
		}
	}
}

func declares(t *testing.T, pkg, test string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(repository, pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	declaration := regexp.MustCompile(`(?m)^func ` + test + `\(`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if declaration.Match(text) {
			return true
		}
	}
	return false
}

// People find the same list in SECURITY.md.
func TestEveryAttackIsInSecurityMD(t *testing.T) {
	text := read(t, "SECURITY.md")
	rows := 0
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "| ") && strings.Contains(line, "`Test") {
			rows++
		}
	}
	for _, a := range attacks {
		pkg, name, _ := strings.Cut(a.test, " ")
		if row := "| " + a.name + " | " + a.where + " | `" + name + "` in `" + pkg + "` |\n"; !strings.Contains(text, row) {
			t.Errorf("SECURITY.md lacks the row\n%s", row)
		}
	}
	if rows != len(attacks) {
		t.Errorf("SECURITY.md has %d rows, and there are %d attacks", rows, len(attacks))
	}
}

// What the guide promises for when something fails has a test, too.
func TestEveryPromiseOfTheGuideHasItsTest(t *testing.T) {
	_, section, _ := strings.Cut(read(t, "docs/guide/operations.md"), "\n## When something fails\n")
	section, _, _ = strings.Cut(section, "\n## ")
	named := regexp.MustCompile("`(Test\\w+)`(?: and `(Test\\w+)`)? in `([\\w/]+)`")
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| what happens") {
			continue
		}
		found := named.FindAllStringSubmatch(line, -1)
		if len(found) == 0 {
			t.Errorf("no test: %s", line)
		}
		for _, f := range found {
			for _, name := range f[1:3] {
				if name != "" && !declares(t, f[3], name) {
					t.Errorf("there is no test %s in %s", name, f[3])
				}
			}
		}
	}
}
