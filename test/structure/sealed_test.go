package structure

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Programs outside the packages of the path cannot make what its steps demand. Each of these must fail to compile, for the
// given reason; the first must compile, or the test would show nothing.
func TestSealedTypesCannotBeMade(t *testing.T) {
	for _, c := range []struct{ name, body, refused string }{
		{"zero values", `var _ = []any{identity.Identity{}, policy.Grant{}, audit.Receipt{}, keys.Token{}}`, ""},
		{"identity", `var v = identity.Identity{v: nil}`, "v in struct literal of type identity.Identity"},
		{"grant", `func f(g *policy.Grant) { g.payload = nil }`, "g.payload undefined"},
		{"receipt", `var r = audit.Receipt{r: nil}`, "r in struct literal of type audit.Receipt"},
		{"token", `var t = keys.Token{compact: "x"}`, "compact in struct literal of type keys.Token"},
		{"sign without a receipt", `func f(r *keys.Rings, g policy.Grant) { r.Sign(nil, g) }`, "cannot use g"},
		{"record without a decision", `func f(r *audit.Recorder, i identity.Identity) { r.Intent(nil, i, "", audit.Origin{}) }`, "cannot use i"},
		{"decide on claims that nobody vouches for", `func f(s identity.Supposed) { policy.Decide(s, nil, nil, policy.Request{}) }`, "cannot use s"},
		{"make an identity of claims", `func f(s identity.Supposed) identity.Identity { return identity.Identity(s) }`, "cannot convert s"},
		{"take the identity out of claims", `func f(s identity.Supposed) any { return s.bearer }`, "s.bearer undefined"},
		{"decide without an identity", `var d = policy.Decide("somebody", nil, nil, policy.Request{})`, "cannot use \"somebody\""},
	} {
		t.Run(c.name, func(t *testing.T) {
			output, err := compile(t, c.body)
			switch {
			case c.refused == "" && err != nil:
				t.Errorf("must compile: %v\n%s", err, output)
			case c.refused != "" && err == nil:
				t.Error("compiles")
			case c.refused != "" && !strings.Contains(output, c.refused):
				t.Errorf("refused for another reason than %q:\n%s", c.refused, output)
			}
		})
	}
}

// compile compiles a file with the body into a package of this module that exists in an overlay alone.
func compile(t *testing.T, body string) (string, error) {
	t.Helper()
	program := `package sealed

import (
	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/policy"
)

var _ = []any{(*audit.Recorder)(nil), (*identity.Identity)(nil), (*keys.Rings)(nil), (*policy.Trusts)(nil)}

` + body + "\n"
	dir := t.TempDir()
	file := filepath.Join(dir, "sealed.go")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	place, err := filepath.Abs("sealed/sealed.go")
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{place: file}})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	output, err := exec.Command("go", "build", "-overlay", list, "./sealed").CombinedOutput()
	return string(output), err
}
