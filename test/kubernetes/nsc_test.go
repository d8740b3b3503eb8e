package kubernetes

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An nscServer is a running `nsc dev`.
type nscServer struct {
	ca     string // PEM
	client *http.Client
	cli    program // without credentials
	admin  program // the CLI as the development workspace's administrator
}

// A workspace is one issuer of the server.
type workspace struct {
	Name   string `json:"name"`
	Issuer string `json:"issuer"`
}

func (l *lab) startNSC(ctx context.Context, binary string) (*nscServer, error) {
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	home, err := l.folder("nsc-home")
	if err != nil {
		return nil, err
	}
	data := filepath.Join(l.dir, "nsc-data")
	cmd := exec.Command(binary, "dev", "--listen", "127.0.0.1:"+ports[0], "--data-dir", data, "--tls-self-signed")
	cmd.Env = []string{"HOME=" + home}
	server, err := l.start("nsc", cmd)
	if err != nil {
		return nil, err
	}
	if err := server.waitUntil(ctx, func(context.Context) error { return saysReady(server.log) }); err != nil {
		return nil, err
	}
	return l.signInAsAdmin(ctx, binary, data)
}

// saysReady looks for the line by which nsc says that it serves.
func saysReady(log string) error {
	output, err := os.ReadFile(log)
	if err == nil && !strings.Contains(string(output), "ready") {
		err = errors.New("not ready yet")
	}
	return err
}

// signInAsAdmin takes over what `nsc dev` leaves for its user: the CA and the shell variables.
func (l *lab) signInAsAdmin(ctx context.Context, binary, data string) (*nscServer, error) {
	caFile := filepath.Join(data, "ca.pem")
	ca, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s holds no certificate", caFile)
	}
	variables, err := exec.CommandContext(ctx, "env", "-i", "sh", "-c", `. "$1" && env`, "sh", filepath.Join(data, "dev.env")).Output()
	if err != nil {
		return nil, fmt.Errorf("read dev.env: %w", err)
	}
	var everyone, admin []string
	for variable := range strings.Lines(string(variables)) {
		variable = strings.TrimSpace(variable)
		switch name, _, _ := strings.Cut(variable, "="); name {
		case "NSC_URL":
			everyone = append(everyone, variable)
		case "NSC_WORKSPACE", "NSC_TOKEN_FILE":
			admin = append(admin, variable)
		}
	}
	home, err := l.folder("admin-home")
	if err != nil {
		return nil, err
	}
	everyone = append(everyone, "NSC_CA_FILE="+caFile)
	cli := program{path: binary, env: everyone}
	return &nscServer{
		ca:     string(ca),
		client: httpsClient(pool),
		cli:    cli,
		admin:  cli.withEnv(append(admin, "HOME="+home)...),
	}, nil
}

// signedOut is the CLI of somebody who has no credentials yet, in a home of his own.
func (s *nscServer) signedOut(t *testing.T) program {
	t.Helper()
	return s.cli.withEnv("HOME=" + t.TempDir())
}

// createWorkspace makes a workspace beside the development workspace.
func (s *nscServer) createWorkspace(ctx context.Context, name string) (workspace, error) {
	if _, err := s.admin.output(ctx, "workspace", "create", name); err != nil {
		return workspace{}, err
	}
	return s.describe(ctx, "--workspace", name)
}

func (s *nscServer) describe(ctx context.Context, flags ...string) (workspace, error) {
	var w workspace
	printed, err := s.admin.output(ctx, append([]string{"workspace", "describe", "-o", "json"}, flags...)...)
	if err != nil {
		return w, err
	}
	return w, json.Unmarshal([]byte(printed), &w)
}

// trust lets the cluster's deployer in. The tests differ in the workspace and in where it finds the cluster's keys.
func (s *nscServer) trust(ctx context.Context, w workspace, issuer string, keys ...string) error {
	_, err := s.admin.output(ctx, append([]string{"auth", "trust-relationships", "add", "--workspace", w.Name,
		"--issuer", issuer,
		"--subject-match", "system:serviceaccount:apps:deployer",
		"--condition", `claims["kubernetes.io"].serviceaccount.name == "deployer"`,
		"--map", `groups=[claims["kubernetes.io"].namespace]`,
		"--grant", `{"resource_type":"audience","resource_id":"kubernetes","actions":["issue"]}`,
		"--grant", `{"resource_type":"audience","resource_id":"vault","actions":["issue"]}`,
		"--default_token_duration", "3600s"}, keys...)...)
	return err
}

// trustPublished has nsc fetch the cluster's keys by discovery.
func (s *nscServer) trustPublished(ctx context.Context, w workspace, c *cluster) error {
	return s.trust(ctx, w, c.url, "--issuer-ca-file", c.ca.file())
}

// trustUploaded gives nsc the cluster's keys, as for a cluster that nobody can reach.
func (s *nscServer) trustUploaded(ctx context.Context, w workspace, c *cluster, file string) error {
	keys, err := c.admin.output(ctx, "get", "--raw", "/openid/v1/jwks")
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(keys), 0o600); err != nil {
		return err
	}
	return s.trust(ctx, w, c.url, "--jwks-file", file, "--jwks-not-after", time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}
