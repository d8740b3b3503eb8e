package interop

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

// A server is a running `nsc dev` with its administrator's command line and token.
type server struct {
	process *process
	client  *http.Client // trusts the server's certificate
	caFile  string       // "" where it serves plain HTTP
	admin   commandLine
	bearer  string // of the administrator, from token.json
	dev     workspace
	other   workspace
	made    atomic.Int64 // workspaces
}

// startServer starts `nsc dev` in a folder of its own, takes over what it leaves for its user, and gives the development
// workspace a third key and the server a second workspace.
func startServer(ctx context.Context, binary, dir, name string, flags ...string) (*server, error) {
	s := &server{client: &http.Client{Timeout: time.Minute}}
	home, data := filepath.Join(dir, name+"-home"), filepath.Join(dir, name+"-data")
	if err := os.Mkdir(home, 0o700); err != nil {
		return nil, err
	}
	flags = append([]string{"dev", "--listen", "127.0.0.1:0", "--data-dir", data}, flags...)
	if err := s.run(ctx, binary, flags, "HOME="+home, "NSC_KEY_PUBLISH_AHEAD="+publishAhead.String()); err != nil {
		return nil, err
	}
	err := s.signIn(ctx, binary, data, home)
	if err == nil {
		err = s.furnish(ctx)
	}
	if err != nil {
		s.process.stop()
		return nil, fmt.Errorf("%w; the server's last words:\n%s", err, s.process.talk.last())
	}
	return s, nil
}

func (s *server) run(ctx context.Context, binary string, arguments []string, env ...string) error {
	var ready <-chan struct{}
	process, err := start(binary, arguments, func(cmd *exec.Cmd) error {
		cmd.Env = env
		ready = cmd.Stderr.(*talk).says("ready at ")
		return nil
	})
	if err != nil {
		return err
	}
	s.process = process
	select {
	case <-ready:
		return nil
	case <-process.ended:
		return fmt.Errorf("nsc dev has ended:\n%s", process.talk.last())
	case <-ctx.Done():
		process.stop()
		return fmt.Errorf("nsc dev is not ready (%w):\n%s", ctx.Err(), process.talk.last())
	}
}

// signIn reads dev.env as a shell would, token.json, and ca.pem where there is one.
func (s *server) signIn(ctx context.Context, binary, data, home string) error {
	file := filepath.Join(data, "dev.env")
	variables, err := exec.CommandContext(ctx, "env", "-i", "sh", "-c", `. "$1" && env`, "sh", file).Output()
	if err != nil {
		return fmt.Errorf("read dev.env: %w", err)
	}
	s.admin = commandLine{path: binary, env: append(strings.Fields(string(variables)), "HOME="+home)}
	for _, variable := range s.admin.env {
		if file, ok := strings.CutPrefix(variable, "NSC_CA_FILE="); ok {
			s.caFile = file
		}
	}
	if err := s.trustCertificate(); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(data, "token.json"))
	if err != nil {
		return err
	}
	var stored struct {
		Bearer string `json:"bearer_token"`
	}
	err = json.Unmarshal(text, &stored)
	s.bearer = stored.Bearer
	return err
}

func (s *server) trustCertificate() error {
	if s.caFile == "" {
		return nil
	}
	text, err := os.ReadFile(s.caFile)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return fmt.Errorf("%s holds no certificate", s.caFile)
	}
	s.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	return nil
}

func (s *server) furnish(ctx context.Context) error {
	if _, err := s.admin.output(ctx, "keys", "rotate", "--alg", "EdDSA"); err != nil {
		return err
	}
	var err error
	if s.dev, err = s.describe(ctx, "workspace", "describe"); err != nil {
		return err
	}
	if s.other, err = s.describe(ctx, "workspace", "create", "other"); err != nil {
		return err
	}
	return waitFor(ctx, func() error { // until the third key signs
		_, err := s.admin.output(ctx, "auth", "issue-id-token", "--audience", "anybody", "--alg", "EdDSA")
		return err
	})
}

// describe runs a command that prints a workspace.
func (s *server) describe(ctx context.Context, arguments ...string) (workspace, error) {
	w := workspace{server: s}
	printed, err := s.admin.output(ctx, append(arguments, "-o", "json")...)
	if err != nil {
		return w, err
	}
	return w, json.Unmarshal([]byte(printed), &w)
}

// newWorkspace creates a workspace of the test's own.
func (s *server) newWorkspace(t *testing.T) workspace {
	t.Helper()
	w, err := s.describe(t.Context(), "workspace", "create", fmt.Sprintf("test-%d", s.made.Add(1)))
	if err != nil {
		t.Fatal(err)
	}
	return w
}
