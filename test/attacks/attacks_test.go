package attacks

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var naive = flag.Bool("naive", false, "put the naive code of each row in, and want its test to fail")

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

// Every row's test fails on naive code. It takes minutes, for each row is another program: make attacks.
func TestEveryTestFailsOnNaiveCode(t *testing.T) {
	if !*naive {
		t.Skip("only with -naive: make attacks")
	}
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
