package clouds

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A reader follows a guide. He has two workspaces in which he does the same, so that what one of them issues can be
// shown where the other is trusted.
type reader struct {
	lab      *lab
	guide    guide
	dir      string   // his files
	names    []string // pairs: what the guide says, and what he writes instead
	home     workspace
	other    workspace
	deployer workload // signed in at home
}

// A workload is a service account's pod, signed in to a workspace.
type workload struct {
	cli  commandLine
	home string
}

// follow does what every guide begins with: the trust relationship that lets the workload ask for the audience, and the
// workload's sign-in.
func follow(t *testing.T, g guide) *reader {
	t.Helper()
	l := openLab(t)
	r := &reader{lab: l, guide: g, dir: t.TempDir(), home: l.server.newWorkspace(t), other: l.server.newWorkspace(t)}
	for example, own := range exampleFolders {
		r.says(example+"/", filepath.Join(r.dir, own)+"/")
		r.makeFolder(t, own)
	}
	tokenFile := r.write(t, "service-account-token", l.cluster.token(t, deployer, r.home.Issuer), 0o600)
	r.says(exampleIssuer, strings.TrimPrefix(r.home.Issuer, "https://"), exampleCluster, l.cluster.server.URL, exampleTokenFile, tokenFile)
	for _, w := range []workspace{r.home, r.other} {
		r.perform(t, l.server.administrator(w), "trust")
	}
	r.deployer = r.newWorkload(t)
	r.perform(t, r.deployer.cli, "sign-in")
	r.says(exampleSubject, r.deployer.subject(t))
	return r
}

// says notes names of his own.
func (r *reader) says(pairs ...string) { r.names = append(r.names, pairs...) }

// block returns a block of the guide with his own names.
func (r *reader) block(t *testing.T, name string) string {
	t.Helper()
	return strings.NewReplacer(r.names...).Replace(r.guide.block(t, name))
}

func (r *reader) makeFolder(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// write makes a file in his folder and returns its path.
func (r *reader) write(t *testing.T, name, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// readFile reads a file in his folder.
func (r *reader) readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// copyFile writes a block of the guide into a file of the block's name, where commands find it.
func (r *reader) copyFile(t *testing.T, name string) string {
	t.Helper()
	return r.write(t, name, r.block(t, name), 0o600)
}

// install makes a script of the guide a program.
func (r *reader) install(t *testing.T, name string) string {
	t.Helper()
	return r.write(t, filepath.Join("bin", name), r.block(t, name), 0o700)
}

// installTokenFile installs the script that the guides share.
func (r *reader) installTokenFile(t *testing.T) {
	t.Helper()
	shared := *r
	shared.guide = audiencesGuide
	shared.install(t, "nsc-token-file")
}

// newWorkload returns a pod in which nobody has signed in yet.
func (r *reader) newWorkload(t *testing.T) workload {
	t.Helper()
	home, binary := t.TempDir(), r.lab.server.admin.path
	path := strings.Join([]string{filepath.Join(r.dir, "bin"), filepath.Dir(binary), os.Getenv("PATH")}, ":")
	return workload{commandLine{binary, []string{"HOME=" + home, "PATH=" + path, "NSC_CA_FILE=" + r.lab.server.caFile}}, home}
}

// signIn returns a service account's pod, signed in to a workspace.
func (r *reader) signIn(t *testing.T, w workspace, account string) workload {
	t.Helper()
	pod := r.newWorkload(t)
	file := filepath.Join(pod.home, "token")
	if err := os.WriteFile(file, []byte(r.lab.cluster.token(t, account, w.Issuer)), 0o600); err != nil {
		t.Fatal(err)
	}
	pod.cli.run(t, "auth", "exchange-oidc-token", "--token-file", file)
	return pod
}

// trust lets another service account, or for another audience, ask for tokens.
func (r *reader) trust(t *testing.T, account, audience string) {
	t.Helper()
	grant, err := json.Marshal(map[string]any{"resource_type": "audience", "resource_id": audience, "actions": []string{"issue"}})
	if err != nil {
		t.Fatal(err)
	}
	r.lab.server.administrator(r.home).run(t, "auth", "trust-relationships", "add", "--issuer", r.lab.cluster.server.URL,
		"--subject-match", account, "--grant", string(grant), "--default-token-duration", "3600s")
}

// subject returns whom the workload's tokens are about.
func (w workload) subject(t *testing.T) string {
	t.Helper()
	var caller struct {
		Subject string `json:"subject"`
	}
	if err := json.Unmarshal([]byte(w.cli.run(t, "auth", "whoami", "-o", "json")), &caller); err != nil {
		t.Fatal(err)
	}
	return caller.Subject
}

// issue returns an ID token.
func (w workload) issue(t *testing.T, audience string, flags ...string) string {
	t.Helper()
	printed := w.cli.run(t, append([]string{"auth", "issue-id-token", "--audience", audience}, flags...)...)
	return strings.TrimSuffix(printed, "\n")
}

// signedInUntil returns when the sign-in ends, which no token that it issues outlives (rule 5).
func (w workload) signedInUntil(t *testing.T) time.Time {
	t.Helper()
	var caller struct {
		ExpiresAt time.Time `json:"expires_at"`
	}
	if err := json.Unmarshal([]byte(w.cli.run(t, "auth", "whoami", "-o", "json")), &caller); err != nil {
		t.Fatal(err)
	}
	return caller.ExpiresAt
}

// bearer returns the workload's access token, which is for its workspace.
func (w workload) bearer(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(w.home, ".config", "ns", "token.json"))
	if err != nil {
		t.Fatal(err)
	}
	var stored struct {
		Bearer string `json:"bearer_token"`
	}
	if err := json.Unmarshal(text, &stored); err != nil {
		t.Fatal(err)
	}
	return stored.Bearer
}

// become gives the test the workload's environment, because a client that runs a program passes on its own, with the
// variables of a block of the guide and without any of the machine's that the client would read.
func (r *reader) become(t *testing.T, w workload, block string) {
	t.Helper()
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		for _, cloud := range []string{"AWS_", "AZURE_", "GOOGLE_", "NSC_"} {
			if strings.HasPrefix(name, cloud) {
				t.Setenv(name, "") // so that it is restored
				_ = os.Unsetenv(name)
			}
		}
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", r.block(t, block)+"\nenv")
	cmd.Env = w.cli.env
	printed, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for variable := range strings.Lines(string(printed)) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(variable, "\n"), "="); ok && name != "PWD" && name != "_" {
			t.Setenv(name, value)
		}
	}
}
