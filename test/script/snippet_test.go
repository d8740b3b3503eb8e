package script

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// service is the address of the services that the README shows.
const service = "127.0.0.1:9000"

// The services of the README let in who has an ID token for them, and nobody else.
func TestReadmeServiceInGo(t *testing.T) {
	p, free := onFreePorts(t, readPage(t, "README.md"))
	r := newReader(t)
	source := filepath.Join(r.dir, "main.go")
	writeFile(t, source, p.of("go")[0].text)
	// The module of test/interop has go-oidc; this one does without.
	cmd := exec.Command("go", "build", "-o", filepath.Join(r.dir, "service"), source)
	cmd.Dir = filepath.Join(repository, "test", "interop")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	r.wantGuarded(t, free, exec.Command(filepath.Join(r.dir, "service")))
}

func TestReadmeServiceInNode(t *testing.T) {
	require(t, "node", "npm")
	p, free := onFreePorts(t, readPage(t, "README.md"))
	port := strings.TrimPrefix(freeAddress(t), "127.0.0.1:")
	free[service] = "127.0.0.1:" + port
	r := newReader(t)
	source := filepath.Join(r.dir, "service.mjs")
	text := p.of("js")[0].text
	if !strings.Contains(text, ".listen(9000, '127.0.0.1')") {
		t.Fatal("the service does not listen on " + service)
	}
	writeFile(t, source, strings.ReplaceAll(text, "9000", port))
	if err := os.Symlink(installJose(t), filepath.Join(r.dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	r.wantGuarded(t, free, exec.Command("node", source))
}

// wantGuarded runs a service beside nsc and calls it with several tokens.
func (r reader) wantGuarded(t *testing.T, free map[string]string, cmd *exec.Cmd) {
	t.Helper()
	r.runs(t, "dev", "--data-dir", ".dev", "--listen", free["127.0.0.1:8740"])
	p, err := start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.stop(syscall.SIGTERM) }) // it has no way to end but a signal
	for _, c := range []struct {
		name, audience string
		status         int
		body           string
	}{
		{"for it", "https://your-service.example.com", http.StatusOK, "hello workspace/"},
		{"for another", "https://other.example.com", http.StatusUnauthorized, "who are you?"},
		{"none", "", http.StatusUnauthorized, "who are you?"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+free[service]+"/api/resource", nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.audience != "" {
			request.Header.Set("Authorization", "Bearer "+r.idToken(t, c.audience))
		}
		if status, body := p.answer(t, request); status != c.status || !strings.HasPrefix(body, c.body) {
			t.Errorf("%s: %d %s", c.name, status, body)
		}
	}
}

func (r reader) idToken(t *testing.T, audience string) string {
	t.Helper()
	cmd := exec.Command("bash", "-c", `. .dev/dev.env && bin/nsc auth issue-id-token --audience "$0"`, audience)
	cmd.Dir, cmd.Env = r.dir, r.env()
	token, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(token))
}

// answer sends a request to a service, which may still be starting.
func (p *process) answer(t *testing.T, request *http.Request) (int, string) {
	t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	late := time.After(readyWithin)
	for {
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			return response.StatusCode, string(body)
		}
		select {
		case <-again.C:
		case <-p.ended:
			t.Fatalf("the service has ended: %v\n%s", p.err, p.talk)
		case <-late:
			t.Fatalf("the service does not answer: %v\n%s", err, p.talk)
		}
	}
}

// installJose returns a node_modules folder with the packages of test/interop, which are kept between runs.
func installJose(t *testing.T) string {
	t.Helper()
	from := filepath.Join(repository, "test", "interop", "js")
	lock, err := os.ReadFile(filepath.Join(from, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(lock)
	installed := filepath.Join(cache, "nsc-test", "interop-"+hex.EncodeToString(sum[:8]))
	if _, err := os.Stat(installed); err == nil {
		return filepath.Join(installed, "node_modules")
	}
	if err := os.MkdirAll(filepath.Dir(installed), 0o755); err != nil {
		t.Fatal(err)
	}
	unfinished, err := os.MkdirTemp(filepath.Dir(installed), "unfinished-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(unfinished)
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(unfinished, name), string(text))
	}
	cmd := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = unfinished
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, output)
	}
	if err := os.Rename(unfinished, installed); err != nil && !errors.Is(err, os.ErrExist) { // another run was first
		t.Fatal(err)
	}
	return filepath.Join(installed, "node_modules")
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
