package crash

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	_ "modernc.org/sqlite"             // the driver sqlite
)

const workspace = "dev"

// An installation is a data folder, perhaps with a PostgreSQL, and the program that runs on it.
type installation struct {
	base    *front
	program string
	folder  string
	config  string
	driver  string // for looking into the database beside the server
	source  string
	server  *process
	url     string // of the server that runs
	bearer  string // of the administrator
	export  string // file of the last export of the log; "" where there was none yet
}

// newInstallation returns one that has never been started. The database is PostgreSQL's address, or "" for SQLite.
func newInstallation(t *testing.T, program, database string) *installation {
	t.Helper()
	folder := t.TempDir()
	i := &installation{
		base: newFront(t), program: program, folder: folder, config: filepath.Join(folder, "nsc.yaml"), driver: "pgx", source: database,
	}
	text := fmt.Sprintf("listen: 127.0.0.1:0\nbase_url: %s\ndata_dir: %s/data\nrate_limit_per_address: 0\nrate_limit_per_workspace: 0\n", i.base.URL, folder)
	if database == "" {
		i.driver, i.source = "sqlite", "file:"+folder+"/data/nsc.db?_pragma=busy_timeout(10000)"
	} else {
		text += "database: " + database + "\n"
	}
	if err := os.WriteFile(i.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return i
}

// launch begins a start, and does not wait for it.
func (i *installation) launch(t *testing.T) {
	t.Helper()
	i.server = launch(t, i.program, "server", "--config", i.config)
	said := i.server.log
	t.Cleanup(func() {
		if lines := said.complaints(); t.Failed() && len(lines) > 0 {
			t.Logf("the server complained %d times, at last: %s", len(lines), lines[len(lines)-1])
		}
	})
}

// start starts the server. Whatever was done to it before: it gets ready, and has nothing to complain about.
func (i *installation) start(t *testing.T) {
	t.Helper()
	i.launch(t)
	var err error
	if i.url, err = i.server.address(); err != nil {
		t.Fatal(err)
	}
	i.base.to.Store(&i.url)
	response, err := http.Get(i.url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("readiness: %s", response.Status)
	}
	i.clean(t)
}

// clean reports what the server has complained about.
func (i *installation) clean(t *testing.T) {
	t.Helper()
	for _, line := range i.server.log.complaints() {
		t.Errorf("the server complains: %s", line)
	}
}

// bootstrap makes the administrator, as a person would on the server's machine.
func (i *installation) bootstrap(t *testing.T) {
	t.Helper()
	file := filepath.Join(i.folder, "administrator.json")
	cmd := exec.Command(i.program, "admin", "bootstrap", "--config", i.config, "--workspace", workspace, "--save-to", file)
	cmd.Env = []string{"HOME=" + i.folder}
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var stored struct {
		Bearer string `json:"bearer_token"`
	}
	if err := json.Unmarshal(text, &stored); err != nil {
		t.Fatal(err)
	}
	i.bearer = stored.Bearer
}

// api calls the management API and decodes its answer.
func (i *installation) api(t *testing.T, method, path string, body, answer any) {
	t.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(method, i.url+"/api/v1/workspaces/"+workspace+path, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+i.bearer)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		t.Fatalf("%s %s: %s %v\n%s", method, path, response.Status, err, text)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		t.Fatal(err)
	}
}

// trust admits subjects of the issuer that have a prefix.
func (i *installation) trust(t *testing.T, from *issuer, prefix string, singleUse bool) {
	t.Helper()
	from.audience = i.base.URL + "/w/" + workspace
	var made struct{ ID string }
	i.api(t, "POST", "/trust-relationships", map[string]any{
		"issuer": issuerURL, "subject_match": prefix + ":*", "single_use": singleUse,
		"grants":     []any{map[string]any{"resource_type": "audience", "resource_id": audience, "actions": []string{"issue"}}},
		"key_source": map[string]any{"kind": "jwks", "jwks": from.keySet, "not_after": from.notAfter},
	}, &made)
}

// look opens the database beside the server.
func (i *installation) look(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open(i.driver, i.source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
