package script

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The README begins with `make run` and goes on in another terminal of the same folder.
func TestReadme(t *testing.T) {
	require(t, "bash", "curl", "make")
	p, free := onFreePorts(t, readPage(t, "README.md"))
	first := p.blocks[0]
	if first.kind != "sh" || first.text != "make run\n" {
		t.Fatalf("README.md:%d: the first command is not make run but\n%s", first.line, first.text)
	}
	r := newReader(t)
	arguments := append(whatMakeRuns(t), "--listen", free["127.0.0.1:8740"])
	if said := r.runs(t, arguments...); !prints(first.output, said) {
		t.Errorf("README.md:%d: make run says\n%s\nnot\n%s", first.line, said, first.output)
	}
	p.blocks = p.blocks[1:]
	r.follow(t, p)
}

// whatMakeRuns returns the arguments of the program that `make run` starts.
func whatMakeRuns(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("make", "--no-print-directory", "-n", "run")
	cmd.Dir = repository
	cmd.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool { // of the make that runs this test
		return strings.HasPrefix(variable, "MAKE") || strings.HasPrefix(variable, "MFLAGS=")
	})
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	commands := lines(string(output))
	arguments, ok := strings.CutPrefix(commands[len(commands)-1], "bin/nsc ")
	if !ok {
		t.Fatalf("make run ends with %q", commands[len(commands)-1])
	}
	return strings.Fields(arguments)
}

// A reader of the README finds every guide.
func TestReadmeLinksEveryGuide(t *testing.T) {
	text := readWords(t, "README.md")
	guides, err := filepath.Glob(filepath.Join(repository, "docs", "guide", "*.md"))
	if err != nil || len(guides) == 0 {
		t.Fatal(guides, err)
	}
	for _, guide := range guides {
		if path := "docs/guide/" + filepath.Base(guide); !strings.Contains(text, "]("+path+")") {
			t.Errorf("README.md does not link to %s", path)
		}
	}
}
