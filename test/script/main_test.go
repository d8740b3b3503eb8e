package script

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/nsc-federation/nsc/internal/cli"
)

// searchPath is where programs are, without the one that testscript makes of this test.
var searchPath = os.Getenv("PATH")

// TestMain makes the test's own program be nsc where it is called by that name.
func TestMain(m *testing.M) {
	testscript.Main(tests{m}, map[string]func(){
		"nsc": func() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ())) },
	})
}

// tests are all tests, after which nothing is left behind.
type tests struct{ *testing.M }

func (t tests) Run() int {
	code := t.M.Run()
	if program.path != "" {
		_ = os.RemoveAll(filepath.Dir(program.path)) // it is in the folder for temporary files
	}
	return code
}
