package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/credentials"
	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/jwt"
)

type exchangeOptions struct {
	token    tokenFlags
	trust    string
	duration duration
}

func (p *program) exchangeCommand() *cobra.Command {
	var o exchangeOptions
	cmd := &cobra.Command{
		Use: "exchange-oidc-token (--token TOKEN | --token-file FILE)", Short: "Sign in with another issuer's token",
		Long: `Exchange another issuer's OIDC token (a Kubernetes service account's, a CI job's, a cloud identity's) for a short-lived token of the workspace, if one of its trust relationships says so. Prints the workspace's name; later commands use the sign-in by themselves.

The token's audience says which workspace. Where it does not, name it: --workspace.`,
		Example: `nsc auth exchange-oidc-token --token-file /var/run/secrets/tokens/nsc
get-token | nsc auth exchange-oidc-token --token - --workspace prod`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.exchange(cmd.Context(), o) },
	}
	o.token.bind(cmd)
	cmd.Flags().StringVar(&o.trust, "trust", "", "`ID` of the one trust relationship to use (default: all that match)")
	cmd.Flags().Var(&o.duration, "duration", "how long to be signed in (default: what the trust says)")
	return cmd
}

// signedInTo is what exchange-oidc-token prints as JSON.
type signedInTo struct {
	Workspace   string    `json:"workspace"`
	WorkspaceID string    `json:"workspace_id,omitempty"`
	Issuer      string    `json:"issuer"`
	Subject     string    `json:"subject"`
	ExpiresAt   time.Time `json:"expires_at"`
	File        string    `json:"file"`
}

func (p *program) exchange(ctx context.Context, o exchangeOptions) error {
	if !o.token.given() {
		return missingFlag("the token", "give it: --token-file FILE, or --token - to read it from standard input")
	}
	path, err := p.store.Path(p.flags.keychain, p.workspaceName())
	if err != nil {
		return err
	}
	token, err := o.token.read(p.stdin)
	if err != nil {
		return err
	}
	client, err := p.issuingServer(token)
	if err != nil {
		return err
	}
	answer, err := client.SignIn(ctx, p.workspaceName(), api.SignInRequest{
		Token: token, Trust: o.trust, Duration: time.Duration(o.duration),
	})
	if err != nil {
		return p.exchangeFailure(err, o.token)
	}
	c, err := p.accept(client, answer.AccessToken)
	if err != nil {
		return err
	}
	return p.keep(c, answer.WorkspaceID, path)
}

// keep stores a sign-in, and says what became of it.
func (p *program) keep(c credentials.Credential, workspaceID, path string) error {
	if err := credentials.Save(path, credentials.Stored{BearerToken: c.BearerToken, SessionToken: c.SessionToken}); err != nil {
		return err
	}
	p.say("signed in to %s at %s until %s", c.Workspace, c.Base, p.when(c.ExpiresAt))
	if file, named := p.store.Shadow(p.flags.keychain, path); file != "" {
		p.warn("later commands will use %s (%s) instead of this sign-in in %s", file, named, path)
	}
	return p.print(signedInTo{c.Workspace, workspaceID, c.Issuer, c.Subject, c.ExpiresAt.UTC(), path},
		func(w io.Writer) { fmt.Fprintln(w, c.Workspace) })
}

// issuingServer returns a client of the server that the token is shown to: the one that was named, else the one that the
// token's own audience names, else the one that the user is signed in to. The token is for that server in each case; a
// guess would show it to whoever listens there.
func (p *program) issuingServer(token string) (*api.Client, error) {
	if p.serverURL() == "" {
		if base, ok := serverOfAudience(token); ok {
			return p.client(base)
		}
	}
	return p.anyone()
}

// serverOfAudience returns the server whose workspace the token's audience names, where it names exactly one.
func serverOfAudience(token string) (string, bool) {
	t, err := jwt.Parse(token)
	if err != nil {
		return "", false
	}
	found := ""
	for _, audience := range t.Claims.Audience {
		base, _, ok := credentials.SplitIssuer(audience)
		if _, err := api.CheckBase(base); !ok || err != nil {
			continue
		}
		if found != "" && found != base {
			return "", false
		}
		found = base
	}
	return found, found != ""
}

// exchangeFailure says how to look into a token that was refused.
func (p *program) exchangeFailure(err error, flags tokenFlags) error {
	var r *api.Refusal
	if !errors.As(err, &r) || !strings.HasPrefix(r.Code, "token_") {
		return err
	}
	f := failure.From(err)
	look := "look at the token: nsc auth inspect " + flags.again()
	if name := p.workspaceName(); name != "" {
		look += " --workspace " + name
	}
	return failure.Wrap(f.Status, err, f.What, look)
}
