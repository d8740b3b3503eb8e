package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
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
	if err := p.store.CheckTarget(path); err != nil {
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
		return p.exchangeFailure(err, o.token, token)
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
// guess would show it to whoever listens there. Where neither server nor workspace is known, no server could help.
func (p *program) issuingServer(token string) (*api.Client, error) {
	if p.serverURL() != "" {
		return p.anyone()
	}
	if base, _, ok := namedByAudience(token); ok {
		return p.client(base)
	}
	if _, err := p.store.Find(p.flags.keychain, p.workspaceName()); err != nil && p.workspaceName() == "" {
		return nil, failure.Misuse("it is not said which workspace to sign in to: the token's audience names none",
			"name the workspace: --workspace NAME (or export NSC_WORKSPACE=NAME), and its server: --url URL (or NSC_URL)")
	}
	return p.anyone()
}

// namedByAudience returns the server whose workspaces the token's audience names, where it names exactly one, and the
// workspaces.
func namedByAudience(token string) (base string, workspaces []string, ok bool) {
	t, err := jwt.Parse(token)
	if err != nil {
		return "", nil, false
	}
	for _, audience := range t.Claims.Audience {
		server, workspace, ok := credentials.SplitIssuer(audience)
		if _, err := api.CheckBase(server); !ok || err != nil {
			continue
		}
		if base != "" && base != server {
			return "", nil, false
		}
		base, workspaces = server, append(workspaces, workspace)
	}
	return base, workspaces, base != ""
}

// exchangeFailure says how to look into a token that was refused, and where it is plain why: that it is for another
// workspace than the one that was named, perhaps long ago in the environment.
func (p *program) exchangeFailure(err error, flags tokenFlags, token string) error {
	var r *api.Refusal
	if !errors.As(err, &r) || !strings.HasPrefix(r.Code, "token_") && r.Code != "not_found" {
		return err
	}
	f, name := failure.From(err), p.workspaceName()
	if _, meant, _ := namedByAudience(token); name != "" && len(meant) > 0 && !slices.Contains(meant, name) {
		by := "NSC_WORKSPACE"
		if p.flags.workspace != "" {
			by = "--workspace"
		}
		return failure.Wrap(f.Status, err, f.What, fmt.Sprintf("the token's audience names the workspace %s, while %s was named by %s: leave that out, or name %s",
			strings.Join(meant, " or "), name, by, meant[0]))
	}
	if r.Code == "not_found" {
		return err
	}
	look := "look at the token: nsc auth inspect " + flags.again()
	if name != "" {
		look += " --workspace " + name
	}
	return failure.Wrap(f.Status, err, f.What, look)
}
