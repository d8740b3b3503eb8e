package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
)

// devWorkspace is the workspace that nsc dev makes.
const devWorkspace = "dev"

// devHosts returns the Host headers that nsc dev answers to (rule 36): the base URL's, first, and those of the address that it
// listens on. nsc server answers to all.
func (n *node) devHosts(listening net.Addr) []string {
	if !n.config.Dev {
		return nil
	}
	_, port, _ := net.SplitHostPort(listening.String()) // an address that we listen on
	var hosts []string
	for _, host := range ownHosts(n.baseURL) {
		hosts = append(hosts, net.JoinHostPort(host, port))
	}
	if u, err := url.Parse(n.baseURL); err == nil {
		hosts = leading(u.Host, hosts) // a proxy before it may have another port, or the scheme's own, which is not named
	}
	return hosts
}

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
`, n.baseURL, devWorkspace, n.config.DataDir, asWord(env))
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
		fmt.Fprintf(&b, "export %s=%s\n", name, quoted(value))
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

// quoted returns a text as a shell reads it back.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// asWord returns a path as it can be pasted into a shell, quoted where it must be.
func asWord(path string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+,:@%", r)
	}
	if strings.IndexFunc(path, func(r rune) bool { return !plain(r) }) < 0 {
		return path
	}
	return quoted(path)
}
