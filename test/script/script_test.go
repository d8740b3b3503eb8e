package script

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptsWithin is far more than all scripts take together on a busy machine.
const scriptsWithin = 5 * time.Minute

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "../../testdata/script",
		Setup:              setUp,
		WorkdirRoot:        t.TempDir(), // testscript leaves its own behind where -run picks scripts
		RequireUniqueNames: true,
		Deadline:           time.Now().Add(scriptsWithin), // ends a server that should not have started
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": serve, "halt": halt, "dotenv": dotenv,
			"status": status, "json": jsonValue, "mode": mode, "mint": mint, "await": await,
		},
	})
}

// setUp gives a script an empty home, no workload file of this machine's, and an issuer that is not nsc.
func setUp(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		return err
	}
	env.Setenv("HOME", home)
	env.Setenv("NSC_METADATA_DIR", filepath.Join(env.WorkDir, "metadata"))
	env.Setenv("GORACE", "atexit_sleep_ms=0")
	issuer, err := startIssuer()
	if err != nil {
		return err
	}
	env.Defer(issuer.server.Close)
	env.Setenv("ISSUER", issuer.server.URL)
	env.Values[issuerKey{}] = issuer
	env.Values[testKey{}] = env.T()
	env.Values[serversKey{}] = map[string]*process{}
	return nil
}
