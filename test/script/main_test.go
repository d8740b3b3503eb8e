package script

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/nsc-federation/nsc/internal/cli"
)

// TestMain makes the test's own program be nsc where it is called by that name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"nsc": func() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv)) },
	})
}
