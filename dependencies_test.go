package nsc_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestSecurityNothingHeavyIsLinked: these packages live in other people's programs. What they link beside the standard
// library is listed here, and why.
func TestSecurityNothingHeavyIsLinked(t *testing.T) {
	const module = "github.com/nsc-federation/nsc"
	for pkg, allowed := range map[string][]string{
		module: {
			module,
			module + "/internal/grants", // what a grant allows, as the server decides it
			module + "/internal/jwt",    // tokens and key sets, on the standard library's cryptography
			module + "/internal/origin", // where plain HTTP is no danger
		},
		module + "/client": {
			module + "/client",
			module + "/internal/failure",     // how the store of credentials says what to do
			module + "/internal/credentials", // the sign-in, as the command line finds it
			module + "/internal/jwt",
			module + "/internal/origin",
			"golang.org/x/oauth2", // for TokenSource
			"golang.org/x/oauth2/internal",
		},
	} {
		output, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", pkg).Output()
		if err != nil {
			t.Fatal(err)
		}
		linked := strings.Fields(string(output))
		for _, path := range linked {
			if !slices.Contains(allowed, path) {
				t.Errorf("%s links %s", pkg, path)
			}
		}
		for _, path := range allowed {
			if !slices.Contains(linked, path) {
				t.Errorf("%s does not link %s any more: take it off the list", pkg, path)
			}
		}
	}
}
