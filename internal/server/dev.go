package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
)

// devWorkspace is the workspace that nsc dev makes.
const devWorkspace = "dev"

// announceDev makes the administrator of nsc dev, writes his credential and dev.env, and says what to try.
func (n *node) announceDev(ctx, background context.Context, talk io.Writer) error {
	token, err := n.signInDev(ctx)
	if err != nil {
		return err
	}
	env, err := n.writeDevEnv()
	if err != nil {
		return err
	}
	n.work.Go(func() { n.keepDevSignedIn(background, token) })
	fmt.Fprintf(talk, `nsc dev is ready at %s (workspace %s, data in %s)

Try in another terminal:

  . %s
  nsc auth whoami
  nsc auth issue-id-token --audience https://your-service.example.com
  nsc auth trust-relationships add --help
  nsc audit search

Stop with Ctrl-C.
`, n.baseURL, devWorkspace, n.config.DataDir, env)
	return nil
}

func (n *node) devToken() string { return filepath.Join(n.config.DataDir, "token.json") }

func (n *node) signInDev(ctx context.Context) (token string, err error) {
	result, err := n.parts.bootstrap(ctx, BootstrapRequest{Workspace: devWorkspace})
	if err != nil {
		return "", fmt.Errorf("the administrator of nsc dev: %w", err)
	}
	credential, err := json.Marshal(map[string]string{"bearer_token": result.BearerToken, "session_token": ""})
	if err != nil {
		return "", err
	}
	return result.BearerToken, replaceFile(n.devToken(), append(credential, '\n'), 0o600)
}

// keepDevSignedIn writes a new credential long before the old one ends, and where the old one was cut off, as by the
// removal of its key.
func (n *node) keepDevSignedIn(ctx context.Context, token string) {
	renewAt := time.Now().Add(adminSession / 4)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		_, _, err := n.parts.tokens.Authenticate(ctx, devWorkspace, token)
		if time.Now().Before(renewAt) && !fault.Is(err, fault.Unauthenticated) {
			continue
		}
		renewed, err := n.signInDev(ctx)
		if err != nil {
			n.log.Error("the credential of nsc dev could not be renewed", "error", err)
			continue
		}
		token, renewAt = renewed, time.Now().Add(adminSession/4)
	}
}

// writeDevEnv writes what a shell sources to use this server, and returns the file.
func (n *node) writeDevEnv() (string, error) {
	dir, err := filepath.Abs(n.config.DataDir)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	line := func(name, value string) {
		fmt.Fprintf(&b, "export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
	}
	line("NSC_URL", n.baseURL)
	line("NSC_WORKSPACE", devWorkspace)
	line("NSC_TOKEN_FILE", filepath.Join(dir, "token.json"))
	if n.config.TLSSelfSigned {
		line("NSC_CA_FILE", filepath.Join(dir, "ca.pem"))
	}
	path := filepath.Join(dir, "dev.env")
	return path, replaceFile(path, []byte(b.String()), 0o600)
}
