package clouds

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// publishAhead shortens the day for which a new key is published before it signs, so that a test can see it sign.
const publishAhead = 2 * time.Second

// A server is a running `nsc dev` with its administrator's command line. It serves HTTPS, as all clouds demand of an
// issuer.
type server struct {
	process *process
	client  *http.Client // trusts the server's certificate
	roots   string       // the certificate's authority, PEM
	caFile  string       // that holds it
	admin   commandLine
	made    atomic.Int64 // workspaces
}

func startServer(ctx context.Context, binary, dir string) (*server, error) {
	home, data := filepath.Join(dir, "admin"), filepath.Join(dir, "data")
	if err := os.Mkdir(home, 0o700); err != nil {
		return nil, err
	}
	s := &server{}
	var err error
	s.process, err = start(ctx, "ready at ", []string{"HOME=" + home, "NSC_KEY_PUBLISH_AHEAD=" + publishAhead.String()},
		binary, "dev", "--listen", "127.0.0.1:0", "--data-dir", data, "--tls-self-signed")
	if err != nil {
		return nil, err
	}
	if err := s.signIn(ctx, binary, data, home); err != nil {
		s.process.stop()
		return nil, fmt.Errorf("%w; the server's last words:\n%s", err, s.process.said.last())
	}
	return s, nil
}

// signIn reads dev.env as a shell would, and the certificate authority that it names.
func (s *server) signIn(ctx context.Context, binary, data, home string) error {
	variables, err := exec.CommandContext(ctx, "env", "-i", "sh", "-c", `. "$1" && env`, "sh", filepath.Join(data, "dev.env")).Output()
	if err != nil {
		return fmt.Errorf("read dev.env: %w", err)
	}
	s.admin = commandLine{binary, append(strings.Fields(string(variables)), "HOME="+home)}
	for _, variable := range s.admin.env {
		if file, ok := strings.CutPrefix(variable, "NSC_CA_FILE="); ok {
			s.caFile = file
		}
	}
	roots, err := os.ReadFile(s.caFile)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(roots) {
		return fmt.Errorf("%s holds no certificate", s.caFile)
	}
	s.roots = string(roots)
	s.client = &http.Client{
		Timeout:   time.Minute,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true},
	}
	return nil
}

// A workspace is one issuer of the server.
type workspace struct {
	Name   string `json:"name"`
	ID     string `json:"id"`
	Issuer string `json:"issuer"`
}

// newWorkspace creates a workspace of the test's own.
func (s *server) newWorkspace(t *testing.T) workspace {
	t.Helper()
	var w workspace
	printed := s.admin.run(t, "workspace", "create", fmt.Sprintf("test-%d", s.made.Add(1)), "-o", "json")
	if err := json.Unmarshal([]byte(printed), &w); err != nil {
		t.Fatal(err)
	}
	return w
}

// administrator is the command line of the workspace's administrator.
func (s *server) administrator(w workspace) commandLine {
	return s.admin.with("NSC_WORKSPACE=" + w.Name)
}
